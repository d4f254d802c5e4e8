SELECT /* pgwise */
    format_type(c.castsource, NULL) AS source,
    format_type(c.casttarget, NULL) AS target,
    NULLIF(c.castfunc, 0)::regprocedure::text AS function,
    c.castcontext::text AS context,
    c.castmethod::text AS method
FROM pg_catalog.pg_cast AS c
-- From this oid on they are none of initdb's (FirstNormalObjectId).
WHERE c.oid >= 16384
ORDER BY format_type(c.castsource, NULL) COLLATE "C", format_type(c.casttarget, NULL) COLLATE "C"
