SELECT /* pgwise */ system_identifier::text AS system_identifier FROM pg_catalog.pg_control_system()
