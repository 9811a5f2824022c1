# SPDX-License-Identifier: Apache-2.0
"""Rollouts under load lose no request; unhealthy ones are undone and say why."""
import os
import pathlib
import signal
import subprocess
import threading
import time

from conftest import free_port, wait_for


# Between the requests of a client: several clients are never all silent, and leave the processors to what is tested.
PAUSE_S = 0.02


class Load:
    """Keeps asking, from several threads, until it is told to stop; counts what failed."""

    def __init__(self, platform, name, threads=4, path="/"):
        self.platform, self.name, self.path = platform, name, path
        self.done, self.failures, self.stopping = 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(threads)]

    def ask(self):
        while not self.stopping.is_set():
            try:
                status, text = self.platform.get(self.name, self.path)
                if status != 200:
                    self.failures.append((status, text[:200]))
            except OSError as e:
                self.failures.append(repr(e))
            self.done += 1
            self.stopping.wait(PAUSE_S)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for t in self.threads:
            t.join()


def test_ten_rollouts_under_load_lose_no_request(app):
    platform, name, _ = app
    platform.cli("ps:scale", "web=2", "-a", name)
    with Load(platform, name) as load:
        for i in range(10):
            platform.cli("config:set", f"GREETING=Nr{i}", "-a", name)
        wait_for(lambda: load.done > 500, "enough requests")
    assert load.failures == []
    assert platform.get(name)[1].startswith("Nr9")
    rows = platform.releases(name)[:10]
    proofs = [wait_for(lambda v=r["version"]: next(x for x in platform.releases(name) if x["version"] == v)
                       ["twelve"]["proof"], "a proof") for r in rows]
    assert all(p["failed"] == 0 for p in proofs)
    assert sum(p["requests"] for p in proofs) > 0
    # A request that was under way when its dyno was replaced is finished.
    slow = []
    thread = threading.Thread(target=lambda: slow.append(platform.get(name, "/slow/2")))
    thread.start()
    wait_for(lambda: any(d["type"] == "web" for d in platform.dynos(name)), "a dyno")
    platform.cli("config:set", "GREETING=Late", "-a", name)
    thread.join()
    assert slow[0][0] == 200


def test_scaling_under_load_loses_no_request(app):
    platform, name, _ = app
    with Load(platform, name) as load:
        for n in (3, 1, 4, 2):
            platform.cli("ps:scale", f"web={n}", "-a", name)
            wait_for(lambda n=n: len(platform.dynos(name)) == n and len(platform.up(name)) == n, f"{n} dynos")
        platform.cli("ps:restart", "-a", name)
    assert load.failures == []


def undone(app, *config):
    """Sets config that makes the app fail; what ran goes on. Gives the failed release and what the CLI said."""
    platform, name, _ = app
    said = platform.cli("config:set", "TWELVE_START_TIMEOUT=3", *config, "-a", name, check=False)
    assert said.code == 1, said
    failed = platform.releases(name)[0]
    assert failed["status"] == "failed" and not failed["current"]
    assert platform.get(name)[1].startswith("Hello web.1 v2"), "what ran goes on"
    wait_for(lambda: len(platform.dynos(name)) == 1, "the failed dynos to be gone")
    # And the failed release left nothing behind in the config.
    assert "CRASH" not in platform.cli("config", "-a", name).out
    return failed["twelve"], said.out + said.err


def test_an_app_that_exits_at_once_is_undone(app):
    twelve, said = undone(app, "CRASH=1")
    assert "exited with status 3" in twelve["reason"]
    assert "cannot find the frobnicator" in twelve["proof"]["last_lines"]
    assert "exited with status 3" in said and "cannot find the frobnicator" in said


def test_an_app_that_never_binds_is_undone(app):
    twelve, said = undone(app, "MUTE=1")
    assert "was not ready within 3 s" in twelve["reason"]
    assert "nothing listens on $PORT" in twelve["reason"] and "nothing listens on $PORT" in said


def test_an_app_that_binds_the_wrong_port_is_undone(app):
    port = free_port()
    twelve, _ = undone(app, f"BIND={port}")
    assert f"its processes listen on {port}" in twelve["reason"]


def test_an_app_that_binds_where_the_router_cannot_reach_is_undone(app):
    twelve, _ = undone(app, "HOST=127.0.0.2")
    assert "bind 0.0.0.0" in twelve["reason"]


def test_a_check_path_that_fails_is_undone(app):
    twelve, _ = undone(app, "TWELVE_CHECK_PATH=/status/500")
    assert "GET /status/500 answers 500" in twelve["reason"]


def test_a_check_path_that_answers_is_waited_for(app):
    platform, name, _ = app
    platform.cli("config:set", "TWELVE_CHECK_PATH=/status/204", "-a", name)
    assert platform.releases(name)[0]["status"] == "succeeded"


def child(platform, name):
    """The process of that name that twelved has started."""
    found = subprocess.run(["pgrep", "-P", str(platform.process.pid), "-x", name], capture_output=True, text=True).stdout.split()
    assert len(found) == 1, found
    return int(found[0])


def test_an_app_that_goes_while_it_is_undone(own_platform, tmp_path):
    p = own_platform()
    where = p.repo(tmp_path)
    p.create("goes", where)
    p.push(where)
    app = p.api("GET", "/apps/goes")[1]["id"]
    logs, log = child(p, "twelve-logs"), pathlib.Path(p.log.name)
    p.cli("config:set", "MUTE=1", "TWELVE_START_TIMEOUT=1", "--no-wait", "-a", "goes")
    # Its last lines are waited for half a second, as nobody tells them.
    os.kill(logs, signal.SIGSTOP)
    try:
        wait_for(lambda: f"app {app}: v3 is undone" in log.read_text(), "the release to be undone")
        assert p.api("DELETE", "/apps/goes")[0] == 200
    finally:
        os.kill(logs, signal.SIGCONT)
    # What ends later than that would have.
    p.create("other", where)
    p.push(where)
    said = p.cli("config:set", "MUTE=1", "TWELVE_START_TIMEOUT=1", "-a", "other", check=False)
    assert said.code == 1 and "was not ready within 1 s" in said.err, said
    assert p.process.poll() is None


def test_a_release_command_that_refuses(app):
    platform, name, where = app
    said = platform.cli("config:set", "FAIL_RELEASE=1", "-a", name, check=False)
    assert said.code == 1
    assert "release command exited with status 5" in said.out + said.err
    assert platform.get(name)[1].startswith("Hello web.1 v2")


def test_a_failed_rollout_rejects_the_push(app):
    platform, name, where = app
    (where / "Procfile").write_text("web: exec perl no-such-file.pl\n")
    platform.commit(where, "breaks it")
    pushed = platform.push(where, check=False)
    assert pushed.code != 0
    assert "rejected" in pushed.err and "Can't open perl script" in pushed.err
    assert platform.get(name)[1].startswith("Hello web.1 v2")
    platform.git(where, "revert", "--no-edit", "HEAD")
    platform.push(where)
    assert platform.get(name)[0] == 200


def test_a_push_whose_app_is_destroyed_ends(platform, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("gone-app", where)
    (where / "Procfile").write_text("web: exec sleep 1000\n")
    platform.commit(where, "binds no port")
    pushed = []
    push = threading.Thread(target=lambda: pushed.append(platform.push(where, check=False)))
    push.start()
    wait_for(lambda: platform.dynos("gone-app"), "the release's dyno", 300)
    assert platform.api("DELETE", "/apps/gone-app")[0] == 200
    push.join(60)
    assert pushed and pushed[0].code != 0 and "the app was destroyed before its release was live" in pushed[0].err, pushed


def test_crashed_dynos_are_restarted(app):
    platform, name, _ = app
    platform.cli("ps:scale", "web=2", "-a", name)
    victim = platform.up(name)[0]
    pid = victim["twelve"]["pid"]
    import os
    import signal
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: any(d["id"] == victim["id"] and d["twelve"]["restarts"] >= 1 and d["state"] == "up"
                         for d in platform.dynos(name)), "the restart")
    began = time.monotonic()
    wait_for(lambda: len({platform.get(name)[1].split()[1] for _ in range(10)}) == 2, "both to serve again")
    assert time.monotonic() - began < 60


def test_a_stubborn_dyno_is_killed_after_its_window(app):
    platform, name, _ = app
    platform.cli("config:set", "STUBBORN=1", "TWELVE_STOP_TIMEOUT=1", "-a", name)
    platform.cli("config:unset", "STUBBORN", "-a", name)
    wait_for(lambda: len(platform.dynos(name)) == 1, "the stubborn one to be gone")
    assert "Error R12 (Exit timeout)" in platform.cli("logs", "-n", "200", "-a", name).out


def test_blank_app_and_error_pages(platform, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("blank-app", where)
    status, text = wait_for(lambda: (lambda r: r if r[0] != 404 else None)(platform.get("blank-app")), "the page")
    assert status in (502, 503) and "H81" in text
    platform.push(where)
    platform.cli("ps:scale", "web=0", "-a", "blank-app")
    status, text = wait_for(lambda: (lambda r: r if r[0] == 503 else None)(platform.get("blank-app")), "H14")
    assert "H14" in text
    wait_for(lambda: "code=H14" in platform.cli("logs", "-a", "blank-app", "--source", "heroku").out, "the log line")
    assert platform.get("no-such-app")[0] == 404
