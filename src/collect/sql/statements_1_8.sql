-- pg_stat_statements 1.8 to 1.10 (PostgreSQL 13 to 16)
SELECT /* pgwise */
    s.queryid,
    r.rolname::text AS user_name,
    s.query,
    s.calls,
    s.total_exec_time AS total_ms,
    s.min_exec_time AS min_ms,
    s.max_exec_time AS max_ms,
    s.stddev_exec_time AS stddev_ms,
    s.plans,
    s.total_plan_time AS plan_ms,
    s.rows,
    s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written,
    s.temp_blks_read, s.temp_blks_written,
    s.blk_read_time AS read_ms,
    s.blk_write_time AS write_ms,
    s.wal_bytes::float8 AS wal_bytes,
    NULL::timestamptz AS counted_since
FROM {view} AS s
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.userid
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
