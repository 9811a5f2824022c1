# SPDX-License-Identifier: Apache-2.0
"""
A signal ends twelved cleanly, whatever is under way: requests come until the last moment, a build compiles and is
read along, and dynos take their time to end, so that the API is asked while the parts go one after another.
"""
import http.client
import io
import itertools
import signal
import subprocess
import tarfile
import threading

import pytest

from conftest import wait_for

# Ends a second after it is asked to: until then twelved lives.
SLOW_TO_END = "$SIG{TERM} = sub { sleep 1; exit 0 }; sleep 1 while 1;\n"


def archive(path, **files):
    with tarfile.open(path, "w:gz") as t:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))
    return str(path)


def pack(where):
    """Compiles for longer than the test takes."""
    (where / "bin").mkdir(parents=True)
    for script, text in (("detect", "echo Slow"), ("compile", "echo compiling; sleep 1000"), ("release", "echo ---")):
        (where / "bin" / script).write_text(f"#!/bin/sh\n{text}\n")
        (where / "bin" / script).chmod(0o755)
    return str(where)


class Askers:
    """Threads that each ask for something again and again, until nobody answers any more."""

    def __init__(self, platform, *asks):
        self.platform, self.answered, self.wrong = platform, [0] * len(asks), []
        self.threads = [threading.Thread(target=self.ask, args=(i, a), daemon=True) for i, a in enumerate(asks)]
        for t in self.threads:
            t.start()

    def ask(self, slot, ask):
        for i in itertools.count():
            method, path, body = ask(i)
            try:
                status, answer = self.platform.api(method, path, body)
            except (OSError, http.client.HTTPException):
                return
            self.answered[slot] += 1
            if status >= 500:
                self.wrong.append((method, path, status, answer))

    def wait(self):
        for t in self.threads:
            t.join(60)
            assert not t.is_alive()


def begin_build(p, tmp_path):
    source = archive(tmp_path / "build.tgz", Procfile="worker: sleep 1000\n")
    deploy = subprocess.Popen([p.program("twelve"), "deploy", "--source", source, "-a", "building"], env=p.env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: [b for b in p.api("GET", "/apps/building/builds")[1] if b["status"] == "pending"], "the build")
    return deploy


@pytest.mark.parametrize("end", [signal.SIGQUIT, signal.SIGTERM], ids=["quit", "term"])
def test_it_ends_while_it_is_asked(own_platform, tmp_path, end):
    p = own_platform()
    p.cli("create", "slow", "--no-remote")
    p.cli("deploy", "--source", archive(tmp_path / "s.tgz", Procfile="worker: perl worker.pl\n", worker_pl=SLOW_TO_END), "-a", "slow")
    p.cli("scale", "worker=2", "-a", "slow")
    p.cli("create", "building", "--no-remote")
    p.cli("buildpacks:set", pack(tmp_path / "pack"), "-a", "building")
    p.cli("config:set", "A=1", "-a", "slow")
    for _ in range(3):
        wait_for(lambda: [d["state"] for d in p.dynos("slow")] == ["up", "up"], "the dynos")
        deploy = begin_build(p, tmp_path)
        askers = Askers(p, *[lambda i: ("POST", "/apps", {})] * 3,
                        *[lambda i: ("PATCH", "/apps/building/config-vars", {"N": str(i)})] * 2,
                        lambda i: ("POST", "/apps/slow/releases", {"release": "v2"}),
                        lambda i: ("PATCH", "/apps/slow/formation/worker", {"quantity": 2 + i % 2}),
                        lambda i: ("GET", "/apps", None))
        wait_for(lambda: all(askers.answered), "each to be answered")
        p.process.send_signal(end)
        assert p.process.wait(90) == 0
        askers.wait()
        assert deploy.wait(60) != 0
        deploy.stdout.close()
        assert not askers.wrong
        p.start()
        assert all(p.api("GET", f"/apps/{a}")[0] == 200 for a in ("slow", "building"))
        p.api("PATCH", "/apps/slow/formation/worker", {"quantity": 2})
