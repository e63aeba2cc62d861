"""Attacks by a name server: no responses, slow ones, false ones. The victim's webhooks have names, too, for which it responds at once."""
import socket
import threading

from support.hostile_dns import GARBAGE, NEVER, NameServer, address, always
from support.ports import free_port

from .attack import Attack
from .child import Child
from .records import publish

SLOW_S = 1.5


class Zone:
    """The part of a name before the first hyphen determines how its query is handled."""

    ANSWERS = {"victim": always(address("127.0.0.1")), "slow": always(address("127.0.0.1")), "silent": lambda *_: NEVER, "lying": lambda *_: GARBAGE}

    def get(self, name, otherwise):
        return self.ANSWERS.get(name.partition("-")[0], otherwise)


class SlowSocket:
    """A UDP socket that sends the responses for slow names late."""

    def __init__(self, udp):
        self.udp = udp

    def __getattr__(self, name):
        return getattr(self.udp, name)

    def sendto(self, message, sender):
        if b"slow-" in message:
            threading.Timer(SLOW_S, self.udp.sendto, (message, sender)).start()
        else:
            self.udp.sendto(message, sender)


def serve_names(over, say):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    udp.bind(("127.0.0.1", free_port()))  # one that no outgoing connection has, because the TCP port must be free, too
    tcp = socket.create_server(udp.getsockname())
    server = NameServer(SlowSocket(udp), tcp, Zone())
    say(udp.getsockname()[1])
    over.wait()
    server.stop()


class AtNameServer(Attack):
    means, resource = "tenant, name server", "name look-ups"
    named_victims = True
    kind, webhooks = None, 1500

    def prepare(self, stage):
        self.server = Child(serve_names)
        stage.name_servers = f"127.0.0.1:{self.server.told()}"

    def begin(self, stage, number):
        account = stage.attacker(number, [f"http://{self.kind}-{number}-{n}.example:9/" for n in range(self.webhooks)])
        self.children.append(Child(publish, stage.system.topics.brokers, stage.system.topic, account, 1, "small", 100))
        self.children[-1].told()


class Silent(AtNameServer):
    name, kind = "silent-names", "silent"
    what = "1,500 webhooks with names about which the server is silent"


class Slow(AtNameServer):
    name, kind = "slow-names", "slow"
    what = "1,500 webhooks with names that take 1.5 s to resolve"


class Lying(AtNameServer):
    name, kind = "lying-names", "lying"
    what = "1,500 webhooks with names that the server answers with garbage"


ATTACKS = [Silent(), Slow(), Lying()]
