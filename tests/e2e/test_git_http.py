# SPDX-License-Identifier: Apache-2.0
"""git over HTTPS with tokens: real git, through haproxy's door, to the repository and its hook."""
import base64
import gzip
import http.client
import os
import re
import signal
import ssl
import subprocess

import pytest

from conftest import Result, wait_for

MB = 1 << 20
BIG = 200 * MB


class Git:
    """git as somebody elsewhere has it: the address, the authority, a token."""

    def __init__(self, platform, app, token, scheme="https"):
        self.platform = platform
        self.ca = str(platform.state / "ca" / "ca.pem")
        self.where = f"{scheme}://localhost:{platform.api_port}/{app}.git"
        self.url = self.where.replace("://", f"://git:{token}@")
        self.env = dict(platform.env, GIT_SSL_CAINFO=self.ca, GIT_TERMINAL_PROMPT="0", GIT_CONFIG_GLOBAL="/dev/null")

    def start(self, cwd, *args, **env):
        return subprocess.Popen(["git", *args], cwd=cwd, env=dict(self.env, **env), stdin=subprocess.DEVNULL, start_new_session=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")

    def __call__(self, cwd, *args, check=True, **env):
        p = self.start(cwd, *args, **env)
        p.stdout, p.stderr = p.communicate(timeout=600)
        r = Result(p)
        if check:
            assert r.code == 0, f"git {' '.join(args)}: {r}"
        return r

    def ask(self, method, path, body=None, headers=None):
        """A request as git makes it, for what git would not say: (answer, its bytes)."""
        c = http.client.HTTPSConnection("localhost", self.platform.api_port, timeout=180,
                                        context=ssl.create_default_context(cafile=self.ca))
        word = base64.b64encode(self.url.split("//")[1].split("@")[0].encode()).decode()
        c.request(method, path, body, {"Authorization": f"Basic {word}", **(headers or {})})
        r = c.getresponse()
        data = r.read()
        c.close()
        return r, data


def new_token(platform, email, admin=True):
    """Of a user of the platform, who is made for it."""
    status, user = platform.api("POST", "/twelve/users", {"email": email, "admin": admin})
    assert status == 201, user
    status, t = platform.api("POST", "/oauth/authorizations", {"description": "git", "user": email})
    assert status == 201, t
    return t["access_token"]["token"]


@pytest.fixture(scope="module")
def token(platform):
    return new_token(platform, "ada@example.com")


@pytest.fixture
def git(platform, token, tmp_path, request):
    """(git, app, repository) of an app that nothing was pushed to."""
    app = "g-" + request.node.name.lower().replace("_", "-")[5:28].strip("-")
    platform.cli("create", app, "--no-remote")
    yield Git(platform, app, token), app, platform.repo(tmp_path)
    platform.cli("destroy", "-a", app, "--confirm", app, check=False)


def quarantines(platform, app):
    return list((platform.state / "git" / f"{app}.git" / "objects").glob("tmp_objdir-incoming-*"))


def children(platform):
    """The git programs that twelved runs."""
    tasks = f"/proc/{platform.process.pid}/task/{platform.process.pid}/children"
    with open(tasks) as f:
        pids = f.read().split()
    names = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/comm") as f:
                names.append(f.read().strip())
        except FileNotFoundError:
            continue
    return [n for n in names if n.startswith("git")]


def add_noise(git, where, size, name="noise"):
    """A file that no compression makes smaller, in a repository that does not try."""
    for key, value in (("core.compression", "0"), ("core.bigFileThreshold", "1m"), ("pack.window", "0"), ("gc.auto", "0")):
        git(where, "config", key, value)
    with open(where / name, "wb") as f:
        for _ in range(size // MB):
            f.write(os.urandom(MB))


def test_push_clone_and_fetch(git, platform, tmp_path):
    git, app, where = git
    pushed = git(where, "push", git.url, "main")
    assert re.search(r"remote: .*web.1 is up", pushed.err), "the build's output is seen as it is over SSH"
    assert platform.get(app)[0] == 200
    assert platform.releases(app)[0]["user"]["email"] == "ada@example.com", "the token's user is the release's"
    git(tmp_path, "clone", "-q", git.url, "copy")
    assert (tmp_path / "copy" / "server.pl").read_bytes() == (where / "server.pl").read_bytes()
    # A fetch brings what is new, by the id as by the name.
    (where / "note").write_text("new\n")
    head = platform.commit(where, "second")
    by_id = git.url.replace(f"/{app}.git", "/" + platform.api("GET", f"/apps/{app}")[1]["id"] + ".git")
    git(where, "push", by_id, "main")
    git(tmp_path / "copy", "pull", "-q")
    assert git(tmp_path / "copy", "rev-parse", "HEAD").out.strip() == head
    # Nothing new is nothing to do.
    assert "up-to-date" in git(where, "push", git.url, "main").err


def test_in_plain_http_too(git, platform, tmp_path, token):
    _, app, where = git
    git = Git(platform, app, token, scheme="http")
    git(where, "push", git.url, "main:side")
    git(tmp_path, "clone", "-q", "-b", "side", git.url, "copy")
    assert (tmp_path / "copy" / "Procfile").exists()
    # And by its own host name where apps are served.
    by_host = git.url.replace(f"localhost:{platform.api_port}", f"git.localhost:{platform.http_port}")
    assert "refs/heads/side" in git(tmp_path, "ls-remote", by_host).out


def test_a_rejected_push_says_why(git, platform):
    git, app, where = git
    (where / "Procfile").write_text("web gunicorn\n")
    platform.commit(where, "wrong")
    pushed = git(where, "push", git.url, "main", check=False)
    assert pushed.code != 0
    assert re.search(r"remote: .*Procfile:1: expected", pushed.err) and "Push rejected" in pushed.err, pushed
    assert git(where, "ls-remote", git.url).out == "", "the branch holds what runs"


def test_protocols_and_shallow_clones(git, platform, tmp_path):
    git, app, where = git
    for i in range(3):
        platform.commit(where, f"more {i}")
    git(where, "push", git.url, "main:side")
    for version in ("0", "1", "2"):
        listed = git(tmp_path, "-c", f"protocol.version={version}", "ls-remote", git.url, GIT_TRACE_PACKET="1")
        assert "refs/heads/side" in listed.out
        assert ("version 2" in listed.err) == (version == "2"), "the version that was asked for is spoken"
        copy = f"deep{version}"
        git(tmp_path, "-c", f"protocol.version={version}", "clone", "-q", "-b", "side", git.url, copy)
        assert len(git(tmp_path / copy, "log", "--format=%h").out.split()) == 4
        copy = f"shallow{version}"
        git(tmp_path, "-c", f"protocol.version={version}", "clone", "-q", "--depth", "1", "-b", "side", git.url, copy)
        assert len(git(tmp_path / copy, "log", "--format=%h").out.split()) == 1
        git(tmp_path / copy, "-c", f"protocol.version={version}", "fetch", "-q", "--deepen", "2")
        assert len(git(tmp_path / copy, "log", "--format=%h").out.split()) == 3
    # A push from a shallow clone.
    copy = tmp_path / "shallow0"
    git(copy, "commit", "-q", "--allow-empty", "-m", "from the shallows")
    git(copy, "push", "-q", git.url, "HEAD:side")


def test_who_may_not(git, platform, tmp_path):
    git, app, where = git
    # Asked without a token: the question, to which git answers with what it has.
    c = http.client.HTTPConnection("localhost", platform.api_port, timeout=180)
    c.request("GET", f"/{app}.git/info/refs?service=git-upload-pack")
    r = c.getresponse()
    assert r.status == 401 and r.getheader("WWW-Authenticate").startswith("Basic") and r.read()
    c.request("POST", f"/{app}.git/git-receive-pack", b"0000")
    r = c.getresponse()
    assert r.status == 401 and r.read()
    c.close()
    wrong = git.where.replace("://", "://git:00000000-0000-4000-8000-000000000000@")
    asked = git(tmp_path, "ls-remote", wrong, check=False)
    assert asked.code != 0 and "Authentication failed" in asked.err
    asked = git(tmp_path, "ls-remote", git.where, check=False)
    assert asked.code != 0 and "could not read Username" in asked.err
    assert not children(platform), "no git was started for them"
    bob = Git(platform, app, new_token(platform, "bob@example.com", admin=False))
    asked = bob(tmp_path, "ls-remote", bob.url, check=False)
    assert asked.code != 0 and f"remote: You do not have access to the app {app}" in asked.err
    platform.cli("access:add", "bob@example.com", "-p", "view", "-a", app)
    git(where, "push", git.url, "main:side")
    assert "refs/heads/side" in bob(tmp_path, "ls-remote", bob.url).out
    pushed = bob(where, "push", bob.url, "main:side", check=False)
    assert pushed.code != 0 and "remote: You do not have the deploy permission" in pushed.err
    r, text = bob.ask("POST", f"/{app}.git/git-receive-pack", b"0000")
    assert r.status == 403 and b"deploy" in text
    platform.cli("access:update", "bob@example.com", "-p", "deploy", "-a", app)
    (where / "note").write_text("by bob\n")
    platform.commit(where, "by bob")
    bob(where, "push", bob.url, "main")
    assert platform.releases(app)[0]["user"]["email"] == "bob@example.com"


def test_what_is_not_there(git, platform, tmp_path):
    git, app, where = git
    missing = git(tmp_path, "ls-remote", git.url.replace(app, "none-such"), check=False)
    assert missing.code != 0 and 'remote: There is no app "none-such" here' in missing.err
    new = app + "-new"
    platform.cli("rename", new, "-a", app)
    pushed = git(where, "push", git.url, "main", check=False)
    assert pushed.code != 0 and "remote: There is no app" in pushed.err and "renamed" in pushed.err
    git(where, "push", git.url.replace(app, new), "main:side")
    platform.cli("rename", app, "-a", new)
    for path in (f"/{app}.git/info/refs", f"/{app}.git/info/refs?service=git-upload-archive"):
        r, text = git.ask("GET", path)
        assert r.status == 403 and b"smart protocol" in text and r.getheader("Content-Type").startswith("text/plain")
    for path in (f"/{app}.git/HEAD", f"/{app}/info/refs?service=git-upload-pack", "/.git/info/refs", f"/{app}.git/../../x"):
        assert git.ask("GET", path)[0].status == 404, path
    # A repository that cannot be read is an error with words, and none of a client's.
    repository = platform.state / "git" / f"{app}.git"
    repository.rename(repository.with_suffix(".away"))
    broken = git(tmp_path, "ls-remote", git.url, check=False)
    repository.with_suffix(".away").rename(repository)
    assert broken.code != 0 and "remote: git could not read the repository" in broken.err


def pkt(text):
    return b"%04x%s" % (len(text) + 4, text)


def test_bodies_as_clients_send_them(git, platform):
    """gzip, chunks, Expect, and what only looks like these."""
    git, app, where = git
    git(where, "push", git.url, "main:side")
    head = git(where, "rev-parse", "HEAD").out.strip().encode()
    path = f"/{app}.git/git-upload-pack"
    plain = pkt(b"want %s ofs-delta\n" % head) + b"0000" + pkt(b"done\n")
    packed = gzip.compress(plain)
    half = len(packed) // 2
    for body, headers in ((plain, {}), (packed, {"Content-Encoding": "gzip"}), (iter([packed[:half], packed[half:]]), {"Content-Encoding": "gzip"}),
                          (iter([plain[i:i + 1] for i in range(len(plain))]), {}),
                          (gzip.compress(plain[:20]) + gzip.compress(plain[20:]), {"Content-Encoding": "x-gzip"})):
        r, data = git.ask("POST", path, body, headers)
        assert r.status == 200 and data.startswith(b"0008NAK\n") and b"PACK" in data, (headers, data[:200])
        assert r.getheader("Content-Type") == "application/x-git-upload-pack-result" and "no-cache" in r.getheader("Cache-Control")
    for body, encoding in ((plain, "gzip"), (packed[:-9], "gzip"), (plain, "br"), (packed + b"more", "gzip")):
        r, data = git.ask("POST", path, body, {"Content-Encoding": encoding})
        assert r.status == 400 and b"gzip" in data, (encoding, data[:200])
    # A thousand times what was sent, of nothing that git knows: no more than some of it is held.
    before = peak(platform)
    git.ask("POST", path, gzip.compress(b"\0" * (200 * MB)), {"Content-Encoding": "gzip"})
    assert peak(platform) - before < 16 * MB
    wait_for(lambda: not children(platform), "git to have ended")
    # git itself: a fetch with much to say is gzip'd, and a push can wait for "100 Continue".
    git(where.parent, "clone", "-q", "-b", "side", git.url, "copy")
    for i in range(10, 60):
        git(where.parent / "copy", "commit", "-q", "--allow-empty", "-m", f"apart {i}", GIT_COMMITTER_DATE=f"2030-01-01T00:00:{i}Z")
    (where / "x").write_text("x")
    platform.commit(where, "new")
    git(where, "-c", "http.postBuffer=65536", "push", git.url, "main:side")
    fetched = git(where.parent / "copy", "-c", "protocol.version=0", "fetch", "origin", "side:new", GIT_TRACE_CURL="1")
    assert "Content-Encoding: gzip" in fetched.err and "[new branch]" in fetched.err
    add_noise(git, where, 2 * MB)
    platform.commit(where, "two megabytes")
    pushed = git(where, "-c", "http.expectContinue=true", "-c", "http.postBuffer=65536", "push", git.url, "main:side", GIT_TRACE_CURL="1")
    assert "Transfer-Encoding: chunked" in pushed.err


def peak(platform):
    """The most memory that twelved has had, in bytes."""
    with open(f"/proc/{platform.process.pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) * 1024


def reset_peak(platform):
    with open(f"/proc/{platform.process.pid}/clear_refs", "w") as f:
        f.write("5")


def test_a_big_push_needs_little_memory(git, platform, tmp_path):
    git, app, where = git
    add_noise(git, where, BIG)
    head = platform.commit(where, "big")
    reset_peak(platform)
    before = peak(platform)
    sources = set((platform.state / "sources").iterdir())
    git(where, "push", git.url, "main:side")
    assert git(where, "ls-remote", git.url).out.startswith(head)
    assert peak(platform) - before < BIG // 20, "a push is not held in memory"
    assert set((platform.state / "sources").iterdir()) == sources
    git(tmp_path, "clone", "-q", "-b", "side", git.url, "copy")
    assert (tmp_path / "copy" / "noise").stat().st_size == BIG
    print(f"twelved's peak rose by {(peak(platform) - before) >> 10} KiB for {BIG >> 20} MiB each way")
    assert peak(platform) - before < BIG // 20, "nor is a clone"


def test_a_push_that_is_broken_off_leaves_nothing(git, platform):
    git, app, where = git
    add_noise(git, where, BIG)
    platform.commit(where, "big")
    p = git.start(where, "push", git.url, "main:side")
    wait_for(lambda: quarantines(platform, app), "objects to come in")
    os.killpg(p.pid, signal.SIGKILL)
    p.communicate()
    wait_for(lambda: not quarantines(platform, app), "what came to be gone")
    wait_for(lambda: not children(platform), "git to have ended")
    assert git(where, "ls-remote", git.url).out == ""
    git(where, "push", git.url, "main~1:refs/heads/side")


def test_a_pusher_who_goes_away_ends_the_build(git, platform):
    git, app, where = git
    (where / "bin").mkdir()
    for name, text in (("detect", "echo slow"), ("compile", "echo compiling; sleep 600"), ("release", "true")):
        (where / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (where / "bin" / name).chmod(0o755)
    platform.commit(where, "slow")
    platform.cli("buildpacks:set", "./", "-a", app, cwd=where)
    p = git.start(where, "push", git.url, "main")
    wait_for(lambda: p.poll() is not None or [b for b in platform.api("GET", f"/apps/{app}/builds")[1] if b["status"] == "pending"], "the build")
    assert p.poll() is None, p.communicate()
    os.killpg(p.pid, signal.SIGTERM)
    p.communicate()
    wait_for(lambda: platform.api("GET", f"/apps/{app}/builds")[1][0]["status"] == "failed", "the build to be ended")
    wait_for(lambda: not children(platform), "git to have ended")
    assert not quarantines(platform, app), "and to have put things in order"
    assert git(where, "ls-remote", git.url).out == ""


def test_a_push_outlives_a_killed_twelved_as_nothing(own_platform, tmp_path):
    platform = own_platform()
    platform.cli("create", "killed", "--no-remote")
    git = Git(platform, "killed", new_token(platform, "ada@example.com"))
    where = platform.repo(tmp_path)
    git(where, "push", git.url, "main:side")
    side = git(where, "rev-parse", "HEAD").out.strip()
    add_noise(git, where, BIG)
    platform.commit(where, "big")
    p = git.start(where, "push", git.url, "main:side")
    wait_for(lambda: quarantines(platform, "killed"), "objects to come in")
    platform.kill9()
    assert p.wait(60) != 0
    p.communicate()
    # What is left of it is removed a day later.
    left = platform.state / "git" / "killed.git" / "objects" / "tmp_objdir-incoming-Xabcde"
    for name in (left, left.with_suffix(".new")):
        (name / "pack").mkdir(parents=True)
        (name / "pack" / "tmp_pack_X").write_text("x")
    os.utime(left, (1e9, 1e9))
    platform.start()
    assert left.with_suffix(".new").exists() and not left.exists()
    platform.git(platform.state / "git" / "killed.git", "fsck", "--full", "--strict")
    assert git(where, "ls-remote", git.url).out.split() == [side, "refs/heads/side"]
    git(where, "push", git.url, "main:side")
    git(where, "reset", "-q", "--hard", "HEAD~1")
    assert "web.1 is up" in git(where, "push", git.url, "main").err


@pytest.fixture
def small_disk(tmp_path):
    """What own_platform() then stands on: 200 MB, of which nobody else takes any."""
    disk = tmp_path / "platform0"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_push_ends_before_the_disk_is_full(small_disk, own_platform, tmp_path):
    """A push that would take from the reserve ends, and git shows why."""
    platform = own_platform(TWELVE_DISK_RESERVE="100M")
    platform.cli("create", "full", "--no-remote")
    git = Git(platform, "full", new_token(platform, "ada@example.com"))
    where = platform.repo(tmp_path)
    git(where, "push", git.url, "main:side")
    add_noise(git, where, 150 * MB)
    platform.commit(where, "too much")
    pushed = git(where, "push", git.url, "main:side", check=False)
    assert pushed.code != 0 and "The disk is too full for an upload" in pushed.err, pushed
    wait_for(lambda: not quarantines(platform, "full"), "what came to be gone")
    (small_disk / "filler").write_bytes(bytes(120 * MB))
    pushed = git(where, "push", git.url, "main~1:refs/heads/other", check=False)
    assert pushed.code != 0 and "remote: The disk is too full for an upload" in pushed.err, "refused at once"
    assert "refs/heads/side" in git(where, "ls-remote", git.url).out, "reading goes on"


# ---- our own command line


def test_the_command_line_prepares_git(platform, token, tmp_path):
    """create and git:remote over http and https: git then asks the credential helper, and trusts whom it has to."""
    home = tmp_path / "home"
    home.mkdir()
    where = platform.repo(tmp_path)
    authority = f"localhost:{platform.api_port}"
    env = dict(HOME=str(home), TWELVE_HOST=f"http://{authority}", TWELVE_API_KEY=token, GIT_TERMINAL_PROMPT="0", GIT_CONFIG_GLOBAL="/dev/null")

    def git(*args, cwd=where, **more):
        outer = {k: v for k, v in platform.env.items() if k != "GIT_SSL_CAINFO"}
        p = subprocess.run(["git", *args], cwd=cwd, env=dict(outer, **env, **more), capture_output=True, text=True, timeout=300)
        return Result(p)

    made = platform.cli("create", "by-http", cwd=where, env=env)
    url = f"https://{authority}/by-http.git"
    warned = platform.cli("git:remote", "-a", "by-http", cwd=where, env=dict(env, GIT_SSL_CAINFO="/etc/ssl/certs/ca-certificates.crt"))
    assert "GIT_SSL_CAINFO is set" in warned.err
    assert made.out.strip().endswith(url) and "Trusting the authority" in made.err
    assert git("remote", "get-url", "twelve").out.strip() == url
    assert platform.cli("info", "--json", cwd=where, env=env).out.find(url) > 0, "the remote names the app"
    pushed = git("push", "twelve", "main")
    assert pushed.code == 0 and "web.1 is up" in pushed.err, pushed
    # Another app, another name of the remote, and the name changes along.
    platform.cli("create", "by-http-2", "--no-remote", env=env)
    platform.cli("git:remote", "-a", "by-http-2", "--remote", "staging", cwd=where, env=env)
    platform.cli("rename", "by-http-3", "-a", "by-http-2", "--remote", "staging", cwd=where, env=env)
    assert git("push", "staging", "main:side").code == 0
    # Over https, with the authority of the settings and the token of a login.
    copy = tmp_path / "copy"
    copy.mkdir()
    git("init", "-q", cwd=copy)
    del env["TWELVE_API_KEY"]
    (home / ".netrc").write_text(f"machine {authority} login ada@example.com password {token}\n")
    env.update(HOME=str(home), TWELVE_HOST=f"https://{authority}", TWELVE_CA=str(platform.state / "ca" / "ca.pem"))
    platform.cli("git:remote", "-a", "by-http", cwd=copy, env=env)
    del env["TWELVE_HOST"], env["TWELVE_CA"]
    fetched = git("fetch", "-q", "twelve", cwd=copy)
    assert fetched.code == 0 and "main" in git("branch", "-r", cwd=copy).out, fetched
    # Where git's repository is none, it says so.
    outside = platform.cli("git:remote", "-a", "by-http", cwd=home, env=dict(env, TWELVE_HOST=f"http://{authority}"), check=False)
    assert outside.code == 2 and "git init" in outside.err
    for app in ("by-http", "by-http-3"):
        platform.cli("destroy", "-a", app, "--confirm", app)
    # Over the unix socket the address is the path, as ever.
    status, app = platform.api("POST", "/apps", {"name": "by-socket"})
    assert app["git_url"] == str(platform.state / "git" / "by-socket.git") and status == 201
    platform.api("DELETE", "/apps/by-socket")


def test_the_credential_helper_tells_no_other_host(platform, tmp_path):
    (tmp_path / ".netrc").write_text("machine other.example.com login a@example.com password theirs\n")
    env = {"HOME": str(tmp_path), "TWELVE_HOST": "https://api.example.com", "TWELVE_API_KEY": "ours"}

    def ask(host, action="get", protocol="https"):
        return platform.cli("git:credentials", action, input=f"protocol={protocol}\nhost={host}\npath=x.git\n\n", env=env)

    assert ask("api.example.com").out == "username=twelve\npassword=ours\n"
    assert ask("other.example.com").out == "username=twelve\npassword=theirs\n"
    for host, more in (("api.example.com:8443", {}), ("evil.example.com", {}), ("api.example.com", {"protocol": "http"}),
                       ("api.example.com", {"action": "store"}), ("api.example.com", {"action": "erase"})):
        assert ask(host, **more).out == "", (host, more)
    assert "login" in ask("evil.example.com").err
