-- The shop's rows: about 2.2 million, the same on every machine (generate_series and arithmetic, no random()).
-- `set shop.scale = 0.1` before it makes a tenth of them.

-- step: helpers
-- How many rows of a table whose full size is given.
create function pg_temp.scaled(full_size integer) returns integer language sql immutable as $$
    select greatest(1, ceil(full_size * coalesce(nullif(current_setting('shop.scale', true), ''), '1')::float8))::integer
$$;
-- An evenly spread number in 0 … 2147483646 for a row and a purpose. The argument appears once, so that the planner
-- puts the expression in the place of the call.
create function pg_temp.h(i bigint, purpose integer) returns bigint language sql immutable as $$
    select (i * (2654435761 + purpose * 7919) % 4294967291 * 69621) % 2147483647
$$;
-- A number in 1 … n, small ones more often than large ones: a few customers buy much.
create function pg_temp.skewed(hash bigint, n integer) returns bigint language sql immutable as $$
    select 1 + least(floor(power(hash / 2147483647.0::float8, 2) * n), n - 1)::bigint
$$;
-- A moment of the year 2025: the given fraction of it has passed.
create function pg_temp.moment(fraction float8) returns timestamptz language sql immutable as $$
    select timestamptz '2025-01-01 00:00:00+00' + fraction * 31536000 * interval '1 second'
$$;

-- step: categories
insert into categories (id, parent_id, slug, name, position)
select i, case when i > 12 then 1 + i % 12 end, 'category-' || i, 'Category ' || i, i % 25
from generate_series(1, 300) i;

-- step: users
insert into users (id, email, full_name, country, newsletter, created_at, deleted_at)
select i,
       'Customer' || i || '@example.' || (array['com', 'org', 'net'])[1 + pg_temp.h(i, 1) % 3],
       'Customer Number ' || i,
       (array['DE', 'FR', 'US', 'GB', 'IT', 'ES', 'PL', 'NL', 'SE', 'AT', 'CH', 'BE', 'DK', 'NO', 'FI', 'PT', 'CZ', 'IE',
              'GR', 'HU'])[pg_temp.skewed(pg_temp.h(i, 2), 20)],
       pg_temp.h(i, 3) % 2 = 0,
       pg_temp.moment(i::float8 / n),
       case when pg_temp.h(i, 4) % 100 < 8 then pg_temp.moment(1) end
from pg_temp.scaled(100000) n, generate_series(1, n) i;

-- step: addresses
insert into addresses (id, user_id, street, city, zip, country)
select i, 1 + pg_temp.h(i, 5) % pg_temp.scaled(100000), pg_temp.h(i, 6) % 200 || ' Long Street',
       'City ' || pg_temp.h(i, 7) % 900, lpad((pg_temp.h(i, 8) % 100000)::text, 5, '0'),
       (array['DE', 'FR', 'US', 'GB', 'IT'])[1 + pg_temp.h(i, 9) % 5]
from generate_series(1, pg_temp.scaled(150000)) i;

-- step: products
insert into products
    (id, category_id, sku, name, description, price, is_active, views, tags, attributes, created_at, deleted_at)
select i,
       1 + pg_temp.h(i, 10) % 300,
       'SKU-' || lpad(i::text, 7, '0'),
       initcap(adjective || ' ' || noun) || ' ' || i,
       'A ' || adjective || ' ' || noun || ' for the ' || place || ', model ' || pg_temp.h(i, 11) % 5000,
       (pg_temp.h(i, 12) % 50000 + 100) / 100.0,
       pg_temp.h(i, 13) % 10 > 0,
       pg_temp.h(i, 14) % 10000,
       array['tag-' || pg_temp.h(i, 15) % 400, 'tag-' || pg_temp.h(i, 16) % 400],
       jsonb_build_object('brand', 'brand-' || pg_temp.h(i, 17) % 500, 'colour', colour,
                          'weight_g', pg_temp.h(i, 18) % 5000),
       pg_temp.moment(pg_temp.h(i, 19) / 2147483647.0),
       case when pg_temp.h(i, 20) % 100 < 10 then pg_temp.moment(1) end
from generate_series(1, pg_temp.scaled(50000)) i,
     lateral (select
        (array['light', 'heavy', 'quiet', 'sturdy', 'foldable', 'waterproof', 'wireless', 'classic', 'modern', 'slim',
               'round', 'wooden', 'steel', 'organic', 'vintage', 'compact', 'electric', 'portable', 'soft', 'bright',
               'smart', 'rustic', 'tiny', 'giant', 'magnetic'])[1 + pg_temp.h(i, 21) % 25] as adjective,
        (array['lamp', 'chair', 'table', 'kettle', 'backpack', 'bicycle', 'headphones', 'keyboard', 'jacket', 'mug',
               'notebook', 'tent', 'blanket', 'camera', 'clock', 'mirror', 'pillow', 'shelf', 'speaker', 'toaster',
               'umbrella', 'vase', 'wallet', 'watch', 'whistle', 'drill', 'hammer', 'ladder', 'puzzle', 'telescope',
               'sofa', 'curtain', 'carpet', 'teapot', 'razor', 'scooter', 'helmet', 'racket', 'violin', 'drum'])
            [1 + pg_temp.h(i, 22) % 40] as noun,
        (array['kitchen', 'garden', 'office', 'bedroom', 'workshop', 'balcony', 'journey', 'school', 'beach', 'mountains'])
            [1 + pg_temp.h(i, 23) % 10] as place,
        (array['red', 'green', 'blue', 'black', 'white', 'grey', 'brown', 'yellow'])
            [1 + pg_temp.h(i, 24) % 8] as colour) words;

-- step: inventory
insert into inventory (product_id, warehouse_id, quantity, reorder_level)
select i, w, pg_temp.h(i * 3 + w, 25) % 500, 10 + pg_temp.h(i, 26) % 20
from generate_series(1, pg_temp.scaled(50000)) i, generate_series(1, 2) w;

-- step: coupons
insert into coupons (id, code, percent, valid_until)
select i, 'SAVE-' || lpad((i * 7919 % 100000)::text, 5, '0') || '-' || i, 5 + i % 6 * 5,
       pg_temp.moment(pg_temp.h(i, 27) / 2147483647.0)
from generate_series(1, 5000) i;

-- step: carts
insert into carts (id, user_id, items, updated_at, checked_out_at)
select i, 1 + pg_temp.h(i, 28) % pg_temp.scaled(100000),
       jsonb_build_array(jsonb_build_object('product_id', 1 + pg_temp.h(i, 29) % pg_temp.scaled(50000), 'quantity', 1)),
       pg_temp.moment(i::float8 / n),
       case when pg_temp.h(i, 30) % 100 >= 6 then pg_temp.moment(least(i::float8 / n + 0.001, 1)) end
from pg_temp.scaled(120000) n, generate_series(1, n) i;

-- step: orders
insert into orders (id, user_id, address_id, coupon_id, status, total, created_at)
select i,
       pg_temp.skewed(pg_temp.h(i, 31), pg_temp.scaled(100000)),
       1 + pg_temp.h(i, 32) % pg_temp.scaled(150000),
       case when pg_temp.h(i, 33) % 20 = 0 then 1 + pg_temp.h(i, 34) % 5000 end,
       case when s < 970 then 'delivered' when s < 980 then 'pending' when s < 988 then 'paid' when s < 995 then 'shipped'
            else 'cancelled' end,
       (pg_temp.h(i, 36) % 90000 + 500) / 100.0,
       pg_temp.moment(i::float8 / n)
from pg_temp.scaled(300000) n, generate_series(1, n) i, lateral (select pg_temp.h(i, 35) % 1000 as s) status;

-- step: order items
insert into order_items (id, order_id, product_id, quantity, unit_price)
select i, 1 + (i::bigint - 1) * 3 / 7, pg_temp.skewed(pg_temp.h(i, 37), pg_temp.scaled(50000)), 1 + pg_temp.h(i, 38) % 4,
       (pg_temp.h(i, 39) % 50000 + 100) / 100.0
from generate_series(1, pg_temp.scaled(300000) / 3 * 7) i;

-- step: payments
insert into payments (id, order_id, provider, provider_ref, amount, captured_at)
select i, i, (array['card', 'paypal', 'transfer'])[1 + pg_temp.h(i, 40) % 3], 'pay_' || md5(i::text),
       (pg_temp.h(i, 36) % 90000 + 500) / 100.0, pg_temp.moment(i::float8 / n)
from pg_temp.scaled(300000) n, generate_series(1, n) i;

-- step: reviews
insert into reviews (id, product_id, user_id, rating, body, created_at)
select i, pg_temp.skewed(pg_temp.h(i, 41), pg_temp.scaled(50000)), 1 + pg_temp.h(i, 42) % pg_temp.scaled(100000),
       1 + (pg_temp.h(i, 43) % 9 + 3) / 3, repeat('I would buy it again. ', 1 + (pg_temp.h(i, 44) % 6)::integer),
       pg_temp.moment(i::float8 / n)
from pg_temp.scaled(120000) n, generate_series(1, n) i;

-- step: events
insert into events (id, user_id, session_id, kind, payload, created_at)
select i, pg_temp.skewed(pg_temp.h(i, 45), pg_temp.scaled(100000)), md5((i / 8)::text)::uuid,
       (array['view', 'view', 'view', 'view', 'search', 'search', 'add_to_cart', 'checkout', 'login', 'logout'])
           [1 + pg_temp.h(i, 46) % 10],
       jsonb_build_object('product_id', 1 + pg_temp.h(i, 47) % pg_temp.scaled(50000)),
       pg_temp.moment(i::float8 / n)
from pg_temp.scaled(450000) n, generate_series(1, n) i;

-- step: jobs
insert into jobs (id, kind, state, payload, run_at)
select i, (array['mail', 'invoice', 'reindex', 'export'])[1 + pg_temp.h(i, 48) % 4],
       case when i > n - greatest(n / 200, 20) then 'queued' when pg_temp.h(i, 49) % 100 = 0 then 'failed' else 'done' end,
       jsonb_build_object('order_id', 1 + pg_temp.h(i, 50) % pg_temp.scaled(300000)),
       pg_temp.moment(i::float8 / n)
from pg_temp.scaled(80000) n, generate_series(1, n) i;
