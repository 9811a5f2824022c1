# SPDX-License-Identifier: Apache-2.0
"""
twelved runs out of file descriptors at each place of a build's start, one after the other: the build fails, or is refused, and says why; nothing is
left open, no process runs on, and the next build is one as any.
"""
import http.client
import json
import os
import resource
import socket
import tarfile

import pytest

from conftest import wait_for


@pytest.fixture
def app(own_platform, tmp_path):
    p = own_platform()
    assert p.api("POST", "/apps", {"name": "narrow"})[0] == 201
    with tarfile.open(tmp_path / "source.tgz", "w:gz") as t:
        t.add(p.repo(tmp_path, "hello"), arcname=".", filter=lambda i: None if "/.git" in i.name else i)
    return p, tmp_path / "source.tgz"


def upload(p, source):
    url = p.api("POST", "/sources")[1]["source_blob"]["put_url"]
    c = http.client.HTTPConnection("localhost", timeout=60)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(str(p.run / "twelved.sock"))
    c.request("PUT", "/" + url.split("://", 1)[-1].split("/", 1)[1], source.read_bytes())
    assert c.getresponse().status == 200
    c.close()
    return url


def descriptors(p):
    return {int(fd) for fd in os.listdir(f"/proc/{p.process.pid}/fd")}


def limit_for(open_ones, free):
    """The limit under which so many are left: descriptors have the lowest free numbers."""
    n = 0
    while free:
        free -= n not in open_ones
        n += 1
    return n


def test_a_build_without_descriptors(app):
    p, source = app
    at_rest = wait_for(lambda: p.api("GET", "/apps/narrow")[0] == 200 and descriptors(p), "rest")
    seen = set()
    for free in range(1, 30):
        url = upload(p, source)
        c = http.client.HTTPConnection("localhost", timeout=120)
        c.sock = p.connect()
        # It is accepted before there are too few.
        c.request("GET", "/account")
        assert c.getresponse().read()
        before = resource.prlimit(p.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(p.process.pid, resource.RLIMIT_NOFILE, (limit_for(descriptors(p), free), before[1]))
        try:
            c.request("POST", "/apps/narrow/builds", b'{"source_blob": {"url": "%s"}}' % url.encode(), {"Content-Type": "application/json"})
            r = c.getresponse()
            status, text = r.status, r.read()
        finally:
            resource.prlimit(p.process.pid, resource.RLIMIT_NOFILE, before)
        c.close()
        if status == 201:
            where = f"/apps/narrow/builds/{json.loads(text)['id']}"
            seen.add(wait_for(lambda: (s := p.api("GET", where)[1]["status"]) != "pending" and s, "the build's end", 120))
        else:
            assert b"open files" in text, (status, text)
            seen.add("refused")
        if "succeeded" in seen:
            break
        wait_for(lambda: len(descriptors(p)) <= len(at_rest), f"the descriptors of a build with {free} left: {status} {text[:200]}", 20)
    # What runs from here on has descriptors of its own.
    assert "succeeded" in seen and seen & {"failed", "refused"}, seen
