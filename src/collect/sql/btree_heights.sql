-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 unused. {pageinspect} is the extension's schema.
SELECT /* pgwise */ c.oid, m.fastlevel::int8 AS height
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS am ON am.oid = c.relam AND am.amname = 'btree'
JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
CROSS JOIN LATERAL {pageinspect}.bt_metap(format('%I.%I', n.nspname, c.relname)) AS m
WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND $3::bool IS NOT NULL
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
  AND c.oid <> ALL ($2) AND i.indrelid <> ALL ($2)
ORDER BY c.oid
