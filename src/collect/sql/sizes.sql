-- $1 schemas wanted (NULL: all), $2 relations that are locked: pg_relation_size would wait for them
SELECT /* pgwise */
    c.oid,
    pg_relation_size(c.oid) AS bytes,
    CASE WHEN c.reltoastrelid <> 0 AND c.reltoastrelid <> ALL ($2) THEN pg_total_relation_size(c.reltoastrelid)
    END AS toast_bytes
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
WHERE c.relkind IN ('r', 'm', 'i')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
  AND c.oid <> ALL ($2) AND coalesce(i.indrelid, 0) <> ALL ($2)
ORDER BY c.oid
