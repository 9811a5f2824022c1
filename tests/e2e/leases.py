# SPDX-License-Identifier: Apache-2.0
"""
Ports for the platforms of all test runs of a machine. A block of them is leased by a lock on a file, which the kernel
lets go when the process that holds it ends, however that happens. The ports lie below those that the kernel gives to
connections that go out.
"""
import fcntl
import os
import pathlib
import socket
import tempfile

FOLDER = pathlib.Path(tempfile.gettempdir()) / "twelve-ports"
FIRST, LAST, SIZE = 10000, 32000, 320


class Lease:
    """SIZE ports from `first`; take(n) lends the next n of them."""

    def __init__(self):
        FOLDER.mkdir(exist_ok=True)
        blocks = range(FIRST, LAST - SIZE, SIZE)
        # Runs that start at the same time begin at different blocks.
        at = os.getpid() % len(blocks)
        for first in [*blocks[at:], *blocks[:at]]:
            self.lock = open(FOLDER / str(first), "w")
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.lock.close()
                continue
            if not any(map(is_taken, range(first, first + SIZE))):
                self.first, self.lent = first, 0
                return
            self.lock.close()
        raise RuntimeError(f"all ports from {FIRST} to {LAST} are leased or taken")

    def take(self, n=1):
        assert self.lent + n <= SIZE, "the lease has no more ports"
        self.lent += n
        return self.first + self.lent - n

    def is_empty(self):
        return self.lent == SIZE

    def span(self, n):
        first = self.take(n)
        return f"{first}-{first + n - 1}"

    def network(self):
        """For sandboxes: each block has its own."""
        return f"10.{64 + (self.first - FIRST) // SIZE}.0.0/16"

    def machine_address(self):
        return f"198.18.{(self.first - FIRST) // SIZE}.1"

    def release(self):
        self.lock.close()


_of_tests = None


def free_port():
    """One for a server of the tests' own; it is this process's until it ends."""
    global _of_tests
    if not _of_tests or _of_tests.is_empty():
        _of_tests = Lease()
    return _of_tests.take()


def is_taken(port):
    """Does anybody listen there, on any address? What was left by a run that was killed is seen by this."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("0.0.0.0", port))
        except OSError:
            return True
    return False
