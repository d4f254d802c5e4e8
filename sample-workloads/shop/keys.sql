-- The shop's keys, the indexes that it has today (good and bad ones), and fresh statistics.

-- step: primary keys
alter table categories add primary key (id);
alter table users add primary key (id);
alter table addresses add primary key (id);
alter table products add primary key (id);
alter table inventory add primary key (product_id, warehouse_id);
alter table coupons add primary key (id);
alter table carts add primary key (id);
alter table orders add primary key (id);
alter table order_items add primary key (id);
alter table payments add primary key (id);
alter table reviews add primary key (id);
alter table events add primary key (id);
alter table jobs add primary key (id);

-- step: unique keys
alter table users add constraint users_email_key unique (email);
alter table products add constraint products_sku_key unique (sku);
alter table coupons add constraint coupons_code_key unique (code);

-- step: indexes
create index orders_user_id_idx on orders (user_id);
create index orders_by_user on orders (user_id);                               -- a duplicate
create index order_items_order_id_idx on order_items (order_id);               -- a prefix of the next one
create index order_items_order_id_product_id_idx on order_items (order_id, product_id);
create index events_session_id_idx on events (session_id);                     -- big, and nothing asks for it

-- step: foreign keys
alter table categories add foreign key (parent_id) references categories (id);
alter table addresses add foreign key (user_id) references users (id);         -- no index on it
alter table products add foreign key (category_id) references categories (id); -- no index on it
alter table inventory add foreign key (product_id) references products (id);
alter table carts add foreign key (user_id) references users (id);             -- no index on it
alter table orders add foreign key (user_id) references users (id);
alter table orders add foreign key (address_id) references addresses (id);     -- no index on it
alter table orders add foreign key (coupon_id) references coupons (id);        -- no index on it
alter table order_items add foreign key (order_id) references orders (id);
alter table order_items add foreign key (product_id) references products (id); -- no index on it
alter table payments add foreign key (order_id) references orders (id);        -- no index on it
alter table reviews add foreign key (product_id) references products (id);     -- no index on it
alter table reviews add foreign key (user_id) references users (id);           -- no index on it

-- step: sequences
select setval(pg_get_serial_sequence(name, 'id'), 10000000)
from unnest(array['categories', 'users', 'addresses', 'products', 'coupons', 'carts', 'orders', 'order_items', 'payments',
                  'reviews', 'events', 'jobs']) name;

-- step: statistics
vacuum (analyze);
