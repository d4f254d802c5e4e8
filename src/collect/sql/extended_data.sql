-- After safe_types.sql. $1 schemas wanted (NULL: all). {inherited} is the view's column from 15 on.
SELECT
    s.oid,
    {inherited} AS inherited,
    -- As the server stores them: printed, degrees lose digits.
    e.n_distinct::bytea AS n_distinct,
    e.dependencies::bytea AS dependencies,
    -- Lists of lists, flattened.
    ARRAY(SELECT CASE WHEN $2 AND ($3 OR columns.safe[(u.n - 1) % array_length(e.most_common_vals, 2) + 1])
                      THEN u.value END
          FROM unnest(e.most_common_vals) WITH ORDINALITY AS u (value, n) ORDER BY u.n) AS mcv_values,
    ARRAY(SELECT u.value FROM unnest(e.most_common_val_nulls) WITH ORDINALITY AS u (value, n) ORDER BY u.n) AS mcv_nulls,
    coalesce(e.most_common_freqs, '{}') AS mcv_freqs,
    coalesce(e.most_common_base_freqs, '{}') AS mcv_base_freqs
FROM pg_catalog.pg_stats_ext AS e
JOIN pg_catalog.pg_namespace AS n ON n.nspname = e.statistics_schemaname
JOIN pg_catalog.pg_statistic_ext AS s ON s.stxnamespace = n.oid AND s.stxname = e.statistics_name
-- An expression's type is not known here: under the safe policy its values are withheld.
CROSS JOIN LATERAL (SELECT array_agg(a.atttypid IN (SELECT safe.oid FROM safe) ORDER BY a.attnum) AS safe
                    FROM pg_catalog.pg_attribute AS a
                    WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys::int2[])) AS columns
WHERE ($1::text[] IS NULL OR e.schemaname = ANY ($1))
ORDER BY s.oid, 2
