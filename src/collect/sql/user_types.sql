SELECT /* pgwise */
    n.nspname::text AS schema,
    t.typname::text AS name,
    t.typtype::text AS kind,
    t.typcategory::text AS category,
    t.typispreferred AS preferred,
    t.typlen AS length,
    t.typalign::text AS alignment,
    t.typbyval AS by_value,
    t.typcollation <> 0 AS collatable,
    CASE WHEN t.typbasetype <> 0 THEN format_type(t.typbasetype, NULL) END AS base,
    (SELECT format_type(r.rngsubtype, NULL)
     FROM pg_catalog.pg_range AS r
     -- Multiranges from 14 on.
     WHERE t.typtype IN ('r', 'm') AND (r.rngtypid = t.oid OR (to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid)
    ) AS subtype,
    CASE WHEN t.typtype = 'e'
         THEN ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e
                    WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
    END AS enum_labels,
    ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS field_names,
    ARRAY(SELECT format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS field_types
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
-- Neither arrays, nor row types of tables, nor types that are only announced.
WHERE t.typisdefined AND t.typcategory <> 'A' AND (c.oid IS NULL OR c.relkind = 'c')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"
