-- The log of changes names the webhooks that changed, so that a dispatcher loads these again instead of the whole account.

alter table posthorn.subscription_change add column webhooks int[];     -- null: the account itself, or what all its webhooks share
