SELECT /* pgwise */ pg_catalog.pg_database_size(current_database()) AS bytes
