SELECT /* pgwise */ p.parameter_types::oid[] AS types FROM pg_catalog.pg_prepared_statements AS p WHERE p.name = $1
