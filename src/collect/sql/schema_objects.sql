-- $1 schemas wanted (NULL: all), $2 relations that are locked, $3 whether to call functions that take locks
-- Types and functions of every schema: those wanted may rest on them.
WITH /* pgwise */ own_schemas (oid, name) AS (
    SELECT n.oid, n.nspname
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), extension_owned (classid, objid) AS (
    SELECT x.classid, x.objid FROM pg_catalog.pg_depend AS x WHERE x.deptype = 'e'
)
SELECT 0 AS rank, n.oid, 'schema' AS kind, n.name::text AS schema, n.name::text AS name,
    format('CREATE SCHEMA IF NOT EXISTS %I', n.name) AS sql
FROM own_schemas AS n
WHERE (n.oid, 'pg_catalog.pg_namespace'::regclass) NOT IN (SELECT objid, classid FROM extension_owned)

UNION ALL
SELECT 1, s.oid, 'foreign server', s.srvname::text, s.srvname::text,
    format('CREATE SERVER %I FOREIGN DATA WRAPPER %I', s.srvname, w.fdwname)
    -- Where the server is and who logs in decides no plan.
    || coalesce((SELECT format(' OPTIONS (%s)', string_agg(format('%I %L', split_part(o, '=', 1),
                                                                  substr(o, strpos(o, '=') + 1)), ', ' ORDER BY o))
                 FROM unnest(s.srvoptions) AS o
                 WHERE split_part(o, '=', 1) IN ('fdw_startup_cost', 'fdw_tuple_cost', 'fetch_size', 'async_capable',
                                                 'batch_size', 'extensions')), '')
FROM pg_catalog.pg_foreign_server AS s
JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
WHERE (s.oid, 'pg_catalog.pg_foreign_server'::regclass) NOT IN (SELECT objid, classid FROM extension_owned)

UNION ALL
SELECT 2, c.oid, 'collation', n.name::text, c.collname::text,
    format('CREATE COLLATION %I.%I (provider = %s, %s, deterministic = %s)', n.name, c.collname,
        CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
        CASE WHEN c.collprovider = 'c' THEN format('lc_collate = %L, lc_ctype = %L', c.collcollate, c.collctype)
             -- The column is called colliculocale in 15 and 16, colllocale from 17 on; before it was collcollate.
             ELSE format('locale = %L', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale',
                                                 c.collcollate)) END,
        CASE WHEN c.collisdeterministic THEN 'true' ELSE 'false' END)
FROM pg_catalog.pg_collation AS c
JOIN own_schemas AS n ON n.oid = c.collnamespace
WHERE (c.oid, 'pg_catalog.pg_collation'::regclass) NOT IN (SELECT objid, classid FROM extension_owned)

UNION ALL
SELECT 3, t.oid, 'type', n.name::text, t.typname::text,
    CASE t.typtype
        WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', n.name, t.typname,
            (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
             FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid))
        WHEN 'c' THEN format('CREATE TYPE %I.%I AS (%s)', n.name, t.typname,
            (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
                               || CASE WHEN a.attcollation <> 0 AND a.attcollation <> at.typcollation
                                       THEN ' COLLATE ' || a.attcollation::regcollation::text ELSE '' END,
                               ', ' ORDER BY a.attnum)
             FROM pg_catalog.pg_attribute AS a
             JOIN pg_catalog.pg_type AS at ON at.oid = a.atttypid
             WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
        WHEN 'd' THEN format('CREATE DOMAIN %I.%I AS %s', n.name, t.typname, format_type(t.typbasetype, t.typtypmod))
            || CASE WHEN t.typcollation <> 0 AND t.typcollation <> b.typcollation
                    THEN ' COLLATE ' || t.typcollation::regcollation::text ELSE '' END
            || CASE WHEN t.typdefault IS NOT NULL
                    THEN ' DEFAULT ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault))
                    ELSE '' END
            || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
            || coalesce((SELECT string_agg(format(' CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ''
                                           ORDER BY k.conname)
                         FROM pg_catalog.pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c'), '')
        WHEN 'r' THEN (SELECT format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s, SUBTYPE_OPCLASS = %I.%I%s%s)', n.name,
                t.typname, format_type(r.rngsubtype, NULL), os.nspname, oc.opcname,
                CASE WHEN r.rngcollation <> 0 THEN ', COLLATION = ' || r.rngcollation::regcollation::text ELSE '' END,
                -- 14 and later
                (SELECT format(', MULTIRANGE_TYPE_NAME = %I.%I', n.name, m.typname) FROM pg_catalog.pg_type AS m
                 WHERE m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid))
            FROM pg_catalog.pg_range AS r
            JOIN pg_catalog.pg_opclass AS oc ON oc.oid = r.rngsubopc
            JOIN pg_catalog.pg_namespace AS os ON os.oid = oc.opcnamespace
            WHERE r.rngtypid = t.oid)
    END
FROM pg_catalog.pg_type AS t
JOIN own_schemas AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type AS b ON b.oid = t.typbasetype
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
  AND (t.oid, 'pg_catalog.pg_type'::regclass) NOT IN (SELECT objid, classid FROM extension_owned)

UNION ALL
SELECT 4, c.oid, 'sequence', n.name::text, c.relname::text,
    format('CREATE SEQUENCE %I.%I AS %s', n.name, c.relname, format_type(s.seqtypid, NULL))
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = c.oid
JOIN own_schemas AS n ON n.oid = c.relnamespace
WHERE (c.oid, 'pg_catalog.pg_class'::regclass) NOT IN (SELECT objid, classid FROM extension_owned)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS x
                  WHERE x.classid = 'pg_catalog.pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'i')

UNION ALL
SELECT 5, p.oid, 'function', n.name::text,
    format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
    -- Only these languages are in every server.
    CASE WHEN p.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql') AND $3
              -- A body that was parsed (14+) is printed with a lock on the relations that it reads.
              AND (to_jsonb(p) ->> 'prosqlbody' IS NULL OR $2::oid[] = '{}')
         THEN pg_get_functiondef(p.oid) END
FROM pg_catalog.pg_proc AS p
JOIN own_schemas AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE p.prokind <> 'p' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND (p.oid, 'pg_catalog.pg_proc'::regclass) NOT IN (SELECT objid, classid FROM extension_owned)
  -- A range type makes its own constructors.
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS x
                  WHERE x.classid = 'pg_catalog.pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'i')
  AND ($1::text[] IS NULL OR true)
ORDER BY 1, 2
