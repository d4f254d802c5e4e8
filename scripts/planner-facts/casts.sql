-- key: the two types
SELECT concat_ws('/', castsource, casttarget), castsource, casttarget, castfunc, castcontext, castmethod
FROM pg_cast WHERE castsource < 10000 AND casttarget < 10000 ORDER BY castsource, casttarget
