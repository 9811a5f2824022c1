# SPDX-License-Identifier: Apache-2.0
"""Bad input gets one clear sentence; nothing is lost, and what ran before still runs."""
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from conftest import ROOT, free_port, wait_for
from receivers import listens


def push_fails(platform, tmp_path, name, *sentences, **files):
    where = platform.repo(tmp_path, **files)
    for f, text in files.items():
        if text == "":
            (where / f).unlink()
    platform.commit(where, "as it is")
    platform.create(name, where)
    pushed = platform.push(where, check=False)
    assert pushed.code != 0, pushed
    for s in sentences:
        assert s in pushed.err, pushed.err
    assert platform.releases(name)[0]["version"] == 1
    return where


def test_no_procfile(platform, tmp_path):
    where = platform.repo(tmp_path)
    (where / "Procfile").unlink()
    platform.commit(where, "without")
    platform.create("no-procfile", where)
    pushed = platform.push(where, check=False)
    assert pushed.code != 0 and "Procfile" in pushed.err and "rejected" in pushed.err


def test_procfile_line_that_does_not_parse(platform, tmp_path):
    push_fails(platform, tmp_path, "bad-line", "Procfile:2:", Procfile="web: perl server.pl\nworker perl\n")


def test_a_failed_build_says_why(platform, tmp_path):
    where = platform.repo(tmp_path)
    pack = tmp_path / "pack"
    (pack / "bin").mkdir(parents=True)
    for script, text in (("detect", "echo Broken"), ("compile", "echo ' !     there is no flux'; exit 4"),
                         ("release", "echo ---")):
        (pack / "bin" / script).write_text(f"#!/bin/sh\n{text}\n")
        (pack / "bin" / script).chmod(0o755)
    platform.create("broken-build", where)
    platform.cli("buildpacks:set", str(pack), "-a", "broken-build")
    pushed = platform.push(where, check=False)
    assert pushed.code != 0 and "there is no flux" in pushed.err and "rejected" in pushed.err
    assert platform.releases("broken-build")[0]["version"] == 1


def pack_with(tmp_path, compile_script):
    pack = tmp_path / "pack"
    (pack / "bin").mkdir(parents=True)
    for script, text in (("detect", "echo Test"), ("compile", compile_script), ("release", "echo ---")):
        (pack / "bin" / script).write_text(f"#!/bin/bash\n{text}\n")
        (pack / "bin" / script).chmod(0o755)
    return pack


@pytest.mark.parametrize("name, script, sentence", [
    ("eats-memory", "perl -e 'my $x = \"x\" x 900_000_000; my $y = $x . $x; print length $y'", "memory"),
    ("eats-disk", "dd if=/dev/zero of=/app/big bs=1M count=600 2>/dev/null; sleep 20", "disk"),
    ("takes-too-long", "sleep 120", "time"),
    ("forks-without-end", "f() { while :; do sleep 60 & done; }; f", ""),
])
def test_builds_that_want_too_much(own_platform, tmp_path, name, script, sentence):
    p = own_platform(TWELVE_BUILD_MEMORY="512M", TWELVE_BUILD_DISK="256M", TWELVE_BUILD_TIMEOUT="15s")
    where = p.repo(tmp_path)
    p.create(name, where)
    p.cli("buildpacks:set", str(pack_with(tmp_path, script)), "-a", name)
    pushed = p.push(where, check=False)
    assert pushed.code != 0 and sentence in pushed.err
    p.cli("buildpacks:clear", "-a", name)
    p.push(where)
    assert p.get(name)[0] == 200, "and the machine is healthy"


def test_a_full_disk_refuses_the_build(own_platform, tmp_path):
    p = own_platform(TWELVE_DISK_RESERVE="900000G")
    where = p.repo(tmp_path)
    p.create("no-room", where)
    pushed = p.push(where, check=False)
    assert pushed.code != 0 and "disk" in pushed.err and "free" in pushed.err


def test_a_pusher_who_goes_away_cancels_the_build(platform, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("went-away", where)
    platform.cli("buildpacks:set", str(pack_with(tmp_path, "echo at work; sleep 60")), "-a", "went-away")
    push = subprocess.Popen(["git", "push", "twelve", "main"], cwd=where, env=platform.env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    for line in push.stdout:
        if "at work" in line:
            break
    # A second push meanwhile is refused and says by what.
    second = platform.push(where, check=False)
    assert second.code != 0 and "build" in second.err and "running" in second.err
    os.killpg(push.pid, signal.SIGINT)
    push.wait(30)
    build = wait_for(lambda: next((b for b in platform.api("GET", "/apps/went-away/builds")[1]
                                   if b["status"] != "pending"), None), "the build to end")
    assert build["status"] == "failed"
    assert platform.releases("went-away")[0]["version"] == 1


def test_scale(app):
    platform, name, _ = app
    r = platform.cli("ps:scale", "webb=1", "-a", name, check=False)
    assert r.code != 0 and "webb" in r.err and "web" in r.err
    r = platform.cli("ps:scale", "web=10000", "-a", name, check=False)
    assert r.code != 0 and "200" in r.err
    r = platform.cli("ps:scale", "web=1:huge", "-a", name, check=False)
    assert r.code != 0 and "huge" in r.err
    r = platform.cli("ps:scale", "web=two", "-a", name, check=False)
    assert r.code != 0
    assert len(platform.dynos(name)) == 1


def test_config(app):
    platform, name, _ = app
    for key in ("1ABC", "A-B", "PORT", "DYNO", "TWELVE_APP_NAME"):
        r = platform.cli("config:set", f"{key}=x", "-a", name, check=False)
        assert r.code != 0 and key in r.err, r
    assert platform.cli("config:set", "NOVALUE", "-a", name, check=False).code == 2
    assert platform.releases(name)[0]["version"] == 2


def test_names(platform):
    platform.cli("create", "taken-name", "--no-remote")
    for name, word in (("taken-name", "taken"), ("a" * 31, "long"), ("Up_Per", "letters"), ("1st", "start")):
        r = platform.cli("create", name, "--no-remote", check=False)
        assert r.code != 0 and word in r.err, r
    platform.cli("destroy", "-a", "taken-name", "--confirm", "taken-name")


def test_rollback_to_what_never_ran(app):
    platform, name, _ = app
    for version in ("v1", "v99", "vv"):
        r = platform.cli("rollback", version, "-a", name, check=False)
        assert r.code != 0 and version.strip("v") in r.err, r
    # Once is enough.
    for command in ("rollback", "releases:info", "releases:output"):
        r = platform.cli(command, "v99", "-a", name, check=False)
        assert r.code == 1 and r.err == f"twelve: Couldn't find that release: v99\nRun `twelve releases -a {name}` to list releases of {name}.\n", r
    assert platform.releases(name)[0]["version"] == 2


def is_caught(pid, sig):
    caught = next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (sig - 1) & 1


def test_who_waits_no_longer_is_told_that_it_goes_on(app, machine_address):
    platform, name, where = app
    server = (where / "server.pl").read_text()
    (where / "server.pl").write_text(server.replace("$| = 1;", "$| = 1;\nif ($ENV{GATE}) { select(undef, undef, undef, 0.1) until "
                                                    "IO::Socket::INET->new(PeerAddr => $ENV{GATE}); }", 1))
    platform.commit(where, "a gate before a dyno is up")
    platform.push(where)
    gate = socket.create_server((machine_address, 0), backlog=100)
    port = gate.getsockname()[1]
    platform.cli("egress:allow", f"{machine_address}:{port}", "-a", name)
    platform.cli("config:set", f"GATE={machine_address}:{port}", "-a", name)
    gate.close()
    for args, goes_on in ((["ps:restart"], f"The change continues: twelve ps -a {name} shows its progress"),
                          (["ps:scale", "web=2"], f"The change continues: twelve ps -a {name} shows its progress"),
                          (["config:set", "A=1"], f"v5 is still being rolled out: twelve releases:info v5 -a {name} shows how it went")):
        p = subprocess.Popen([platform.program("twelve"), *args, "-a", name], env=platform.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: is_caught(p.pid, signal.SIGINT), "it to wait")
        p.send_signal(signal.SIGINT)
        err = p.communicate(timeout=180)[1]
        assert p.returncode == 130 and err.splitlines()[1:] == [goes_on], (args, p.returncode, err)
    assert platform.releases(name)[0]["status"] == "pending" and len(platform.up(name)) == 1
    with socket.create_server((machine_address, port), backlog=100):
        wait_for(lambda: platform.releases(name)[0]["current"], "the release to be live")
        wait_for(lambda: len(platform.up(name)) == 2, "two dynos")


def raw(platform, request):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(str(platform.run / "twelved.sock"))
    s.sendall(request)
    r = http.client.HTTPResponse(s)
    r.begin()
    body = r.read()
    s.close()
    return r.status, body


def test_requests(platform):
    assert platform.api("GET", "/apps/none-such")[0] == 404
    assert platform.api("GET", "/no/such/path")[0] == 404
    status, body = raw(platform, b"POST /apps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                 b"Content-Length: 1073741824\r\n\r\n" + b"x" * 1000)
    assert status == 413 and b'"message"' in body
    status, body = raw(platform, b"POST /apps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                 b"Content-Length: 9\r\n\r\n{\"name\": ")
    assert status == 400 and b"JSON" in body
    status, body = platform.api("POST", "/apps", {"name": 7})
    assert status == 422 and "name" in body["message"]


def test_tcp_takes_a_token(platform):
    c = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=180)
    c.request("GET", "/apps")
    r = c.getresponse()
    assert r.status == 401 and b'"unauthorized"' in r.read()
    c.request("GET", "/apps", headers={"Authorization": "Bearer tw-wrong"})
    r = c.getresponse()
    assert r.status == 401
    r.read()
    status, made = platform.api("POST", "/oauth/authorizations", {"description": "a test"})
    assert status == 201
    token = made["access_token"]["token"]
    c.request("GET", "/apps", headers={"Authorization": f"Bearer {token}"})
    assert c.getresponse().status == 200
    assert token.encode() not in (platform.state / "twelve.db").read_bytes()


def test_command_line(platform):
    r = platform.cli("ps:scael", check=False)
    assert r.code == 2 and "ps:scale" in r.err
    r = platform.cli("ps", cwd="/", check=False)
    assert r.code == 2 and "-a" in r.err
    r = platform.cli("pg:promote", "OTHER", "-a", "shop", check=False)
    assert r.code == 2 and "pg:promote is not a command of twelve: twelve addons:swap DATABASE ADDON" in r.err, r
    assert "http://" in platform.cli("help", "drains:add").out
    r = platform.cli("info", "-a", "none-such", check=False)
    assert r.code == 1 and "none-such" in r.err or "find" in r.err
    assert platform.cli("--version").out.startswith("twelve ")


@pytest.mark.parametrize("program, package", [("haproxy", "haproxy"), ("git", "git"), ("mmdebstrap", "mmdebstrap")])
def test_a_missing_program_is_named(platform, tmp_path, program, package):
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for d in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for f in os.listdir(d):
            if f != program and not (bin_dir / f).exists():
                (bin_dir / f).symlink_to(f"{d}/{f}")
    env = dict(platform.env, TWELVE_STATE_DIR=str(tmp_path / "state"), TWELVE_RUN_DIR=str(platform.run / "other"))
    # The sbin directories are looked through besides $PATH, so the machine's own are hidden in a mount namespace.
    script = f"mount --bind {bin_dir} /usr/sbin && PATH={bin_dir} exec {platform.program('twelved')}"
    if program != "haproxy":
        script = f"PATH={bin_dir} exec {platform.program('twelved')}"
    r = subprocess.run(["unshare", "-m", "sh", "-c", script], env=env, capture_output=True, text=True, timeout=180)
    assert r.returncode == 1
    assert f"apt-get install {package}" in r.stderr


def of_run(process, run):
    try:
        return f"TWELVE_RUN_DIR={run}\0".encode() in (process / "environ").read_bytes() + b"\0"
    except OSError:
        return False


@pytest.mark.parametrize("setting", ["TWELVE_HTTP", "TWELVE_HTTPS", "TWELVE_API"])
def test_an_address_in_use_is_named(platform, tmp_path, setting):
    """haproxy would share it with the other twelved's, and each would get half of the requests."""
    run, log = platform.run / setting, tmp_path / "log"
    free = {s: "127.0.0.1:" + str(free_port()) for s in ("TWELVE_HTTP", "TWELVE_HTTPS", "TWELVE_API")}
    env = dict(platform.env, TWELVE_STATE_DIR=str(tmp_path / "state"), TWELVE_RUN_DIR=str(run), **free)
    env.pop("TWELVE_SOCKET")

    def start(**more):
        with open(log, "ab") as to:
            return subprocess.Popen([platform.program("twelved")], env={**env, **more}, stdin=subprocess.DEVNULL, stdout=to, stderr=to)

    assert start(**{setting: platform.env[setting]}).wait(60) == 1
    assert f"{platform.env[setting]} is in use by another program" in log.read_text() and f"set {setting} to another" in log.read_text()
    # A twelve-logs that stayed would hold who waits for the end of our output.
    assert not [p for p in pathlib.Path("/proc").glob("[0-9]*") if of_run(p, run)]
    # With addresses that are free it comes up.
    p = start()
    # Its socket is there a moment before signals are listened to.
    wait_for(lambda: "serving apps on" in log.read_text() or p.poll() is not None, "twelved to serve", 30)
    # Neither does it change to one in use, when its haproxy is already running: that goes on where it was.
    p.kill()
    p.wait(60)
    log.write_text("")
    assert start(**{setting: platform.env[setting]}).wait(60) == 1
    assert f"{platform.env[setting]} is in use by another program" in log.read_text()
    assert listens(int(free["TWELVE_HTTP"].split(":")[1]))
    other = {setting: "127.0.0.1:" + str(free_port())}
    p = start(**other)
    wait_for(lambda: listens(int(other[setting].split(":")[1])) or p.poll() is not None, "it to have moved to one that is free", 30)
    wait_for(lambda: "serving apps on" in log.read_text() or p.poll() is not None, "twelved to serve", 30)
    p.send_signal(signal.SIGQUIT)
    assert p.wait(60) == 0


def test_what_a_newcomer_trips_over_is_told(platform, tmp_path):
    def twelve(*args, **more):
        return platform.cli(*args, cwd=tmp_path, check=False, **more)

    made = twelve("create", "newcomers", env={"TWELVE_APP": "another"})
    assert "no git repository, so no remote was added: git init, then twelve git:remote -a newcomers" in made.err
    assert "commands act on another; unset it, or use -a newcomers" in made.err
    assert not any("TWELVE_APP" in twelve("create", "newcomers-2", "-n", env=e).err for e in ({}, {"TWELVE_APP": "newcomers-2"}))
    for args, said in [
        (["help", "nonsense"], "nonsense is not a command of twelve: twelve help lists them"),
        # Words that are near in letters alone would mislead: "labs" is no "logs".
        (["labs", "-a", "newcomers"], "labs is not a command of twelve: there are no features to try out"),
        (["help", "ps:exec"], "ps:exec is not a command of twelve: twelve run:inside DYNO bash"),
        (["logs", "--source", "foo", "-a", "newcomers"], 'expected app or heroku (the platform\'s lines), found "foo"'),
        (["webhooks:deliveries", "--status", "foo", "-a", "newcomers"], 'pending, retrying, failed or succeeded, found "foo"'),
        (["webhooks:add", "-a", "newcomers"], "--include is missing: --include api:release"),
        (["buildpacks:set", "nonsense", "-a", "newcomers"], 'There is no buildpack "nonsense": give a built-in one ('),
    ]:
        r = twelve(*args)
        assert r.code == 2 and said in r.err, (args, r)
    # An empty list is a sentence and no lone heading.
    assert twelve("builds", "-a", "newcomers").err == "newcomers has no builds yet: git push twelve main builds it\n"
    assert twelve("certs:auto:enable", "-a", "newcomers").code == 0
    r = twelve("certs:auto", "-a", "newcomers")
    assert (r.out, r.err) == ("", "newcomers has no domain that needs a certificate: twelve domains:add adds one\n")
    assert twelve("buildpacks", "--json", "-a", "newcomers").out.strip() == "[]"
    assert twelve("backups:schedules", "--json", "-a", "newcomers").out.strip() == "[]"
    for app in ("newcomers", "newcomers-2"):
        platform.cli("destroy", "-a", app, "--confirm", app)


def test_what_stands_for_a_verb_of_herokus_is_there(platform):
    """No word of the table is a command, and each command that it names is one."""
    table = re.findall(r'\{\s*"([a-z:]+)",\s*((?:"[^"]*"\s*)+),?\s*\}', (ROOT / "src/cli/elsewhere.c").read_text())
    assert len(table) > 30
    for word, text in table:
        said = "".join(re.findall('"([^"]*)"', text))
        assert f"{word} is not a command of twelve: {said}" in platform.cli("help", word, check=False).err
        for named in re.findall(r"twelve ([a-z:-]+)", said):
            assert platform.cli("help", named).out.startswith("usage: "), (word, named)
