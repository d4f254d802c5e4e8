-- $1 table, $2 column number
SELECT /* pgwise */
    s.most_common_vals::text::text[] AS mcv_values,
    coalesce(s.most_common_freqs, '{}') AS mcv_freqs,
    s.histogram_bounds::text::text[] AS histogram_bounds,
    s.most_common_elems::text::text[] AS elements
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = $2
JOIN pg_catalog.pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
WHERE c.oid = $1
ORDER BY s.inherited DESC
LIMIT 1
