# SPDX-License-Identifier: Apache-2.0
"""
Ends the platforms of a test run that was killed. It runs as a process of its own, is told of each platform (a line of
JSON: run, program, env, log) and of its end (run alone), and sees that the tests are gone when the pipe closes. What is
left then is ended as Platform.stop() does it: another twelved adopts what outlived the first, and is told to quit.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time


class Guard:
    """The side of the tests."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True, text=True, cwd="/")

    def tell(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()


def of_run(run):
    """The programs that have this run directory in their environment or their arguments."""
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if run in (path / "environ").read_text(errors="replace") + (path / "cmdline").read_text(errors="replace"):
                yield int(path.name)


def kill(run, sig, but=None):
    for pid in of_run(run):
        if pid not in (os.getpid(), but):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)


def answers(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


def end(run, program, env, log):
    """A twelved that is alive is killed first: what it waits for may have been a part of the tests."""
    for pid in of_run(run):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)") == program:
                os.kill(pid, signal.SIGKILL)
    with open(log, "ab") as out:
        p = subprocess.Popen([program], env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/")
    # Before it answers it might not know the signal yet.
    while p.poll() is None and not answers(env["TWELVE_SOCKET"]):
        time.sleep(0.1)
    p.send_signal(signal.SIGQUIT)
    try:
        p.wait(90)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()
    kill(run, signal.SIGKILL)
    shutil.rmtree(run, ignore_errors=True)


def main():
    there = {}
    for line in sys.stdin:
        what = json.loads(line)
        there.pop(what["run"], None)
        if "program" in what:
            there[what["run"]] = what
    for what in there.values():
        end(**what)


if __name__ == "__main__":
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    main()
