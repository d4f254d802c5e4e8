SELECT /* pgwise */ s.name, current_setting(s.name) AS value
FROM pg_catalog.pg_settings AS s
WHERE s.name IN ('autovacuum', 'compute_query_id', 'shared_preload_libraries', 'track_activities', 'track_counts',
                 'track_io_timing', 'pg_stat_statements.max', 'pg_stat_statements.track')
ORDER BY s.name
