-- After safe_types.sql. $1 schemas wanted (NULL: all)
-- Withheld values stay here; their order leaves. Types without a collation are taken to sort as their text does in C.
, withheld AS (
    SELECT c.oid AS relation, a.attnum, s.inherited, u.kind, u.n, u.value,
        t.typcollation = 0 OR coalesce(co.collcollate IN ('C', 'POSIX'), false) OR co.collprovider::text = 'b' AS bytewise
    FROM pg_catalog.pg_stats AS s
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schemaname
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname AND a.attnum > 0
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = a.attcollation
    CROSS JOIN LATERAL (
        SELECT 'm' AS kind, m.n, m.value
        FROM unnest(s.most_common_vals::text::text[]) WITH ORDINALITY AS m (value, n)
        UNION ALL
        SELECT 'b', b.n, b.value
        FROM unnest(s.histogram_bounds::text::text[]) WITH ORDINALITY AS b (value, n)
    ) AS u
    WHERE $2 AND NOT $3 AND a.atttypid NOT IN (SELECT safe.oid FROM safe)
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
), ranked AS (
    SELECT w.relation, w.attnum, w.inherited, w.kind, w.n, dense_rank() OVER (ORDER BY w.value) AS rank
    FROM withheld AS w WHERE NOT w.bytewise
    UNION ALL
    SELECT w.relation, w.attnum, w.inherited, w.kind, w.n, dense_rank() OVER (ORDER BY w.value COLLATE "C")
    FROM withheld AS w WHERE w.bytewise
)
SELECT
    r.relation,
    r.attnum,
    r.inherited,
    coalesce(array_agg(r.rank::int4 ORDER BY r.n) FILTER (WHERE r.kind = 'm'), '{}') AS mcv_ranks,
    coalesce(array_agg(r.rank::int4 ORDER BY r.n) FILTER (WHERE r.kind = 'b'), '{}') AS bound_ranks
FROM ranked AS r
GROUP BY r.relation, r.attnum, r.inherited
ORDER BY r.relation, r.attnum, r.inherited
