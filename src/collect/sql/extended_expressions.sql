-- $1 schemas wanted (NULL: all), $2 whether any value may leave the server, $3 whether values of every type may
-- An expression's type is not known here: under the safe policy its values are withheld. {inherited} as in the other.
SELECT /* pgwise */
    s.oid,
    {inherited} AS inherited,
    e.expr AS expression,
    e.null_frac,
    e.avg_width,
    e.n_distinct,
    e.correlation,
    coalesce(e.most_common_freqs, '{}') AS mcv_freqs,
    CASE WHEN $2 AND $3 THEN e.most_common_vals::text::text[] END AS mcv_values,
    coalesce(cardinality(e.histogram_bounds::text::text[]), 0) AS histogram_len,
    CASE WHEN $2 AND $3 THEN e.histogram_bounds::text::text[] END AS histogram_bounds,
    e.most_common_elem_freqs AS element_freqs,
    CASE WHEN $2 AND $3 THEN e.most_common_elems::text::text[] END AS element_values,
    coalesce(e.elem_count_histogram, '{}') AS element_count_histogram,
    NOT ($2 AND $3) AND (e.most_common_vals IS NOT NULL OR e.histogram_bounds IS NOT NULL
                         OR e.most_common_elems IS NOT NULL) AS withheld
FROM pg_catalog.pg_stats_ext_exprs AS e
JOIN pg_catalog.pg_namespace AS n ON n.nspname = e.statistics_schemaname
JOIN pg_catalog.pg_statistic_ext AS s ON s.stxnamespace = n.oid AND s.stxname = e.statistics_name
-- No row where the expression was never analysed.
WHERE e.null_frac IS NOT NULL AND ($1::text[] IS NULL OR e.schemaname = ANY ($1))
ORDER BY s.oid, 2
