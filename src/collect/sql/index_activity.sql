SELECT /* pgwise */
    s.indexrelid AS index,
    coalesce(s.idx_scan, 0) AS scans,
    coalesce(s.idx_tup_read, 0) AS rows_read,
    coalesce(s.idx_tup_fetch, 0) AS rows_fetched,
    -- 16 and later
    (to_jsonb(s) ->> 'last_idx_scan')::timestamptz AS last_scan,
    coalesce(o.idx_blks_read, 0) AS blocks_read,
    coalesce(o.idx_blks_hit, 0) AS blocks_hit
FROM pg_catalog.pg_stat_user_indexes AS s
LEFT JOIN pg_catalog.pg_statio_user_indexes AS o ON o.indexrelid = s.indexrelid
ORDER BY s.indexrelid
