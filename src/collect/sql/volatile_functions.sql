-- Names of which at least one function is volatile, aggregates by the functions behind them: executing one could have an
-- effect. Operators and casts have no name to look for in a text, so that they are only counted.
SELECT /* pgwise */
    ARRAY(SELECT DISTINCT p.proname::text FROM pg_catalog.pg_proc AS p WHERE p.provolatile = 'v'
          UNION
          SELECT p.proname::text
          FROM pg_catalog.pg_aggregate AS a
          JOIN pg_catalog.pg_proc AS p ON p.oid = a.aggfnoid
          JOIN pg_catalog.pg_proc AS b
            ON b.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn,
                         a.aggminvtransfn, a.aggmfinalfn)
          WHERE b.provolatile = 'v'
          ORDER BY 1) AS names,
    EXISTS (SELECT FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
            WHERE p.provolatile = 'v')
    OR EXISTS (SELECT FROM pg_catalog.pg_cast AS c JOIN pg_catalog.pg_proc AS p ON p.oid = c.castfunc
               WHERE p.provolatile = 'v') AS operators
