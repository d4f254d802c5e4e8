SELECT /* pgwise */
    coalesce(a.name, e.extname)::text AS name,
    n.nspname::text AS schema,
    e.extversion AS installed_version,
    a.default_version AS available_version
FROM pg_catalog.pg_available_extensions AS a
FULL JOIN pg_catalog.pg_extension AS e ON e.extname = a.name
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
ORDER BY 1
