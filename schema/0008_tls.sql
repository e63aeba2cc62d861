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

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 4740447612590c2ec44b954b173f06cd74ef7a501f717dc78b384fb237138783
