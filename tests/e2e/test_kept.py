# SPDX-License-Identifier: Apache-2.0
"""What is made once for a machine: by one of those that need it at the same time, and never half."""
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from conftest import wait_for

HERE = pathlib.Path(__file__).parent
PROGRAM = """
import os, sys, time
import kept
def make(folder):
    with open(sys.argv[1], "a") as f:
        f.write(f"{os.getpid()}\\n")
    (folder / "half").write_text("")
    while not os.path.exists(sys.argv[2]):
        time.sleep(0.01)
    (folder / "half").rename(folder / "whole")
print(kept.made("things", "one", make))
"""


@pytest.fixture
def maker(tmp_path):
    """maker(): a process that needs the thing; made: who has begun to make it; go: makers end when it is there."""
    made, go = tmp_path / "made", tmp_path / "go"
    made.touch()
    started = []

    def start():
        started.append(subprocess.Popen([sys.executable, "-c", PROGRAM, made, go], stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, PYTHONPATH=str(HERE), XDG_CACHE_HOME=str(tmp_path / "cache"))))
        return started[-1]

    start.made, start.go = made, go
    yield start
    for p in started:
        with p:
            p.kill()


def waiting():
    """The processes that wait for a lock."""
    return {int(line.split()[5]) for line in pathlib.Path("/proc/locks").read_text().splitlines() if "-> FLOCK" in line}


def test_who_comes_meanwhile_waits_for_it(maker):
    processes = [maker() for _ in range(4)]
    wait_for(lambda: maker.made.read_text(), "one to begin")
    wait_for(lambda: len(waiting() & {p.pid for p in processes}) == 3, "the others to wait")
    maker.go.touch()
    said = {p.communicate()[0].strip() for p in processes}
    assert len(said) == 1 and os.listdir(said.pop()) == ["whole"]
    assert len(maker.made.read_text().split()) == 1


def test_a_maker_that_is_killed_leaves_it_to_the_next(maker):
    first = maker()
    wait_for(lambda: maker.made.read_text(), "it to begin")
    first.send_signal(signal.SIGKILL)
    first.wait()
    maker.go.touch()
    where = maker().communicate()[0].strip()
    assert os.listdir(where) == ["whole"] and len(maker.made.read_text().split()) == 2
