-- After safe_types.sql. $1 schemas wanted (NULL: all), $4 strings that the snapshot holds anyway
SELECT
    c.oid AS relation,
    a.attnum,
    s.inherited,
    u.element,
    u.n::int4 - 1 AS position,
    u.value
FROM pg_catalog.pg_stats AS s
JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schemaname
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname AND a.attnum > 0
CROSS JOIN LATERAL (
    SELECT false AS element, m.n, m.value
    FROM unnest(s.most_common_vals::text::text[]) WITH ORDINALITY AS m (value, n)
    UNION ALL
    SELECT true, e.n, e.value
    FROM unnest(s.most_common_elems::text::text[]) WITH ORDINALITY AS e (value, n)
) AS u
WHERE $2 AND NOT $3 AND a.atttypid NOT IN (SELECT safe.oid FROM safe)
  AND u.value = ANY ($4)
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY c.oid, a.attnum, s.inherited, u.element, u.n
