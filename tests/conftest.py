# SPDX-License-Identifier: Apache-2.0
"""
The real programs, driven as a user drives them: one platform of its own for
each test session, in a state directory of its own, on loopback.
"""
import contextlib
import glob
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("TWELVE_BUILD_ROOT", ROOT / "build"))
APPS = ROOT / "tests/e2e/apps"
# Stacks are made once and found again, by each platform of a run and by the next run.
os.environ.setdefault("TWELVE_STACK_CACHE", os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "twelve", "stacks"))
# The modules that the tests of all folders share stand beside the end-to-end tests.
sys.path.insert(0, str(ROOT / "tests/e2e"))

import api_schema  # noqa: E402
from guard import Guard  # noqa: E402
from leases import Lease, free_port  # noqa: E402, F401
from wire import Tap  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "torture: takes long or loads the machine; `make torture` runs it, `make test` does not")
    config.addinivalue_line("markers", "alone: needs the machine for itself, because it loads it or looks at all of it; scripts/test-files runs it at the end")


def pytest_collection_modifyitems(config, items):
    """What is marked "torture" runs when it is asked for (-m torture), and else is no case at all."""
    if "torture" in config.option.markexpr:
        return
    long = [i for i in items if i.get_closest_marker("torture")]
    items[:] = [i for i in items if i not in long]
    config.hook.pytest_deselected(items=long)


def pytest_terminal_summary(terminalreporter):
    """What held a twelved's event loop is told and fails nothing: the machine may have been busy."""
    if Platform.holds:
        terminalreporter.section("event loops that were held")
        for line in Platform.holds:
            terminalreporter.line(line)


# How long what will come is waited for at least: machines are slow when all their cores are taken. It says nothing of how long things may take.
PATIENCE = 180


def wait_for(condition, what, timeout=PATIENCE, within=None):
    """
    Waits until condition() is true and returns its value; the failure says what was awaited. `within` is for what would
    come anyway, only later: then it has to be there after so many seconds.
    """
    timeout = within or max(timeout, PATIENCE)
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError(f"waited {timeout} s for {what}")
        # Who waits long looks seldom: looking takes processors from what is waited for.
        time.sleep(min(max(waited / 20, 0.02), 0.5))


class Result:
    def __init__(self, p):
        self.code, self.out, self.err = p.returncode, p.stdout, p.stderr

    def __repr__(self):
        return f"<exit {self.code}\nstdout: {self.out}\nstderr: {self.err}>"


class Platform:
    """A twelved with its own state; `cli` runs the command line against it."""
    guard = None
    holds = []
    host = "127.0.0.1"

    def __init__(self, base, **settings):
        self.state = pathlib.Path(base) / "state"
        # Short, for the paths of unix sockets; memory-backed where the machine has such a place.
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="tw", dir="/run"))
        os.chmod(self.run, 0o755)
        self.lease = Lease()
        self.http_port, self.https_port, self.api_port = (self.lease.take() for _ in range(3))
        self.env = dict(
            os.environ,
            TWELVE_STATE_DIR=str(self.state),
            TWELVE_RUN_DIR=str(self.run),
            TWELVE_HTTP=f"127.0.0.1:{self.http_port}",
            TWELVE_HTTPS=f"127.0.0.1:{self.https_port}",
            TWELVE_API=f"127.0.0.1:{self.api_port}",
            TWELVE_PORTS=self.lease.span(200),
            TWELVE_ADDON_PORTS=self.lease.span(100),
            TWELVE_NETWORK=self.lease.network(),
            TWELVE_SOCKET=str(self.run / "twelved.sock"),
            # Nobody is there: no test asks the world's authority for anything.
            TWELVE_ACME_DIRECTORY="https://localhost:1/directory",
            TWELVE_LOG_LEVEL="debug",
            GIT_AUTHOR_NAME="Ada", GIT_AUTHOR_EMAIL="ada@example.com",
            GIT_COMMITTER_NAME="Ada", GIT_COMMITTER_EMAIL="ada@example.com",
            NO_COLOR="1",
        )
        self.env.pop("TWELVE_APP", None)
        self.env.update({k: str(v) for k, v in settings.items()})
        self.state.mkdir(parents=True)
        # A test that wants stacks of its own takes the variable away.
        cache = os.environ.get("TWELVE_STACK_CACHE")
        if cache:
            os.makedirs(cache, exist_ok=True)
            (self.state / "stacks").symlink_to(cache)
        self.log = open(pathlib.Path(base) / "twelved.log", "ab")
        self.process = None
        self.tap = None
        Platform.guard = Platform.guard or Guard()
        self.guard.tell(run=str(self.run), program=self.program("twelved"), env=self.env, log=self.log.name)
        self.start()

    # -- the daemon

    def program(self, name):
        folder = {"twelve": "cli", "twelved": "daemon"}[name]
        return str(BUILD / "src" / folder / name)

    def start(self):
        self.process = subprocess.Popen([self.program("twelved")], env=self.env, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, cwd="/")
        wait_for(self.answers, "twelved to answer", 30)

    def answers(self):
        if self.process.poll() is not None:
            said = pathlib.Path(self.log.name).read_text(errors="replace").splitlines()[-5:]
            raise AssertionError("\n".join([f"twelved exited with {self.process.returncode}; {self.log.name} ends with:", *said]))
        try:
            return self.api("GET", "/account")[0] == 200
        except OSError:
            return False

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill9()
        self.start()

    def stop(self):
        """Ends everything; leaves nothing behind."""
        if self.tap:
            self.tap.stop()
            self.tap = None
        if self.process.poll() is not None and self.run.exists():
            # Killed by the test: what outlived it is found again and ended by another.
            self.start()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(90)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.collect_holds()
        shutil.rmtree(self.run, ignore_errors=True)
        self.guard.tell(run=str(self.run))
        self.lease.release()

    def collect_holds(self):
        with contextlib.suppress(FileNotFoundError), open(self.log.name, errors="replace") as f:
            Platform.holds += [line.strip() for line in f if "event loop was held" in line]

    def pids_of(self, name):
        """Programs of this platform: its run directory is in their arguments or their environment."""
        found = []
        for path in glob.glob("/proc/[0-9]*"):
            # Any may end while it is looked at.
            with contextlib.suppress(OSError):
                if open(f"{path}/comm").read().strip() == name and str(self.run) in open(f"{path}/cmdline").read() + open(f"{path}/environ").read():
                    found.append(int(path.rsplit("/", 1)[1]))
        return found

    # -- talking to it

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(self.run / "twelved.sock"))
        return s

    def api(self, method, path, body=None, headers=None):
        """A request over the unix socket: (status, parsed JSON or text)."""
        c = http.client.HTTPConnection("localhost", timeout=60)
        c.sock = self.connect()
        c.sock.settimeout(60)
        h = {"Accept": "application/vnd.heroku+json; version=3"}
        if body is not None:
            h["Content-Type"] = "application/json"
        h.update(headers or {})
        try:
            c.request(method, path, json.dumps(body) if body is not None else None, h)
            r = c.getresponse()
            data = r.read()
        finally:
            c.close()
        if "json" in (r.getheader("Content-Type") or ""):
            return r.status, json.loads(data)
        return r.status, data.decode("utf-8", "replace")

    def cli(self, *args, input=None, cwd=None, timeout=300, check=True, env=None):
        """`twelve ARGS`, with each answer that it gets held against Heroku's schema."""
        tapped = {"TWELVE_SOCKET": self.tapped_socket()} if self.process.poll() is None else {}
        p = subprocess.run([self.program("twelve"), *args], env={**self.env, **tapped, **(env or {})}, input=input,
                           cwd=cwd or "/", capture_output=True, text=True, timeout=timeout)
        r = Result(p)
        if tapped:
            # What a kill has cut off is no answer.
            faults = [f"{e}: {f}" for e in self.tap.collect() if e.whole for f in api_schema.shared().faults(e)]
            assert not faults, f"answers to `twelve {' '.join(args)}` are not as the schema says:\n" + "\n".join(faults)
        if check:
            assert r.code == 0, f"twelve {' '.join(args)}: {r}"
        return r

    def tapped_socket(self):
        """The path of a socket that leads to twelved's and lets us see what passes (wire.py)."""
        path = str(self.run / "tapped.sock")
        if not self.tap:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen(64)
            self.tap = Tap(listener, self.connect)
        return path

    def get(self, app, path="/", host=None, timeout=30):
        """GET through haproxy: (status, text). A connection that breaks raises OSError."""
        c = http.client.HTTPConnection(self.host, self.http_port, timeout=timeout)
        try:
            c.request("GET", path, headers={"Host": host or f"{app}.localhost"})
            r = c.getresponse()
            return r.status, r.read().decode("utf-8", "replace")
        finally:
            c.close()

    # -- apps

    def repo(self, tmp_path, source="hello", **files):
        """A git repository with the files of an app in it."""
        where = pathlib.Path(tmp_path) / "repo"
        shutil.copytree(source if os.path.isabs(str(source)) else APPS / source, where)
        for name, text in files.items():
            (where / name.replace("__", ".")).write_text(text)
        self.git(where, "init", "-q", "-b", "main")
        self.commit(where, "first")
        return where

    def git(self, where, *args, check=True):
        p = subprocess.run(["git", *args], cwd=where, env=self.env, capture_output=True, text=True, timeout=900)
        r = Result(p)
        if check:
            assert r.code == 0, f"git {' '.join(args)}: {r}"
        return r

    def commit(self, where, message):
        self.git(where, "add", "-A")
        self.git(where, "commit", "-q", "--allow-empty", "-m", message)
        return self.git(where, "rev-parse", "HEAD").out.strip()

    def create(self, name, where):
        self.cli("create", name, cwd=where)
        return name

    def push(self, where, check=True):
        return self.git(where, "push", "twelve", "main", check=check)

    def releases(self, app):
        status, rows = self.api("GET", f"/apps/{app}/releases")
        assert status in (200, 206), rows
        return sorted(rows, key=lambda r: -r["version"])

    def dynos(self, app):
        status, rows = self.api("GET", f"/apps/{app}/dynos")
        assert status in (200, 206), rows
        return rows

    def up(self, app, kind="web"):
        return [d for d in self.dynos(app) if d["type"] == kind and d["state"] == "up"]


@pytest.fixture(scope="module")
def machine_address():
    """An address of the machine that is not the loopback's, and that nothing else has: sandboxes see a server there as one of the machine's."""
    lease = Lease()
    address = lease.machine_address()
    subprocess.run(["ip", "addr", "replace", f"{address}/32", "dev", "lo"], check=True)
    yield address
    subprocess.run(["ip", "addr", "del", f"{address}/32", "dev", "lo"], check=True)
    lease.release()


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    p = Platform(tmp_path_factory.mktemp("platform"))
    yield p
    p.stop()


@pytest.fixture
def own_platform(tmp_path):
    """For tests that kill it, or need settings of their own: own_platform(TWELVE_X=...)."""
    made = []

    def make(**settings):
        p = Platform(tmp_path / f"platform{len(made)}", **settings)
        made.append(p)
        return p

    yield make
    for p in made:
        p.stop()


@pytest.fixture
def app(platform, tmp_path, request):
    """An app of the hello example, deployed: (platform, name, repository)."""
    name = "t-" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[5:30].strip("-")
    where = platform.repo(tmp_path)
    platform.create(name, where)
    platform.push(where)
    yield platform, name, where
    platform.cli("destroy", "-a", name, "--confirm", name, check=False)


@pytest.fixture(scope="session")
def heroku(platform, tmp_path_factory):
    """The real heroku CLI, pointed at the platform: see heroku_cli.py."""
    from heroku_cli import Heroku

    h = Heroku(platform, tmp_path_factory.mktemp("heroku"))
    yield h
    h.stop()


@pytest.fixture(scope="module")
def alpha(platform, tmp_path_factory, request):
    """The name of an app of the hello example, deployed once for the tests of a file."""
    name = "alpha-" + request.module.__name__.removeprefix("test_").replace("_", "-")[:20]
    where = platform.repo(tmp_path_factory.mktemp(name))
    platform.create(name, where)
    platform.push(where)
    yield name
    platform.cli("destroy", "-a", name, "--confirm", name, check=False)
