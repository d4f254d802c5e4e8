-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    i.indexrelid AS index,
    k.n AS position,
    -- int2vector counts from 0.
    nullif(i.indkey[k.n - 1], 0) AS attnum,
    CASE WHEN i.indkey[k.n - 1] = 0 AND $3 AND i.indrelid <> ALL ($2) AND i.indexrelid <> ALL ($2)
         THEN pg_get_indexdef(i.indexrelid, k.n, true)
    END AS expression,
    CASE WHEN on_.nspname = 'pg_catalog' THEN quote_ident(oc.opcname) ELSE format('%I.%I', on_.nspname, oc.opcname)
    END AS opclass,
    oc.opcdefault AS opclass_is_default,
    ARRAY(SELECT o FROM unnest(ia.attoptions) AS o ORDER BY o COLLATE "C") AS opclass_options,
    -- What is stored may be of another type: the expression's own where the class keeps the type that it indexes.
    coalesce(ta.atttypid, ia.atttypid) AS type_oid,
    coalesce(ta.atttypmod, ia.atttypmod) AS modifier,
    format_type(coalesce(ta.atttypid, ia.atttypid), coalesce(ta.atttypmod, ia.atttypmod)) AS type_name,
    -- Opens the index.
    CASE WHEN t.relkind <> 'p' AND $3 AND i.indrelid <> ALL ($2) AND i.indexrelid <> ALL ($2)
         THEN pg_index_column_has_property(i.indexrelid, k.n, 'returnable')
    END AS returnable,
    CASE WHEN co.oid IS NOT NULL THEN format('%I.%I', cn.nspname, co.collname) END AS collation,
    i.indcollation[k.n - 1] = coalesce(ta.attcollation, (SELECT ty.typcollation FROM pg_catalog.pg_type AS ty
                                                         WHERE ty.oid = ia.atttypid), 0) AS collation_is_default,
    -- INDOPTION_DESC and INDOPTION_NULLS_FIRST
    i.indoption[k.n - 1] & 1 = 1 AS descending,
    i.indoption[k.n - 1] & 2 = 2 AS nulls_first
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid AND t.relkind IN ('r', 'p', 'm', 'f')
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
CROSS JOIN LATERAL generate_series(1, i.indnkeyatts::int4) AS k (n)
JOIN pg_catalog.pg_opclass AS oc ON oc.oid = i.indclass[k.n - 1]
JOIN pg_catalog.pg_namespace AS on_ ON on_.oid = oc.opcnamespace
JOIN pg_catalog.pg_attribute AS ia ON ia.attrelid = i.indexrelid AND ia.attnum = k.n
LEFT JOIN pg_catalog.pg_attribute AS ta ON ta.attrelid = i.indrelid AND ta.attnum = i.indkey[k.n - 1] AND ta.attnum <> 0
LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = i.indcollation[k.n - 1]
LEFT JOIN pg_catalog.pg_namespace AS cn ON cn.oid = co.collnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY i.indexrelid, k.n
