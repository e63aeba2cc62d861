-- The rows of 0013.sql and 0019.sql, by the functions of those versions. They are dumps of databases that `posthorn-admin migrate` of the commits 31269e5 and
-- bef8f45 has made, as posthorn_admin, and this file has filled:
--   pg_dump --no-owner --inserts --rows-per-insert=100, without comments, empty lines and backslash commands
update posthorn.setting set value = '36500' where name like '%_keep_days';

insert into posthorn.account (key, dialect) values ('acme', 'penny'), ('other', 'merchant');
insert into posthorn.source_key (account_id, name, secret) values (1, 'first', '\x00');
insert into posthorn.webhook (public_id, account_id, url, format, signature, label) values ('wbh_1', 1, 'http://127.0.0.1:9/hook?token=secret', 'penny', 'none', 'the first');
insert into posthorn.webhook (public_id, account_id, url, format, signature, secret) values ('wbh_2', 1, 'http://127.0.0.1:9/deleted', 'penny', 'standard', '\x01');
insert into posthorn.subscription values (1, '*'), (2, 'a.*');
update posthorn.webhook set url = 'http://127.0.0.1:9/hook' where id = 1;
update posthorn.webhook set status = 'deleted' where id = 2;

insert into posthorn.api_key (account_id, name, prefix, hash, scopes) values (1, 'key', 'phk_1', '\x02', '*');
insert into posthorn.api_user (account_id, email, password_hash, totp_secret) values (1, 'someone@example.com', 'none', '\x03');
insert into posthorn.api_session (uuid, user_id, address, expires_at) values ('00000000-0000-4000-8000-000000000001', 1, '192.0.2.1', 'infinity');
insert into posthorn.api_refresh (uuid, session) values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001');
insert into posthorn.server_key (name, uuid, secret) values ('token', '00000000-0000-4000-8000-000000000003', '\x04');
insert into posthorn.api_login (subject) values ('address:192.0.2.1');
insert into posthorn.api_rate values ('00000000-0000-4000-8000-000000000004', now(), 1);
insert into posthorn.console_session (user_id, token_hash, expires_at) values (1, '\x05', 'infinity');
insert into posthorn.recovery_code (user_id, hash) values (1, '\x06');
insert into posthorn.outbox (event_id, event_type, account, data) values ('whd_1', 'webhook.disabled', 'acme', '{}');

-- Offsets 0 to 4 are events, 5 repeats the first, 6 is no event. 0 is delivered, 1 waits, 2 has failed, 3 is cancelled, 4 is delivered at the second attempt.
select posthorn.dispatcher_started('old');
select posthorn.claim('kafka', 'old', 0, '00000000-0000-4000-8000-000000000005', 1);
select posthorn.intake(0, array(select md5('event' || n)::uuid from generate_series(0, 4) n), array_fill(1, array[5]), array[0, 1, 2, 3, 4]::bigint[], array_fill(1, array[5]),
    array_fill('a.b'::text, array[5]), array(select 'old-' || n from generate_series(0, 4) n), array_fill('/old'::text, array[5]),
    array_fill('2026-01-02T03:04:05Z'::timestamptz, array[5]), array(select sha256(('{"n":' || n || '.0}')::bytea) from generate_series(0, 4) n),
    array_fill(null::text, array[5]), array_fill(null::bigint, array[5]), false, array(select ('{"n":' || n || '.0}')::bytea from generate_series(0, 4) n));
select posthorn.record(array_fill(now(), array[5]), array[0, 1, 2, 4, 4]::bigint[], array_fill(1, array[5]), array_fill(1, array[5]), array_fill(2, array[5]), array[1000, 2000, 3000, 4000, 5000],
    array[1, 1, 17, 1, 2]::smallint[], array[200, 503, 500, null, 204]::smallint[], array_fill('e'::"char", array[5]), array['d', 'r', 'g', 'r', 'd']::"char"[],
    array[null, null, null, 'refused'::bytea, null], array['ok', 'later', null, null, null]::text[]::bytea[], 1);
select posthorn.cancel(array[1], array[3]::bigint[], array[1], array['e']::"char"[], array['webhook disabled']);
select posthorn.repeated(array[1], array[5]::bigint[], array[1], array[0]::bigint[]);
select posthorn.bury(array[1], array[6]::bigint[], array['not_json'], array['unexpected end'], array['\x07']::bytea[], array[null]::bytea[], array['\x08']::bytea[], array['\x09']::bytea[], array[true]);
select posthorn.park(array[1], array[1], array[1]::bigint[], array['e']::"char"[], array[posthorn.period_of(now())], array[1]::smallint[], array[now()], array[null]::bigint[]);
select posthorn.move(1, 1, array[1], array['00000000-0000-4000-8000-000000000005']::uuid[], array[null]::bigint[], array[7]::bigint[], array[6]::bigint[], array[0]::bigint[], array[0]::bigint[],
    array[0]::bigint[], array[7], array[5], array[1], array[1], array[5]);
select posthorn.health(array[1], array[true], array[0]);
select posthorn.api_test(1, 1, '00000000-0000-4000-8000-000000000006', 'test-1', 'a.test', '\x0a', '{}');

-- A partition whose rows have expired, and what counting leaves.
insert into posthorn.position (source, topic, partition, first_offset, next_offset) values ('kafka', 'old', 1, 0, 3);
insert into posthorn.seal (position_id, first_offset, next_offset, hour, records, events, repeated, dead_lettered, matched, delivered, failed, cancelled)
values ((select id from posthorn.position where topic = 'old' and partition = 1), 0, 3, '2026-01-01T00:00:00Z', 3, 3, 0, 0, 3, 3, 0, 0);
insert into posthorn.expired values ('payload', '2026-01-01T00:00:00Z');
insert into posthorn.digest_seal select kind, '2026-01-01T00:00:00Z' from unnest(array['attempt', 'event']) as kind;
update posthorn.activity_clock set counted_to = now() - interval '1 hour';
select pg_sleep(2.5), posthorn.count_activity();
select posthorn.count_activity();
