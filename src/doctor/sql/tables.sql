WITH /* pgwise */ held AS (
    -- A table counts as never analysed if it holds rows and has no statistics, or if its row count was never estimated
    -- (-1, from version 14). Counters of ANALYZE would not do: they vanish when statistics are reset.
    SELECT DISTINCT p.schemaname, p.tablename FROM pg_catalog.pg_stats AS p
    WHERE p.schemaname NOT IN ('pg_catalog', 'information_schema')
), seen AS (
    SELECT
        n.nspname::text AS schema,
        c.relname::text AS name,
        greatest(c.relpages::int8, pg_stat_get_live_tuples(c.oid)) AS size,
        c.relkind = 'p' AS partitioned,
        c.reltuples,
        has_schema_privilege(n.oid, 'USAGE')
            AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')) AS readable,
        row_security_active(c.oid) AS row_security,
        h.tablename IS NOT NULL AS has_statistics
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN held AS h ON h.schemaname = n.nspname AND h.tablename = c.relname
    WHERE c.relkind IN ('r', 'm', 'p')
      AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), judged AS (
    SELECT s.schema, s.name, s.size, p.problem
    FROM seen AS s
    CROSS JOIN LATERAL (VALUES
        ('all', true),
        ('unreadable', NOT s.readable),
        ('row_security', s.readable AND s.row_security),
        ('never_analyzed',
         CASE WHEN s.partitioned THEN s.reltuples < 0
              ELSE s.size > 0 AND (s.reltuples < 0 OR s.readable AND NOT s.row_security AND NOT s.has_statistics) END)
    ) AS p(problem, present)
    WHERE p.present
), ranked AS (
    SELECT j.*, row_number() OVER (PARTITION BY j.problem ORDER BY j.size DESC, j.schema, j.name) AS place
    FROM judged AS j
)
SELECT
    r.problem,
    count(*) AS count,
    coalesce(array_agg(r.schema ORDER BY r.place) FILTER (WHERE r.place <= 20), '{}') AS schemas,
    coalesce(array_agg(r.name ORDER BY r.place) FILTER (WHERE r.place <= 20), '{}') AS names,
    array_agg(DISTINCT r.schema ORDER BY r.schema) AS all_schemas
FROM ranked AS r
GROUP BY r.problem
