-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    a.attrelid AS "table",
    a.attnum,
    a.attname::text AS name,
    a.atttypid AS type_oid,
    format_type(a.atttypid, a.atttypmod) AS type_name,
    a.attnotnull AS not_null,
    -- A default has no columns, so that it is printed without naming the table, and without locking it; a generation
    -- expression has some.
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, 0)
         WHEN $3 AND a.attrelid <> ALL ($2) THEN pg_get_expr(d.adbin, d.adrelid)
    END AS default_expression,
    nullif(a.attidentity::text, '') AS identity,
    a.attgenerated <> '' AS generated,
    a.attgenerated = 'v' AS generated_virtual,
    a.atttypmod AS modifier,
    CASE WHEN co.oid IS NOT NULL THEN format('%I.%I', cn.nspname, co.collname) END AS collation,
    coalesce(CASE co.collprovider
        WHEN 'd' THEN (SELECT CASE coalesce(to_jsonb(db) ->> 'datlocprovider', 'c')
                                  WHEN 'c' THEN db.datcollate IN ('C', 'POSIX')
                                  ELSE coalesce(to_jsonb(db) ->> 'datlocprovider', 'c') = 'b' END
                       FROM pg_catalog.pg_database AS db WHERE db.datname = current_database())
        WHEN 'c' THEN co.collcollate IN ('C', 'POSIX')
        -- The built-in provider (17+) sorts by code point whatever its locale.
        ELSE co.collprovider = 'b'
    END, false) AS collation_is_c,
    -- NULL from 17 on, -1 before, where nothing is set.
    nullif(a.attstattarget::int4, -1) AS statistics_target,
    a.attstorage::text AS storage
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace AS cn ON cn.oid = co.collnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
