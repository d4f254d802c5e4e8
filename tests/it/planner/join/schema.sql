create table customer (id int primary key, region int not null, name text not null, balance numeric(10,2));
create table orders (id int primary key, customer_id int not null, day date not null, status text not null, total int);
create table line (order_id int not null, number int not null, product_id int not null, quantity int not null, note text);
create table product (id int primary key, kind int not null, name text not null);
create table region (id int primary key, name text not null);
create table review (product_id int, stars int, body text);
create table big (id int primary key, a int, b int, filler text);

insert into region select i, 'region ' || i from generate_series(1, 25) i;
insert into customer select i, 1 + i % 25, 'customer ' || i, (i * 7919) % 100000 / 100.0 from generate_series(1, 3000) i;
insert into orders select i, 1 + (i * 7919) % 3000, date '2024-01-01' + i % 700,
    (array['new', 'paid', 'sent', 'sent', 'sent', 'sent', 'done', 'done', 'done', 'done'])[1 + i % 10], (i * 31) % 5000
    from generate_series(1, 30000) i;
insert into line select 1 + i / 4, 1 + i % 4, 1 + (i::bigint * 7919) % 2000, 1 + i % 9, case when i % 3 = 0 then 'note ' || i end
    from generate_series(0, 119999) i;
insert into product select i, i % 40, 'product ' || i from generate_series(1, 2000) i;
insert into review select case when i % 11 = 0 then null else 1 + (i * i) % 500 end, i % 5, 'text ' || i
    from generate_series(1, 8000) i;
insert into big select i, (i::bigint * 7919) % 50000, i % 1000, repeat('x', 100) from generate_series(1, 300000) i;

alter table line add primary key (order_id, number);
create index on orders (customer_id);
create index on orders (day);
create index on line (product_id);
create index on review (product_id);
create index on big (a);
