-- Replay: deliveries are made again, as pending rows of cause 'r' that are due now.

-- Queues the wanted deliveries of a webhook among the next events of its account in a period, after the given coordinates: of at most `most` events. A pair that
-- already waits is not changed. Events of all accounts are read in the order of their coordinates, at most `most_read` of them; the last of these ends the batch,
-- even if it is not wanted. `wanted`: failed, cancelled, delivered, missed, all. Returns how many events of the account it found, how many deliveries it queued, how
-- many wait already, how many have no payload any more, whether there may be more events, and the coordinates after which they are. The statement is planned for its
-- period, and reads events by their coordinates whatever the statistics say.
create or replace function posthorn.replay(in_period date, after_position int, after_offset bigint, in_account int, in_webhook int, since timestamptz,
    until timestamptz, wanted text, most int, most_read int,
    out looked_at bigint, out queued bigint, out waiting bigint, out dropped bigint, out more bool, out last_position int, out last_offset bigint)
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_sort = off set jit = off as $$
declare
    positions int[];
    offsets bigint[];
begin
    execute $q$
    with found as materialized (
        select * from (
            select *, row_number() over () as n from (
                select e.position_id, e."offset", e.event_type, e.received_at,
                       e.account_id = $4 and ($6 is null or e.received_at >= $6) and ($7 is null or e.received_at < $7) as of_account
                from posthorn.event e where e.period = $1 and (e.position_id, e."offset") > ($2, $3)
                order by e.position_id, e."offset" limit $10) e) e
        where of_account or n = $10 limit $9
    ), pair as (
        select p.position_id, p."offset",
               exists (select from posthorn.pending n where n.position_id = p.position_id and n."offset" = p."offset" and n.webhook_id = $5) as waiting,
               exists (select from posthorn.cancellation c where c.position_id = p.position_id and c."offset" = p."offset" and c.webhook_id = $5
                       and c.recorded_at >= p.received_at) as cancelled,
               coalesce(t.delivered, false) as delivered, coalesce(t.failed, false) as failed,
               exists (select from posthorn.payload l join posthorn.account a on a.id = $4
                       where l.position_id = p.position_id and l."offset" = p."offset" and l.recorded_at = p.received_at
                         and (not l.sealed or a.data_key is not null)) as payload,
               exists (select from posthorn.subscription s where s.webhook_id = $5
                       and (s.pattern = '*' or s.pattern = p.event_type
                            or (right(s.pattern, 2) = '.*' and starts_with(p.event_type, left(s.pattern, -1))))) as subscribed
        from found p
        cross join lateral (select bool_or(t.outcome = 'd') as delivered, bool_or(t.outcome = 'g') as failed from posthorn.attempt t
                            where t.position_id = p.position_id and t."offset" = p."offset" and t.webhook_id = $5 and t.cause <> 't'
                              and t.recorded_at >= p.received_at) t
        where p.of_account
    ), wanted as (
        select * from pair
        where case $8 when 'failed' then failed and not delivered when 'delivered' then delivered
                      when 'cancelled' then cancelled and not failed and not delivered
                      when 'missed' then subscribed and not (waiting or cancelled or failed or delivered)
                      else cancelled or failed or delivered end
    ), chosen as (
        select * from wanted where payload and not waiting
    )
    select (select count(*) from found where of_account), (select count(*) from wanted where payload and waiting), (select count(*) from wanted where not payload),
           (select coalesce(count(*) = $9 or max(n) = $10, false) from found),
           (select position_id from found order by n desc limit 1), (select "offset" from found order by n desc limit 1),
           (select array_agg(position_id order by position_id, "offset") from chosen), (select array_agg("offset" order by position_id, "offset") from chosen) $q$
    into looked_at, waiting, dropped, more, last_position, last_offset, positions, offsets
    using in_period, after_position, after_offset, in_account, in_webhook, since, until, wanted, most, most_read;
    queued := coalesce(cardinality(positions), 0);
    if queued > 0 then
        perform posthorn.requeue(in_webhook, positions, offsets, 'r', in_period);
    end if;
end $$;

-- Queues deliveries of a webhook, due now.
create or replace function posthorn.requeue(in_webhook int, positions int[], offsets bigint[], in_cause "char", in_period date) returns void language sql
set search_path = pg_catalog, pg_temp as $$
    select posthorn.park(array_fill(in_webhook, array[n]), positions, offsets, array_fill(in_cause, array[n]), array_fill(in_period, array[n]),
                         array_fill(0::smallint, array[n]), array_fill(now(), array[n]), array_fill(null::bigint, array[n]))
    from cardinality(positions) as n
$$;
