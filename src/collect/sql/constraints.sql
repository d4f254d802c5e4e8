-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    k.conrelid AS "table",
    k.conname::text AS name,
    k.contype::text AS kind,
    coalesce(k.conkey, '{}') AS columns,
    k.confrelid AS referenced_table,
    coalesce(k.confkey, '{}') AS referenced_columns,
    k.confdeltype::text AS on_delete,
    k.confupdtype::text AS on_update,
    k.convalidated AS validated,
    CASE WHEN k.contype = 'c' AND $3 AND k.conrelid <> ALL ($2) THEN pg_get_constraintdef(k.oid) END AS definition
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype IN ('f', 'c')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY k.conrelid, k.conname
