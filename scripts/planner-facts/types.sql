-- key: oid
SELECT t.oid, t.typname, t.typlen, t.typbyval::int, CASE t.typalign WHEN 'c' THEN 1 WHEN 's' THEN 2 WHEN 'i' THEN 4 ELSE 8 END,
       t.typcategory, t.typispreferred::int, t.typtype,
       CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc THEN t.typelem ELSE 0 END,
       t.typarray, t.typbasetype, t.typcollation, coalesce(r.rngsubtype, m.rngsubtype, 0)
FROM pg_type t LEFT JOIN pg_range r ON r.rngtypid = t.oid LEFT JOIN pg_range m ON m.rngmultitypid = t.oid
WHERE t.oid < 10000 AND t.typrelid = 0 ORDER BY t.oid
