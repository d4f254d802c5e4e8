-- After safe_types.sql. $1 schemas wanted (NULL: all)
SELECT
    c.oid AS relation,
    a.attnum,
    s.inherited,
    s.null_frac,
    s.avg_width,
    s.n_distinct,
    s.correlation,
    coalesce(s.most_common_freqs, '{}') AS mcv_freqs,
    CASE WHEN v.kept THEN s.most_common_vals::text::text[] END AS mcv_values,
    coalesce(cardinality(s.histogram_bounds::text::text[]), 0) AS histogram_len,
    CASE WHEN v.kept THEN s.histogram_bounds::text::text[] END AS histogram_bounds,
    s.most_common_elem_freqs AS element_freqs,
    CASE WHEN v.kept THEN s.most_common_elems::text::text[] END AS element_values,
    coalesce(s.elem_count_histogram, '{}') AS element_count_histogram,
    NOT v.kept AND (s.most_common_vals IS NOT NULL OR s.histogram_bounds IS NOT NULL
                    OR s.most_common_elems IS NOT NULL) AS withheld
FROM pg_catalog.pg_stats AS s
JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schemaname
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname AND a.attnum > 0
CROSS JOIN LATERAL (SELECT $2 AND ($3 OR a.atttypid IN (SELECT safe.oid FROM safe))) AS v (kept)
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY c.oid, a.attnum, s.inherited
