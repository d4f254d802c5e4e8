SELECT /* pgwise */
    coalesce(a.name, e.extname)::text AS name,
    n.nspname::text AS schema,
    e.extversion AS installed_version,
    a.default_version AS available_version,
    coalesce((SELECT bool_or(v.trusted) FROM pg_catalog.pg_available_extension_versions AS v
              WHERE v.name = a.name AND v.version = a.default_version), false) AS trusted
FROM pg_catalog.pg_available_extensions AS a
FULL JOIN pg_catalog.pg_extension AS e ON e.extname = a.name
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE coalesce(a.name, e.extname) IN ('pg_stat_statements', 'hypopg', 'pg_trgm')
ORDER BY 1
