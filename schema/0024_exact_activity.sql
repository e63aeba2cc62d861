-- Activity is complete although some attempts are committed late: each minute is compared with the digests, and counted again if they differ.

-- How many attempts of a minute posthorn.activity has.
create table posthorn.activity_minute (
    minute   timestamptz primary key,
    attempts bigint not null
) with (fillfactor = 80);

alter table posthorn.activity_clock
    add column checked_to timestamptz not null default date_trunc('minute', now(), 'UTC'),                        -- minutes before it were compared
    add column kept_from timestamptz not null default date_trunc('minute', now(), 'UTC') + interval '1 minute';   -- from here on, counts are complete
