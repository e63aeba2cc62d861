"""A hostile name server, over UDP and TCP, on sockets of the test. Each name has a function
(question number, type) -> records, or one of the responses below."""
import collections
import itertools
import socket
import struct
import threading

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord

NEVER = "never"      # no response
GARBAGE = "garbage"  # bytes that are not a DNS message
SPOOFED = "spoofed"  # a response with another id, before the right one


def address(value, name=None, ttl=0):
    """A record of the requested name, or of `name`."""
    six = ":" in value
    return name, AAAA(tuple(socket.inet_pton(socket.AF_INET6, value))) if six else A(value), ttl


def alias(target, name=None, ttl=0):
    return name, CNAME(target), ttl


def always(*records):
    """The addresses of the requested type, and all aliases."""
    def answer(number, kind):
        return [r for r in records if isinstance(r[1], CNAME) or isinstance(r[1], AAAA) == (kind == "AAAA")]
    return answer


def first_then(first, after):
    """Rebinding: the first question of each type receives one response, all others another."""
    return lambda number, kind: (first if number == 0 else after)(number, kind)


def status(name):
    return lambda number, kind: name


class NameServer:
    def __init__(self, udp, tcp, zone):
        self.udp, self.tcp, self.zone = udp, tcp, zone
        self.asked = collections.Counter()  # (name, type)
        threading.Thread(target=self._serve_udp, daemon=True).start()
        threading.Thread(target=self._serve_tcp, daemon=True).start()

    def count(self, name):
        """How often its addresses of both types were requested."""
        return self.asked[name, "A"] + self.asked[name, "AAAA"]

    def _answers(self, packet, largest):
        """The messages to send."""
        question = DNSRecord.parse(packet)
        name, kind = str(question.q.qname).rstrip(".").lower(), QTYPE[question.q.qtype]
        number = self.asked[name, kind]
        self.asked[name, kind] += 1
        what = self.zone.get(name, status("NXDOMAIN"))(number, kind)
        if what == NEVER:
            return []
        if what == GARBAGE:
            return [packet[:2] + b"\xff" * 40]
        reply = question.reply()
        if what == SPOOFED:
            wrong = question.reply()
            wrong.header.id ^= 1
            wrong.add_answer(RR(question.q.qname, QTYPE.A, rdata=A("10.1.2.3"), ttl=0))
            what = [address("93.184.215.14")] if kind == "A" else []
            self._fill(reply, question, what)
            return [wrong.pack(), reply.pack()]
        if isinstance(what, str):
            reply.header.rcode = getattr(RCODE, what)
        else:
            self._fill(reply, question, what)
        packed = reply.pack()
        if len(packed) > largest:
            cut = question.reply()
            cut.header.tc = 1
            packed = cut.pack()
        return [packed]

    @staticmethod
    def _fill(reply, question, records):
        for owner, data, ttl in records:
            reply.add_answer(RR(owner or question.q.qname, getattr(QTYPE, type(data).__name__), rdata=data, ttl=ttl))

    def _serve_udp(self):
        while True:
            try:
                packet, sender = self.udp.recvfrom(65536)
                if not packet:  # stop()
                    return
                for message in self._answers(packet, 512):
                    self.udp.sendto(message, sender)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while len(size := stream.read(2)) == 2:
                    for message in self._answers(stream.read(struct.unpack("!H", size)[0]), 65535):
                        connection.sendall(struct.pack("!H", len(message)) + message)
            except OSError:
                pass

    def stop(self):
        for end in (self.udp, self.tcp):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def chain(names, last):
    """Aliases from each name to the next in one response, then the records of the last one."""
    links = [alias(after, before if n else None) for n, (before, after) in enumerate(itertools.pairwise(names))]
    return always(*links, *[(names[-1], data, ttl) for _, data, ttl in last])
