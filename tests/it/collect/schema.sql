create schema "Sales Dept";
create schema elsewhere;
create type mood as enum ('sad', 'ok', 'happy');
create domain posint as int check (value > 0);

create table users (
    id bigint generated always as identity primary key,
    email text not null unique,
    name varchar(80),
    mood mood,
    age posint,
    tags text[],
    numbers int[],
    meta jsonb,
    uid uuid,
    created timestamptz default now(),
    flag bool default false,
    loud text generated always as (name || '!') stored
);
create table orders (
    id int primary key,
    user_id bigint references users (id) on delete cascade,
    status text not null default 'new',
    total numeric(12,2),
    at timestamptz,
    constraint total_positive check (total >= 0)
) with (fillfactor = 90);
create index orders_lower on orders (lower(status), total desc nulls last) include (at) where status <> 'done';
create index orders_hash on orders using hash (user_id);
create index users_pattern on users (name text_pattern_ops);
create index users_collated on users (name collate "C" desc);
create index users_tags on users using gin (tags);
alter table users add constraint no_twins exclude using btree (uid with =);

create table "Sales Dept"."Mixed ""Case""" ("Id" int primary key, "Some Col" text);
create index "Odd Index" on "Sales Dept"."Mixed ""Case""" (("Some Col" || 'x'));

create table elsewhere.hidden_away (id int primary key, at date);

create table events (id int, at date not null, kind text) partition by range (at);
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01') partition by list (kind);
create table events_2025_a partition of events_2025 for values in ('planted-a');
create index events_at on events (at);

create view paid as select o.id, u.email from orders o join users u on u.id = o.user_id where o.status = 'paid';
create materialized view per_status as select status, count(*) as n from orders group by status;
create function bump(int) returns int language sql volatile as 'select $1 + 1';
create function shout(text) returns text language sql immutable as 'select upper($1)';
create statistics order_stats (dependencies, ndistinct) on user_id, status from orders;

insert into users (email, name, mood, age, tags, numbers, meta, uid, flag)
select 'planted-' || i || '@example.org', 'planted-name-' || i % 50, (array['sad', 'ok', 'happy'])[1 + i % 3]::mood,
       1 + i % 90, array['planted-tag-' || i % 5], array[i % 7, i % 3], jsonb_build_object('planted-key', 'planted-' || i % 9),
       md5('planted' || i)::uuid, i % 10 = 0
from generate_series(1, 2000) i;
insert into orders
select i, 1 + i % 2000, (array['planted-new', 'planted-paid', 'done'])[1 + i % 3], i % 500, timestamptz '2024-01-01' + i * interval '1 min'
from generate_series(1, 5000) i;
insert into "Sales Dept"."Mixed ""Case""" select i, 'planted-' || i % 10 from generate_series(1, 500) i;
insert into elsewhere.hidden_away select i, date '2024-01-01' + i from generate_series(1, 100) i;
insert into events select i, date '2024-01-01' + i % 700, 'planted-a' from generate_series(1, 3000) i;
analyze;
