-- TLS of a webhook's own: a client certificate with its key (mTLS), and the authorities that its server's certificate may come from.

alter table posthorn.webhook
    add column client_certificate       text check (octet_length(client_certificate) <= 16384),     -- PEM, the chain, its own certificate first
    add column client_key               bytea check (octet_length(client_key) <= 8400),             -- sealed PEM
    add column ca                       text check (octet_length(ca) <= 16384),                     -- PEM; null: whom the dispatcher trusts
    add column client_certificate_about jsonb,      -- {subject, not_after, fingerprint}: what is shown of it
    add column ca_about                 jsonb,      -- an array of the same
    add check ((client_certificate is null) = (client_key is null)),
    add check ((client_certificate is null) = (client_certificate_about is null)),
    add check ((ca is null) = (ca_about is null));

-- As in 0006. A certificate shows in audit.changes by its facts, not by its text.
create or replace function posthorn.remember_change() returns trigger language plpgsql as $$
declare
    secret constant text[] := array['data_key', 'signature_key', 'secret', 'previous_secret', 'auth_secret', 'hash', 'password_hash', 'totp_secret', 'totp_step', 'client_key', 'client_certificate', 'ca'];
    was jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    is_ jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    row_id text := coalesce(coalesce(is_, was)->>'id', coalesce(is_, was)->>'name', coalesce(is_, was)->>'webhook_id');
begin
    if was = is_ or was - 'totp_step' = is_ - 'totp_step' then
        return null;
    end if;
    if tg_table_name = 'webhook' then
        was := was || jsonb_build_object('url', posthorn.url_shown(was->>'url'));
        is_ := is_ || jsonb_build_object('url', posthorn.url_shown(is_->>'url'));
    end if;
    insert into posthorn.change (actor, address, program, object, object_id, action, before, after)
    values (coalesce(nullif(current_setting('posthorn.actor', true), ''), session_user),
            coalesce(nullif(current_setting('posthorn.address', true), '')::inet, inet_client_addr()),
            current_setting('application_name', true), tg_table_name, row_id, lower(tg_op), was - secret, is_ - secret);
    return null;
end $$;
