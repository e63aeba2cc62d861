-- The views for auditors. They are a stable interface: columns may be added, never renamed. The role posthorn_audit reads the schema audit and nothing else.
-- The tables are partitioned by recorded_at (attempts, dead letters) and period (events, deliveries): a query that restricts them reads only those days.

-- Bytes from outside as text: unchanged if they are UTF-8 without NUL, else with octal escapes. Control characters, which could affect an auditor's terminal,
-- become U+FFFD; JSON and plain text contain none except tab and line ends.
create or replace function audit.show(bytes bytea) returns text language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return regexp_replace(convert_from(bytes, 'UTF8'), '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]', U&'\FFFD', 'g');
exception when others then
    return encode(bytes, 'escape');
end $$;

-- A payload byte for byte: audit.show() would change control characters from U+007F on, which JSON texts may contain.
create or replace function audit.published(bytes bytea) returns text language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return convert_from(bytes, 'UTF8');
exception when others then
    return encode(bytes, 'escape');
end $$;

-- Text for readers that have the account's key (lib/store/response.h): sealed values are in hexadecimal after a mark. If a receiver sends the mark itself, a
-- character is inserted before it.
create or replace function posthorn.response_bytes(kept bytea, sealed bool) returns bytea language sql immutable
    return case when sealed then '\x097365616c656409'::bytea || encode(kept, 'hex')::bytea
                when substr(kept, 1, 8) = '\x097365616c656409' then '\xefbfbd'::bytea || kept
                else kept end;

-- Attempts and deliveries with sealed values after their mark, for the API and posthorn-admin.
create or replace view posthorn.attempt_shown as
select e.event_id, e.event_type, a.key as account, w.public_id as webhook_id, v.url, t.attempt::int as attempt,
       case t.cause when 'e' then 'event' when 'r' then 'replay' when 'd' then 'redeliver' else 'test' end as cause,
       t.started_at, round(t.duration_us / 1000.0, 3) as duration_ms,
       case t.outcome when 'd' then 'delivered' when 'r' then 'retry' else 'gave_up' end as outcome,
       t.http_status::int as http_status, audit.show(posthorn.response_bytes(t.error, t.sealed)) as error,
       audit.show(posthorn.response_bytes(t.response_body, t.sealed)) as response_body, d.name as dispatcher,
       t.recorded_at, coalesce(t.sealed, false) as response_sealed, e.period
from posthorn.attempt t
left join posthorn.event e on e.position_id = t.position_id and e."offset" = t."offset"
join posthorn.webhook w on w.id = t.webhook_id
join posthorn.account a on a.id = w.account_id
left join posthorn.webhook_version v on v.webhook_id = t.webhook_id and v.version = t.version
left join posthorn.dispatcher d on d.id = t.dispatcher_id;

create or replace view posthorn.delivery_shown as
select e.event_id, e.event_type, a.key as account, w.public_id as webhook_id, p.state, p.attempts, p.first_attempt_at, p.delivered_at,
       p.next_attempt_at, p.last_http_status, p.last_error, e.received_at, e.period, p.response_sealed
from posthorn.event e
cross join lateral (
    select x.webhook_id,
           case when bool_or(x.rank = 4) then 'delivered' when bool_or(x.rank = 1) then 'pending'
                when bool_or(x.rank = 3) then 'failed' when bool_or(x.rank = 2) then 'cancelled' else 'pending' end as state,
           count(x.started_at)::int as attempts, min(x.started_at) as first_attempt_at, min(x.ended_at) filter (where x.rank = 4) as delivered_at,
           min(x.next_attempt_at) as next_attempt_at,
           (array_agg(x.http_status order by x.started_at desc) filter (where x.started_at is not null))[1]::int as last_http_status,
           audit.show((array_agg(x.error order by x.started_at desc) filter (where x.started_at is not null))[1]) as last_error,
           coalesce((array_agg(x.sealed order by x.started_at desc) filter (where x.started_at is not null))[1], false) as response_sealed
    from (select t.webhook_id, case t.outcome when 'd' then 4 when 'g' then 3 else 0 end as rank, t.started_at,
                 t.started_at + make_interval(secs => t.duration_us / 1e6) as ended_at, null::timestamptz as next_attempt_at, t.http_status,
                 posthorn.response_bytes(t.error, t.sealed) as error, t.sealed
          from posthorn.attempt t where t.position_id = e.position_id and t."offset" = e."offset" and t.cause <> 't'
          union all
          select n.webhook_id, 1, null, null, n.next_attempt_at, null, null, null
          from posthorn.pending n where n.position_id = e.position_id and n."offset" = e."offset"
          union all
          select c.webhook_id, 2, null, null, null, null, convert_to(c.reason, 'UTF8'), null
          from posthorn.cancellation c where c.position_id = e.position_id and c."offset" = e."offset") x
    group by x.webhook_id) p
join posthorn.webhook w on w.id = p.webhook_id
join posthorn.account a on a.id = e.account_id;
grant select on posthorn.attempt_shown, posthorn.delivery_shown to posthorn_api;

-- For auditors, sealed values are null, and a column says that they are sealed.
create or replace view audit.attempts as
select event_id, event_type, account, webhook_id, url, attempt, cause, started_at, duration_ms, outcome, http_status,
       case when not response_sealed then error end as error, case when not response_sealed then response_body end as response_body, dispatcher, recorded_at,
       response_sealed, period
from posthorn.attempt_shown;

create or replace view audit.deliveries as
select event_id, event_type, account, webhook_id, state, attempts, first_attempt_at, delivered_at, next_attempt_at, last_http_status,
       case when not response_sealed then last_error end as last_error, received_at, period, response_sealed
from posthorn.delivery_shown;

create or replace view audit.events as
select e.event_id, e.event_type, a.key as account, e.occurred_at, e.received_at, s.topic, s.partition, e."offset",
       case when not l.sealed then audit.published(l.body) end as payload, encode(e.payload_sha256, 'hex') as payload_sha256, s.source, s.log_epoch, e.period
from posthorn.event e
join posthorn.account a on a.id = e.account_id
join posthorn.position s on s.id = e.position_id
left join posthorn.payload l on l.position_id = e.position_id and l."offset" = e."offset" and l.recorded_at = e.received_at;

create or replace view audit.dead_letters as
select s.topic, s.partition, d."offset", d.reason, d.recorded_at as received_at, encode(d.record_sha256, 'hex') as record_sha256,
       d.detail, d.copied, d.replayed_at, d.erased_at
from posthorn.dead_letter d join posthorn.position s on s.id = d.position_id;

create or replace view audit.changes as
select changed_at, actor, address, program, object, object_id, action, before, after from posthorn.change;
grant select on audit.attempts, audit.deliveries, audit.events, audit.dead_letters, audit.changes to posthorn_audit;
grant select on audit.attempts, audit.deliveries, audit.events to posthorn_api;
