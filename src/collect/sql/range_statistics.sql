-- After safe_types.sql. $1 schemas wanted (NULL: all)
-- Before 17 no view shows these: only who may read pg_statistic sees them.
, slots AS (
    SELECT s.starelid, s.staattnum, s.stainherit, v.kind, v.numbers, v.vals::text[] AS vals
    FROM pg_catalog.pg_statistic AS s
    CROSS JOIN LATERAL (VALUES
        (s.stakind1, s.stanumbers1, s.stavalues1::text),
        (s.stakind2, s.stanumbers2, s.stavalues2::text),
        (s.stakind3, s.stanumbers3, s.stavalues3::text),
        (s.stakind4, s.stanumbers4, s.stavalues4::text),
        (s.stakind5, s.stanumbers5, s.stavalues5::text)) AS v (kind, numbers, vals)
    -- STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM and STATISTIC_KIND_BOUNDS_HISTOGRAM
    WHERE v.kind IN (6, 7)
)
SELECT
    c.oid AS relation,
    a.attnum,
    l.stainherit AS inherited,
    coalesce(l.numbers[1], 0) AS empty_frac,
    CASE WHEN v.kept THEN l.vals END AS length_histogram,
    coalesce(cardinality(b.vals), 0) AS bounds_len,
    CASE WHEN v.kept THEN b.vals END AS bounds_histogram
FROM slots AS l
LEFT JOIN slots AS b
    ON b.starelid = l.starelid AND b.staattnum = l.staattnum AND b.stainherit = l.stainherit AND b.kind = 7
JOIN pg_catalog.pg_class AS c ON c.oid = l.starelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = l.staattnum
CROSS JOIN LATERAL (SELECT $2 AND ($3 OR a.atttypid IN (SELECT safe.oid FROM safe))) AS v (kept)
WHERE l.kind = 6
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY c.oid, a.attnum, l.stainherit
