-- Columns of tables and keys of indexes, with the operators that ANALYZE would name in their statistics.
WITH RECURSIVE based (oid, base) AS (
    SELECT t.oid, t.oid FROM pg_catalog.pg_type AS t WHERE t.typtype <> 'd'
    UNION ALL
    SELECT t.oid, b.base FROM pg_catalog.pg_type AS t JOIN based AS b ON b.oid = t.typbasetype WHERE t.typtype = 'd'
), operators AS MATERIALIZED (
    SELECT b.oid, b.base, t.typname, t.typcategory, t.typelem, t.typlen,
        -- As GetDefaultOpClass: the type itself, one that it is binary-coercible to, or its polymorphic family.
        (SELECT oc.opcfamily::text || ' ' || oc.opcintype::text
         FROM pg_catalog.pg_opclass AS oc
         JOIN pg_catalog.pg_type AS it ON it.oid = oc.opcintype
         JOIN pg_catalog.pg_am AS am ON am.oid = oc.opcmethod
         WHERE am.amname = 'btree' AND oc.opcdefault
           AND (oc.opcintype = b.base
                OR EXISTS (SELECT FROM pg_catalog.pg_cast AS k
                           WHERE k.castsource = b.base AND k.casttarget = oc.opcintype
                             AND k.castmethod = 'b' AND k.castcontext = 'i')
                OR (it.typname = 'anyarray' AND t.typcategory = 'A')
                OR (it.typname = 'anyenum' AND t.typtype = 'e')
                OR (it.typname = 'anyrange' AND t.typtype = 'r')
                OR (it.typname = 'anymultirange' AND t.typtype = 'm')
                OR (it.typname = 'record' AND t.typtype = 'c'))
         ORDER BY oc.opcintype = b.base DESC, it.typispreferred DESC, it.oid LIMIT 1) AS opclass
    FROM based AS b
    JOIN pg_catalog.pg_type AS t ON t.oid = b.base
), typed AS MATERIALIZED (
    SELECT o.*,
        coalesce((SELECT a.amopopr FROM pg_catalog.pg_amop AS a
                  WHERE a.amopfamily = split_part(o.opclass, ' ', 1)::oid AND a.amopstrategy = 3
                    AND a.amoplefttype = split_part(o.opclass, ' ', 2)::oid AND a.amoprighttype = a.amoplefttype), 0) AS equal,
        coalesce((SELECT a.amopopr FROM pg_catalog.pg_amop AS a
                  WHERE a.amopfamily = split_part(o.opclass, ' ', 1)::oid AND a.amopstrategy = 1
                    AND a.amoplefttype = split_part(o.opclass, ' ', 2)::oid AND a.amoprighttype = a.amoplefttype), 0) AS less
    FROM operators AS o
)
SELECT
    n.nspname::text AS schema,
    c.relname::text AS relation_name,
    CASE WHEN c.relkind IN ('i', 'I') THEN a.attnum::text ELSE a.attname::text END AS attribute_name,
    c.oid AS relation,
    a.attnum,
    a.atttypid AS type_oid,
    t.typname::text AS base,
    a.attcollation AS collation,
    t.equal,
    t.less,
    coalesce(e.oid, 0) AS element,
    coalesce(e.typname::text, '') AS element_base,
    coalesce(e.equal, 0) AS element_equal,
    -- Of a multirange (14 and later) the range's.
    coalesce((SELECT r.rngtypid FROM pg_catalog.pg_range AS r
              WHERE r.rngtypid = t.base OR (to_jsonb(r) ->> 'rngmultitypid')::oid = t.base), 0) AS range
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'i', 'I', 'f')
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN typed AS t ON t.oid = a.atttypid
LEFT JOIN typed AS e ON e.oid = CASE WHEN t.typname = 'tsvector' THEN 'pg_catalog.text'::regtype
                                     WHEN t.typcategory = 'A' THEN t.typelem END
WHERE a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
