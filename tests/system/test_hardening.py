"""A dispatcher with only the network: it works without the rights that the systemd units and the container remove."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from support.programs import program

# Runs its arguments with all file systems read-only, as a user who owns nothing, without capabilities and without a way to regain one.
STRIPPED = ["unshare", "--mount", "sh", "-ec",
            'mount --make-rprivate / && mount --rbind / /mnt && mount -o remount,bind,ro /mnt && exec chroot /mnt "$@"', "sh",
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]


@pytest.fixture
def open_folder():
    """A folder that all users may read, with the dispatcher in it: the folders of the tests are private, and the checkout may be."""
    folder = pathlib.Path(tempfile.mkdtemp())
    shutil.copy(program("posthorn-dispatcher"), folder)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_delivers_with_nothing_but_the_network(system, receiver, open_folder):
    if os.geteuid() != 0:
        pytest.skip("only root can take away what an ordinary user does not have")
    probe = subprocess.run([*STRIPPED, "sh", "-c", "grep -E '^(CapBnd|CapEff|NoNewPrivs|Uid)' /proc/self/status; ! touch /var/tmp/x"],
                           capture_output=True, text=True, check=True)
    assert probe.stdout.split() == ["Uid:", *["65534"] * 4, "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]
    account = system.account()
    system.webhook(account, receiver.url("/hook"))
    dispatcher = system.dispatcher(start=False, folder=open_folder)
    dispatcher.through = STRIPPED
    dispatcher.start()
    with open(f"/proc/{dispatcher.process.pid}/status") as status:
        assert "NoNewPrivs:\t1\n" in status.readlines()
    system.publish(system.event(account))
    receiver.wait_for(1, "/hook")
    system.wait_delivered(1)
    dispatcher.stop()
