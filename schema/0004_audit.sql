-- What auditors read. A contract: columns may be added, never renamed. The role posthorn_audit reads this schema and nothing else.
-- recorded_at (of attempts, dead letters) and period (of events, deliveries) are what the tables are partitioned by: a query that bounds them reads those days alone.

create schema audit;

-- Roles belong to the whole cluster: another database may have made them already.
do $$
begin
    create role posthorn_audit login connection limit 20;
exception when duplicate_object or unique_violation then null;
end $$;
alter role posthorn_audit set statement_timeout = '60s';
alter role posthorn_audit set default_transaction_read_only = on;
grant usage on schema audit to posthorn_audit;
alter default privileges in schema audit grant select on tables to posthorn_audit;

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- e60b8244e8e22974a31085c2b2b05dd21a9b3d19cbbfad1393b013408ae53e9b
