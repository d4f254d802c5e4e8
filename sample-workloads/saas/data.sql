-- The help desk's rows: about 3.6 million, the same on every machine (generate_series and arithmetic, no random()).
-- `set saas.scale = 0.1` before it makes a tenth of them.

-- step: helpers
-- How many rows of a table whose full size is given.
create function pg_temp.scaled(full_size integer) returns integer language sql immutable as $$
    select greatest(1, ceil(full_size * coalesce(nullif(current_setting('saas.scale', true), ''), '1')::float8))::integer
$$;
-- An evenly spread number in 0 … 2147483646 for a row and a purpose. The argument appears once, so that the planner
-- puts the expression in the place of the call.
create function pg_temp.h(i bigint, purpose integer) returns bigint language sql immutable as $$
    select (i * (2654435761 + purpose * 7919) % 4294967291 * 69621) % 2147483647
$$;
-- A number in 1 … n; the higher the power, the more often a small one.
create function pg_temp.skewed(hash bigint, n bigint, exponent float8) returns bigint language sql immutable as $$
    select 1 + least(floor(power(hash / 2147483647.0::float8, exponent) * n), n - 1)::bigint
$$;
-- A moment of the year 2025: the given fraction of it has passed.
create function pg_temp.moment(fraction float8) returns timestamptz language sql immutable as $$
    select timestamptz '2025-01-01 00:00:00+00' + fraction * 31536000 * interval '1 second'
$$;
-- Who owns which numbers: tenants are of very different size, and what belongs to one has neighbouring ids.
create temporary table layout as
select id, agents, teams, organizations,
       sum(agents) over before as agents_before,
       sum(teams) over before as teams_before,
       sum(organizations) over before as organizations_before
from (
    select t as id, 4 + pg_temp.scaled(3000) / (t + 15) as agents,
           1 + (4 + pg_temp.scaled(3000) / (t + 15)) / 6 as teams,
           5 + pg_temp.scaled(9000) / (t + 15) as organizations
    from generate_series(1, greatest(40, pg_temp.scaled(1000))) t
) sized
window before as (order by id rows between unbounded preceding and 1 preceding);
update layout set agents_before = 0, teams_before = 0, organizations_before = 0 where id = 1;
alter table layout add primary key (id);
-- A customer's tenant: the first has a tenth of all customers, the last three in ten thousand.
create temporary table customer_layout as
select i, pg_temp.skewed(pg_temp.h(i, 1), n, 3)::integer as tenant_id
from (select count(*) as n from layout) tenants, generate_series(1, pg_temp.scaled(150000)) i;
alter table customer_layout add primary key (i);
analyze layout;
analyze customer_layout;

-- step: plans and tenants
insert into plans (id, name, monthly_price, seat_limit)
values (1, 'enterprise', 1900, null), (2, 'business', 490, 200), (3, 'team', 99, 25), (4, 'starter', 19, 5), (5, 'free', 0, 3);
-- The largest tenants are on the dearest plan.
insert into tenants (id, slug, name, plan_id, region, settings, created_at, suspended_at)
select id, 'tenant-' || id, 'Tenant ' || id, least(5, 1 + width_bucket(id, array[20, 100, 400, 800])),
       (array['eu', 'us', 'us', 'apac'])[1 + pg_temp.h(id, 2) % 4]::region,
       jsonb_build_object('timezone', 'UTC', 'theme', 'theme-' || id % 7),
       pg_temp.moment(0) - (1000 - id % 1000) * interval '1 day',
       case when id % 50 = 0 then pg_temp.moment(0.9) end
from layout;

-- step: agents and teams
insert into agents (id, tenant_id, email, full_name, role, is_active, skills, last_seen_at, created_at, deleted_at)
select agents_before + a, id, 'Agent' || a || '@tenant-' || id || '.example', 'Agent ' || a || ' of ' || id,
       (case when a = 1 then 'owner' when a % 20 = 0 then 'admin' when a % 7 = 0 then 'light' else 'agent' end)::agent_role,
       a % 8 > 0, array['skill-' || a % 12, 'skill-' || (a * 5 + 3) % 12],
       pg_temp.moment(1 - power(pg_temp.h(agents_before + a, 3) / 2147483647.0, 4)), pg_temp.moment(0) - a * interval '1 day',
       case when a % 8 = 0 then pg_temp.moment(0.8) end
from layout, generate_series(1, agents) a;
insert into teams (id, tenant_id, name)
select teams_before + t, id, 'Team ' || t from layout, generate_series(1, teams) t;
insert into team_members (team_id, agent_id)
select distinct teams_before + 1 + (a * k) % teams, agents_before + a
from layout, generate_series(1, agents) a, generate_series(1, 2) k;
insert into api_tokens (id, tenant_id, agent_id, token_hash, last_used_at, revoked_at)
select row_number() over (order by agents_before + a), id, agents_before + a, decode(md5('token-' || (agents_before + a)), 'hex'),
       pg_temp.moment(0.99), case when a % 10 = 0 then pg_temp.moment(0.7) end
from layout, generate_series(1, agents) a where a % 2 = 1;

-- step: organizations
insert into organizations (id, tenant_id, name, domain, created_at, deleted_at)
select organizations_before + o, id, 'Organization ' || o, 'Org-' || o || '.tenant-' || id || '.example',
       pg_temp.moment(pg_temp.h(organizations_before + o, 4) / 2147483647.0), case when o % 20 = 0 then pg_temp.moment(1) end
from layout, generate_series(1, organizations) o;

-- step: customers
insert into customers
    (id, tenant_id, organization_id, email, full_name, phone, locale, custom_fields, created_at, deleted_at)
select md5('customer-' || i)::uuid, tenant_id,
       case when pg_temp.h(i, 5) % 10 < 6 then organizations_before + pg_temp.skewed(pg_temp.h(i, 6), organizations, 2) end,
       'Person' || i || '@Example.' || (array['com', 'org', 'net'])[1 + i % 3],
       (array['Ada', 'Björn', 'Carla', 'Deniz', 'Elif', 'Femi', 'Grace', 'Hana', 'Ivan', 'Jun', 'Kofi', 'Lena', 'Mateo', 'Nour',
              'Olga', 'Priya'])[1 + pg_temp.h(i, 7) % 16]
       || ' ' || (array['Acker', 'Berg', 'Castillo', 'Dahl', 'Ekström', 'Farkas', 'Greene', 'Haddad', 'Ito', 'Jansen', 'Kaya',
              'Lindqvist', 'Moreau', 'Novak', 'Okafor', 'Petrov', 'Quist', 'Rossi', 'Silva', 'Tanaka'])[1 + pg_temp.h(i, 8) % 20]
       || '-' || pg_temp.h(i, 9) % 5000,
       case when i % 5 > 0 then '+' || 30 + pg_temp.h(i, 10) % 20 || lpad((pg_temp.h(i, 11) % 100000000)::text, 8, '0') end,
       (array['en', 'en', 'en', 'de', 'fr', 'es', 'ja'])[1 + pg_temp.h(i, 12) % 7],
       jsonb_build_object('vip', i % 40 = 0, 'source', 'source-' || i % 9),
       pg_temp.moment(i::float8 / pg_temp.scaled(150000)), case when pg_temp.h(i, 13) % 100 < 5 then pg_temp.moment(1) end
from customer_layout join layout on layout.id = tenant_id;

-- step: service levels
insert into sla_policies (tenant_id, priority, first_response, valid)
select id, p, (array[24, 8, 4, 1])[array_position(enum_range(null::ticket_priority), p)] * interval '1 hour',
       tstzrange(pg_temp.moment(half * 0.5), case when half = 0 then pg_temp.moment(0.5) end)
from layout, unnest(enum_range(null::ticket_priority)) p, generate_series(0, 1) half;

-- step: tickets
-- The newest 6 % are mostly open, the rest mostly closed; a closed ticket has no due date.
insert into tickets
    (id, tenant_id, number, customer_id, assignee_id, team_id, status, priority, channel, subject, description, tags,
     custom_fields, reply_count, created_at, updated_at, due_at, solved_at, merged_into, deleted_at)
select i, tenant_id, row_number() over (partition by tenant_id order by i), md5('customer-' || customer)::uuid,
       case when status > 'new' or s % 5 < 2 then agents_before + pg_temp.skewed(pg_temp.h(i, 14), agents, 2) end,
       teams_before + 1 + pg_temp.h(i, 15) % teams, status,
       (array['low', 'low', 'normal', 'normal', 'normal', 'normal', 'normal', 'high', 'high', 'urgent'])
           [1 + pg_temp.h(i, 16) % 10]::ticket_priority,
       (array['email', 'email', 'email', 'email', 'web', 'web', 'chat', 'chat', 'phone', 'api'])
           [1 + pg_temp.h(i, 17) % 10]::ticket_channel,
       verb || ' ' || thing, 'The ' || thing || ' of account ' || customer % 9000 || ' ' || verb || ' since build ' || pg_temp.h(i, 18) % 3000,
       array['tag-' || pg_temp.skewed(pg_temp.h(i, 19), 500, 2), 'tag-' || pg_temp.skewed(pg_temp.h(i, 20), 500, 2)],
       case when pg_temp.h(i, 21) % 10 < 3
            then jsonb_build_object('product', 'product-' || pg_temp.h(i, 22) % 200, 'severity', pg_temp.h(i, 23) % 5, 'external_ref', 'EXT-' || i)
            else jsonb_build_object('product', 'product-' || pg_temp.h(i, 22) % 200, 'severity', pg_temp.h(i, 23) % 5) end,
       pg_temp.h(i, 24) % 12, created_at, created_at + (pg_temp.h(i, 25) % 240) * interval '1 hour' * least(1, (n - i) * 40.0 / n),
       case when status < 'solved' then created_at + (4 + pg_temp.h(i, 26) % 300) * interval '1 hour' end,
       case when status >= 'solved' then created_at + (1 + pg_temp.h(i, 27) % 100) * interval '1 hour' end,
       case when pg_temp.h(i, 28) % 100 < 3 and i > 60 then i - 1 - pg_temp.h(i, 29) % 50 end,
       case when pg_temp.h(i, 30) % 100 < 2 then pg_temp.moment(1) end
from (
    select i, n, s, customer, pg_temp.moment(i::float8 / n) as created_at,
           (case when i > 0.94 * n then
                case when s < 150 then 'new' when s < 500 then 'open' when s < 700 then 'pending' when s < 750 then 'on_hold'
                     else 'solved' end
            else case when s < 10 then 'pending' when s < 15 then 'on_hold' when s < 45 then 'solved' else 'closed' end
            end)::ticket_status as status,
           (array['cannot print', 'crashes', 'is slow', 'shows an error', 'lost data', 'needs a refund', 'will not sync', 'freezes',
                  'rejects the password', 'was charged twice'])[1 + pg_temp.h(i, 31) % 10] as verb,
           (array['invoice', 'mobile app', 'login page', 'export', 'calendar', 'printer', 'dashboard', 'billing portal', 'webhook',
                  'import', 'search', 'report', 'editor', 'gateway', 'mailbox', 'backup', 'scanner', 'router', 'licence', 'profile'])
                  [1 + pg_temp.h(i, 32) % 20] as thing
    from pg_temp.scaled(250000) n, generate_series(1, n) i,
         lateral (select pg_temp.h(i, 33) % 1000 as s, pg_temp.skewed(pg_temp.h(i, 34), pg_temp.scaled(150000), 1.6) as customer) c
) made
join (select i as customer, tenant_id from customer_layout) owners using (customer) join layout on layout.id = tenant_id
order by i;
analyze tickets;

-- step: what belongs to tickets
insert into ticket_links (parent_id, child_id, kind)
select distinct on (1, 2) 1 + pg_temp.h(i, 35) % pg_temp.scaled(250000), 1 + pg_temp.h(i, 36) % pg_temp.scaled(250000),
       (array['blocks', 'relates', 'duplicates'])[1 + i % 3]
from generate_series(1, pg_temp.scaled(20000)) i;
insert into ticket_watchers (ticket_id, agent_id)
select distinct t.id, agents_before + pg_temp.skewed(pg_temp.h(t.id * 3 + k, 37), agents, 2)
from tickets t join layout on layout.id = t.tenant_id, generate_series(1, 2) k
where pg_temp.h(t.id, 38) % 3 = 0;
insert into ticket_ratings (ticket_id, tenant_id, score, comment, created_at)
select id, tenant_id, 1 + (pg_temp.h(id, 39) % 11 + 3) / 3, case when id % 4 = 0 then 'Thank you, agent ' || assignee_id end,
       solved_at + interval '1 day'
from tickets where status >= 'solved' and pg_temp.h(id, 40) % 5 = 0;
insert into bookings (id, tenant_id, agent_id, ticket_id, during)
select row_number() over (order by id), tenant_id, assignee_id, id,
       tstzrange(starts, starts + (1 + pg_temp.h(id, 41) % 4) * interval '1 hour')
from tickets, lateral (select date_trunc('hour', created_at) + pg_temp.h(id, 42) % 400 * interval '1 hour' as starts) s
where assignee_id is not null and pg_temp.h(id, 43) % 4 = 0;

-- step: messages
insert into messages (id, tenant_id, ticket_id, agent_id, customer_id, is_internal, body, created_at)
select i, t.tenant_id, t.id, case when i % 2 = 0 then t.assignee_id end, case when i % 2 = 1 then t.customer_id end,
       i % 6 = 0, 'Re: ' || t.subject || '. ' || repeat('Please have a look. ', (pg_temp.h(i, 44) % 5)::integer),
       t.created_at + pg_temp.h(i, 45) % 72 * interval '1 hour'
from generate_series(1::bigint, pg_temp.scaled(600000)) i
join tickets t on t.id = 1 + (i - 1) * pg_temp.scaled(250000) / pg_temp.scaled(600000);
insert into attachments (id, tenant_id, message_id, file_name, content_type, byte_size, checksum)
select md5('attachment-' || id)::uuid, tenant_id, id, 'file-' || id || '.pdf',
       (array['application/pdf', 'image/png', 'image/png', 'text/plain'])[1 + id % 4], 1000 + pg_temp.h(id, 46) % 900000,
       md5('content-' || pg_temp.h(id, 47) % pg_temp.scaled(60000))
from messages where pg_temp.h(id, 48) % 7 = 0;

-- step: events
insert into ticket_events (id, tenant_id, ticket_id, actor_id, kind, payload, created_at)
select i, t.tenant_id, t.id, t.assignee_id,
       (array['viewed', 'viewed', 'viewed', 'replied', 'replied', 'assigned', 'status_changed', 'tagged'])[1 + pg_temp.h(i, 49) % 8],
       jsonb_build_object('source', 'web', 'v', i % 100), t.created_at + pg_temp.h(i, 50) % 72 * interval '1 hour'
from generate_series(1::bigint, pg_temp.scaled(1200000)) i
join tickets t on t.id = 1 + (i - 1) * pg_temp.scaled(250000) / pg_temp.scaled(1200000);
update ticket_events set kind = 'escalated' where id % 250 = 0;

-- step: queues
insert into outbox (id, tenant_id, kind, state, attempts, payload, run_at)
select i, pg_temp.skewed(pg_temp.h(i, 51), (select count(*) from layout), 3),
       (array['mail', 'mail', 'mail', 'webhook', 'webhook', 'reindex', 'export'])[1 + pg_temp.h(i, 52) % 7],
       (case when i > n - greatest(n / 200, 20) then 'pending' when pg_temp.h(i, 53) % 150 = 0 then 'failed' else 'done' end)::job_state,
       pg_temp.h(i, 54) % 4, jsonb_build_object('ticket_id', 1 + pg_temp.h(i, 55) % pg_temp.scaled(250000)),
       pg_temp.moment(i::float8 / n)
from pg_temp.scaled(200000) n, generate_series(1, n) i;
insert into webhooks (id, tenant_id, url, events, is_enabled)
select i, pg_temp.skewed(pg_temp.h(i, 56), (select count(*) from layout), 2), 'https://hooks.example/' || i,
       array[(array['ticket.created', 'ticket.solved', 'message.created'])[1 + i % 3]], i % 5 > 0
from generate_series(1, pg_temp.scaled(3000)) i;
insert into webhook_deliveries (id, tenant_id, webhook_id, status_code, duration_ms, payload, delivered_at)
select i, w.tenant_id, w.id, case when pg_temp.h(i, 57) % 100 < 2 then 500 when pg_temp.h(i, 57) % 100 < 3 then 404 else 200 end,
       pg_temp.h(i, 58) % 900, jsonb_build_object('ticket_id', 1 + pg_temp.h(i, 59) % pg_temp.scaled(250000)),
       pg_temp.moment(i::float8 / n)
from pg_temp.scaled(200000) n, generate_series(1, n) i
join webhooks w on w.id = 1 + pg_temp.h(i, 60) % pg_temp.scaled(3000);

-- step: counters and logs
insert into tenant_usage (tenant_id, metric, day, amount)
select id, metric, date '2025-11-01' + d, pg_temp.h(id * 100 + d, 61) % 10000
from layout, unnest(array['api_calls', 'emails', 'storage_mb']) metric, generate_series(0, 60) d;
insert into audit_log (id, tenant_id, actor_id, action, ip, created_at)
select i, l.id, agents_before + pg_temp.skewed(pg_temp.h(i, 62), agents, 2),
       (array['login', 'login', 'ticket.update', 'ticket.update', 'settings.update', 'export'])[1 + pg_temp.h(i, 63) % 6],
       ('10.' || pg_temp.h(i, 64) % 200 || '.' || pg_temp.h(i, 65) % 250 || '.7')::inet, pg_temp.moment(i::float8 / n)
from pg_temp.scaled(300000) n, generate_series(1, n) i
join layout l on l.id = pg_temp.skewed(pg_temp.h(i, 66), (select count(*) from layout), 3);

-- step: articles
insert into kb_articles (id, tenant_id, locale, slug, title, body, views, published_at, deleted_at)
select i, pg_temp.skewed(pg_temp.h(i, 67), (select count(*) from layout), 3), (array['en', 'en', 'de', 'fr'])[1 + i % 4],
       'article-' || i, 'How to ' || verb || ' the ' || thing,
       'To ' || verb || ' the ' || thing || ', open page ' || i % 70 || ' and choose the ' || other || '. '
           || repeat('Then wait a moment and try once more. ', 2 + i % 6),
       pg_temp.h(i, 68) % 20000, case when i % 9 > 0 then pg_temp.moment(pg_temp.h(i, 69) / 2147483647.0) end,
       case when i % 33 = 0 then pg_temp.moment(1) end
from generate_series(1, pg_temp.scaled(24000)) i,
     lateral (select
        (array['configure', 'reset', 'connect', 'export', 'delete', 'share', 'translate', 'restore', 'print', 'merge'])
            [1 + pg_temp.h(i, 70) % 10] as verb,
        (array['invoice', 'mobile app', 'login page', 'calendar', 'printer', 'dashboard', 'billing portal', 'webhook', 'report',
               'editor', 'gateway', 'mailbox', 'backup', 'scanner', 'router', 'licence', 'profile'])
            [1 + pg_temp.h(i, 71) % 17] as thing,
        (array['first tab', 'blue button', 'menu', 'sidebar', 'wizard', 'second form'])[1 + pg_temp.h(i, 72) % 6] as other) w;
