-- The help desk's keys, the indexes that it has today (good and bad ones), and fresh statistics.

-- step: primary keys
alter table plans add primary key (id);
alter table tenants add primary key (id);
alter table agents add primary key (id);
alter table teams add primary key (id);
alter table team_members add primary key (team_id, agent_id);
alter table api_tokens add primary key (id);
alter table organizations add primary key (id);
alter table customers add primary key (id);
alter table sla_policies add primary key (id);
alter table tickets add primary key (id);
alter table ticket_links add primary key (parent_id, child_id);
alter table ticket_watchers add primary key (ticket_id, agent_id);
alter table messages add primary key (id);
alter table attachments add primary key (id);
alter table ticket_ratings add primary key (ticket_id);
alter table bookings add primary key (id);
alter table ticket_events add primary key (id, created_at);
alter table outbox add primary key (id);
alter table webhooks add primary key (id);
alter table webhook_deliveries add primary key (id);
alter table tenant_usage add primary key (tenant_id, metric, day);
alter table audit_log add primary key (id);
alter table kb_articles add primary key (id);

-- step: unique keys
alter table tenants add constraint tenants_slug_key unique (slug);
alter table agents add constraint agents_tenant_id_email_key unique (tenant_id, email);
alter table api_tokens add constraint api_tokens_token_hash_key unique (token_hash);
alter table tickets add constraint tickets_tenant_id_number_key unique (tenant_id, number);
alter table kb_articles add constraint kb_articles_tenant_id_locale_slug_key unique (tenant_id, locale, slug);

-- step: indexes
create index organizations_tenant_id_idx on organizations (tenant_id);
create index customers_tenant_id_idx on customers (tenant_id);                 -- a prefix of the next one
create index customers_tenant_id_organization_id_idx on customers (tenant_id, organization_id);
create index tickets_tenant_id_idx on tickets (tenant_id);                     -- a prefix of the unique key
create index tickets_status_idx on tickets (status);                           -- six values, one of them nearly all
create index messages_ticket_id_idx on messages (ticket_id);
create index messages_by_ticket on messages (ticket_id);                       -- a duplicate
create index webhooks_tenant_id_idx on webhooks (tenant_id);
create index outbox_kind_idx on outbox (kind);                                 -- nothing asks for it
create index audit_log_tenant_id_idx on audit_log (tenant_id);
create index audit_log_ip_idx on audit_log (ip);                               -- nothing asks for it

-- step: foreign keys
alter table tenants add foreign key (plan_id) references plans (id);
alter table agents add foreign key (tenant_id) references tenants (id);
alter table teams add foreign key (tenant_id) references tenants (id);
alter table team_members add foreign key (team_id) references teams (id);
alter table team_members add foreign key (agent_id) references agents (id);    -- no index on it
alter table api_tokens add foreign key (agent_id) references agents (id);      -- no index on it
alter table organizations add foreign key (tenant_id) references tenants (id);
alter table customers add foreign key (tenant_id) references tenants (id);
alter table customers add foreign key (organization_id) references organizations (id);
alter table sla_policies add foreign key (tenant_id) references tenants (id);
alter table tickets add foreign key (tenant_id) references tenants (id);
alter table tickets add foreign key (customer_id) references customers (id);   -- no index on it
alter table tickets add foreign key (assignee_id) references agents (id);      -- no index on it
alter table tickets add foreign key (merged_into) references tickets (id);     -- no index on it
alter table ticket_links add foreign key (parent_id) references tickets (id);
alter table ticket_links add foreign key (child_id) references tickets (id);   -- no index on it
alter table ticket_watchers add foreign key (ticket_id) references tickets (id);
alter table ticket_watchers add foreign key (agent_id) references agents (id); -- no index on it
alter table messages add foreign key (ticket_id) references tickets (id);
alter table attachments add foreign key (message_id) references messages (id) on delete cascade; -- no index on it
alter table ticket_ratings add foreign key (ticket_id) references tickets (id);
alter table bookings add foreign key (agent_id) references agents (id);        -- no index on it
alter table webhooks add foreign key (tenant_id) references tenants (id);
alter table webhook_deliveries add foreign key (webhook_id) references webhooks (id) on delete cascade; -- no index on it

-- step: tenants apart
-- The role that loads the data owns the tables and is not bound by these; an application's role is.
alter table customers enable row level security;
create policy tenant_isolation on customers using (tenant_id = current_setting('app.tenant_id', true)::integer);
alter table audit_log enable row level security;
create policy tenant_isolation on audit_log using (tenant_id = current_setting('app.tenant_id', true)::integer);

-- step: sequences
select setval(pg_get_serial_sequence(name, 'id'), 10000000)
from unnest(array['agents', 'teams', 'api_tokens', 'organizations', 'sla_policies', 'tickets', 'messages', 'bookings',
                  'ticket_events', 'outbox', 'webhooks', 'webhook_deliveries', 'audit_log', 'kb_articles']) name;

-- step: statistics
vacuum (analyze);
