-- A database role for each program, with what it needs and nothing else. They are groups that nobody logs in as: the operator makes a login for each
-- program ("create role dispatcher_a login password '…' in role posthorn_dispatcher"; docs/security.md). posthorn-admin logs in as the owner of
-- all this, who is whoever runs the migrations.
--
-- What was made before is granted here. For the migrations after this one: a table or sequence that a program uses is granted to its role by the migration that makes it. A function runs with
-- its caller's rights and needs no grant, unless it is SECURITY DEFINER: then it sets its search_path, is revoked from public, and is granted to those
-- who may call it.

do $$
declare
    wanted text;
begin
    -- Roles belong to the whole cluster: another database, or the operator, may have made them already.
    foreach wanted in array array['posthorn_dispatcher', 'posthorn_api'] loop
        begin
            execute format('create role %I nologin', wanted);
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                if not exists (select from pg_roles where rolname = wanted) then
                    raise exception 'the role % is missing, and % may not create roles', wanted, current_user
                        using hint = format('Let somebody who may run: create role %I nologin', wanted), errcode = 'insufficient_privilege';
                end if;
        end;
    end loop;
end $$;

grant usage on schema posthorn to posthorn_dispatcher, posthorn_api;

-- The dispatcher --------------------------------------------------------------------------------------------------------------------

grant select on posthorn.setting, posthorn.account, posthorn.webhook, posthorn.subscription, posthorn.source_key, posthorn.subscription_clock,
    posthorn.subscription_change to posthorn_dispatcher;
grant select, insert, update (flush_seq) on posthorn.dispatcher to posthorn_dispatcher;
grant select, insert on posthorn.topic to posthorn_dispatcher;
grant select, insert, update on posthorn.position to posthorn_dispatcher;
-- only posthorn.take_over() and bring_forward() change events: what an earlier life of a log, or of the dispatchers, took in and never passed
grant select, insert, update (position_id, "offset", received_at, period) on posthorn.event to posthorn_dispatcher;
grant select, insert, delete on posthorn.payload to posthorn_dispatcher;
grant select, insert on posthorn.attempt, posthorn.cancellation to posthorn_dispatcher;
grant select, insert on posthorn.repeat, posthorn.dead_letter, posthorn.ledger to posthorn_dispatcher;       -- select: to compute their digests
grant insert on posthorn.digest, posthorn.pending_digest to posthorn_dispatcher;
grant select, insert, update, delete on posthorn.pending to posthorn_dispatcher;
grant select, insert, update on posthorn.queue to posthorn_dispatcher;
grant select, update (lease_until), delete on posthorn.outbox to posthorn_dispatcher;

-- The management API ----------------------------------------------------------------------------------------------------------------

grant select on posthorn.setting, posthorn.account, posthorn.source_key, posthorn.event_type, posthorn.webhook_version, posthorn.event, posthorn.payload,
    posthorn.attempt, posthorn.cancellation, posthorn.api_key to posthorn_api;
grant select, insert, update on posthorn.webhook to posthorn_api;
grant select, insert, delete on posthorn.subscription to posthorn_api;
grant select, insert on posthorn.pending to posthorn_api;                                               -- replays, redeliveries
grant insert on posthorn.pending_digest to posthorn_api;
grant select, insert (webhook_id, next_due), update (next_due) on posthorn.queue to posthorn_api;
grant select, update (totp_step) on posthorn.api_user to posthorn_api;
grant select, insert, update, delete on posthorn.api_session, posthorn.api_login to posthorn_api;
grant select, insert, update on posthorn.api_refresh, posthorn.api_rate to posthorn_api;
grant select, insert on posthorn.server_key to posthorn_api;
grant usage on schema audit to posthorn_api;
grant select on audit.attempts, audit.deliveries, audit.events to posthorn_api;

-- What happens behind a change, whoever makes it ------------------------------------------------------------------------------------

alter function posthorn.tick(int[]) security definer set search_path = pg_catalog;
alter function posthorn.tick_subscription() security definer set search_path = pg_catalog;
alter function posthorn.tick_owned() security definer set search_path = pg_catalog;
alter function posthorn.tick_account() security definer set search_path = pg_catalog;
alter function posthorn.webhook_remember() security definer set search_path = pg_catalog;
alter function posthorn.webhook_turned() security definer set search_path = pg_catalog;
alter function posthorn.remember_change() security definer set search_path = pg_catalog;
-- A dispatcher may disable a webhook that failed for days, and change nothing else of it; the API may make test events, and no others.
alter function posthorn.disable(int, text, bigint) security definer set search_path = pg_catalog;
alter function posthorn.api_test(int, int, uuid, text, text, bytea, bytea) security definer set search_path = pg_catalog;

do $$
declare
    definer regprocedure;
begin
    for definer in select oid from pg_proc where pronamespace = 'posthorn'::regnamespace and prosecdef loop
        execute format('revoke execute on function %s from public', definer);
    end loop;
end $$;
grant execute on function posthorn.make_partitions(), posthorn.drop_partitions(), posthorn.seal_chunks(), posthorn.disable(int, text, bigint)
    to posthorn_dispatcher;
grant execute on function posthorn.api_test(int, int, uuid, text, text, bytea, bytea) to posthorn_api;
grant execute on function posthorn.count_chunk(int, bigint, bigint, bigint, bigint, bigint, bigint, bigint), posthorn.differing() to posthorn_audit;

-- What was recorded stays as it was -------------------------------------------------------------------------------------------------

-- Not even the owner, and so posthorn-admin, changes attempts, the ledger, the digests or the record of changes. He could give himself the right again; nobody does
-- by mistake. Expired partitions are dropped, whole.
create function posthorn.keep_as_recorded(recorded text) returns void language plpgsql as $$
begin
    execute format('revoke update, delete, truncate on posthorn.%I from %I', recorded, current_user);
end $$;

-- As in 0004, and what is kept as recorded.
create or replace function posthorn.watch_partition(parent text, child text) returns void language plpgsql as $$
declare
    function text := case when parent = 'ledger' then 'unseal_ledger' else 'unseal' end;
begin
    perform posthorn.watch_digest(parent, child);
    if parent in ('attempt', 'ledger', 'digest') then
        perform posthorn.keep_as_recorded(child);
    end if;
    if parent in ('payload', 'digest') then
        return;
    end if;
    execute format('create trigger unseal_update after update on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.%I()', child, function);
    execute format('create trigger unseal_delete after delete on posthorn.%I referencing old table as old_rows
                    for each statement execute function posthorn.%I()', child, function);
    execute format('create trigger unseal_truncate after truncate on posthorn.%I for each statement execute function posthorn.unseal()', child);
end $$;

select posthorn.keep_as_recorded(name) from unnest(array['attempt', 'ledger', 'digest', 'change']) as name;
select posthorn.keep_as_recorded(c.relname) from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent in ('posthorn.attempt'::regclass, 'posthorn.ledger'::regclass, 'posthorn.digest'::regclass);
