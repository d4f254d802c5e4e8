-- key: method, name and type: the oids of operator classes differ between versions
SELECT concat_ws('/', a.amname, c.opcname, c.opcintype), c.oid, c.opcname, a.amname, c.opcfamily, c.opcintype, c.opckeytype, c.opcdefault::int
FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod ORDER BY c.oid
