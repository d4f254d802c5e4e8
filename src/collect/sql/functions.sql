SELECT /* pgwise */
    n.nspname::text AS schema,
    p.proname::text AS name,
    pg_get_function_identity_arguments(p.oid) AS arguments,
    p.provolatile::text AS volatility,
    p.prokind::text AS kind,
    ARRAY(SELECT format_type(a.oid, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (oid, n) ORDER BY a.n)
        AS argument_types,
    format_type(p.prorettype, NULL) AS returns,
    p.proretset AS returns_set,
    p.proisstrict AS strict,
    p.proleakproof AS leakproof,
    p.proparallel::text AS parallel,
    p.procost::float8 AS cost,
    p.prorows::float8 AS rows,
    (SELECT format('%I.%I', sn.nspname, sp.proname)
     FROM pg_catalog.pg_proc AS sp JOIN pg_catalog.pg_namespace AS sn ON sn.oid = sp.pronamespace
     WHERE sp.oid = p.prosupport) AS support,
    l.lanname::text AS language
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE p.prokind <> 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C"
