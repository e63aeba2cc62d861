"""Certificates that a test creates, and servers that make errors with TLS."""
import contextlib
import datetime
import ipaddress
import os
import pathlib
import socket
import ssl
import struct
import threading
import warnings
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID



class Certificate(NamedTuple):
    """As PEM files: the chain without its root, and the key."""

    chain: pathlib.Path
    key: pathlib.Path
    fingerprint: str  # SHA-256 of the leaf, hexadecimal

    @property
    def pair(self):
        return str(self.chain), str(self.key)


def name_of(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """A certificate authority in a directory; authority.file is its own certificate."""

    def __init__(self, directory, name="authority", parent=None):
        self.directory = directory
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.parent = parent
        self.certificate = self._sign(name_of(name), self.key.public_key(), ca=True)
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, public_key, ca=False, names=(), days=(-1, 30), usage=None, self_signed=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        issuer = self_signed or self.parent if ca or self_signed else self
        issuer_name = subject if issuer is None or self_signed else issuer.certificate.subject
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer_name).public_key(public_key)
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now + datetime.timedelta(days=days[0]))
                   .not_valid_after(now + datetime.timedelta(days=days[1]))
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([alternative(n) for n in names]), critical=False)
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return builder.sign(self_signed or (issuer.key if issuer else self.key), hashes.SHA256())

    def issue(self, name, names=("127.0.0.1", "localhost"), days=(-1, 30), client=False, self_signed=False, bits=None, purpose=None):
        """A certificate for these names; with `bits`, its key is RSA of that size; `days` are from now."""
        key = rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client or purpose == "client" else ExtendedKeyUsageOID.SERVER_AUTH
        certificate = self._sign(name_of(name), key.public_key(), names=() if client else names, days=days, usage=usage,
                                 self_signed=key if self_signed else None)
        chain, key_file = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        if self.parent is not None and not self_signed:
            pem += self.certificate.public_bytes(serialization.Encoding.PEM)
        chain.write_bytes(pem)
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        return Certificate(chain, key_file, certificate.fingerprint(hashes.SHA256()).hex())


def server_context(certificate, client_authority=None, demand=True, highest=None):
    """A server's settings; `highest` is the newest TLS version that it speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if highest is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():  # the tests want the old versions
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = highest
    context.load_cert_chain(*certificate.pair)
    if client_authority is not None:
        context.load_verify_locations(str(client_authority.file))
        context.verify_mode = ssl.CERT_REQUIRED if demand else ssl.CERT_OPTIONAL
    return context


class Endpoint:
    """A server on loopback that does one thing with each connection, in a thread: speak TLS with a context and answer
    200, or one of "plain" (HTTP without TLS), "reset", "close" instead of the handshake."""

    def __init__(self, does):
        self.does = does
        self.answered = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def url(self, path="/", host="127.0.0.1", scheme="https"):
        return f"{scheme}://{host}:{self.port}{path}"

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            with contextlib.suppress(OSError), connection:
                self._talk(connection)

    def _talk(self, connection):
        if self.does == "plain":
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif self.does == "reset":
            connection.recv(65536)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif self.does == "close":
            connection.recv(65536)
        else:
            with self.does.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as tls:
                try:
                    tls.do_handshake()
                except ssl.SSLError:  # its alert is sent: allow the client to read it before the connection is reset
                    self._drain(tls)
                    raise
                self._answer(tls)

    @staticmethod
    def _drain(tls):
        with socket.socket(fileno=os.dup(tls.fileno())) as raw:
            raw.settimeout(5)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass

    def _answer(self, tls):
        request = b""
        while b"\r\n\r\n" not in request:
            part = tls.recv(65536)
            if not part:
                return
            request += part
        self.answered += 1
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
