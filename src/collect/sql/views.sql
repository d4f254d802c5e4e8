-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
SELECT /* pgwise */
    c.oid,
    n.nspname::text AS schema,
    c.relname::text AS name,
    ARRAY(SELECT o FROM unnest(c.reloptions) AS o ORDER BY o COLLATE "C") AS options,
    c.relkind = 'm' AS materialized,
    ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
    -- Printing a view locks the view and every relation it reads.
    CASE WHEN $3 AND c.oid <> ALL ($2)
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite AS r
                              JOIN pg_catalog.pg_depend AS x ON x.classid = 'pg_catalog.pg_rewrite'::regclass
                                                            AND x.objid = r.oid
                                                            AND x.refclassid = 'pg_catalog.pg_class'::regclass
                              WHERE r.ev_class = c.oid AND x.refobjid = ANY ($2))
         THEN pg_get_viewdef(c.oid)
    END AS definition
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS x
                  WHERE x.classid = 'pg_catalog.pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
ORDER BY c.oid
