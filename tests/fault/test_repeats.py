"""The same event id published again gives one delivery for each webhook, whoever reads it and whoever dies in between (promise 2)."""
import json
import random

import pytest

from support.kafka import binary_record


@pytest.mark.timeout(600)
def test_published_twice_at_once_and_again_later(system, trials, scale, figures):
    """The copies lie in different partitions, so that different dispatchers race for the id; one of them is killed on the way."""
    trial = trials()
    first, second = system.dispatcher("first", wait=False), system.dispatcher("second", wait=False)
    count, seed = scale(3000, 30000), random.randrange(1 << 30)
    chance = random.Random(seed)
    ids = [f"twice{n}" for n in range(count)]
    trial.published.events(ids, trial.paths)
    trial.count = count

    def copies():
        records = [binary_record({"id": one, "type": "transaction.authorized", "account": trial.account, "data": {}}) | {"partition": partition}
                   for one in ids for partition in chance.sample(range(4), 2)]
        system.topics.produce(system.topic, records)
    copies()
    trial.wait_received(count // 2)
    first.kill()
    first.start(wait=False)
    trial.wait_over()
    copies()
    trial.wait_over()
    found = trial.verdict()
    books = system.audit.books()
    figures(kills=1, events=count, records=4 * count, duplicated=found.duplicated, missing=found.missing, phantom=found.phantom, seed=seed)
    assert found.good, found.line()
    assert (books["records"], books["events"], books["repeated"]) == (4 * count, count, 3 * count), json.dumps(books)
    twice = system.db.value("select count(*) from (select event_id, webhook_id from audit.attempts group by 1, 2 having count(*) > 1) t")
    assert twice <= found.duplicated  # no pair was attempted twice but for the kill
