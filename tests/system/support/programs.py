"""Posthorn's programs as processes."""
import json
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.request

from .ports import ROOT, free_port
from .waiting import wait_until

BIN = pathlib.Path(os.environ.get("POSTHORN_BIN", ROOT / "build/release/bin"))
FAULT_BIN = pathlib.Path(os.environ.get("POSTHORN_FAULT_BIN", ROOT / "build/fault/bin"))  # with fault points


def program(name, folder=BIN):
    path = folder / name
    assert path.exists(), f"{path} is not built; tests/run builds it, or set POSTHORN_BIN"
    return str(path)


def clean_environment(settings):
    """This process's environment without the caller's POSTHORN_ variables, and with the settings instead."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("POSTHORN_")}
    return inherited | {f"POSTHORN_{k.upper()}": str(v) for k, v in settings.items() if v is not None}


class Failed(AssertionError):
    """A program ended with a status other than 0."""

    def __init__(self, command, done):
        super().__init__(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        self.status, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr


def run_program(name, arguments, settings, stdin=None, timeout=120):
    """Runs a program to its end and returns its standard output; raises Failed if it fails."""
    command = [program(name), *map(str, arguments)]
    done = subprocess.run(command, env=clean_environment(settings), input=stdin, capture_output=True, text=True,
                          timeout=timeout)
    if done.returncode != 0:
        raise Failed([name, *command[1:]], done)
    return done.stdout


def run_admin(arguments, settings):
    """Runs posthorn-admin; returns the parsed JSON if --json is among the arguments, otherwise the text."""
    output = run_program("posthorn-admin", arguments, settings)
    return json.loads(output) if "--json" in arguments else output


class Dispatcher:
    """One posthorn-dispatcher. `settings` are its options by name, without POSTHORN_."""

    def __init__(self, name, settings, directory, folder=BIN, environment=None):
        self.name = name
        self.folder = folder
        self.environment = environment or {}  # in addition to its settings
        self.address = f"127.0.0.1:{free_port()}"
        self.settings = settings | {"listen": self.address, "name": name}
        self.log_path = directory / f"{name}.log"
        self.process = None
        self.through = []  # a command that becomes the program, such as setpriv

    def start(self, wait=True, **changed):
        """Starts it (again); waits until it is ready unless `wait` is false. `changed` settings are kept."""
        assert not self.running(), f"{self.name} runs already"
        self.settings |= changed
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.through, program("posthorn-dispatcher", self.folder)], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=clean_environment(self.settings) | self.environment)
        if wait:
            self.wait_ready()
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_ready(self, deadline=60):
        """Waits until it is connected, a member of its group, and the owner of all partitions assigned to it."""
        def ready():
            assert self.running(), f"{self.name} ended with {self.process.returncode} before it was ready:\n{self.log()[-4000:]}"
            return self.get("/readyz")[0] == 200
        wait_until(ready, deadline, f"{self.name} ready", every=0.05)

    def get(self, path):
        """(status, text) of one of its own pages; (0, reason) if it does not respond."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metrics(self):
        """{name with labels: value}"""
        status, text = self.get("/metrics")
        assert status == 200, f"{self.name} /metrics: {status} {text}"
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def terminate(self):
        """SIGTERM, without waiting."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, deadline=60):
        """Waits for its end; returns the exit status, negative for a signal."""
        return self.process.wait(deadline)

    def stop(self, deadline=60):
        """Drains it: sends SIGTERM, and asserts that it ends with status 0."""
        if self.running():
            self.resume()
            self.terminate()
            status = self.wait(deadline)
            assert status == 0, f"{self.name} ended with {status} after SIGTERM:\n{self.log()[-4000:]}"

    def kill(self):
        """Sends SIGKILL; returns when the process has ended."""
        if self.running():
            self.process.kill()
            self.process.wait(30)

    def pause(self):
        """SIGSTOP: it stops, and its connections stay open."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def memory(self):
        """Resident memory in bytes."""
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
