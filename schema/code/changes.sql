-- The record of changes (audit.changes): who changed what, when, from where.

-- Writes one row. If no dispatcher has run for days, its partition may not exist yet.
create or replace function posthorn.record_change(object text, object_id text, action text, before jsonb, after jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if to_regclass('posthorn.change_' || to_char(now() at time zone 'UTC', 'YYYYMMDD')) is null then
        perform posthorn.make_partitions();
    end if;
    insert into posthorn.change (actor, address, program, object, object_id, action, before, after)
    values (coalesce(nullif(current_setting('posthorn.actor', true), ''), session_user),
            coalesce(nullif(current_setting('posthorn.address', true), '')::inet, inet_client_addr()),
            current_setting('application_name', true), object, object_id, action, before, after);
end $$;

-- Records an action that changes no watched row, for audit.changes.
create or replace function posthorn.remember_act(object text, object_id text, action text, after jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select posthorn.record_change(object, object_id, action, null, after)
$$;
grant execute on function posthorn.remember_act(text, text, text, jsonb) to posthorn_api;

-- A row in the form of the record of changes: no secrets, the facts of a certificate, a URL without its secret parts.
create or replace function posthorn.change_shown(object text, changed jsonb) returns jsonb language sql immutable set search_path = pg_catalog, pg_temp as $$
    select changed - array['data_key', 'signature_key', 'secret', 'previous_secret', 'auth_secret', 'hash', 'password_hash', 'totp_secret', 'totp_step',
                           'client_key', 'client_certificate', 'ca']
           || case when object = 'webhook' then jsonb_build_object('url', posthorn.url_shown(changed->>'url')) else '{}' end
$$;

-- Runs once per statement: one row for each object that the statement changed. A change of a mere counter (totp_step) is not recorded.
create or replace function posthorn.remember_change() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    old_ jsonb[];
    new_ jsonb[];
begin
    if tg_op <> 'INSERT' then
        old_ := array(select to_jsonb(o) from old_rows o);
    end if;
    if tg_op <> 'DELETE' then
        new_ := array(select to_jsonb(n) from new_rows n);
    end if;
    perform posthorn.record_change(tg_table_name, id, lower(tg_op), posthorn.change_shown(tg_table_name, was.row_), posthorn.change_shown(tg_table_name, now_.row_))
    from (select coalesce(r->>'id', r->>'name') as id, r as row_ from unnest(old_) as r) was
    full join (select coalesce(r->>'id', r->>'name') as id, r as row_ from unnest(new_) as r) now_ using (id)
    where was.row_ - 'totp_step' is distinct from now_.row_ - 'totp_step';
    return null;
end $$;

-- As remember_change(), for subscriptions: one row for each webhook, with the patterns that it gained or lost.
create or replace function posthorn.remember_subscriptions() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    old_ jsonb := '{}';
    new_ jsonb := '{}';
begin
    if tg_op <> 'INSERT' then
        old_ := coalesce((select jsonb_object_agg(g.webhook_id, g.patterns)
                          from (select o.webhook_id, jsonb_agg(o.pattern order by o.pattern) as patterns from old_rows o group by 1) g), '{}');
    end if;
    if tg_op <> 'DELETE' then
        new_ := coalesce((select jsonb_object_agg(g.webhook_id, g.patterns)
                          from (select n.webhook_id, jsonb_agg(n.pattern order by n.pattern) as patterns from new_rows n group by 1) g), '{}');
    end if;
    perform posthorn.record_change(tg_table_name, id, lower(tg_op),
        case when old_ ? id then jsonb_build_object('webhook_id', id::int, 'patterns', old_->id) end,
        case when new_ ? id then jsonb_build_object('webhook_id', id::int, 'patterns', new_->id) end)
    from jsonb_object_keys(old_ || new_) as id
    where old_->id is distinct from new_->id;
    return null;
end $$;

do $$
declare
    watched text;
    function text;
begin
    foreach watched in array array['account', 'source_key', 'event_type', 'webhook', 'subscription', 'setting', 'api_key', 'api_user', 'recovery_code'] loop
        function := case when watched = 'subscription' then 'remember_subscriptions' else 'remember_change' end;
        execute format('create or replace trigger remember_update after update on posthorn.%I referencing old table as old_rows new table as new_rows
                        for each statement execute function posthorn.%I()', watched, function);
        continue when watched = 'recovery_code';       -- only used ones
        execute format('create or replace trigger remember_insert after insert on posthorn.%I referencing new table as new_rows
                        for each statement execute function posthorn.%I()', watched, function);
        execute format('create or replace trigger remember_delete after delete on posthorn.%I referencing old table as old_rows
                        for each statement execute function posthorn.%I()', watched, function);
    end loop;
end $$;
