SELECT /* pgwise */
    n.nspname::text AS schema,
    o.oprname::text AS name,
    CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END AS "left",
    format_type(o.oprright, NULL) AS "right",
    format_type(o.oprresult, NULL) AS result,
    o.oprcode::oid::regprocedure::text AS function,
    CASE WHEN o.oprrest::oid <> 0 THEN o.oprrest::text END AS restrict,
    CASE WHEN o.oprjoin::oid <> 0 THEN o.oprjoin::text END AS "join",
    CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END AS commutator,
    CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END AS negator,
    o.oprcanhash AS hashable,
    o.oprcanmerge AS mergeable
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
-- Not those that are only announced as another's commutator, nor, from 14 on, postfix ones, which are gone.
WHERE o.oprcode::oid <> 0 AND o.oprright <> 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", o.oprname COLLATE "C", format_type(o.oprleft, NULL) COLLATE "C",
    format_type(o.oprright, NULL) COLLATE "C"
