SELECT /* pgwise */
    has_table_privilege('pg_catalog.pg_statistic', 'SELECT') AS readable,
    current_user::text AS role_name,
    EXISTS (SELECT
            FROM pg_catalog.pg_attribute AS a
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid AND t.typtype IN ('r', 'm')
            JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm')
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') AS concerned
