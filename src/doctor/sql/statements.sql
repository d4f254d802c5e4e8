SELECT /* pgwise */
    count(*) AS entries,
    count(*) FILTER (WHERE s.query = '<insufficient privilege>') AS hidden
FROM {view} AS s
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
