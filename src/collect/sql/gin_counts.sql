-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 unused. {pageinspect} is the extension's schema.
SELECT /* pgwise */
    c.oid,
    m.n_pending_pages::int8 AS pending_pages,
    m.n_total_pages::int8 AS total_pages,
    m.n_entry_pages::int8 AS entry_pages,
    m.n_data_pages::int8 AS data_pages,
    m.n_entries::int8 AS entries
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS am ON am.oid = c.relam AND am.amname = 'gin'
JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
CROSS JOIN LATERAL {pageinspect}.gin_metapage_info({pageinspect}.get_raw_page(format('%I.%I', n.nspname, c.relname), 0)) AS m
WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND $3::bool IS NOT NULL
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
  AND c.oid <> ALL ($2) AND i.indrelid <> ALL ($2)
ORDER BY c.oid
