-- Relations with storage, of users' schemas.
SELECT
    n.nspname::text AS schema,
    c.relname::text AS name,
    c.oid,
    c.relkind::text AS kind,
    coalesce(pg_catalog.pg_relation_filenode(c.oid), 0) AS filenode
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'i', 'I', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
