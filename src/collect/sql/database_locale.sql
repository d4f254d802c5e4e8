SELECT /* pgwise */
    pg_encoding_to_char(d.encoding)::text AS encoding,
    d.datcollate::text AS collate,
    d.datctype::text AS ctype,
    -- 15 and later; the locale's column changed its name in 17.
    to_jsonb(d) ->> 'datlocprovider' AS provider,
    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale
FROM pg_catalog.pg_database AS d
WHERE d.datname = current_database()
