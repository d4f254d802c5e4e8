SELECT /* pgwise */
    n.nspname::text AS schema,
    oc.opcname::text AS name,
    am.amname::text AS method,
    format_type(oc.opcintype, NULL) AS input,
    CASE WHEN oc.opckeytype NOT IN (0, oc.opcintype) THEN format_type(oc.opckeytype, NULL) END AS stored,
    oc.opcdefault AS is_default,
    format('%I.%I', fn.nspname, f.opfname) AS family,
    ARRAY(SELECT a.amopstrategy FROM pg_catalog.pg_amop AS a
          WHERE a.amopfamily = f.oid AND a.amoplefttype = oc.opcintype ORDER BY a.amopstrategy, a.oid) AS strategies,
    ARRAY(SELECT a.amopopr::regoperator::text FROM pg_catalog.pg_amop AS a
          WHERE a.amopfamily = f.oid AND a.amoplefttype = oc.opcintype ORDER BY a.amopstrategy, a.oid) AS operators,
    ARRAY(SELECT a.amoppurpose = 'o' FROM pg_catalog.pg_amop AS a
          WHERE a.amopfamily = f.oid AND a.amoplefttype = oc.opcintype ORDER BY a.amopstrategy, a.oid) AS ordering
FROM pg_catalog.pg_opclass AS oc
JOIN pg_catalog.pg_namespace AS n ON n.oid = oc.opcnamespace
JOIN pg_catalog.pg_am AS am ON am.oid = oc.opcmethod
JOIN pg_catalog.pg_opfamily AS f ON f.oid = oc.opcfamily
JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.opfnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", oc.opcname COLLATE "C", am.amname COLLATE "C"
