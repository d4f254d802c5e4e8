-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    c.oid,
    n.nspname::text AS schema,
    c.relname::text AS name,
    pg_get_userbyid(c.relowner)::text AS owner,
    c.relkind::text AS kind,
    c.relpersistence::text AS persistence,
    c.reltuples::float8 AS reltuples,
    c.relpages,
    c.relallvisible,
    -- 18 and later.
    (to_jsonb(c) ->> 'relallfrozen')::int4 AS relallfrozen,
    coalesce(c.reloptions, '{}') AS options,
    (SELECT ts.spcname::text FROM pg_catalog.pg_tablespace AS ts WHERE ts.oid = c.reltablespace) AS tablespace,
    fs.srvname::text AS foreign_server,
    fw.fdwname::text AS foreign_wrapper,
    -- The table's own, and of its server's the one that has the remote server asked for estimates.
    ARRAY(SELECT o FROM (SELECT unnest(ft.ftoptions)
                         UNION ALL
                         SELECT s FROM unnest(fs.srvoptions) AS s
                         WHERE split_part(s, '=', 1) = 'use_remote_estimate'
                           AND NOT EXISTS (SELECT FROM unnest(ft.ftoptions) AS t
                                           WHERE split_part(t, '=', 1) = 'use_remote_estimate')) AS options (o)
          WHERE split_part(o, '=', 1) !~* 'pass|user|secret|token|key|credential' ORDER BY o COLLATE "C") AS foreign_options,
    c.relrowsecurity AS row_security,
    c.relreplident::text AS replica_identity,
    CASE WHEN c.relkind = 'p' AND $3 AND c.oid <> ALL ($2) THEN pg_get_partkeydef(c.oid) END AS partition_key,
    c.relispartition AS is_partition,
    CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid END AS partition_root,
    -- A bound has no columns, so that it is printed without naming the table, and without locking it.
    CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, 0) END AS partition_bound,
    ARRAY(SELECT i.inhparent FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
    has_schema_privilege(n.oid, 'USAGE')
        AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')) AS readable
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_foreign_table AS ft ON ft.ftrelid = c.oid
LEFT JOIN pg_catalog.pg_foreign_server AS fs ON fs.oid = ft.ftserver
LEFT JOIN pg_catalog.pg_foreign_data_wrapper AS fw ON fw.oid = fs.srvfdw
WHERE c.relkind IN ('r', 'p', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS x
                  WHERE x.classid = 'pg_catalog.pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
ORDER BY c.oid
