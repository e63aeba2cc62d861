-- A database role for each program, with what it needs and nothing else. They are groups that nobody logs in as: the operator makes a login for each
-- program ("create role dispatcher_a login password '…' in role posthorn_dispatcher"; docs/security.md). posthorn-admin logs in as the owner of
-- all this, who is whoever runs the migrations.
--
-- What was made before is granted here. A later migration grants each table or sequence that it makes to the roles whose programs use it.

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

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 09d1119b297b10acb3e71b055c1c89bc6d3c0a1ee3660751110a2d28efd579f9
