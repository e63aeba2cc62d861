"""Webhooks are created, changed, disabled, enabled and deleted through posthorn-api and by SQL, while other events flow and dispatchers are killed:
each event that is published after the response is handled according to the change (promise 3)."""
import json
import random
import uuid

import pytest

from support.api import Api
from support.kafka import binary_record
from support.system import MISSED_SOON
from support.waiting import wait_until
from trial import read_paths

TYPES = A, B = "seen.a", "seen.b"


class ByApi:
    """Changes with posthorn-api; each returns when the API has responded."""

    def __init__(self, caller):
        self.caller = caller

    def create(self, url, events):
        answer = self.caller.post("/v1/webhooks", {"url": url, "events": events})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def _patch(self, hook, **change):
        answer = self.caller.patch(f"/v1/webhooks/{hook}", change)
        assert answer.status_code == 200, answer.text

    def update(self, hook, events):
        self._patch(hook, events=events)

    def disable(self, hook):
        self._patch(hook, status="disabled")

    def enable(self, hook):
        self._patch(hook, status="enabled")

    def delete(self, hook):
        answer = self.caller.delete(f"/v1/webhooks/{hook}")
        assert answer.status_code == 204, answer.text


class BySql:
    """Changes by an operator's SQL; each is one statement, and so one transaction."""

    def __init__(self, db, account):
        self.db, self.account = db, account

    def create(self, url, events):
        name = str(uuid.uuid4())
        return self.db.value(
            "with made as (insert into posthorn.webhook (uuid, public_id, account_id, url, format)"
            " select %s, %s, id, %s, 'penny' from posthorn.account where key = %s returning id, public_id), listed as (insert into posthorn.subscription select id, unnest(%s::text[]) from made) select public_id from made",
            name, name, url, self.account, events)

    def update(self, hook, events):
        assert self.db.value(
            "with hook as (select id from posthorn.webhook where public_id = %s), gone as (delete from posthorn.subscription s using hook where"
            " s.webhook_id = hook.id and s.pattern <> all (%s)), listed as (insert into posthorn.subscription select id, unnest(%s::text[]) from hook"
            " on conflict do nothing returning 1) select count(*) from hook", hook, events, events) == 1

    def _status(self, hook, status):
        self.db.query("update posthorn.webhook set status = %s where public_id = %s", status, hook)

    def disable(self, hook):
        self._status(hook, "disabled")

    def enable(self, hook):
        self._status(hook, "enabled")

    def delete(self, hook):
        self._status(hook, "deleted")


class Hook:
    def __init__(self, path, public_id, events):
        self.path, self.public_id, self.events, self.enabled, self.deleted = path, public_id, events, True, False

    def gets(self, type):
        return self.enabled and not self.deleted and type in self.events


class World:
    """The webhooks according to the responses, and the webhooks that each event must and must not reach."""

    def __init__(self, trial, ways, chance):
        self.trial, self.ways, self.chance = trial, ways, chance
        self.hooks, self.events, self.changes, self.made = [], [], 0, 0

    def change(self, busy):
        """Changes a webhook that is not busy: for those that change again before the events of this round are processed, both outcomes are allowed."""
        way = self.chance.choice(self.ways)
        kind = self.chance.choice(["create", "update", "update", "turn", "turn", "delete"])
        free = [h for h in self.hooks if not h.deleted and h not in busy]
        if kind == "create" or not free:
            path, events = f"/ok/{self.made}", self.chance.choice([[A], [B], [A, B]])
            self.made += 1
            hook = Hook(path, way.create(self.trial.sink.url(path), events), events)
            self.hooks.append(hook)
        else:
            hook = self.chance.choice(free)
            if kind == "update":
                hook.events = [B] if A in hook.events else [A]
                way.update(hook.public_id, hook.events)
            elif kind == "turn":
                hook.enabled = not hook.enabled
                (way.enable if hook.enabled else way.disable)(hook.public_id)
            else:
                way.delete(hook.public_id)
                hook.deleted = True
        busy.add(hook)
        self.changes += 1

    def round(self, system, changes):
        """Makes changes, and publishes an event of each type after each of them. Returns the coordinates of the events, and determines which webhooks they must
        reach. A webhook that changed after an event was published, and before it was processed, is left open."""
        busy, published, places = set(), [], []
        for _ in range(changes):
            self.change(busy)
            for type in TYPES:
                event = f"seen{len(self.events) + len(published)}"
                before = {h: h.gets(type) for h in self.hooks}
                places += system.topics.produce(system.topic, [
                    binary_record({"id": event, "type": type, "account": self.trial.account, "data": {}}) | {"key": event}])
                published.append((event, type, before))
        for event, type, before in published:
            must = {h.path for h, got in before.items() if got and h.gets(type)}
            never = {h.path for h in self.hooks if not before.get(h, False) and not h.gets(type)}
            self.events.append((event, must, never))
        return places


def passed(system, places):
    at = {row["partition"]: row["next_offset"] or 0 for row in system.db.query("select partition, next_offset from posthorn.position where topic = %s", system.topic)}
    return all(at.get(partition, 0) > offset for partition, offset in places)


@pytest.mark.timeout(1800)
def test_changes_by_api_and_sql_under_load_and_kills(system, trials, test_directory, scale, figures):
    trial = trials(paths=["/ok/load"])
    for type in TYPES:
        system.admin("event-type", "create", type, "--description", "One that the test watches.", "--dialect", "penny")
    api = Api(system, test_directory).start()
    try:
        members = [system.dispatcher(f"d{number}", wait=False, **MISSED_SOON) for number in range(2)]
        seed = random.randrange(1 << 30)
        chance, kills = random.Random(seed), 0
        world = World(trial, [ByApi(api.caller(trial.account)), BySql(system.db, trial.account)], chance)
        trial.publish_in_background(10_000_000, chunk=100, pause=0.2)
        for number in range(scale(10, 120)):
            places = world.round(system, 4)
            if number % 3 == 1:
                one = chance.choice(members)
                one.kill()
                one.start(wait=False)
                kills += 1
            wait_until(lambda places=places: passed(system, places), 120, "the positions have passed the round", every=0.02)
        trial.stop_publishing()
        trial.wait_over()
    finally:
        api.stop()
    for member in members:
        member.stop()
    trial.sink.stop()
    got = read_paths(trial.sink.journal)
    missed = {event: sorted(must - got.get(event, set())) for event, must, _ in world.events if must - got.get(event, set())}
    wrong = {event: sorted(never & got[event]) for event, _, never in world.events if never & got.get(event, set())}
    lost = [f"trial{n}" for n in range(trial.count) if "/ok/load" not in got.get(f"trial{n}", ())]
    figures(changes=world.changes, kills=kills, events=trial.count + len(world.events), missed=len(missed), wrong=len(wrong), missing=len(lost), seed=seed)
    assert not missed, f"not delivered though subscribed: {json.dumps(missed)}"
    assert not wrong, f"delivered though not subscribed: {json.dumps(wrong)}"
    assert not lost, lost[:10]
    assert sum(len(must) for _, must, _ in world.events) > 0 and sum(len(never) for _, _, never in world.events) > 0
    system.assert_balanced(records=trial.count + len(world.events))
