-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    i.indexrelid AS oid,
    i.indrelid AS "table",
    c.relname::text AS name,
    am.amname::text AS method,
    i.indkey::int2[] AS columns,
    i.indnkeyatts AS key_count,
    CASE WHEN i.indpred IS NOT NULL AND p.printable THEN pg_get_expr(i.indpred, i.indrelid) END AS predicate,
    i.indpred IS NOT NULL AS partial,
    i.indisunique AS is_unique,
    coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) AS nulls_not_distinct,
    i.indisprimary AS is_primary,
    i.indisexclusion AS exclusion,
    (SELECT k.conname::text FROM pg_catalog.pg_constraint AS k
     WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x') LIMIT 1) AS constraint_name,
    ARRAY(SELECT DISTINCT k.conname::text FROM pg_catalog.pg_constraint AS k
          WHERE k.conindid = i.indexrelid AND k.contype = 'f' ORDER BY 1) AS foreign_keys,
    i.indisreplident AS replica_identity,
    i.indisclustered AS clustered,
    i.indimmediate AS immediate,
    i.indisvalid AS valid,
    i.indisready AS ready,
    (SELECT h.inhparent FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = i.indexrelid LIMIT 1) AS parent,
    coalesce(c.reloptions, '{}') AS options,
    (SELECT ts.spcname::text FROM pg_catalog.pg_tablespace AS ts WHERE ts.oid = c.reltablespace) AS tablespace,
    c.relpages,
    c.reltuples::float8 AS reltuples,
    CASE WHEN p.printable THEN pg_get_indexdef(i.indexrelid) END AS definition
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid AND t.relkind IN ('r', 'p', 'm', 'f')
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_am AS am ON am.oid = c.relam
CROSS JOIN LATERAL (SELECT $3 AND i.indrelid <> ALL ($2) AND i.indexrelid <> ALL ($2)) AS p (printable)
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY i.indexrelid
