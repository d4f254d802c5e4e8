SELECT /* pgwise */
    current_setting('server_version_num')::int4 AS version_num,
    current_setting('server_version') AS version,
    current_database()::text AS database,
    clock_timestamp() AS now,
    pg_postmaster_start_time() AS started_at,
    d.stats_reset,
    d.blks_hit AS blocks_hit,
    d.blks_read AS blocks_read,
    current_user::text AS role_name,
    coalesce((SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user), false) AS superuser,
    -- The predefined roles are looked up by name because not every version has every one of them.
    coalesce((SELECT bool_or(pg_has_role(r.oid, 'USAGE')) FROM pg_catalog.pg_roles AS r
              WHERE r.rolname IN ('pg_monitor', 'pg_read_all_stats')), false) AS read_all_stats,
    coalesce((SELECT bool_or(pg_has_role(r.oid, 'USAGE')) FROM pg_catalog.pg_roles AS r
              WHERE r.rolname = 'pg_read_all_settings'), false) AS read_all_settings,
    coalesce((SELECT bool_or(pg_has_role(r.oid, 'USAGE')) FROM pg_catalog.pg_roles AS r
              WHERE r.rolname = 'pg_read_all_data'), false) AS read_all_data,
    has_database_privilege(current_database(), 'CREATE') AS create_in_database,
    pg_is_in_recovery() AS in_recovery,
    current_schemas(false)::text[] AS search_path
FROM pg_catalog.pg_stat_database AS d
WHERE d.datname = current_database()
