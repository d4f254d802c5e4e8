SELECT /* pgwise */
    t.spcname::text AS name,
    t.oid = (SELECT d.dattablespace FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()) AS of_database,
    t.spcoptions AS options
FROM pg_catalog.pg_tablespace AS t
WHERE t.spcoptions IS NOT NULL
ORDER BY t.spcname COLLATE "C"
