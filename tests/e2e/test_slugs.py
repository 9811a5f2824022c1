# SPDX-License-Identifier: Apache-2.0
"""Slugs that were built elsewhere: announced, uploaded without a token, released; copied between apps; and what can't be released."""
import hashlib
import http.client
import io
import json
import socket
import tarfile
import threading
import uuid

import pytest

from conftest import wait_for


def tar(entries, mode="w:gz"):
    """{"./app/x": "text" or a TarInfo}"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:
        for name, content in entries.items():
            if isinstance(content, tarfile.TarInfo):
                t.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content.encode()), 0o755
            t.addfile(info, io.BytesIO(content.encode()))
    return out.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def upload(platform, url, data):
    """As curl does it: over TCP, without a token."""
    c = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=180)
    c.request("PUT", "/" + url.split("/", 3)[3], data)
    r = c.getresponse()
    body = r.read()
    c.close()
    return r.status, body


def release(platform, app, slug, headers=None, **body):
    """(status, JSON). The first one on a machine makes the stack, which may take minutes."""
    c = http.client.HTTPConnection("localhost")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.settimeout(600)
    c.sock.connect(str(platform.run / "twelved.sock"))
    c.request("POST", f"/apps/{app}/releases", json.dumps({"slug": slug, **body}), headers or {})
    r = c.getresponse()
    answer = json.loads(r.read())
    c.close()
    return r.status, answer


def announce(platform, app, data=None, **body):
    status, slug = platform.api("POST", f"/apps/{app}/slugs", {"process_types": {"web": "sh run"}, **body})
    assert status == 201, slug
    assert slug["blob"]["method"] == "PUT"
    if data is not None:
        assert upload(platform, slug["blob"]["url"], data)[0] == 200
    return slug


@pytest.fixture
def two(platform):
    names = ["slug-one", "slug-two"]
    for name in names:
        assert platform.api("POST", "/apps", {"name": name})[0] == 201
    yield platform, *names
    for name in names:
        platform.api("DELETE", f"/apps/{name}")


def settled(platform, app, version):
    return wait_for(lambda: (r := platform.api("GET", f"/apps/{app}/releases/{version}")[1])["status"] != "pending" and r, f"v{version} of {app}", 120)


def test_a_slug_from_elsewhere_runs(two):
    platform, one, other = two
    # The base stack has a shell and nothing else to serve with; what the slug brings is what runs.
    data = tar({"./app/run": "while :; do sleep 1; done\n", "./app/greeting": "hello from elsewhere", "./app/bin/tool": "#!/bin/sh\n"})
    checksum = "SHA256:" + hashlib.sha256(data).hexdigest()
    slug = announce(platform, one, data, checksum=checksum, commit="abcdef0123", commit_description="by hand", buildpack_provided_description="By hand",
                    process_types={"worker": "sh run"}, stack="debian-12")
    assert (slug["checksum"], slug["commit"], slug["size"], slug["process_types"]) == (checksum, "abcdef0123", None, {"worker": "sh run"})
    assert platform.api("GET", f"/apps/{one}/slugs/{slug['id']}") == (200, slug)
    status, made = release(platform, one, slug["id"], description="by hand")
    assert status == 201, made
    assert (made["slug"], made["description"], made["version"]) == ({"id": slug["id"]}, "by hand", 2)
    made = settled(platform, one, 2)
    assert made["status"] == "succeeded" and made["current"] and made["eligible_for_rollback"], made
    status, scaled = platform.api("PATCH", f"/apps/{one}/formation/worker", {"quantity": "+1", "size": "STANDARD-1x"})
    assert (status, scaled["quantity"], scaled["command"]) == (200, 1, "sh run")
    wait_for(lambda: [d["state"] for d in platform.api("GET", f"/apps/{one}/dynos")[1]] == ["up"], "worker.1", 90)
    # It is a slug as any now: with a size, and files to fetch.
    now = platform.api("GET", f"/apps/{one}/slugs/{slug['id']}")[1]
    assert now["size"] > 0 and now["blob"]["method"] == "GET" and now["buildpack_provided_description"] == "By hand"
    c = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=180)
    token = platform.api("POST", "/oauth/authorizations", {})[1]["access_token"]["token"]
    c.request("GET", "/" + now["blob"]["url"].split("/", 3)[3], headers={"Authorization": f"Bearer {token}"})
    packed = tarfile.open(fileobj=io.BytesIO(c.getresponse().read()))
    assert {m.name: packed.extractfile(m).read() for m in packed.getmembers() if m.isfile()}["./app/greeting"] == b"hello from elsewhere"
    # The same again for another app, by its id: nothing is unpacked, its own config goes along.
    platform.api("PATCH", f"/apps/{other}/config-vars", {"A": "1"})
    status, copied = release(platform, other, slug["id"])
    assert status == 201 and settled(platform, other, copied["version"])["status"] == "succeeded"
    assert platform.api("GET", f"/apps/{other}/releases/{copied['version']}/config-vars")[1] == {"A": "1"}
    # The row is of the app that announced it; the other's release has it under that id.
    assert copied["slug"]["id"] == slug["id"] and copied["twelve"]["slug"] == made["twelve"]["slug"]


def test_a_slug_of_a_build_is_copied(app):
    platform, name, _ = app
    assert platform.api("POST", "/apps", {"name": "slug-copy"})[0] == 201
    try:
        newest = platform.releases(name)[0]
        slug = newest["slug"]["id"]
        status, shown = platform.api("GET", f"/apps/{name}/slugs/{slug}")
        assert status == 200 and shown["id"] == slug and shown["commit"] == newest["twelve"]["commit"] and shown["size"] > 0
        assert shown["process_types"] == newest["twelve"]["processes"]
        assert platform.api("GET", f"/apps/slug-copy/slugs/{slug}")[0] == 404
        status, copied = release(platform, "slug-copy", {"id": slug})
        assert status == 201 and copied["slug"]["id"] == slug
        assert settled(platform, "slug-copy", copied["version"])["status"] == "succeeded"
        assert platform.get("slug-copy")[0] == 200
        assert platform.api("GET", f"/apps/slug-copy/slugs/{slug}")[0] == 200
    finally:
        platform.api("DELETE", "/apps/slug-copy")


def test_what_is_no_slug(two, tmp_path):
    platform, one, other = two
    good = tar({"./app/run": "x"})
    outside = tmp_path / "outside"
    for data, words, body in (
            (None, "Nothing has been uploaded", {}),
            (good, "checksum is SHA256:" + hashlib.sha256(good).hexdigest(), {"checksum": "SHA256:" + "0" * 64}),
            (b"this is no tar file", "not a tar archive", {}),
            (good[:-20], "not a tar archive", {}),
            (b"", "not a tar archive|is empty", {}),
            (tar({"./run": "x"}), "one folder, ./app", {}),
            (tar({"./app/run": "x", "./etc/passwd": "x"}), "one folder, ./app", {}),
            (tar({"app": "a file"}), "one folder, ./app", {}),
            (tar({"./app/../../x": "x"}), "climbs out", {}),
            (tar({"/app/run": "x"}), "absolute path", {}),
            (tar({"./app/run": "x", "./app/l": link("./app/l", "../../x", tarfile.LNKTYPE)}), "hard link out", {}),
            (tar({"./app/dev": link("./app/dev", "", tarfile.FIFOTYPE)}), "FIFO", {})):
        slug = announce(platform, one, data, **body)
        status, e = release(platform, one, slug["id"])
        assert status == 422 and e["id"] == "invalid_params", (words, status, e)
        assert any(w in e["message"] for w in words.split("|")), (words, e)
    assert len(platform.releases(one)) == 1 and platform.api("GET", f"/apps/{one}/builds")[1] == []
    # A link that leads out is no way out: what would be written through it replaces it.
    slug = announce(platform, one, tar({"./app/l": link("./app/l", str(tmp_path)), "./app/l/outside": "x", "./app/run": "x"}))
    assert release(platform, one, slug["id"])[0] == 201 and not outside.exists()
    # What failed can be brought again.
    slug = announce(platform, one, b"broken")
    assert release(platform, one, slug["id"])[0] == 422
    assert upload(platform, slug["blob"]["url"], good)[0] == 200
    status, made = release(platform, one, slug["id"])
    assert status == 201, made
    for body, word in (({}, "process_types"), ({"process_types": []}, "process_types"), ({"process_types": {"web": 1}}, "web"),
                       ({"process_types": {"we b": "x"}}, "we b"), ({"process_types": {"web": ""}}, "no command"),
                       ({"process_types": {"web": "x"}, "checksum": "MD5:1"}, "SHA256"), ({"process_types": {"web": "x"}, "stack": "windows"}, "debian-12")):
        status, e = platform.api("POST", f"/apps/{one}/slugs", body)
        assert status == 422 and word in e["message"], e
    for slug in (str(uuid.uuid4()), "x", "../../etc"):
        assert release(platform, one, slug)[0] == 404
    # Nor does an app that one may not see give its slugs.
    slug = announce(platform, other, good)
    user = platform.api("POST", "/twelve/users", {"email": "slug-user@example.com"})[1]
    platform.api("POST", f"/apps/{one}/collaborators", {"user": user["email"], "permissions": ["deploy"]})
    status, e = release(platform, one, slug["id"], {"Twelve-User": user["email"]})
    assert status == 403, e
    platform.api("DELETE", f"/twelve/users/{user['id']}")


def test_a_kill_in_the_middle_leaves_the_upload(own_platform):
    platform = own_platform()
    platform.api("POST", "/apps", {"name": "slug-kill"})
    slug = announce(platform, "slug-kill", tar({"./app/run": "x"}))
    platform.restart()
    assert platform.api("GET", f"/apps/slug-kill/slugs/{slug['id']}")[1]["blob"]["method"] == "PUT"
    answers = []

    def ask():
        try:
            answers.append(release(platform, "slug-kill", slug["id"]))
        except (OSError, http.client.HTTPException) as e:
            answers.append(e)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: list((platform.state / "builds").iterdir()) or len(platform.releases("slug-kill")) > 1, f"the slug to be unpacked: {answers}")
    platform.restart()
    asking.join()
    if len(platform.releases("slug-kill")) == 1:
        assert release(platform, "slug-kill", slug["id"])[0] == 201
    assert platform.releases("slug-kill")[0]["slug"]
