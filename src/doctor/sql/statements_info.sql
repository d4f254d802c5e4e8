SELECT /* pgwise */ i.dealloc, i.stats_reset FROM {view} AS i
