# SPDX-License-Identifier: Apache-2.0
"""What the tests stand on: a run that is killed leaves nothing behind, and no two platforms have a port in common."""
import os
import pathlib
import signal
import subprocess
import sys

from conftest import wait_for
from guard import of_run
from leases import SIZE, Lease

CASE = """
import os, signal
from conftest import wait_for


def test_it(platform, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("left", where)
    platform.push(where)
    wait_for(lambda: platform.up("left"), "a dyno")
    open(os.environ["SAY"], "w").write(f"{platform.run} {platform.up('left')[0]['twelve']['pid']}")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_is_killed_leaves_nothing(tmp_path):
    (tmp_path / "test_killed.py").write_text(CASE)
    (tmp_path / "conftest.py").symlink_to(pathlib.Path(__file__).parents[1] / "conftest.py")
    said = tmp_path / "said"
    p = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--basetemp", tmp_path / "base", tmp_path], capture_output=True, text=True,
                       env=dict(os.environ, SAY=str(said)), timeout=600)
    assert p.returncode == -signal.SIGKILL, p
    run, dyno = said.read_text().split()
    wait_for(lambda: not os.path.exists(run), "the platform to be ended", 120)
    assert not list(of_run(run)) and not os.path.exists(f"/proc/{dyno}")


def test_leases_have_no_port_in_common():
    leases = [Lease() for _ in range(3)]
    ports = [lease.take() for lease in leases for _ in range(SIZE)]
    assert len(set(ports)) == 3 * SIZE
    for lease in leases:
        lease.release()
