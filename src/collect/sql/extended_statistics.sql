-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    s.oid,
    n.nspname::text AS schema,
    s.stxname::text AS name,
    s.stxrelid AS "table",
    s.stxkeys::int2[] AS columns,
    s.stxkind::text[] AS kinds,
    CASE WHEN $3 AND s.stxrelid <> ALL ($2)
         THEN coalesce(pg_get_statisticsobjdef_expressions(s.oid), '{}') ELSE '{}'
    END AS expressions,
    -- NULL from 17 on, -1 before, where nothing is set.
    nullif(s.stxstattarget::int4, -1) AS statistics_target
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
JOIN pg_catalog.pg_class AS c ON c.oid = s.stxrelid
JOIN pg_catalog.pg_namespace AS cn ON cn.oid = c.relnamespace
WHERE ($1::text[] IS NULL OR cn.nspname = ANY ($1))
ORDER BY n.nspname COLLATE "C", s.stxname COLLATE "C"
