-- Relations that a reader would have to wait for: the deparsing functions and pg_relation_size take ACCESS SHARE.
SELECT /* pgwise */ coalesce(array_agg(DISTINCT l.relation), '{}') AS oids
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname = current_database()
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation IS NOT NULL
