#!/usr/bin/env python3
"""Compares the published events with the requests that the receiver got, and both with the audit.

    judge.py PUBLISHED RECEIVED DATABASE_URL

PUBLISHED is the journal of class Published, RECEIVED the journal of bench-sink. Prints one line of JSON and ends with
status 1 when the system broke a promise:

  missing      pairs of event and webhook that the receiver never got
  open         pairs that the audit does not show as delivered
  phantom      successful attempts in the audit beyond what the receiver got
  stray        pairs that the receiver got, or the audit has, although no event was published for this webhook
  books        differences in audit.reconciliation
  These two are unavoidable in a crash, and must be bounded:
  duplicated   requests that the receiver got beyond the first of each pair
  out_of_audit requests that the receiver got and the audit has no attempt for
"""
import collections
import dataclasses
import json
import os
import sys

import psycopg


class Published:
    """The journal of published events: a line is on disk before the event is sent to the broker.

    webhook ID PATH          a webhook, and its path at the receiver
    event ID PATH,PATH,…     an event, and the webhooks that must get it
    """

    def __init__(self, path):
        self.path = path
        self.file = open(path, "a")

    def webhook(self, public_id, path):
        self.file.write(f"webhook {public_id} {path}\n")
        self.sync()

    def events(self, ids, paths):
        """Several events for the same webhooks, synced at once."""
        listed = ",".join(paths)
        self.file.writelines(f"event {one} {listed}\n" for one in ids)
        self.sync()

    def sync(self):
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self):
        self.file.close()


@dataclasses.dataclass
class Verdict:
    published: int = 0  # pairs
    received: int = 0
    missing: int = 0
    open: int = 0
    phantom: int = 0
    stray: int = 0
    books: int = 0
    duplicated: int = 0
    out_of_audit: int = 0
    examples: dict = dataclasses.field(default_factory=dict)

    @property
    def good(self):
        return not (self.missing or self.open or self.phantom or self.stray or self.books)

    def note(self, what, pair, count=1):
        setattr(self, what, getattr(self, what) + count)
        self.examples.setdefault(what, [])
        if len(self.examples[what]) < 5:
            self.examples[what].append(pair)

    def line(self):
        return json.dumps(dataclasses.asdict(self))


def read_published(path):
    """({(event, path)}, {webhook: path})"""
    pairs, webhooks = set(), {}
    with open(path) as lines:
        for line in lines:
            kind, name, rest = line.split()
            if kind == "webhook":
                webhooks[name] = rest
            else:
                pairs.update((sys.intern(name), sys.intern(p)) for p in rest.split(","))
    return pairs, webhooks


def read_received(path):
    """{(event, path): requests}. An incomplete last line belongs to a receiver that was killed."""
    requests = collections.Counter()
    with open(path) as lines:
        for line in lines:
            if line.endswith("\n"):
                _, event, where = line.split()
                requests[sys.intern(event), sys.intern(where)] += 1
    return requests


def read_audit(url, webhooks):
    """({pair: attempts}, {pair: successful attempts}, {pair: state}, what the reconciliation shows as missing)"""
    attempts, successes, states = collections.Counter(), collections.Counter(), {}
    with psycopg.connect(url) as connection:
        with connection.cursor("attempts") as rows:
            rows.itersize = 50_000
            rows.execute("select event_id, webhook_id, outcome, count(*) from audit.attempts group by 1, 2, 3")
            for event, webhook, outcome, count in rows:
                pair = sys.intern(event or "?"), webhooks.get(webhook, webhook)
                attempts[pair] += count
                successes[pair] += count if outcome == "delivered" else 0
        with connection.cursor("deliveries") as rows:
            rows.itersize = 50_000
            rows.execute("select event_id, webhook_id, state from audit.deliveries")
            for event, webhook, state in rows:
                pair = sys.intern(event), webhooks.get(webhook, webhook)
                states[pair] = "twice" if pair in states else state
        books = connection.execute("select coalesce(sum(missing), 0)::bigint from audit.reconciliation").fetchone()[0]
    return attempts, successes, states, books


def judge(published, received, url):
    wanted, webhooks = read_published(published)
    got = read_received(received)
    attempts, successes, states, books = read_audit(url, webhooks)
    verdict = Verdict(published=len(wanted), received=sum(got.values()), books=books)
    for pair in wanted:
        if pair not in got:
            verdict.note("missing", pair)
        if states.get(pair) != "delivered":
            verdict.note("open", (*pair, states.get(pair)))
    for pair in got.keys() | attempts.keys() | states.keys():
        if pair not in wanted:
            verdict.note("stray", pair)
        if successes[pair] > got[pair]:
            verdict.note("phantom", pair, successes[pair] - got[pair])
        if got[pair] > attempts[pair]:
            verdict.note("out_of_audit", pair, got[pair] - attempts[pair])
        if got[pair] > 1:
            verdict.note("duplicated", pair, got[pair] - 1)
    return verdict


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    found = judge(*sys.argv[1:])
    print(found.line())
    sys.exit(0 if found.good else 1)
