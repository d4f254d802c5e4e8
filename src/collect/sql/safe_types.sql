-- Prefix of the queries that read statistics. $2 whether any value may leave the server, $3 whether values of every type may
WITH /* pgwise */ RECURSIVE safe (oid) AS (
    -- Types whose values say how much or when, not who or what; with enums (their labels are part of the schema), and
    -- domains, ranges and arrays over these. uuid, inet and the like identify someone or something: not here.
    SELECT t.oid
    FROM pg_catalog.pg_type AS t
    WHERE t.typtype = 'e'
       OR (t.typnamespace = 'pg_catalog'::regnamespace
           AND t.typname IN ('bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'money', 'oid', 'date',
                             'time', 'timetz', 'timestamp', 'timestamptz', 'interval'))
    UNION
    SELECT t.oid
    FROM safe AS s
    JOIN pg_catalog.pg_type AS t
      ON (t.typtype = 'd' AND t.typbasetype = s.oid)
      OR (t.typcategory = 'A' AND t.typelem = s.oid)
      OR (t.typtype = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_range AS r
                                      WHERE r.rngtypid = t.oid AND r.rngsubtype = s.oid))
      -- 14 and later
      OR (t.typtype = 'm' AND EXISTS (SELECT FROM pg_catalog.pg_range AS r
                                      WHERE r.rngtypid = s.oid AND (to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid))
)
