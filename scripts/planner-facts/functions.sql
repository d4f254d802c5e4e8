-- key: oid
SELECT p.oid, p.proname, p.proargtypes, p.provariadic, p.prorettype, p.procost, p.prorows,
       concat(CASE WHEN p.proretset THEN 'r' END, CASE WHEN p.proisstrict THEN 's' END, CASE WHEN p.proparallel = 's' THEN 'p' END),
       p.provolatile, p.prokind, replace(p.prosupport::text, '-', ''),
       -- Names of the input arguments, for calls that name them: only where some have defaults.
       CASE WHEN p.pronargdefaults > 0 THEN array_to_string(p.proargnames[1:p.pronargs], ',') ELSE '' END,
       coalesce((SELECT string_agg(pg_get_function_arg_default(p.oid, i), ';' ORDER BY i)
                 FROM generate_series(p.pronargs - p.pronargdefaults + 1, p.pronargs) i WHERE p.pronargdefaults > 0), ''),
       coalesce((SELECT string_agg(p.proargnames[i] || ':' || p.proallargtypes[i], ',' ORDER BY i)
                 FROM generate_subscripts(p.proallargtypes, 1) i WHERE p.proargmodes[i] IN ('o', 'b', 't')), ''),
       CASE WHEN a.aggfnoid IS NOT NULL THEN concat_ws(' ', a.aggtranstype, a.aggtransfn::oid, a.aggfinalfn::oid, a.aggcombinefn::oid, a.aggserialfn::oid, a.aggdeserialfn::oid,
                 a.aggtransspace, a.aggsortop, a.aggkind, a.aggnumdirectargs, coalesce(a.agginitval IS NULL, true)::int) ELSE '' END
FROM pg_proc p LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
WHERE p.oid < 10000 AND p.prokind <> 'p'
  AND (NOT (2281 = ANY (p.proargtypes) OR 2275 = ANY (p.proargtypes) OR p.prorettype IN (2275, 2281, 2279, 3838))
       OR EXISTS (SELECT FROM pg_aggregate b WHERE p.oid IN (b.aggfnoid, b.aggtransfn, b.aggfinalfn, b.aggcombinefn, b.aggserialfn, b.aggdeserialfn)))
ORDER BY p.oid
