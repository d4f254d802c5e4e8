SELECT /* pgwise */
    current_setting('server_version_num')::int4 AS version_num,
    current_setting('server_version') AS version,
    current_database()::text AS database,
    clock_timestamp() AS now,
    pg_postmaster_start_time() AS started_at,
    (SELECT d.stats_reset FROM pg_catalog.pg_stat_database AS d WHERE d.datname = current_database()) AS stats_reset,
    current_user::text AS role_name,
    coalesce((SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user), false) AS superuser,
    coalesce((SELECT bool_or(pg_has_role(r.oid, 'USAGE')) FROM pg_catalog.pg_roles AS r
              WHERE r.rolname IN ('pg_monitor', 'pg_read_all_stats')), false) AS read_all_stats,
    coalesce((SELECT bool_or(pg_has_role(r.oid, 'USAGE')) FROM pg_catalog.pg_roles AS r
              WHERE r.rolname = 'pg_read_all_settings'), false) AS read_all_settings,
    coalesce((SELECT bool_or(pg_has_role(r.oid, 'USAGE')) FROM pg_catalog.pg_roles AS r
              WHERE r.rolname = 'pg_read_all_data'), false) AS read_all_data,
    has_database_privilege(current_database(), 'CREATE') AS create_in_database,
    pg_is_in_recovery() AS in_recovery,
    -- Others' rows show only to those who may read all statistics: to anyone else, no row means nothing.
    (SELECT count(*) FROM pg_catalog.pg_stat_replication AS s) AS standbys
