# SPDX-License-Identifier: Apache-2.0
"""How many files scripts/test-files runs beside each other."""
import subprocess
import sys

import pytest

from conftest import ROOT

# Files of tests that wait; one ends each time that it was looked five times whether another begins.
PROGRAM = """
import importlib.machinery, importlib.util, os, signal, sys
loader = importlib.machinery.SourceFileLoader("test_files", sys.argv[1])
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("test_files", loader))
loader.exec_module(module)
idle, jobs, most = map(int, sys.argv[2:])
there, highest, looks = set(), 0, 0


class Run:
    def begin(self):
        global highest
        self.pid = os.fork()
        if self.pid == 0:
            signal.pause()
        there.add(self)
        highest = max(highest, len(there))

    def ended(self, code):
        there.remove(self)


class Screen:
    def status(self, running):
        global looks
        looks += 1
        if looks >= 5:
            looks = 0
            os.kill(next(iter(running)).pid, signal.SIGKILL)

    def over(self, run):
        pass


class Processors(module.Processors):
    WATCHED_S = 0
    ticks = 0

    @classmethod
    def times(cls):
        cls.ticks += 100
        return cls.ticks * idle // 100, cls.ticks


module.Processors = Processors
assert module.run_all([Run() for _ in range(8)], jobs, most, Screen())
print(highest)
"""


@pytest.mark.parametrize("idle,jobs,most,beside", [(0, 2, 5, 2), (20, 2, 5, 2), (30, 2, 5, 5), (90, 3, 3, 3), (90, 1, 1, 1), (90, 6, 20, 8)])
def test_more_begin_as_long_as_the_processors_have_room(idle, jobs, most, beside):
    r = subprocess.run([sys.executable, "-c", PROGRAM, ROOT / "scripts/test-files", *map(str, (idle, jobs, most))], capture_output=True, text=True)
    assert r.stdout == f"{beside}\n", r
