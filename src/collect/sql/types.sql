-- Types of user columns and index keys, with the types that these rest on (domains' bases, arrays' elements).
WITH /* pgwise */ RECURSIVE used (oid) AS (
    SELECT DISTINCT a.atttypid
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm', 'f', 'i', 'I')
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION
    SELECT v.oid
    FROM used AS u
    JOIN pg_catalog.pg_type AS t ON t.oid = u.oid
    CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem)) AS v (oid)
    WHERE v.oid <> 0
)
SELECT
    t.oid,
    t.typname::text AS name,
    n.nspname::text AS schema,
    t.typtype::text AS kind,
    t.typcategory::text AS category,
    t.typbasetype AS base,
    t.typelem AS element,
    t.typlen AS length,
    t.typalign::text AS alignment,
    t.typbyval AS by_value,
    t.typtypmod AS modifier,
    (SELECT st.typname::text
     FROM pg_catalog.pg_range AS r JOIN pg_catalog.pg_type AS st ON st.oid = r.rngsubtype
     -- Multiranges from 14 on.
     WHERE t.typtype IN ('r', 'm') AND (r.rngtypid = t.oid OR (to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid)
    ) AS subtype,
    CASE WHEN t.typtype = 'e'
         THEN ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e
                    WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
    END AS enum_labels,
    -- As GetDefaultOpClass looks for one: the type itself, a type it is binary-coercible to, or its polymorphic family.
    ARRAY(SELECT DISTINCT am.amname::text
          FROM pg_catalog.pg_opclass AS oc
          JOIN pg_catalog.pg_am AS am ON am.oid = oc.opcmethod
          JOIN pg_catalog.pg_type AS it ON it.oid = oc.opcintype
          WHERE oc.opcdefault
            AND (oc.opcintype = t.oid
                 OR EXISTS (SELECT FROM pg_catalog.pg_cast AS k
                            WHERE k.castsource = t.oid AND k.casttarget = oc.opcintype
                              AND k.castmethod = 'b' AND k.castcontext = 'i')
                 OR (it.typname = 'anyarray' AND t.typcategory = 'A')
                 OR (it.typname = 'anyenum' AND t.typtype = 'e')
                 OR (it.typname = 'anyrange' AND t.typtype = 'r')
                 OR (it.typname = 'anymultirange' AND t.typtype = 'm')
                 OR (it.typname = 'record' AND t.typtype = 'c'))
          ORDER BY 1) AS default_opclasses
FROM used AS u
JOIN pg_catalog.pg_type AS t ON t.oid = u.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
ORDER BY t.oid
