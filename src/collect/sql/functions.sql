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
    l.lanname::text AS language,
    -- Input arguments only; modes and names count the output columns too.
    COALESCE(CASE WHEN p.proargmodes IS NULL THEN p.proargnames::text[]
                  ELSE ARRAY(SELECT COALESCE(p.proargnames[m.n], '')
                             FROM unnest(p.proargmodes) WITH ORDINALITY AS m (mode, n)
                             WHERE m.mode IN ('i', 'b', 'v') ORDER BY m.n)
             END, '{}') AS argument_names,
    ARRAY(SELECT d FROM (
              SELECT n, pg_get_function_arg_default(p.oid, n::int) AS d
              FROM generate_series(1, COALESCE(cardinality(p.proallargtypes), p.pronargs)) AS n
              WHERE p.pronargdefaults > 0) AS given
          WHERE d IS NOT NULL ORDER BY n) AS argument_defaults,
    CASE WHEN p.provariadic <> 0 THEN format_type(p.provariadic, NULL) END AS variadic,
    ARRAY(SELECT COALESCE(p.proargnames[m.n], '')
          FROM unnest(p.proargmodes) WITH ORDINALITY AS m (mode, n) WHERE m.mode IN ('o', 'b', 't') ORDER BY m.n)
        AS column_names,
    ARRAY(SELECT format_type(p.proallargtypes[m.n], NULL)
          FROM unnest(p.proargmodes) WITH ORDINALITY AS m (mode, n) WHERE m.mode IN ('o', 'b', 't') ORDER BY m.n)
        AS column_types,
    a.aggkind::text AS aggregate_kind,
    a.aggnumdirectargs AS direct_arguments,
    format_type(a.aggtranstype, NULL) AS transition_type,
    a.aggtransspace AS transition_bytes,
    a.aggtransfn::oid::regprocedure::text AS transition_function,
    NULLIF(a.aggfinalfn::oid, 0)::regprocedure::text AS final_function,
    NULLIF(a.aggcombinefn::oid, 0)::regprocedure::text AS combine_function,
    NULLIF(a.aggserialfn::oid, 0)::regprocedure::text AS serial_function,
    NULLIF(a.aggdeserialfn::oid, 0)::regprocedure::text AS deserial_function,
    NULLIF(a.aggsortop, 0)::regoperator::text AS sort_operator
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_aggregate AS a ON a.aggfnoid = p.oid
WHERE p.prokind <> 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C"
