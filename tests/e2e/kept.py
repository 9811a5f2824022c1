# SPDX-License-Identifier: Apache-2.0
"""
What tests take from elsewhere and make once for a machine: folders in ~/.cache/twelve, found again by the next run. Each
is made whole or not at all, and once: who needs it meanwhile waits for the one that makes it.
"""
import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile


def cache():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "twelve"


@contextlib.contextmanager
def locked(path):
    """Until the end of the block nobody else is in one with this path; the kernel lets go of what a killed process held."""
    with open(path, "a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def made(kind, name, make):
    """The folder KIND/NAME of the cache, which make(folder) fills in another place when there is none."""
    where = cache() / kind / name
    if where.exists():
        return where
    where.parent.mkdir(parents=True, exist_ok=True)
    with locked(where.parent / f".{name}.lock"):
        if where.exists():
            return where
        folder = pathlib.Path(tempfile.mkdtemp(prefix=".new-", dir=where.parent))
        try:
            make(folder)
            folder.chmod(0o755)
            folder.rename(where)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return where
