-- Chores: what dispatchers do now and then, each in a transaction of its own, which takes less than a second however many rows are stored.

-- Runs a chore if its period is over, or at once. Returns true if there is more to do; then any dispatcher may run it again. A chore that another dispatcher runs
-- is left to it.
create or replace function posthorn.run_chore(in_name text, at_once bool default false) returns bool language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    more bool;
begin
    perform from posthorn.chore c
    where c.name = in_name and (at_once or c.ran_at not between now() - c.period and now()) for update skip locked;     -- the clock may have been set back
    if not found then
        return false;
    end if;
    case in_name
    when 'make_partitions' then
        perform posthorn.make_partitions();
    when 'summarize' then
        perform posthorn.summarize();
    when 'close_new' then
        select b.more into more from posthorn.close_new('150 ms') b;
    when 'close_old' then
        perform posthorn.close_old('150 ms');
    when 'count_activity' then
        perform posthorn.count_activity();
        more := exists (select from posthorn.activity_clock a where a.counted_to < now() - interval '10 seconds');
    when 'expire' then
        more := posthorn.expire();
    end case;
    update posthorn.chore c set ran_at = case when more then '-infinity' else now() end where c.name = in_name;
    return coalesce(more, false);
end $$;
grant execute on function posthorn.run_chore(text, bool) to posthorn_dispatcher;

-- Ends the sessions of dispatchers that have sent no complete statement for thirty seconds while another session waits for their locks: the process is stopped, or its
-- machine unreachable, in the middle of a packet. Others would wait as long, for example with a claim of its partitions. A dispatcher that continues sees a lost
-- connection. (PostgreSQL's idle_in_transaction_session_timeout does not apply within a packet.) With the rights of the caller, who may end sessions of its own
-- login. Returns whether there were any.
create or replace function posthorn.end_stalled() returns bool language sql set search_path = pg_catalog, pg_temp as $$
    select coalesce(bool_or(pg_terminate_backend(a.pid)), false)
    from pg_stat_activity a
    where a.datname = current_database() and a.usename = session_user and a.application_name like 'posthorn-dispatcher %' and a.pid <> pg_backend_pid()
      and a.wait_event in ('ClientRead', 'ClientWrite') and a.xact_start is not null
      and greatest(a.query_start, a.state_change) < clock_timestamp() - interval '30 seconds'
      and exists (select from pg_locks l where not l.granted and a.pid = any (pg_blocking_pids(l.pid)))
$$;
