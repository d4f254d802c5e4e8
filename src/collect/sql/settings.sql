-- What pgwise sets for its own session would describe pgwise, not the server: left out.
SELECT /* pgwise */ s.name, s.setting AS value, s.unit, s.source
FROM pg_catalog.pg_settings AS s
WHERE (s.category LIKE 'Query Tuning%'
       OR s.category LIKE 'Resource Usage%'
       OR s.category LIKE 'Statistics%'
       OR s.category LIKE '%Autovacuum%'
       OR s.category LIKE '%Vacuum%'
       OR s.category LIKE 'Client Connection Defaults%'
       OR s.category LIKE 'Reporting and Logging%'
       OR s.category LIKE 'Write-Ahead Log%'
       OR s.category = 'Connections and Authentication / Connection Settings'
       OR s.category = 'Preset Options'
       OR s.name LIKE 'pg_stat_statements.%'
       OR s.name LIKE 'auto_explain.%')
  AND s.source <> 'session'
  -- Of one transaction, or commands that may carry secrets.
  AND s.name NOT IN ('transaction_read_only', 'transaction_isolation', 'transaction_deferrable', 'archive_command',
                     'restore_command', 'archive_cleanup_command', 'recovery_end_command')
  AND s.setting IS NOT NULL
ORDER BY s.name COLLATE "C"
