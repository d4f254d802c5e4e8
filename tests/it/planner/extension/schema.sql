create schema app;
create type app.mood as enum ('sad', 'ok', 'happy');
create domain app.price as numeric(10,2) check (value >= 0);
create type app.pair as (a int, b text);
create type app.float_range as range (subtype = float8, subtype_diff = float8mi);
create table people (id int primary key, name text not null, email citext, attrs hstore, path ltree, mood app.mood,
    price app.price, spot cube, nums int[], span app.float_range, note text);
insert into people select i, 'name ' || md5(i::text), ('User' || i % 4000 || '@Example.org')::citext,
    hstore(array['k' || i % 20, 'common'], array[(i % 7)::text, 'x']), text2ltree('top.a' || i % 10 || '.b' || i % 100),
    (array['sad', 'ok', 'happy'])[1 + i % 3]::app.mood, i % 500, cube(array[i % 100, i % 37]::float8[]),
    array[i % 5, i % 50, i % 500], app.float_range(i % 100, i % 100 + 10), case when i % 3 = 0 then 'note ' || i end
    from generate_series(1, 8000) i;
create index people_email on people (email);
create index people_name_trgm on people using gin (name gin_trgm_ops);
create index people_attrs on people using gin (attrs);
create index people_path on people using gist (path);
create index people_path_b on people (path);
create index people_nums on people using gin (nums gin__int_ops);
create index people_mood on people (mood);
create index people_span on people using gist (span);
create table orders (id int primary key, person int references people, email citext, total numeric);
insert into orders select i, 1 + i % 8000, ('user' || i % 4000 || '@example.org')::citext, i % 1000
    from generate_series(1, 20000) i;
create function app.cheap(p numeric) returns boolean language sql immutable cost 5 begin atomic select p < 10; end;
create function app.slow(i int) returns boolean language plpgsql stable cost 5000 as 'begin return i > 0; end';
create function app.label(i int, prefix text default 'p') returns text language plpgsql immutable
    as 'begin return prefix || i; end';
create function app.rows_of(n int) returns setof orders language plpgsql rows 42
    as 'begin return query select * from orders limit n; end';
create function app.table_of(n int) returns table (x int, y text) language plpgsql rows 7
    as 'begin return query select 1, ''a''::text; end';
create function app.outs(n int, out q int, out r text) language plpgsql as 'begin q := 1; r := ''a''; end';
create function app.sum_of(variadic n int[]) returns int language plpgsql immutable as 'begin return 1; end';
create function app.gather(state int, value int) returns int language sql immutable as 'select state + value';
create aggregate app.total(int) (sfunc = app.gather, stype = int, initcond = '0');
create function app.near(a int, b int) returns boolean language plpgsql immutable as 'begin return abs(a - b) < 3; end';
create operator app.~=~ (leftarg = int, rightarg = int, function = app.near, restrict = eqsel, join = eqjoinsel);
create operator public.<~> (leftarg = int, rightarg = int, function = app.near);
