-- pg_stat_statements 1.9 and later (PostgreSQL 14 and later)
SELECT /* pgwise */ i.dealloc AS evicted, i.stats_reset FROM {view} AS i
