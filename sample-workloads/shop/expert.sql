-- The indexes that a database administrator would give the shop, written by hand from the statements, their weights and
-- their times, before any advice was looked at. `make bench-effect` measures pgwise's advice against it.

create extension if not exists pg_trgm;

create index on users (lower(email));
create index on users (country, created_at desc) where deleted_at is null;
create index on addresses (user_id);
create index on products (category_id, price) where deleted_at is null;
create index on products using gin (attributes jsonb_path_ops);
create index on products using gin (tags);
create index on products using gin (search);
create index on products using gin (name gin_trgm_ops);
create index on reviews (product_id, created_at desc);
-- Six carts in a hundred are open.
create index on carts (user_id) where checked_out_at is null;
create index on carts (updated_at) where checked_out_at is null;
create index on orders (user_id, created_at desc);
-- The status is a parameter: which one is asked for is not known, so the index holds them all.
create index on orders (status, created_at);
create index on orders (created_at desc, id desc);
create index on order_items (product_id);
create index on payments (order_id);
create index on payments (provider_ref);
create index on events (user_id, created_at desc);
create index on events (kind, created_at);
create index on jobs (state, run_at);

-- Both begin as orders (user_id, created_at desc) does.
drop index orders_user_id_idx;
drop index orders_by_user;
-- order_items_order_id_product_id_idx begins with the same column.
drop index order_items_order_id_idx;
-- Nothing asks for it.
drop index events_session_id_idx;
