-- key: family, types, strategy and purpose
SELECT concat_ws('/', o.amopfamily, o.amoplefttype, o.amoprighttype, o.amopstrategy, o.amoppurpose),
       o.amopfamily, a.amname, o.amopstrategy, o.amoplefttype, o.amoprighttype, o.amopopr, o.amoppurpose
FROM pg_amop o JOIN pg_am a ON a.oid = o.amopmethod
ORDER BY o.amopfamily, o.amoplefttype, o.amoprighttype, o.amopstrategy, o.amoppurpose
