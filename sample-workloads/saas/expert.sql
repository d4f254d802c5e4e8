-- The indexes that a database administrator would give the help desk, written by hand from the statements, their weights
-- and their times. `make bench-effect` measures pgwise's advice against it.

-- Foreign keys: looked up from the other side, or checked when the other side is deleted.
create index on team_members (agent_id);
create index on ticket_watchers (agent_id);
create index on ticket_links (child_id);
create index on attachments (message_id);
create index on webhook_deliveries (webhook_id);
create index on tickets (merged_into) where merged_into is not null;
-- A customer has few tickets, so sorting them costs nothing: the dates need not be in the index.
create index on tickets (customer_id);

-- Who is it.
create index on customers (tenant_id, email) where deleted_at is null;
create index on customers (phone text_pattern_ops);
create index on organizations (tenant_id, lower(domain));
create index on sla_policies (tenant_id, priority);

-- Open tickets are one in twenty: what only they are asked for gets a small index.
create index on tickets (assignee_id, updated_at desc) where status in ('new', 'open', 'pending') and deleted_at is null;
create index on tickets (tenant_id, priority desc, created_at) where status = 'new' and assignee_id is null and deleted_at is null;
create index on tickets (tenant_id, due_at) where status in ('new', 'open', 'pending') and deleted_at is null;
create index on tickets (due_at) where status in ('new', 'open', 'pending') and deleted_at is null;
-- All tickets.
create index on tickets (tenant_id, created_at desc, id desc) where deleted_at is null;
create index on tickets (tenant_id, (custom_fields ->> 'external_ref')) where custom_fields ->> 'external_ref' is not null;
create index on tickets using gin (tags);
create index on tickets using gin (custom_fields jsonb_path_ops);
create index on tickets using gin (search);
-- Tickets are solved about in the order in which they come.
create index on tickets using brin (solved_at);
create index on ticket_ratings (tenant_id);
create index on attachments (checksum);

-- Events come in the order of time; only the few escalations are looked for by kind.
create index on ticket_events (ticket_id);
create index on ticket_events using brin (created_at) with (pages_per_range = 16);
create index on ticket_events (created_at) where kind = 'escalated';

create index on bookings (agent_id);
create index on bookings using gist (during);

-- Nearly every job is done, nearly every delivery succeeded.
create index on outbox (state, run_at) where state <> 'done';
create index on webhook_deliveries (tenant_id, delivered_at desc) where status_code >= 400;
create index on audit_log using brin (created_at) with (pages_per_range = 32);

create index on kb_articles using gin (to_tsvector('english', title || ' ' || body));

-- Others begin with the same columns.
drop index organizations_tenant_id_idx;
drop index customers_tenant_id_idx;
drop index tickets_tenant_id_idx;
drop index messages_by_ticket;
-- Nothing asks for them any more.
drop index tickets_status_idx;
drop index outbox_kind_idx;
drop index audit_log_ip_idx;
