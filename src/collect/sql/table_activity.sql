SELECT /* pgwise */
    s.relid AS "table",
    coalesce(s.seq_scan, 0) AS seq_scans,
    coalesce(s.seq_tup_read, 0) AS seq_rows,
    coalesce(s.idx_scan, 0) AS index_scans,
    coalesce(s.idx_tup_fetch, 0) AS index_rows,
    coalesce(s.n_tup_ins, 0) AS inserts,
    coalesce(s.n_tup_upd, 0) AS updates,
    coalesce(s.n_tup_hot_upd, 0) AS hot_updates,
    coalesce(s.n_tup_del, 0) AS deletes,
    coalesce(s.n_live_tup, 0) AS live_rows,
    coalesce(s.n_dead_tup, 0) AS dead_rows,
    coalesce(s.n_mod_since_analyze, 0) AS modified_since_analyze,
    greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze,
    greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum,
    coalesce(o.heap_blks_read, 0) AS heap_blocks_read,
    coalesce(o.heap_blks_hit, 0) AS heap_blocks_hit,
    coalesce(o.idx_blks_read, 0) AS index_blocks_read,
    coalesce(o.idx_blks_hit, 0) AS index_blocks_hit
FROM pg_catalog.pg_stat_user_tables AS s
LEFT JOIN pg_catalog.pg_statio_user_tables AS o ON o.relid = s.relid
ORDER BY s.relid
