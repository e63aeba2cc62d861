-- Deleted webhooks are kept as long as their attempts; what reads the webhooks of an account does not read them.
create index webhook_in_use on posthorn.webhook (account_id, id) where status <> 'deleted';
