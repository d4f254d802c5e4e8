-- Every name that belongs to at least one volatile function: executing any of these could have an effect.
SELECT /* pgwise */ DISTINCT p.proname::text AS name FROM pg_catalog.pg_proc AS p WHERE p.provolatile = 'v' ORDER BY 1
