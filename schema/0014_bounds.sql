-- What the webhooks and subscriptions of one account may take in a dispatcher's memory, in bytes. A dispatcher loads an account as a whole, up to four
-- times this (ACCOUNT_MAX, dispatcher/accounts.c); of a larger one, which only SQL past the triggers can make, posthorn.match() finds what its events reach.

create function posthorn.account_bytes_max() returns int language sql immutable as $$ select 8388608 $$;

-- One webhook without its patterns. 256: what the dispatcher keeps of each whatever it holds.
create function posthorn.webhook_bytes(texts text[], secrets bytea[]) returns bigint language sql immutable as $$
    select 256 + coalesce((select sum(octet_length(t)) from unnest(texts) as t), 0) + coalesce((select sum(octet_length(s)) from unnest(secrets) as s), 0)
$$;

create function posthorn.account_bytes(in_account int) returns bigint language sql stable as $$
    select coalesce(sum(posthorn.webhook_bytes(array[w.url, w.auth_username, w.client_certificate, w.ca],
                                               array[w.auth_secret, w.secret, w.previous_secret, w.client_key]) + p.bytes), 0)::bigint
    from posthorn.webhook w
    cross join lateral (select coalesce(sum(octet_length(s.pattern) + 32), 0) as bytes from posthorn.subscription s where s.webhook_id = w.id) p
    where w.account_id = in_account and w.status <> 'deleted'
$$;

-- Refuse what makes an account larger than that. A change that makes none of its webhooks larger is never refused.
-- The triggers' names come after tick_…: then this transaction holds the row of the subscription clock, and this function's statements see all that
-- others have committed before. So two changes at once cannot pass the bound together.
create function posthorn.within_bounds() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    grown int[];
    one int;
    bytes bigint;
begin
    if tg_table_name = 'subscription' then
        grown := array(select distinct w.account_id from new_rows n join posthorn.webhook w on w.id = n.webhook_id);
    elsif tg_op = 'INSERT' then
        grown := array(select distinct n.account_id from new_rows n);
    else
        grown := array(select distinct n.account_id from new_rows n join old_rows o on o.id = n.id
                       where n.status <> 'deleted'
                         and (o.status = 'deleted'
                              or posthorn.webhook_bytes(array[n.url, n.auth_username, n.client_certificate, n.ca],
                                                        array[n.auth_secret, n.secret, n.previous_secret, n.client_key])
                                 > posthorn.webhook_bytes(array[o.url, o.auth_username, o.client_certificate, o.ca],
                                                          array[o.auth_secret, o.secret, o.previous_secret, o.client_key])));
    end if;
    foreach one in array grown loop
        bytes := posthorn.account_bytes(one);
        if bytes > posthorn.account_bytes_max() then
            raise exception 'the webhooks and event patterns of the account % would take % bytes, and may take %',
                (select a.key from posthorn.account a where a.id = one), bytes, posthorn.account_bytes_max()
                using errcode = 'PH004', hint = 'Remove webhooks or patterns; a pattern such as ach.* takes the place of many.';
        end if;
    end loop;
    return null;
end $$;
revoke execute on function posthorn.within_bounds() from public;

create trigger within_bounds_insert after insert on posthorn.webhook referencing new table as new_rows
    for each statement execute function posthorn.within_bounds();
create trigger within_bounds_update after update on posthorn.webhook referencing old table as old_rows new table as new_rows
    for each statement execute function posthorn.within_bounds();
create trigger within_bounds_insert after insert on posthorn.subscription referencing new table as new_rows
    for each statement execute function posthorn.within_bounds();
create trigger within_bounds_update after update on posthorn.subscription referencing new table as new_rows
    for each statement execute function posthorn.within_bounds();

-- Which webhooks each of these events reaches, for accounts that are too large for a dispatcher's memory: `i` is the event's index, from 1. Only so many
-- patterns can fit a type: itself, '*', and one for each dot in it.
create function posthorn.match(accounts int[], types text[]) returns table (i int, webhook_id int, enabled bool) language sql stable as $$
    with wanted as materialized (
        select d.account, d.type,
               array['*', d.type] || array(select left(d.type, k) || '*' from generate_series(2, length(d.type) - 1) as k where substr(d.type, k, 1) = '.')
                   as patterns
        from (select distinct account, type from unnest(accounts, types) as u (account, type)) d
    ), found as materialized (
        select d.account, d.type, w.id, w.status = 'enabled' as enabled
        from wanted d join posthorn.webhook w on w.account_id = d.account and w.status <> 'deleted'
        where exists (select from posthorn.subscription s where s.webhook_id = w.id and s.pattern = any (d.patterns))
    )
    select u.i::int, f.id, f.enabled
    from unnest(accounts, types) with ordinality as u (account, type, i) join found f on (f.account, f.type) = (u.account, u.type)
$$;
