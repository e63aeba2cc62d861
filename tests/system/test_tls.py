"""TLS to webhooks: the trusted authorities, the client certificates, and the error of each failure in the audit."""
import concurrent.futures
import contextlib
import ssl

import pytest

from support.programs import Failed
from support.receiver import Receiver
from support.tls import Authority, Endpoint, server_context
from support.waiting import wait_until

UNKNOWN = "the server's certificate comes from an unknown authority, or the server does not send its whole chain"
TOO_OLD = "the server's TLS is too old or too weak: at least version 1.2 is required"


@pytest.fixture
def authority(test_directory):
    return Authority(test_directory, "authority")


@pytest.fixture
def stranger(test_directory):
    """An authority unknown to the dispatcher."""
    return Authority(test_directory, "stranger")


def leaf_only(certificate):
    """The same without the authorities between it and the root."""
    end = b"-----END CERTIFICATE-----\n"
    certificate.chain.write_bytes(certificate.chain.read_bytes().split(end)[0] + end)
    return certificate


def with_root(certificate, root):
    certificate.chain.write_bytes(certificate.chain.read_bytes() + root.file.read_bytes())
    return certificate


def weak_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(*certificate.pair)
    return context


def no_common_cipher(certificate):
    """Ciphers for an RSA key, with an EC one."""
    context = server_context(certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    return context


def test_each_failure_has_its_words(system, test_directory, authority, stranger):
    between = Authority(test_directory, "between", parent=authority)
    strange_between = Authority(test_directory, "strange-between", parent=stranger)
    good = authority.issue("good")
    ours, theirs = authority.issue("ours", client=True), stranger.issue("theirs", client=True)
    demands = server_context(good, client_authority=authority)
    demands_12 = server_context(good, client_authority=authority, highest=ssl.TLSVersion.TLSv1_2)

    # name: (server, scheme, client certificate, error in the audit; None: delivered)
    cases = {
        "good": (server_context(good), "https", None, None),
        "whole-chain": (server_context(between.issue("whole-chain")), "https", None, None),
        "expired": (server_context(authority.issue("expired", days=(-30, -1))), "https", None, "the server's certificate has expired"),
        "early": (server_context(authority.issue("early", days=(2, 30))), "https", None, "the server's certificate is not valid yet"),
        "other-name": (server_context(authority.issue("other-name", names=("other.example",))), "https", None,
                       "the server's certificate is for another host name"),
        "no-name": (server_context(authority.issue("no-name", names=())), "https", None,
                    "the server's certificate is for another host name"),
        "self-signed": (server_context(authority.issue("self-signed", self_signed=True)), "https", None,
                        "the server's certificate is self-signed"),
        "unknown": (server_context(stranger.issue("unknown")), "https", None, UNKNOWN),
        "cut-chain": (server_context(leaf_only(between.issue("cut-chain"))), "https", None, UNKNOWN),
        "unknown-root": (server_context(with_root(strange_between.issue("unknown-root"), stranger)), "https", None,
                         "the server's certificate comes from an unknown authority"),
        "weak-key": (weak_context(authority.issue("weak-key", bits=1024)), "https", None,
                     "the server's certificate has a key or a signature that is too weak"),
        "not-for-servers": (server_context(authority.issue("not-for-servers", purpose="client")), "https", None,
                            "the server's certificate is not valid for a server"),
        "tls-1.0": (server_context(good, highest=ssl.TLSVersion.TLSv1), "https", None, TOO_OLD),
        "tls-1.1": (server_context(good, highest=ssl.TLSVersion.TLSv1_1), "https", None, TOO_OLD),
        "tls-1.2": (server_context(good, highest=ssl.TLSVersion.TLSv1_2), "https", None, None),
        "no-cipher": (no_common_cipher(good), "https", None,
                      "the server refused the handshake: no cipher in common, or it requires a client certificate"),
        "demands": (demands, "https", None, "the server requires a client certificate"),
        "demands-1.2": (demands_12, "https", None,
                        "the server refused the handshake: no cipher in common, or it requires a client certificate"),
        "refuses": (demands, "https", theirs, "the server refused the client certificate"),
        "refuses-1.2": (demands_12, "https", theirs, "the server refused the client certificate"),
        "takes": (demands, "https", ours, None),
        "takes-1.2": (demands_12, "https", ours, None),
        "not-tls": ("plain", "https", None, "the server does not speak TLS on this port"),
        "reset": ("reset", "https", None, "the connection was reset in the TLS handshake"),
        "closed": ("close", "https", None, "the connection was closed in the TLS handshake"),
        "http-to-tls": (server_context(good), "http", None,
                        "the connection was closed without a response; if the port speaks TLS, the URL must begin with https"),
    }
    account = system.account(dialect="penny")
    with contextlib.ExitStack() as stack:
        urls, endpoints = {}, {}
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(4))
        made = []
        for name, (server, scheme, client, _) in cases.items():
            endpoints[name] = Endpoint(server)
            stack.callback(endpoints[name].stop)
            urls[name] = endpoints[name].url(f"/{name}", scheme=scheme)
            options = {"client_certificate": client.chain, "client_key": client.key} if client else {}
            made.append(pool.submit(system.webhook, account, urls[name], **options))
        for webhook in made:
            webhook.result()
        system.dispatcher(ca_file=authority.file, request_timeout="5s")
        system.publish(system.event(account))
        delivered = sum(error is None for _, _, _, error in cases.values())
        wait_until(lambda: system.audit.books()["delivered"] == delivered, 60, f"{delivered} delivered", every=0.2)
        wait_until(lambda: all(len([a for a in system.audit.attempts() if a["url"] == urls[name]]) >= 2
                               for name, case in cases.items() if case[3]), 60, "two attempts at each bad server", every=0.3)
        attempts = system.audit.attempts()
        found = {name: {a["error"] for a in attempts if a["url"] == url} for name, url in urls.items()}
        assert found == {name: {case[3]} for name, case in cases.items()}
        for name, (_, _, _, error) in cases.items():
            mine = [a for a in attempts if a["url"] == urls[name]]
            assert {a["outcome"] for a in mine} == {"retry" if error else "delivered"}, name
            assert endpoints[name].answered == (0 if error else 1), f"{name}: a request got through"
    system.assert_balanced(records=1)


def test_the_system_authorities_are_trusted_and_no_other(system, authority):
    """Without --ca-file, a private authority is unknown; the error says so."""
    account = system.account(dialect="penny")
    endpoint = Endpoint(server_context(authority.issue("server")))
    system.webhook(account, endpoint.url("/hook"))
    dispatcher = system.dispatcher()
    system.publish(system.event(account))
    wait_until(lambda: system.audit.count("attempts", error=UNKNOWN), 60, "the attempt in the audit")
    # now the operator trusts it
    dispatcher.stop()
    dispatcher.start(ca_file=authority.file)
    system.wait_delivered(1)
    endpoint.stop()


@pytest.mark.parametrize("contents", [None, "no certificate\n"], ids=["missing", "not PEM"])
def test_a_bad_ca_file_is_told_at_the_start(system, test_directory, contents):
    path = test_directory / "ca.pem"
    if contents is not None:
        path.write_text(contents)
    dispatcher = system.dispatcher(start=False, ca_file=path)
    dispatcher.start(wait=False)
    assert dispatcher.wait() == 2
    assert f"--ca-file {path}: " in dispatcher.log()


def test_identities_never_share_a_connection(system, test_directory, authority, stranger):
    """Webhooks at one host and port, with different certificates, authorities and none, in turn and at once: each
    request is made with its own webhook's certificate, over a connection that was verified by its own authorities."""
    server = authority.issue("server")
    clients = {name: authority.issue(name, client=True) for name in ("alice", "bob")}
    receiver = Receiver(certificate=server.pair, client_authority=str(authority.file))
    account = system.account(dialect="penny")
    try:
        for name, client in clients.items():
            system.webhook(account, receiver.url(f"/{name}"), ca=authority.file, client_certificate=client.chain,
                           client_key=client.key)
        # another chain file with the same certificate, its authority added, is another identity, too
        long = test_directory / "alice-long.pem"
        long.write_bytes(clients["alice"].chain.read_bytes() + authority.file.read_bytes())
        system.webhook(account, receiver.url("/alice-long"), ca=authority.file, client_certificate=long,
                       client_key=clients["alice"].key)
        system.webhook(account, receiver.url("/nobody"), ca=authority.file)
        system.webhook(account, receiver.url("/system"))
        stranger_hook = system.webhook(account, receiver.url("/stranger"), ca=stranger.file)
        system.dispatcher()
        for n in range(1, 13):  # one after the other, so that connections are warm and idle
            system.publish(system.event(account))
            wait_until(lambda n=n: system.audit.count("attempts", outcome="delivered") == 4 * n, 60, "recorded")
        expected = {"/alice": clients["alice"].fingerprint, "/alice-long": clients["alice"].fingerprint,
                    "/bob": clients["bob"].fingerprint, "/nobody": None}
        requests = receiver.requests()
        assert {r.path for r in requests} == set(expected)
        assert all(r.peer == expected[r.path] for r in requests)
        by_connection = {}
        for request in requests:
            by_connection.setdefault(request.connection, set()).add(request.path)
        assert all(len(paths) == 1 for paths in by_connection.values()), by_connection
        assert len(by_connection) < len(requests) / 2, "no connection was used again: this proves nothing"
        refused = [a for a in system.audit.attempts() if a["url"].endswith(("/stranger", "/system"))]
        assert len(refused) >= 2 and all("unknown authority" in a["error"] for a in refused), refused
        # a handle that had a certificate does not show it to others, and a change is effective from the next event on
        system.admin("webhook", "update", stranger_hook["id"], "--ca", authority.file)
        alice = next(w for w in system.admin("webhook", "list", "--json") if w["url"].endswith("/alice"))
        system.admin("webhook", "update", alice["id"], "--client-certificate", clients["bob"].chain, "--client-key",
                     clients["bob"].key)
        last = system.event(account)
        system.publish(last)
        wait_until(lambda: sum(r.headers["webhook-id"] == last["id"] for r in receiver.requests()) >= 5, 60, "the last event at five")
        mine = {r.path: r.peer for r in receiver.requests() if r.headers["webhook-id"] == last["id"]}
        assert mine == {**expected, "/alice": clients["bob"].fingerprint, "/stranger": None}
    finally:
        receiver.stop()


def test_the_key_is_sealed_and_never_shown(system, authority):
    client = authority.issue("client", client=True)
    account = system.account(dialect="penny")
    made = system.webhook(account, "https://127.0.0.1/hook", client_certificate=client.chain, client_key=client.key,
                          ca=authority.file)
    assert made["client_certificate"]["fingerprint"] == client.fingerprint
    assert made["client_certificate"]["subject"] == "CN=client"
    assert [ca["subject"] for ca in made["ca"]] == ["CN=authority"]
    (row,) = system.db.query("select * from posthorn.webhook")
    secret = client.key.read_text().splitlines()[1]
    assert secret not in str(system.db.query("select * from posthorn.change")) and secret not in str(made)
    assert secret.encode() not in bytes(row["client_key"]) and secret not in str(row)
    changes = system.db.query("select after from posthorn.change where object = 'webhook'")
    assert all(not {"client_key", "client_certificate", "ca"} & set(c["after"]) for c in changes)
    assert changes[-1]["after"]["client_certificate_about"]["fingerprint"] == client.fingerprint

    # one is removed, the other stays; then all
    changed = system.admin("webhook", "update", made["id"], "--client-certificate", "none", "--json")
    assert changed["client_certificate"] is None and changed["ca"]
    changed = system.admin("webhook", "update", made["id"], "--ca", "none", "--json")
    assert changed["ca"] is None
    (row,) = system.db.query("select client_certificate, client_key, ca from posthorn.webhook")
    assert set(row.values()) == {None}


def test_a_key_moved_to_another_row_does_not_open(system, authority):
    client = authority.issue("client", client=True)
    account = system.account(dialect="penny")
    endpoint = Endpoint(server_context(authority.issue("server"), client_authority=authority))
    one, other = (system.webhook(account, endpoint.url(path), client_certificate=client.chain, client_key=client.key)
                  for path in ("/one", "/other"))
    system.db.query("update posthorn.webhook set client_key = (select client_key from posthorn.webhook where public_id = %s) "
                    "where public_id = %s returning id", other["id"], one["id"])
    system.dispatcher(ca_file=authority.file)
    system.publish(system.event(account))
    wait_until(lambda: system.audit.count("attempts", outcome="delivered"), 60, "the other one delivered")
    error = "webhook.client_key: a sealed value was changed, or belongs to another row"
    wait_until(lambda: system.audit.count("attempts", webhook_id=one["id"], error=error), 60, "the error in the audit")
    assert endpoint.answered == 1
    endpoint.stop()


def bad_files(directory, authority):
    """option: (file's contents, words of the error)"""
    good, other = authority.issue("good", client=True), authority.issue("other", client=True)
    old = authority.issue("old", client=True, days=(-3, -1))
    weak = authority.issue("weak", client=True, bits=1024)
    chain, key = good.chain.read_text(), good.key.read_text()
    broken = chain.replace("MII", "!!!", 1)
    return {
        "no certificate": ("hello\n", key, "certificate", "it contains no certificate"),
        "broken": (broken, key, "certificate", "the PEM is invalid"),
        "cut": (chain[:len(chain) // 2], key, "certificate", "the PEM is invalid"),
        "expired": (old.chain.read_text(), old.key.read_text(), "certificate", "CN=old expired at 20"),
        "weak": (weak.chain.read_text(), weak.key.read_text(), "certificate", "too weak"),
        "key among them": (chain + key, key, "certificate", "the certificates include a private key"),
        "a request": (chain.replace("CERTIFICATE", "CERTIFICATE REQUEST"), key, "certificate", "is not a certificate"),
        "too many": (chain * 11, key, "certificate", "more than 10 certificates"),
        "too long": (" " * 16385, key, "certificate", "16384"),
        "another's key": (chain, other.key.read_text(), "key", "it is not the key of the first certificate"),
        "no key": (chain, "hello\n", "key", "it contains no private key"),
        "encrypted key": (chain, key.replace("PRIVATE", "ENCRYPTED PRIVATE"), "key", "it is encrypted"),
        "long key": (chain, key + " " * 8192, "key", "8192"),
    }


def test_what_is_handed_in_is_checked(system, start_api, test_directory, authority):
    """posthorn-admin and the API refuse it with the same message, and nothing is written."""
    account = system.account(dialect="penny")
    client = start_api().caller(account)
    certificate_file, key_file = test_directory / "given.pem", test_directory / "given.key"
    for name, (chain, key, what, complaint) in bad_files(test_directory, authority).items():
        certificate_file.write_text(chain)
        key_file.write_text(key)
        with pytest.raises(Failed) as failed:
            system.webhook(account, "https://127.0.0.1/", client_certificate=certificate_file, client_key=key_file)
        assert failed.value.status == 1 and complaint in failed.value.stderr, f"{name}: {failed.value.stderr}"
        assert f"--client-{what} " in failed.value.stderr, f"{name}: {failed.value.stderr}"
        answer = client.post("/v1/webhooks", {"url": "https://127.0.0.1/", "events": ["*"],
                                              "tls": {"client_certificate": chain, "client_key": key}})
        assert answer.status_code == 422, f"{name}: {answer.text}"
        (problem,) = answer.json()["errors"]
        assert complaint in problem["detail"] and problem["pointer"] == f"/tls/client_{what}", f"{name}: {answer.text}"
    assert system.db.query("select id from posthorn.webhook") == []


def test_through_the_api(system, start_api, authority):
    client = authority.issue("client", client=True)
    account = system.account(dialect="penny")
    caller = start_api().caller(account)
    pem = {"client_certificate": client.chain.read_text(), "client_key": client.key.read_text()}
    endpoint = Endpoint(server_context(authority.issue("server"), client_authority=authority))
    made = caller.post("/v1/webhooks", {"url": endpoint.url("/hook"), "events": ["*"],
                                        "tls": pem | {"ca": authority.file.read_text()}})
    assert made.status_code == 201, made.text
    path = f"/v1/webhooks/{made.json()['id']}"
    shown = made.json()["tls"]
    assert shown["client_certificate"] == {"subject": "CN=client", "fingerprint": client.fingerprint,
                                           "not_after": shown["client_certificate"]["not_after"]}
    assert [ca["subject"] for ca in shown["ca"]] == ["CN=authority"] and "PRIVATE" not in made.text
    assert caller.get(path).json()["tls"] == shown
    system.dispatcher()
    system.publish(system.event(account))
    system.wait_delivered(1)
    assert endpoint.answered == 1
    endpoint.stop()

    # what is not given does not change
    assert caller.patch(path, {"status": "disabled"}).json()["tls"] == shown
    assert caller.patch(path, {"tls": {"ca": None}}).json()["tls"] == {"client_certificate": shown["client_certificate"]}
    assert "tls" not in caller.patch(path, {"tls": None}).json()
    for tls, pointer in (({"client_certificate": pem["client_certificate"]}, "/tls/client_key"),
                         ({"client_key": pem["client_key"]}, "/tls/client_key"),
                         ({"ca": 7}, "/tls/ca"), ({"cert": ""}, "/tls/cert"), ("PEM", "/tls")):
        answer = caller.patch(path, {"tls": tls})
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer, answer.text


def test_an_account_has_a_bound(system, authority):
    """512 KiB for all certificates and keys together."""
    account = system.account(dialect="penny")
    big = authority.directory / "big.pem"
    big.write_bytes(b"".join(authority.issue(f"authority-{n}", names=[f"{'x' * 60}.{n}.{m}.example" for m in range(12)])
                             .chain.read_bytes() for n in range(9)))
    size = big.stat().st_size
    assert size < 16384
    fits = 512 * 1024 // size
    system.webhooks(account, [f"https://127.0.0.1/{n}" for n in range(fits)], ca=big)
    with pytest.raises(Failed) as failed:
        system.webhook(account, "https://127.0.0.1/one-more", ca=big)
    assert "may have at most 524288 bytes" in failed.value.stderr
    assert system.db.query("select count(*) as n from posthorn.webhook")[0]["n"] == fits
