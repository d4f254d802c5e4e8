//! Statements over the shop beside its own: joins as TPC-H has them.

/// The shop's statements that read one table.
pub(crate) const SINGLE_TABLE: &[&str] = &[
    "select id, kind, payload, created_at from events where user_id = $1 and created_at >= $2 order by created_at desc limit $3",
    "select id, provider, amount, captured_at from payments where order_id = $1",
    "select id, user_id, total, created_at from orders where status = $1 order by created_at limit $2",
    "select id, user_id, total, created_at from orders where (created_at, id) < ($1, $2) order by created_at desc, id desc limit $3",
    "select id, order_id, amount from payments where provider_ref = $1",
    "select id, name, price from products where category_id = $1 and deleted_at is null order by price limit $2",
    "select count(*) from events where kind = $1 and created_at >= $2 and created_at < $3",
    "select count(*), avg(rating) from reviews where product_id = $1",
    "select id, street, city, zip, country from addresses where user_id = $1",
    "select id, email, created_at from users where country = $1 and deleted_at is null order by created_at desc limit $2",
    "select id, kind, payload from jobs where state = $1 and run_at <= $2 order by run_at limit $3 for update skip locked",
    "select id, user_id, updated_at from carts where checked_out_at is null and updated_at < $1 order by updated_at limit $2",
    "select id, user_id, status, total from orders where created_at >= $1",
    "select id, name, views from products order by views desc limit $1",
    "update products set views = views + $2 where id = $1",
    "select id, email, full_name, country from users where id = $1",
    "select id, user_id, status from orders where user_id = $1 and (status = $2 or total > $3)",
    "update jobs set state = $2 where id = $1",
];

/// Joins: two relations, then TPC-H's queries 3, 4, 5, 10, 12 and 18 in the shop's terms.
pub(crate) const JOINS: &[&str] = &[
    "select o.user_id, o.created_at, i.quantity from order_items i join orders o on o.id = i.order_id \
        where i.product_id = $1 order by o.created_at desc limit $2",
    "select i.product_id, sum(i.quantity) as sold from order_items i join orders o on o.id = i.order_id \
        where o.created_at >= $1 group by i.product_id order by sold desc limit $2",
    "select p.id, p.name, p.price, c.slug from products p join categories c on c.id = p.category_id where p.price < $1",
    "select o.id, sum(i.unit_price * i.quantity) as revenue, o.created_at from users u, orders o, order_items i \
        where u.country = $1 and u.id = o.user_id and i.order_id = o.id and o.created_at < $2 \
        group by o.id, o.created_at order by revenue desc limit 10",
    "select o.status, count(*) from orders o where o.created_at >= $1 and o.created_at < $2 and exists \
        (select 1 from payments p where p.order_id = o.id and p.captured_at > $3) group by o.status order by o.status",
    "select c.name, sum(i.unit_price * i.quantity) as revenue \
        from users u, addresses a, orders o, order_items i, products p, categories c \
        where u.id = o.user_id and a.id = o.address_id and i.order_id = o.id and i.product_id = p.id \
        and p.category_id = c.id and a.country = $1 and o.created_at >= $2 and o.created_at < $3 \
        group by c.name order by revenue desc",
    "select u.id, u.full_name, sum(i.unit_price * i.quantity) as revenue, u.email from users u, orders o, order_items i, addresses a \
        where u.id = o.user_id and i.order_id = o.id and o.created_at >= $1 and o.created_at < $2 and o.status = $3 \
        and a.id = o.address_id group by u.id, u.full_name, u.email order by revenue desc limit 20",
    "select p.provider, count(*) from orders o, payments p where o.id = p.order_id and p.captured_at >= $1 \
        and p.captured_at < $2 group by p.provider order by p.provider",
    "select u.full_name, u.id, o.id, o.created_at, o.total, sum(i.quantity) from users u, orders o, order_items i \
        where o.id in (select order_id from order_items group by order_id having sum(quantity) > $1) \
        and u.id = o.user_id and o.id = i.order_id group by u.full_name, u.id, o.id, o.created_at, o.total \
        order by o.total desc, o.created_at limit 100",
];
