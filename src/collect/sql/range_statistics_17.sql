-- After safe_types.sql. $1 schemas wanted (NULL: all)
SELECT
    c.oid AS relation,
    a.attnum,
    s.inherited,
    s.range_empty_frac AS empty_frac,
    CASE WHEN v.kept THEN s.range_length_histogram::text::text[] END AS length_histogram,
    coalesce(cardinality(s.range_bounds_histogram::text::text[]), 0) AS bounds_len,
    CASE WHEN v.kept THEN s.range_bounds_histogram::text::text[] END AS bounds_histogram
FROM pg_catalog.pg_stats AS s
JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schemaname
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname AND a.attnum > 0
CROSS JOIN LATERAL (SELECT $2 AND ($3 OR a.atttypid IN (SELECT safe.oid FROM safe))) AS v (kept)
WHERE s.range_empty_frac IS NOT NULL
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY c.oid, a.attnum, s.inherited
