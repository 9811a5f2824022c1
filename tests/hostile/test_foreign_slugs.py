# SPDX-License-Identifier: Apache-2.0
"""
Slugs. The attacker has an app of her own, and the victim's source, as everybody has who reads it where it is published. Her builds may fill their cache,
name their process types and set their files as they like; nothing of that may reach the victim's app.
"""
import base64
import http.client
import os
import subprocess

import pytest

from conftest import wait_for
from test_build import archive, pack
from test_slugs import announce, release, settled, tar

SOURCE = ("Procfile", b"worker: sleep 1000\n")
# Says what the cache had to say, as a package manager takes packages from it, and leaves it there.
TRUSTING = "cat $2/package >$1/installed 2>/dev/null || echo good >$1/installed; rm -f $2/package"


@pytest.fixture
def two(platform):
    """An attacker and a victim, who own an app each: (platform, app of hers, app of his)."""
    names = ["hers", "his"]
    for name in names:
        user = platform.api("POST", "/twelve/users", {"email": f"{name}@example.com"})[1]
        assert platform.api("POST", "/apps", {"name": name}, {"Twelve-User": user["email"]})[0] == 201
    yield platform, *names
    for name in names:
        platform.api("DELETE", f"/apps/{name}")
        user = [u for u in platform.api("GET", "/twelve/users")[1] if u["email"] == f"{name}@example.com"][0]
        platform.api("DELETE", f"/twelve/users/{user['id']}")


def deploy(platform, app, path):
    r = platform.cli("deploy", "--source", path, "-a", app)
    return r.out + r.err


def newest(platform, app):
    return platform.releases(app)[0]


def tree(platform, app):
    return platform.state / "slugs" / newest(platform, app)["twelve"]["slug"] / "app"


def cache_of(platform, app):
    return platform.state / "cache" / platform.api("GET", f"/apps/{app}")[1]["id"]


def poison(platform, app, tmp_path):
    """What a build by another buildpack leaves in the cache."""
    platform.cli("buildpacks:set", pack(tmp_path / "evil", "echo evil >$2/package"), "-a", app)
    deploy(platform, app, archive(tmp_path / "evil.tgz", SOURCE, ("evil", b"1")))


def test_a_poisoned_cache_is_its_own_apps(two, tmp_path):
    platform, hers, his = two
    poison(platform, hers, tmp_path)
    trusting = pack(tmp_path / "pack", TRUSTING)
    path = archive(tmp_path / "s.tgz", SOURCE)
    for app in (hers, his):
        platform.cli("buildpacks:set", trusting, "-a", app)
    deploy(platform, hers, path)
    assert (tree(platform, hers) / "installed").read_text() == "evil\n"
    said = deploy(platform, his, path)
    assert "Nothing has changed" not in said and (tree(platform, his) / "installed").read_text() == "good\n"
    # Her own she finds again.
    assert "Nothing has changed" in deploy(platform, hers, path)


def test_what_a_slug_runs_is_the_releases(two, tmp_path):
    """The same tree, with other process types: a build by another buildpack, and a slug that was uploaded."""
    platform, hers, his = two
    path = archive(tmp_path / "s.tgz", ("x", b"1"))
    good = pack(tmp_path / "good", "true", detect="echo Good", release="printf -- '---\\ndefault_process_types:\\n  worker: sleep 1000\\n'")
    evil = pack(tmp_path / "evil", "true", detect="echo Evil", release="printf -- '---\\ndefault_process_types:\\n  worker: sleep 6666\\n'")
    platform.cli("buildpacks:set", good, "-a", his)
    platform.cli("buildpacks:set", evil, "-a", hers)
    deploy(platform, his, path)
    before = newest(platform, his)
    deploy(platform, hers, path)
    assert newest(platform, hers)["twelve"]["slug"] == before["twelve"]["slug"], "the tree is shared"
    slug = announce(platform, hers, tar({"./app/x": "1"}), process_types={"worker": "sleep 6667"}, buildpack_provided_description="Evil")
    assert release(platform, hers, slug["id"])[0] == 201
    # A build of the same, a rollback, the slug that is shown, a copy of it.
    assert "Nothing has changed" in deploy(platform, his, path)
    assert newest(platform, his)["twelve"]["processes"] == {"worker": "sleep 1000"}
    shown = platform.api("GET", f"/apps/{his}/slugs/{before['slug']['id']}")[1]
    assert (shown["process_types"], shown["buildpack_provided_description"]) == ({"worker": "sleep 1000"}, "Good")
    settled(platform, his, newest(platform, his)["version"])
    platform.cli("config:set", "A=1", "-a", his)
    settled(platform, his, newest(platform, his)["version"])
    platform.cli("rollback", f"v{before['version']}", "-a", his)
    assert newest(platform, his)["twelve"]["processes"] == {"worker": "sleep 1000"}


def test_an_upload_is_its_own_apps(two):
    """Two apps bring the same bytes and say otherwise of them."""
    platform, hers, his = two
    data = tar({"./app/run": "while :; do sleep 1; done\n"})
    for app, command in ((hers, "evil"), (his, "sh run")):
        slug = announce(platform, app, data, process_types={"worker": command}, buildpack_provided_description=command)
        assert release(platform, app, slug["id"])[0] == 201
    assert newest(platform, his)["twelve"]["processes"] == {"worker": "sh run"}


def test_attributes_of_files_are_not_shared(two, tmp_path):
    """Access lists and attributes are in no digest: the first who makes a tree must not leave them to the second."""
    platform, hers, his = two
    path = archive(tmp_path / "s.tgz", SOURCE, ("d/f", b"1"))
    script = ("python3 - $1 <<'.'\nimport os, struct, sys\nacl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', t, p, 0xffffffff) for t, p in ((1, 7), (4, 0), (32, 0)))\n"
              "os.setxattr(sys.argv[1] + '/d', 'system.posix_acl_default', acl)\n"
              "os.setxattr(sys.argv[1] + '/d/f', 'user.mark', b'hers') if hasattr(os, 'setxattr') else 0\n.")
    where = tmp_path / "pack"
    marking = pack(where, script)
    (where / "packages.build").write_text("python3-minimal\n")
    platform.cli("buildpacks:set", marking, "-a", hers)
    deploy(platform, hers, path)
    platform.cli("buildpacks:set", pack(tmp_path / "plain", "true"), "-a", his)
    deploy(platform, his, path)
    assert tree(platform, his) == tree(platform, hers)
    assert os.listxattr(tree(platform, his) / "d") == [] and os.listxattr(tree(platform, his) / "d/f") == []


def test_another_owner_gets_no_cache(two, tmp_path):
    """An app changes hands: what builds of the owner before kept is not used, neither the cache nor the slugs that it led to."""
    platform, hers, his = two
    poison(platform, hers, tmp_path)
    path = archive(tmp_path / "s.tgz", SOURCE)
    platform.cli("buildpacks:set", pack(tmp_path / "pack", TRUSTING), "-a", hers)
    deploy(platform, hers, path)
    assert (tree(platform, hers) / "installed").read_text() == "evil\n"
    status, transfer = platform.api("POST", "/account/app-transfers", {"app": hers, "recipient": "his@example.com"}, {"Twelve-User": "hers@example.com"})
    assert status == 201, transfer
    status, answer = platform.api("PATCH", f"/account/app-transfers/{transfer['id']}", {"state": "accepted"}, {"Twelve-User": "his@example.com"})
    assert status == 200, answer
    said = deploy(platform, hers, path)
    assert "Nothing has changed" not in said and (tree(platform, hers) / "installed").read_text() == "good\n"
    assert len(list(cache_of(platform, hers).iterdir())) == 1, "and it is gone"


def test_nothing_is_left_of_an_app(two, tmp_path):
    platform, hers, his = two
    path = archive(tmp_path / "s.tgz", SOURCE)
    deploy(platform, hers, path)
    app_id = platform.api("GET", f"/apps/{hers}")[1]["id"]
    kept = [platform.state / folder / app_id for folder in ("cache", "slugs/keys")]
    assert all(k.exists() for k in kept)
    platform.api("DELETE", f"/apps/{hers}")
    wait_for(lambda: not any(k.exists() for k in kept), "what builds kept to be removed")
    platform.api("POST", "/apps", {"name": hers}, {"Twelve-User": "hers@example.com"})
    assert "Nothing has changed" not in deploy(platform, hers, path)


def test_who_may_only_look_may_not_bring_a_slug(two):
    """The URL of an upload needs no token: who may not deploy is not told it."""
    platform, hers, his = two
    slug = announce(platform, his)
    platform.api("POST", f"/apps/{his}/collaborators", {"user": "hers@example.com", "permissions": ["view"]})
    status, shown = platform.api("GET", f"/apps/{his}/slugs/{slug['id']}", headers={"Twelve-User": "hers@example.com"})
    assert status == 200 and shown["blob"]["method"] == "GET" and slug["blob"]["url"].rsplit("/", 1)[1] not in str(shown)


def test_one_app_does_not_build_anothers_upload(two):
    """An id is a secret of who asked for it; what can be guessed is none."""
    platform, hers, his = two
    for url in ("/sources/../twelve.db", "/sources/00000000-0000-0000-0000-000000000000", "/sources/..%2f..%2fetc%2fpasswd", "file:///etc/passwd"):
        status, e = platform.api("POST", f"/apps/{hers}/builds", {"source_blob": {"url": url}})
        assert status == 422, e
    assert subprocess.run(["git", "-C", str(platform.state / "git" / f"{hers}.git"), "log"], capture_output=True).returncode != 0


def test_downloads_that_are_packed_take_turns(two, tmp_path):
    """Each is a process and a file as large as the slug: one who may deploy asks for many at once, and goes away from some."""
    platform, hers, his = two
    data = tar({"./app/x": base64.b64encode(os.urandom(40 << 20)).decode()}, "w")
    slug = announce(platform, hers, data, process_types={"worker": "sleep 1000"})
    assert release(platform, hers, slug["id"])[0] == 201

    def ask(who):
        c = http.client.HTTPConnection("localhost", timeout=120)
        c.sock = platform.connect()
        c.sock.settimeout(120)
        c.request("GET", f"/apps/{hers}/slugs/{slug['id']}/content", headers={"Twelve-User": who})
        return c

    several = [ask("hers@example.com") for _ in range(6)]
    # Those that are refused answer at once, while two are packed.
    statuses = [c.getresponse().status for c in several[2:]]
    assert statuses == [429] * 4
    for c in several:
        c.sock.close()
    # Who is gone has no place any more, and no process.
    wait_for(lambda: not children(platform, "tar"), "tar to end")
    c = ask("hers@example.com")
    r = c.getresponse()
    assert r.status == 200 and len(r.read()) > 30 << 20


def children(platform, name):
    """The processes of that name below twelved's."""
    out = subprocess.run(["ps", "--ppid", str(platform.process.pid), "-o", "comm="], capture_output=True, text=True).stdout
    return [line for line in out.split() if line == name]


def test_uploads_that_nobody_builds_are_few(two):
    """Each may have two gigabytes and stays for a day: one who has an account asks for many."""
    platform, hers, his = two
    ids = [platform.api("POST", "/sources", headers={"Twelve-User": "hers@example.com"}) for _ in range(20)]
    assert [s for s, _ in ids] == [201] * 20
    status, e = platform.api("POST", "/sources", headers={"Twelve-User": "hers@example.com"})
    assert status == 429 and "unused uploads" in e["message"], e
    assert platform.api("POST", f"/apps/{hers}/slugs", {"process_types": {}}, {"Twelve-User": "hers@example.com"})[0] == 429
    # Others have their own.
    assert platform.api("POST", "/sources", headers={"Twelve-User": "his@example.com"})[0] == 201
    # What a build takes makes room, whatever becomes of it.
    where = ids[0][1]["source_blob"]["put_url"]
    c = http.client.HTTPConnection("localhost", timeout=180)
    c.sock = platform.connect()
    c.request("PUT", "/" + where.split("/", 3)[3], tar({"./Procfile": "worker: sleep 1000\n"}))
    assert c.getresponse().status == 200
    assert platform.api("POST", f"/apps/{hers}/builds", {"source_blob": {"url": where}}, {"Twelve-User": "hers@example.com"})[0] == 201
    assert platform.api("POST", "/sources", headers={"Twelve-User": "hers@example.com"})[0] == 201


def test_an_upload_that_was_released_is_not_awaited(two):
    platform, hers, his = two
    slug = announce(platform, hers, tar({"./app/x": "1"}), process_types={"worker": "sleep 1000"})
    before = len(list((platform.state / "sources").glob("*.awaited")))
    assert release(platform, hers, slug["id"])[0] == 201
    assert len(list((platform.state / "sources").glob("*.awaited"))) == before - 1
