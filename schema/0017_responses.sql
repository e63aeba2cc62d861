-- What a receiver answered, kept as its account wants it: plain, sealed under the account's data key, or not at all.

alter table posthorn.account add column store_response text not null default 'plain' check (store_response in ('plain', 'sealed', 'none'));
alter table posthorn.attempt add column sealed bool;     -- error and response_body are, under the account's data key; null: no

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- 02002370052c93f14508132a96da31d00c28e9a34bcd9054431415121fa0d647
