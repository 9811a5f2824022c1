# SPDX-License-Identifier: Apache-2.0
"""The attacker may deploy to apps of their own, and wants everybody's builds to wait."""
import base64
import http.client
import socket
import subprocess
import time

import pytest

from conftest import wait_for
from test_archives import PROCFILE, archive, build, pack, upload


@pytest.fixture
def crowded(own_platform, tmp_path):
    """Two slots; a greedy owner with three apps whose builds sleep, and another with one app."""
    p = own_platform(TWELVE_BUILDS=2)
    for who in ("greedy@example.com", "other@example.com"):
        assert p.api("POST", "/twelve/users", {"email": who})[0] == 201
    sleepy = pack(tmp_path / "sleepy", "echo asleep; sleep 1000")
    for app, who in (("greedy-1", "greedy"), ("greedy-2", "greedy"), ("greedy-3", "greedy"), ("other-1", "other")):
        assert p.api("POST", "/apps", {"name": app}, headers={"Twelve-User": f"{who}@example.com"})[0] == 201
        if who == "greedy":
            p.cli("buildpacks:set", sleepy, "-a", app)
    return p


def begin(p, app, source):
    status, b = p.api("POST", f"/apps/{app}/builds", {"source_blob": {"url": upload(p, source)}})
    assert status == 201, b
    return b


def output(p, b):
    """What there is of it by now; the stream itself ends with the build."""
    stream = b["output_stream_url"].rsplit("/", 1)[1]
    return (p.state / "streams" / stream).read_text()


def test_builds_that_sleep_keep_nobody_waiting(crowded, tmp_path):
    p = crowded
    source = archive(tmp_path / "s.tgz", PROCFILE)
    asleep = [begin(p, f"greedy-{i}", source) for i in (1, 2, 3)]
    wait_for(lambda: "asleep" in output(p, asleep[0]), "the first to fall asleep")
    for b in asleep[1:]:
        assert "Waiting: 1 of its owner's builds is running, as many as may (TWELVE_OWNER_BUILDS, twelve users:limits)" in output(p, b)
    made, out = build(p, "other-1", source)
    assert made["status"] == "succeeded" and "Waiting" not in out, out
    # An administrator's build of an app counts for its owner, and who waits may be called off.
    assert p.api("DELETE", f"/apps/greedy-3/builds/{asleep[2]['id']}")[0] == 202
    assert "was cancelled before it began" in p.api("GET", f"/apps/greedy-3/builds/{asleep[2]['id']}")[1]["twelve"]["error"]
    assert p.api("DELETE", f"/apps/greedy-1/builds/{asleep[0]['id']}")[0] == 202
    wait_for(lambda: "asleep" in output(p, asleep[1]), "the second to have its turn")


def test_one_owner_alone_has_all_places(own_platform, tmp_path):
    """A laptop, a small team: nobody is kept waiting by two builds but who began them."""
    p = own_platform(TWELVE_BUILDS=2)
    sleepy = pack(tmp_path / "sleepy", "echo asleep; sleep 1000")
    source = archive(tmp_path / "s.tgz", PROCFILE)
    begun = []
    for app in ("one", "two"):
        assert p.api("POST", "/apps", {"name": app})[0] == 201
        p.cli("buildpacks:set", sleepy, "-a", app)
        begun.append(begin(p, app, source))
    for b in begun:
        wait_for(lambda: "asleep" in output(p, b), "both to be asleep at a time")


def test_the_place_in_the_queue_is_told(own_platform, tmp_path):
    p = own_platform(TWELVE_BUILDS=1)
    sleepy = pack(tmp_path / "sleepy", "echo asleep; sleep 1000")
    source = archive(tmp_path / "s.tgz", PROCFILE)
    builds = []
    for i in range(3):
        p.cli("create", f"place-{i}")
        p.cli("buildpacks:set", sleepy, "-a", f"place-{i}")
        builds.append(begin(p, f"place-{i}", source))
    assert "Waiting: 1 build is before it" in output(p, builds[1])
    assert "Waiting: 2 builds are before it" in output(p, builds[2])
    wait_for(lambda: "asleep" in output(p, builds[0]), "the first to begin")
    p.api("DELETE", f"/apps/place-0/builds/{builds[0]['id']}")
    wait_for(lambda: "Waiting: 1 build is before it" in output(p, builds[2]), "the last to move up")
    # A pusher who waits and leaves frees the place.
    left = subprocess.Popen([p.program("twelve"), "deploy", "--source", source, "-a", "place-0"], env=p.env, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    pending = wait_for(lambda: [b for b in p.api("GET", "/apps/place-0/builds")[1] if b["status"] == "pending"], "its build")[0]
    wait_for(lambda: "Waiting" in output(p, pending), "its place")
    assert "Waiting" in left.stdout.readline()
    left.kill()
    left.wait()
    wait_for(lambda: not [b for b in p.api("GET", "/apps/place-0/builds")[1] if b["status"] == "pending"], "its end")


def test_the_time_of_a_build_is_that_of_all_its_steps(own_platform, tmp_path):
    """Detection that takes nearly all of it leaves none for the compilation."""
    p = own_platform(TWELVE_BUILD_TIMEOUT="6s")
    p.cli("create", "slow")
    p.cli("buildpacks:set", pack(tmp_path / "slow", "sleep 5; echo compiled"), "-a", "slow")
    detect = tmp_path / "slow" / "bin" / "detect"
    detect.write_text("#!/bin/bash\nsleep 4\necho Slow\n")
    made, out = build(p, "slow", archive(tmp_path / "s.tgz", PROCFILE))
    assert made["status"] == "failed" and "it took more than its 6 s of time (TWELVE_BUILD_TIMEOUT)" in out and "compiled" not in out, out


def test_a_build_that_makes_files_gives_its_place_on(own_platform, tmp_path):
    """What it wrote is removed when the next has begun already."""
    p = own_platform(TWELVE_BUILDS=1, TWELVE_BUILD_FILES=30000)
    for app in ("many", "next"):
        p.cli("create", app)
    p.cli("buildpacks:set", pack(tmp_path / "pack", "perl -e 'for (1..1e6) { open my $f, q(>), qq($ARGV[0]/$_) or die } sleep 1000' $1"), "-a", "many")
    source = archive(tmp_path / "s.tgz", PROCFILE)
    first = begin(p, "many", source)
    made, out = build(p, "next", source)
    assert made["status"] == "succeeded", out
    ended = p.api("GET", f"/apps/many/builds/{first['id']}")[1]
    assert ended["status"] == "failed" and "TWELVE_BUILD_FILES" in ended["twelve"]["error"]


@pytest.mark.torture
def test_a_million_files(own_platform, tmp_path):
    """With the settings that an installation has."""
    p = own_platform(TWELVE_BUILDS=2)
    for app in ("million", "neighbour"):
        p.cli("create", app)
    source = archive(tmp_path / "s.tgz", PROCFILE)
    made, out = build(p, "neighbour", source)
    assert made["status"] == "succeeded", out

    def latency():
        began = time.monotonic()
        assert p.api("GET", "/apps/neighbour")[0] == 200
        return time.monotonic() - began

    before = [latency() for _ in range(50)]
    p.cli("buildpacks:set", pack(tmp_path / "pack", "perl -e 'for (1..1e6) { open my $f, q(>), qq($ARGV[0]/$_) or die } sleep 1000' $1"), "-a", "million")
    began = time.monotonic()
    b = begin(p, "million", source)
    during = []

    def ended():
        during.append(latency())
        return p.api("GET", f"/apps/million/builds/{b['id']}")[1]["status"] == "failed"

    wait_for(ended, "its end", 600)
    took = time.monotonic() - began
    wait_for(lambda: not list((p.state / "builds").iterdir()), "its removal", 600)
    print(f"\nended after {took:.1f} s, removed after {time.monotonic() - began:.1f} s; a neighbour's request: "
          f"{1000 * sorted(before)[len(before) // 2]:.1f} ms before (max {1000 * max(before):.1f}), "
          f"{1000 * sorted(during)[len(during) // 2]:.1f} ms during (max {1000 * max(during):.1f})")
    assert "TWELVE_BUILD_FILES" in p.api("GET", f"/apps/million/builds/{b['id']}")[1]["twelve"]["error"]


def test_pushes_that_stand_still_leave_room_for_others(own_platform, tmp_path):
    """A hundred pushes whose bodies never end, by somebody who may push to one app."""
    p = own_platform()
    words = {}
    for who in ("greedy@example.com", "other@example.com"):
        assert p.api("POST", "/twelve/users", {"email": who})[0] == 201
        status, t = p.api("POST", "/oauth/authorizations", {"description": "git", "user": who})
        assert status == 201
        words[who] = base64.b64encode(f"git:{t['access_token']['token']}".encode()).decode()
        name = who.split("@")[0]
        assert p.api("POST", "/apps", {"name": name}, headers={"Twelve-User": who})[0] == 201

    def knock(who):
        c = http.client.HTTPConnection("127.0.0.1", p.api_port, timeout=180)
        c.request("GET", f"/{who.split('@')[0]}.git/info/refs?service=git-receive-pack", headers={"Authorization": "Basic " + words[who]})
        status = c.getresponse().status
        c.close()
        return status

    def stall():
        s = socket.create_connection(("127.0.0.1", p.api_port), timeout=30)
        s.sendall((f"POST /greedy.git/git-receive-pack HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {words['greedy@example.com']}\r\n"
                   "Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 100000\r\n\r\n").encode())
        s.sendall(b"00")
        return s

    wait_for(lambda: knock("greedy@example.com") == 200, "the door")
    stalled = [stall() for _ in range(110)]
    try:
        wait_for(lambda: knock("greedy@example.com") == 503, "the pushes to be under way")
        assert knock("other@example.com") == 200
    finally:
        for s in stalled:
            s.close()
    wait_for(lambda: knock("greedy@example.com") == 200, "their end")
