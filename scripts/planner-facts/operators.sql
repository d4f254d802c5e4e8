-- key: oid
SELECT oid, oprname, oprleft, oprright, oprresult, oprcom, oprnegate, oprcode::oid, replace(oprrest::text, '-', ''), replace(oprjoin::text, '-', ''),
       oprcanmerge::int, oprcanhash::int
FROM pg_operator WHERE oid < 10000 ORDER BY oid
