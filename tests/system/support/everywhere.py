"""Fixtures of tests in a separate network (namespace.py): a receiver at every address, and webhooks inserted as rows."""
import collections
import socket
import threading


class Everywhere:
    """Answers 200 at every address, and records the callers and addresses. Connections are kept open."""

    def __init__(self, listener):
        self.listener = listener  # for IPv6, which accepts IPv4, too
        self.connections = []  # (address, caller)
        self.requests = collections.Counter()  # (address, path)
        self.open = {}
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, caller = self.listener.accept()
            except OSError:
                return
            here = connection.getsockname()[0].removeprefix("::ffff:")
            self.connections.append((here, caller[0].removeprefix("::ffff:")))
            self.open[connection] = here
            threading.Thread(target=self._serve, args=(connection, here), daemon=True).start()

    def _serve(self, connection, here):
        with connection, connection.makefile("rb") as stream:
            try:
                while line := stream.readline():
                    size = 0
                    while (header := stream.readline()) not in (b"\r\n", b""):
                        if header.lower().startswith(b"content-length:"):
                            size = int(header.split(b":")[1])
                    stream.read(size)
                    self.requests[here, line.split()[1].decode()] += 1
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                pass
        self.open.pop(connection, None)

    def where(self, path):
        """{address: requests} for a path."""
        return {at: count for (at, its), count in self.requests.items() if its == path}

    def stop(self):
        for end in (self.listener, *list(self.open)):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def register(system, account, urls):
    """Inserts webhooks as rows, without the checks of the API."""
    system.db.query(
        "with made as (insert into posthorn.webhook (public_id, account_id, url, format, signature) select "
        "gen_random_uuid()::text, a.id, u, 'penny', 'none' from posthorn.account a, unnest(%s::text[]) u "
        "where a.key = %s returning id) insert into posthorn.subscription select id, '*' from made", list(urls), account)


def outcomes(system):
    """{webhook's public id: (outcome, error) of its last attempt}"""
    return {a["webhook_id"]: (a["outcome"], a["error"]) for a in system.audit.attempts()}


def by_url(system):
    """{URL as registered: (outcome, error)}"""
    ids = {row["public_id"]: row["url"] for row in system.db.query("select public_id, url from posthorn.webhook")}
    return {ids[hook]: result for hook, result in outcomes(system).items()}
