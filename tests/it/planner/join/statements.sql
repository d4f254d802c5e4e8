select * from customer c join region r on r.id = c.region
select * from customer c, region r where c.id < r.id
select * from orders o join customer c on c.id = o.customer_id
select * from orders o join customer c on c.id = o.customer_id where c.region = 3
select * from orders o join customer c on c.id = o.customer_id where c.id = 17
select * from orders o join customer c on c.id = o.customer_id where o.id = 17
select * from orders o join customer c on c.id = o.customer_id where o.day = '2024-03-01'
select * from orders o join customer c on c.id = o.customer_id where o.day between '2024-03-01' and '2024-03-03' and c.balance > 900
select * from orders o join customer c on c.id = o.customer_id order by o.customer_id
select * from orders o join customer c on c.id = o.customer_id order by c.id limit 10
select * from orders o left join customer c on c.id = o.customer_id
select * from customer c left join orders o on c.id = o.customer_id
select * from customer c left join orders o on c.id = o.customer_id and o.status = 'new'
select * from customer c left join orders o on c.id = o.customer_id where c.region = 4
select * from customer c right join orders o on c.id = o.customer_id where o.total > 4990
select * from customer c full join review v on v.product_id = c.id
select * from customer c full join orders o on o.customer_id = c.id
select * from customer c where exists (select from orders o where o.customer_id = c.id)
select * from customer c where exists (select from orders o where o.customer_id = c.id and o.status = 'new')
select * from customer c where exists (select from orders o where o.customer_id = c.id and o.total > 4990)
select * from customer c where c.region = 4 and exists (select from orders o where o.customer_id = c.id)
select * from customer c where not exists (select from orders o where o.customer_id = c.id)
select * from customer c where not exists (select from orders o where o.customer_id = c.id and o.day = '2024-03-01')
select * from customer c where c.region = 4 and not exists (select from orders o where o.customer_id = c.id)
select * from product p where p.id in (select product_id from review)
select * from product p where p.id in (select product_id from review where stars = 4)
select * from product p where p.id not in (select product_id from review where stars = 4)
select * from product p where exists (select from review v where v.product_id = p.id and v.stars > p.kind)
select * from product p left join review v on v.product_id = p.id where v.product_id is null
select * from orders o join line l on l.order_id = o.id
select * from orders o join line l on l.order_id = o.id where o.id < 100
select * from orders o join line l on l.order_id = o.id where o.day = '2024-05-05'
select * from orders o join line l on l.order_id = o.id and l.number = 1
select * from orders o join line l on l.order_id = o.id where o.customer_id = 5 and l.quantity > 5
select * from line l join product p on p.id = l.product_id where p.kind = 7
select * from line l join product p on p.id = l.product_id join orders o on o.id = l.order_id where p.id = 77
select * from line l join product p on p.id = l.product_id join review v on v.product_id = p.id
select l1.order_id from line l1 join line l2 on l2.order_id = l1.order_id and l2.number = l1.number
select l1.order_id from line l1 join line l2 on l2.product_id = l1.product_id where l1.order_id = 5
select * from review a join review b on b.product_id = a.product_id
select * from review a join review b on b.product_id = a.product_id and b.stars = a.stars
select count(*) from customer c join orders o on o.customer_id = c.id join line l on l.order_id = o.id
select count(*) from customer c join orders o on o.customer_id = c.id join line l on l.order_id = o.id join product p on p.id = l.product_id join region r on r.id = c.region
select r.name, sum(l.quantity) from customer c join orders o on o.customer_id = c.id join line l on l.order_id = o.id join product p on p.id = l.product_id join region r on r.id = c.region where p.kind = 3 and o.day >= '2025-06-01' group by r.name order by 2 desc
select * from customer c join orders o on o.customer_id = c.id join line l on l.order_id = o.id where c.id = 99
select * from customer c join orders o on o.customer_id = c.id left join line l on l.order_id = o.id and l.quantity = 9 where c.region = 2
select * from customer c left join (orders o join line l on l.order_id = o.id) on o.customer_id = c.id where c.id < 50
select * from region r where exists (select from customer c join orders o on o.customer_id = c.id where c.region = r.id)
select * from orders o where o.customer_id in (select id from customer where region = 5) and o.status = 'new'
select * from orders o where o.id in (select order_id from line where product_id = 12)
select * from orders o where o.id in (select order_id from line where quantity = 3)
select * from big x join big y on y.id = x.a
select count(*) from big x join big y on y.id = x.a
select count(*) from big x join big y on y.a = x.a where x.b = 5
select count(*) from big x left join big y on y.id = x.a where x.b < 500
select count(*) from big x where exists (select from big y where y.a = x.id)
select count(*) from big x where not exists (select from big y where y.a = x.id)
select count(*) from big x join orders o on o.id = x.a join customer c on c.id = o.customer_id
select count(*) from big x join customer c on c.id = x.b where c.region = 9
select * from big x join customer c on c.id = x.b and c.region = x.a
select count(*) from big x, region r where x.b < r.id
select x.id from big x join orders o on o.id = x.a order by x.id limit 20
select x.id from big x join orders o on o.id = x.a where x.id between 1000 and 2000 order by o.id
select * from customer c, lateral (select * from orders o where o.customer_id = c.id limit 3) o where c.region = 1
select c.id, (select count(*) from orders o where o.customer_id = c.id) from customer c
select * from customer c join (select customer_id, count(*) n from orders group by customer_id) o on o.customer_id = c.id
select * from customer c join (select distinct customer_id from orders) o on o.customer_id = c.id where c.region = 8
select * from customer c join orders o on o.customer_id = c.id and o.total = c.region
select * from customer c join orders o on o.customer_id + 1 = c.id
select * from customer c join orders o on upper(o.status) = c.name
select * from orders a join orders b on b.day = a.day where a.id < 200
select * from orders a join orders b on b.day > a.day where a.id < 20
