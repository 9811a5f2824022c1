# SPDX-License-Identifier: Apache-2.0
"""
The attacker has an app, and wants more of the machine than its dyno's size: files without end, which are the kernel's
memory; and its crashes handled by a program that runs as root outside. docs/sandbox.md has what keeps it from that;
tests/kernel/test-walls.c tries the same below a platform, and setuid programs too.
"""
import pathlib
import re

import pytest

FILES = "n=0; while [ $n -lt 400000 ] && { : >$0/$n; } 2>/dev/null; do n=$((n + 1)); done; echo $n files; rm -rf $0/* ; echo lives"


@pytest.mark.parametrize("where, at_most", [("/dev/shm", 16384), ("/tmp", 262144)])
def test_files_without_end(platform, alpha, where, at_most):
    r = platform.cli("run", "--size", "standard-2x", "-a", alpha, "--", "bash", "-c", FILES, where)
    n = int(re.search(r"(\d+) files", r.out)[1])
    assert at_most / 2 < n <= at_most and "lives" in r.out, r


PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern")


@pytest.fixture
def handler(tmp_path_factory):
    """A program that the kernel hands cores to, as distributions have one; it notes whose."""
    where = tmp_path_factory.mktemp("cores")
    got, program = where / "got", where / "handler"
    program.write_text(f"#!/bin/sh\necho \"$1\" >>{got}\ngrep -a -c -o lemonade >>{got}\n")
    program.chmod(0o755)
    got.write_text("")
    before = PATTERN.read_text()
    try:
        PATTERN.write_text(f"|{program} %e")
    except OSError as e:
        pytest.skip(f"the kernel's core_pattern can't be set here: {e.strerror}")
    yield got
    PATTERN.write_text(before)


# As it comes; as one that wants no core; as one that wants it; and with the upper half of a register, where a filter could look away.
CRASHES = ["", "ulimit -c 0;", "ulimit -Sc unlimited;", "perl -e 'syscall(160, (1 << 32) | 4, pack(q(QQ), 0, 0))';"]


@pytest.mark.alone
def test_a_crash_is_handled_by_nobody_outside(platform, alpha, handler):
    platform.cli("config:set", "SECRET=lemonade", "-a", alpha)
    limit = re.search(r"Max core file size +(\d+)", platform.cli("run", "-a", alpha, "--", "cat", "/proc/self/limits").out)[1]
    if limit == "0":
        pytest.skip("twelved has a limit of 0 for core files, and may not raise it here (CAP_SYS_RESOURCE)")
    assert limit == "1"
    for before in CRASHES:
        # The program that crashes has a name that no other on this machine has.
        script = (f"cp /bin/sleep /tmp/crashing-dyno; {before} (/tmp/crashing-dyno 100 & p=$!; "
                  "until [ $(cat /proc/$p/comm) = crashing-dyno ]; do :; done; kill -SEGV $p; wait $p; echo ended $?)")
        r = platform.cli("run", "-a", alpha, "--", "bash", "-c", script, check=False)
        assert "ended 139" in r.out, (before, r)
    assert "crashing-dyno" not in handler.read_text()
