-- What grows: events, payloads, attempts, the ledger and their kin. Partitioned by the database's clock; posthorn.make_partitions() makes
-- partitions ahead (there is no DEFAULT partition, which would block detaching), expiry drops them.
--
-- Every row that stems from a Kafka record carries its coordinates (position_id, "offset"): small, in the order of arrival, so that
-- their b-tree is only ever appended to, and all that belongs to one record is found by one key.

create table posthorn.dispatcher (
    id         int generated always as identity primary key,
    name       text not null,
    started_at timestamptz not null default now(),
    flush_seq  bigint not null default 0      -- last flush that committed: resolves a connection lost around COMMIT
) with (fillfactor = 50);

-- How far a partition has been consumed. The only truth: what Kafka keeps is for lag tools.
create table posthorn.position (
    id             int generated always as identity primary key,
    source         text not null,             -- name of the Kafka cluster
    topic          text not null,
    partition      int not null,
    log_epoch      int not null default 1,    -- raised by `posthorn-admin position reset`: a new life of the log
    next_offset    bigint,                    -- null: from the beginning of the log, nothing consumed yet
    first_offset   bigint,                    -- where the ledger of this position begins
    last_offset    bigint,                    -- of the last record consumed, with its timestamp (ms) and the
    last_timestamp bigint,                    -- first 8 bytes of its value's SHA-256: a claim compares them with the log
    last_check     bigint,
    owner          uuid,                      -- fresh at every claim: the fence
    dispatcher_id  int references posthorn.dispatcher,
    claimed_at     timestamptz,
    stopped        text,                      -- why nobody may consume it, until a reset
    unique (source, topic, partition, log_epoch)
) with (fillfactor = 50);

create table posthorn.event (
    event_key      uuid not null,             -- first 16 bytes of SHA-256(account || 0 || id)
    period         date not null,
    position_id    int not null,
    "offset"       bigint not null,
    account_id     int not null,
    event_type     text not null,
    event_id       text not null,
    source         text not null,
    occurred_at    timestamptz not null,
    received_at    timestamptz not null default now(),
    payload_sha256 bytea not null,
    traceparent    text,
    order_key      bigint,
    primary key (event_key, period)
) partition by range (period);
create index event_coordinates on posthorn.event (position_id, "offset");
create index event_id on posthorn.event using hash (event_id);

create table posthorn.payload (
    recorded_at timestamptz not null default now(),   -- the same instant as its event's received_at
    position_id int not null,
    "offset"    bigint not null,
    sealed      bool not null,                        -- under the account's data key; else plain
    body        bytea not null
) partition by range (recorded_at);
create index payload_coordinates on posthorn.payload (position_id, "offset");

create table posthorn.attempt (
    recorded_at   timestamptz not null default now(),
    started_at    timestamptz not null,
    "offset"      bigint not null,
    position_id   int not null,
    webhook_id    int not null,
    version       int not null,               -- of the webhook
    duration_us   int not null,
    dispatcher_id int not null,
    attempt       smallint not null,          -- 1 for the first of a delivery
    http_status   smallint,
    cause         "char" not null check (cause in ('e', 'r', 'd', 't')),      -- event, replay, redeliver, test
    outcome       "char" not null check (outcome in ('d', 'r', 'g')),         -- delivered, retry, gave_up
    error         bytea,
    response_body bytea,
    order_key     bigint
) partition by range (recorded_at);
create index attempt_coordinates on posthorn.attempt (position_id, "offset");
create index attempt_recorded on posthorn.attempt using brin (recorded_at);

-- Deliveries that are not over: parked, waiting for their next attempt. One row for each, deleted when it is over.
create table posthorn.pending (
    webhook_id      int not null,
    position_id     int not null,
    "offset"        bigint not null,
    cause           "char" not null,
    period          date not null,            -- of the event row
    attempts        smallint not null,        -- made so far
    next_attempt_at timestamptz not null,
    created_at      timestamptz not null default now(),
    order_key       bigint,
    primary key (position_id, "offset", webhook_id, cause)
) with (fillfactor = 80);
create index pending_due on posthorn.pending (webhook_id, next_attempt_at);

-- Which webhooks have pending deliveries, and when the next is due. Leased are webhooks, not deliveries.
create table posthorn.queue (
    webhook_id    int primary key,
    next_due      timestamptz not null default 'infinity',
    held_until    timestamptz not null default '-infinity',   -- an open breaker, or Retry-After: nothing before this
    lease         int,                                        -- dispatcher_id
    lease_until   timestamptz not null default '-infinity',
    failing_since timestamptz,                                -- null: the last attempt we know of succeeded
    gone          int not null default 0                      -- answers 410 in a row
) with (fillfactor = 50);
create index queue_due on posthorn.queue (next_due);

create table posthorn.cancellation (
    recorded_at timestamptz not null default now(),
    position_id int not null,
    "offset"    bigint not null,
    webhook_id  int not null,
    cause       "char" not null,
    reason      text not null                 -- webhook disabled, webhook deleted
) partition by range (recorded_at);
create index cancellation_coordinates on posthorn.cancellation (position_id, "offset");
create index cancellation_webhook on posthorn.cancellation (webhook_id);

-- Records whose event id was there already.
create table posthorn.repeat (
    recorded_at    timestamptz not null default now(),
    position_id    int not null,
    "offset"       bigint not null,
    of_position_id int not null,
    of_offset      bigint not null
) partition by range (recorded_at);
create index repeat_coordinates on posthorn.repeat (position_id, "offset");

-- Records that are no events. This row is the truth; the copy on the dead-letter topic is for tools.
create table posthorn.dead_letter (
    recorded_at   timestamptz not null default now(),
    position_id   int not null,
    "offset"      bigint not null,
    reason        text not null,
    detail        text not null,
    record_sha256 bytea not null,             -- of the value
    key           bytea,
    value         bytea,                      -- sealed under the master key (it may hold card data); null: the record had none
    headers       bytea,                      -- sealed JSON array of [name, base64 value]
    copied        bool not null,              -- the broker acknowledged the copy
    replayed_at   timestamptz,
    erased_at     timestamptz                 -- key, value and headers were, after payload_keep_days: they may hold what payloads hold
) partition by range (recorded_at);
create index dead_letter_coordinates on posthorn.dead_letter (position_id, "offset");
create index dead_letter_kept on posthorn.dead_letter (recorded_at) where erased_at is null;

-- Each flush appends what it accounts for: the range of offsets that it passed, and what was in it.
create table posthorn.ledger (
    recorded_at   timestamptz not null default now(),
    position_id   int not null,
    first_offset  bigint not null,
    next_offset   bigint not null,            -- one beyond the last
    records       int not null,
    gaps          int not null,               -- offsets without a record: aborted transactions, markers, compaction
    events        int not null,
    repeated      int not null,
    dead_lettered int not null,
    matched       int not null,               -- (event, webhook) pairs
    dispatcher_id int not null
) partition by range (recorded_at);
create index ledger_offsets on posthorn.ledger (position_id, first_offset);

-- Counted chunks of the ledger in which nothing can change any more (posthorn.seal_chunks). A seal outlives the rows that it counted, so that
-- the chain of offsets stays whole from a position's first record to its last.
create table posthorn.seal (
    position_id   int not null,
    first_offset  bigint not null,
    next_offset   bigint not null,
    hour          timestamptz not null,
    records       bigint not null,
    events        bigint not null,
    repeated      bigint not null,
    dead_lettered bigint not null,
    matched       bigint not null,
    delivered     bigint not null,
    failed        bigint not null,
    cancelled     bigint not null,
    sealed_at     timestamptz not null default now(),
    primary key (position_id, first_offset)
);

-- Events of our own (webhook.disabled) that are to be published to Kafka: deleted once acknowledged.
create table posthorn.outbox (
    id         bigint generated always as identity primary key,
    event_id   text not null,
    event_type text not null,
    account    text not null,
    data       text not null,
    created_at timestamptz not null default now(),
    lease_until timestamptz not null default '-infinity'
);

-- Before schema/code/ took over its functions, views and triggers, this file had the sha256
-- f3f4934e5ab8bda6f4eb4c652ae734e3dc6cd9e2241c4e8c1c9ff6ef22c424ee
