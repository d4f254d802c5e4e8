select * from people where email = 'user5@example.org'
select * from people where email = 'user5@example.org'::citext and id < 100
select p.id, o.id from people p join orders o on o.email = p.email where p.id < 50
select email, count(*) from people group by email
select * from people order by email limit 5
select * from people where email like 'user1%'
select * from people where name % 'name abc'
select * from people where name like '%abcde%'
select similarity(name, 'x') from people where id = 5
select * from people order by name <-> 'abc' limit 3
select * from people where attrs @> 'k1=>3'
select * from people where attrs ? 'k1'
select attrs -> 'k1' from people where attrs -> 'common' = 'x'
select * from people where path <@ 'top.a3'
select * from people where path = 'top.a3.b3'
select * from people where path ~ '*.b7'
select nlevel(path), count(*) from people group by 1
select * from people where mood = 'sad'
select mood, count(*) from people group by mood order by mood
select * from people where price > 300
select * from people where nums && '{3}'
select * from people where nums @> '{3}'::int[]
select * from people where spot <@ '(0,0),(10,10)'::cube
select cube_distance(spot, '(1,2)') from people
select * from people where span && '[3,5)'::app.float_range
select * from people where app.slow(id)
select * from people where app.slow(id) and note is null
select app.label(id) from people
select app.label(id, prefix => 'x') from people where id < 10
select * from people where app.label(id) = 'p5'
select * from app.rows_of(5)
select id, total from app.rows_of(5) where total > 3
select * from app.table_of(3) t join people p on p.id = t.x
select q from app.outs(4)
select app.sum_of(id, 2, 3) from people
select app.total(id) from people
select mood, app.total(id) from people group by mood
select * from people where id operator(app.~=~) 5
select * from people where id <~> 5
select p.id from people p join orders o on p.id <~> o.id
select app.table_of(id) from people
select * from people where email = lower('A')::citext
select ('(1,a)'::app.pair).b from people
select * from people where hstore(name, 'a') ? 'x'
select email::text from people order by 1
update people set attrs = attrs || 'a=>1' where path <@ 'top.a1'
