-- The deliveries of a webhook that are due next. The index is on an expression, so that only queries that mean it (`webhook_id::bigint = …`) can use it: with
-- statistics of a table that was nearly empty, the planner took it for deliveries that are looked up by their key, and read all of the webhook's for each of them.
drop index posthorn.pending_due;
create index pending_due on posthorn.pending ((webhook_id::bigint), next_attempt_at);
