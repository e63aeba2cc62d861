"""Commands, and free ports."""
import pathlib
import runpy
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
FREE_PORT = runpy.run_path(str(DEPLOY / "free-port"))  # not run as a program, because Python would start for every port


def run(*command, timeout=180):
    """Runs a command to its end; a failure shows its output."""
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    output = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{output}"
    return output


GIVEN = set()  # by free_port()


def free_port():
    """A free port outside the range for outgoing connections, so that it is still free after a restart.

    No port is returned twice: the program that uses it may not have bound it yet, or may be down for a moment."""
    while (port := FREE_PORT["free_ports"](1)[0]) in GIVEN:
        pass
    GIVEN.add(port)
    return port
