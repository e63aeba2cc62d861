"""SQL against one test's database: as the auditor, who sees the documented views, and as the owner, who sees everything."""
import contextlib
import urllib.parse

import psycopg
from psycopg.rows import dict_row


def with_login(url, user, password=None):
    """The same database for another user; the password is the user's name unless another is given."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=f"{user}:{password or user}@{parts.netloc.rpartition('@')[2]}").geturl()


@contextlib.contextmanager
def holding(url, statement):
    """Executes a locking statement in another session, which holds the lock until its transaction ends."""
    with psycopg.connect(url) as session:
        session.execute(statement)
        yield session


def locked(url, table):
    """Another session holds an exclusive lock on a table of posthorn."""
    return holding(url, f"lock table posthorn.{table} in access exclusive mode")


class Database:
    def __init__(self, url):
        self.url = url
        self.connection = None

    def query(self, statement, *parameters, **named):
        """Rows as dicts; an empty list for a statement without rows. Parameters by place or by name. Connects again if the server was restarted."""
        for last in (False, True):
            try:
                if self.connection is None or self.connection.closed:
                    self.connection = psycopg.connect(self.url, autocommit=True, row_factory=dict_row, connect_timeout=10)
                cursor = self.connection.execute(statement, named or parameters or None)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                self.close()
                if last:
                    raise

    def value(self, statement, *parameters):
        """The only column of the only row."""
        rows = self.query(statement, *parameters)
        assert len(rows) == 1 and len(rows[0]) == 1, f"one value expected from: {statement}; got {rows[:5]}"
        return next(iter(rows[0].values()))

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Audit(Database):
    """The audit views, through the read-only role."""

    def attempts(self, event_id=None):
        return self._of("attempts", event_id, "started_at, webhook_id, attempt")

    def deliveries(self, event_id=None):
        return self._of("deliveries", event_id, "webhook_id")

    def events(self, event_id=None):
        return self._of("events", event_id, 'topic, partition, "offset"')

    def dead_letters(self):
        return self.query('select * from audit.dead_letters order by topic, partition, "offset"')

    def count(self, view, **equal):
        """The number of rows of a view with these values."""
        where = " and ".join(f"{column} = %s" for column in equal) or "true"
        return self.value(f"select count(*) from audit.{view} where {where}", *equal.values())

    def books(self):
        """audit.reconciliation, summed over all partitions."""
        columns = ("records", "events", "repeated", "dead_lettered", "matched", "delivered", "pending", "failed",
                   "cancelled", "missing")
        sums = ", ".join(f"coalesce(sum({c}), 0)::bigint as {c}" for c in columns)
        return self.query(f"select {sums} from audit.reconciliation")[0]

    def _of(self, view, event_id, order):
        return self.query(f"select * from audit.{view} where %s::text is null or event_id = %s order by {order}",
                          event_id, event_id)
