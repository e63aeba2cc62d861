"""The cache of accounts: which of them leave it."""
from support.kafka import binary_record

CACHED = 20_000  # ACCOUNTS_MAX in dispatcher/accounts.c


def test_the_least_recently_used_accounts_make_room(system, receiver):
    """More accounts than the cache holds: those that a batch needs together are there together, so that none of them counts as unknown."""
    account = system.account(dialect="merchant")
    system.webhook(account, receiver.url("/hook"))
    count = CACHED + 1500
    system.db.query("insert into posthorn.account (key, dialect) select 'many-' || n, 'merchant' from generate_series(1, %s::int) n", count)
    system.dispatcher()
    system.topics.produce(system.topic, [binary_record(system.event(f"many-{n + 1}")) | {"partition": 0} for n in range(count)])
    system.publish(system.event(account))
    system.wait_delivered(1)
    system.wait_consumed()
    books = system.audit.books()
    assert (books["events"], books["dead_lettered"]) == (count + 1, 0)
    system.assert_balanced(records=count + 1)
