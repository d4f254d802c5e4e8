-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    k.conrelid AS "table",
    k.conname::text AS name,
    k.contype::text AS kind,
    CASE WHEN k.contype <> 'f' THEN nullif(k.conindid, 0) END AS index,
    CASE WHEN $3 AND k.conrelid <> ALL ($2) AND k.confrelid <> ALL ($2) THEN pg_get_constraintdef(k.oid) END AS definition
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
-- A partition's foreign keys come with its parent's; its indexes have definitions of their own to attach.
WHERE (k.contype IN ('p', 'u', 'x') OR (k.contype = 'f' AND k.conparentid = 0))
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY k.conrelid, k.oid
