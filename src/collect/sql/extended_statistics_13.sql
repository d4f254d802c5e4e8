-- Before 14 there are no expressions in extended statistics, nor the function that would print them.
-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    n.nspname::text AS schema,
    s.stxname::text AS name,
    s.stxrelid AS "table",
    s.stxkeys::int2[] AS columns,
    s.stxkind::text[] AS kinds,
    '{}'::text[] AS expressions,
    x.n_distinct::text AS n_distinct,
    x.dependencies::text AS dependencies
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
JOIN pg_catalog.pg_class AS c ON c.oid = s.stxrelid
JOIN pg_catalog.pg_namespace AS cn ON cn.oid = c.relnamespace
-- From 15 on there can be a second row that covers the children too.
LEFT JOIN LATERAL (SELECT e.n_distinct, e.dependencies
                   FROM pg_catalog.pg_stats_ext AS e
                   WHERE e.statistics_schemaname = n.nspname AND e.statistics_name = s.stxname
                   ORDER BY coalesce((to_jsonb(e) ->> 'inherited')::bool, false) DESC
                   LIMIT 1) AS x ON true
WHERE ($1::text[] IS NULL OR cn.nspname = ANY ($1))
  AND $2::oid[] IS NOT NULL AND $3::bool IS NOT NULL
ORDER BY n.nspname COLLATE "C", s.stxname COLLATE "C"
