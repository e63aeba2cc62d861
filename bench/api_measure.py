"""The measurement of bench/api: 64 connections, each with one request after another, in two processes."""
import http.client
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

from support.api import Api
from support.servers import Servers
from support.system import System, migrate_template

CONNECTIONS = 64
PROCESSES = 2
HOOKS = 20


def one_connection(port, key, requests, until, times, failed):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while time.monotonic() < until:
        method, path, body, status = requests
        begun = time.monotonic()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.monotonic() - begun)
        if answer.status != status:
            failed.append(answer.status)


def one_process(port, key, requests, until, result):
    times, failed = [], []
    threads = [threading.Thread(target=one_connection, args=(port, key, requests, until, times, failed))
               for _ in range(CONNECTIONS // PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.put((times, failed))


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(name, api, key, requests, seconds):
    result = multiprocessing.Queue()
    before, until = cpu_seconds(api.process.pid), time.monotonic() + seconds
    processes = [multiprocessing.Process(target=one_process, args=(api.port, key, requests, until, result)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    parts = [result.get(timeout=seconds + 60) for _ in processes]
    for process in processes:
        process.join()
    used = cpu_seconds(api.process.pid) - before
    times = sorted(t for part in parts for t in part[0])
    failed = sum(len(part[1]) for part in parts)
    print(f"{name:8} {len(times) / seconds:9.0f} requests/s   p50 {times[len(times) // 2] * 1000:7.1f} ms   "
          f"p99 {times[int(len(times) * 0.99)] * 1000:7.1f} ms   {used / len(times) * 1e6:6.0f} us CPU of posthorn-api each   {failed} failed", flush=True)
    return failed


def run(seconds, directory):
    servers = Servers(directory)
    try:
        servers.ensure_running()
        system = System(servers, migrate_template(servers.postgres), directory)
        api = Api(system, directory, rate_limit=100000000, change_limit=100000, webhooks_max=1000000, log_level="warning").start()
        try:
            account = system.account(dialect="penny")
            caller, key = api.caller(account), api.key(account)
            body = {"url": "https://example.com/hook", "events": ["transaction.authorized"]}
            made = [caller.post("/v1/webhooks", body).json()["id"] for _ in range(HOOKS)]
            print(f"{CONNECTIONS} connections, {seconds} s each, {os.cpu_count()} cores (the callers, in Python, take most of them)", flush=True)
            failed = measure("get", api, key, ("GET", f"/v1/webhooks/{made[0]}", None, 200), seconds)
            failed += measure(f"list {HOOKS}", api, key, ("GET", "/v1/webhooks", None, 200), seconds)
            failed += measure("create", api, key, ("POST", "/v1/webhooks", json.dumps(body), 201), seconds)
            return failed
        finally:
            api.stop()
            system.close()
    finally:
        servers.remove()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the clean-up
    directory = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-bench-api-"))
    directory.chmod(0o755)
    try:
        sys.exit(1 if run(float(sys.argv[1]), directory) else 0)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
