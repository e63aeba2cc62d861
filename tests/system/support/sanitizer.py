"""Reports of AddressSanitizer, LeakSanitizer, UBSan and ThreadSanitizer in a run of tests/run asan or tsan. The programs write them to
files (log_path), because a test may expect that a program fails, and could not distinguish that from the exit status of a report."""
import os
import pathlib

from .programs import BIN

FOLDER = os.environ.get("POSTHORN_SANITIZER_REPORTS")  # set only in such a run
MARK = os.environ.get("POSTHORN_SANITIZER", "") + "_init"  # functions that programs with the sanitizer call at their start


def assert_built_in():
    """A run of programs without sanitizers proves nothing."""
    for name in ("posthorn-dispatcher", "posthorn-api", "posthorn-admin"):
        assert not FOLDER or MARK.encode() in (BIN / name).read_bytes(), f"{BIN / name} does not call {MARK}: it is built without the sanitizer"


def reports():
    return set(pathlib.Path(FOLDER).iterdir()) if FOLDER else set()


def assert_none_since(before):
    new = sorted(reports() - before)
    assert not new, "\n".join([f"{len(new)} reports of a sanitizer", *(path.read_text(errors="replace")[:8000] for path in new)])
