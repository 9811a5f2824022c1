# SPDX-License-Identifier: Apache-2.0
"""A push runs an app; changes go live; what came before can be had back."""
import json
import re
import subprocess
import tarfile

from conftest import wait_for


def test_push_runs_the_app_and_tells_how(platform, tmp_path):
    where = platform.repo(tmp_path)
    made = platform.cli("create", "first-push", cwd=where)
    assert "first-push.localhost" in made.out + made.err
    pushed = platform.push(where)
    told = pushed.err
    assert "remote: -----> " in told
    assert "releasing v2" in told, "the release command's output is shown"
    assert "web.1 is up" in told
    assert "v2" in told
    status, text = platform.get("first-push")
    assert (status, text) == (200, "Hello web.1 v2 /\n")
    head = platform.git(where, "rev-parse", "HEAD").out.strip()
    newest = platform.releases("first-push")[0]
    assert newest["version"] == 2 and newest["status"] == "succeeded" and newest["current"]
    assert head[:8] in newest["description"]
    # The proof stands with the release.
    proof = wait_for(lambda: platform.releases("first-push")[0]["twelve"]["proof"], "the proof")
    assert proof["dynos"][0]["dyno"] == "web.1" and proof["dynos"][0]["ready_ms"] > 0
    # The branch in the repository is what was pushed.
    again = platform.push(where)
    assert "Everything up-to-date" in again.err


def test_same_source_is_not_built_again(app):
    platform, name, where = app
    platform.commit(where, "no change of the tree")
    told = platform.push(where).err
    assert re.search(r"[Nn]othing has changed", told)
    rows = platform.releases(name)
    assert rows[0]["slug"]["id"] == rows[1]["slug"]["id"]


def test_config_change_is_a_release_that_goes_live(app):
    platform, name, _ = app
    platform.cli("config:set", "GREETING=Salve", "-a", name)
    assert platform.get(name)[1].startswith("Salve web.1 v3")
    assert platform.releases(name)[0]["description"] == "Set GREETING config vars"
    assert platform.cli("config:get", "GREETING", "-a", name).out == "Salve\n"
    platform.cli("config:unset", "GREETING", "-a", name)
    assert platform.get(name)[1].startswith("Hello web.1 v4")
    # What changes nothing makes no release.
    platform.cli("config:unset", "NOT_THERE", "-a", name, check=False)
    assert platform.releases(name)[0]["version"] == 4


def test_rollback_restores_slug_and_config(app):
    platform, name, where = app
    platform.cli("config:set", "GREETING=Salve", "-a", name)
    server = where / "server.pl"
    server.write_text(server.read_text().replace("%s %s v%s %s\\n", "%s again %s v%s %s\\n"))
    platform.commit(where, "second")
    platform.push(where)
    assert platform.get(name)[1] == "Salve again web.1 v4 /\n"
    platform.cli("rollback", "v2", "-a", name)
    assert platform.get(name)[1] == "Hello web.1 v5 /\n"
    rows = platform.releases(name)
    assert rows[0]["description"] == "Rollback to v2"
    assert rows[0]["slug"]["id"] == rows[3]["slug"]["id"]
    assert platform.cli("config:get", "GREETING", "-a", name, check=False).out.strip() == ""


def test_scale_up_and_down_and_another_size(app):
    platform, name, _ = app
    platform.cli("ps:scale", "web=3", "worker=1:standard-2x", "-a", name)
    wait_for(lambda: len(platform.up(name)) == 3, "three web dynos")
    worker = wait_for(lambda: platform.up(name, "worker"), "the worker")[0]
    assert worker["size"].lower() == "standard-2x"
    wait_for(lambda: {platform.get(name)[1].split()[1] for _ in range(30)} == {"web.1", "web.2", "web.3"}, "requests to all three")
    listed = platform.cli("ps", "-a", name).out
    for dyno in ("web.1", "web.2", "web.3", "worker.1"):
        assert re.search(rf"{dyno}: up", listed), listed
    platform.cli("ps:scale", "web=1", "worker=0", "-a", name)
    wait_for(lambda: len(platform.dynos(name)) == 1, "one dyno to be left")
    assert platform.get(name)[0] == 200


def test_restart_makes_before_it_breaks(app):
    platform, name, _ = app
    before = platform.up(name)[0]["id"]
    platform.cli("ps:restart", "-a", name)
    wait_for(lambda: [d["id"] for d in platform.dynos(name)] not in ([], [before]) and
             len(platform.dynos(name)) == 1, "the successor to be alone")
    assert platform.get(name)[0] == 200


def test_restart_while_the_last_ones_still_end(app):
    platform, name, _ = app
    platform.cli("config:set", "GREETING=Salve", "STUBBORN=1", "TWELVE_STOP_TIMEOUT=3", "-a", name)
    platform.cli("config:set", "GREETING=Ave", "-a", name)
    wait_for(lambda: any(d["state"] == "down" for d in platform.dynos(name)), "the stubborn one to be ending")
    platform.cli("ps:restart", "-a", name, timeout=180)
    assert platform.get(name)[1].startswith("Ave")


def test_deploy_a_directory_and_a_tarball(platform, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("by-hand", where)
    told = platform.cli("deploy", str(where), "-a", "by-hand")
    assert "web.1 is up" in told.out + told.err
    assert platform.get("by-hand")[1] == "Hello web.1 v2 /\n"
    archive = tmp_path / "source.tar.gz"
    with tarfile.open(archive, "w:gz") as t:
        for f in ("Procfile", "server.pl", "worker.pl", "release.pl"):
            t.add(where / f, arcname=f)
    platform.cli("deploy", "--source", str(archive), "-a", "by-hand")
    assert platform.get("by-hand")[1] == "Hello web.1 v3 /\n"


def test_another_branch_is_kept_but_not_deployed(app):
    platform, name, where = app
    platform.git(where, "checkout", "-q", "-b", "dev")
    platform.commit(where, "work in progress")
    told = platform.git(where, "push", "twelve", "dev").err
    assert "git push twelve dev:main" in told
    assert platform.releases(name)[0]["version"] == 2


def test_domains_and_maintenance(app):
    platform, name, _ = app
    platform.cli("domains:add", "shop.example.com", "-a", name)
    wait_for(lambda: platform.get(name, host="shop.example.com")[0] == 200, "the domain to be routed")
    assert "shop.example.com" in platform.cli("domains", "-a", name).out
    platform.cli("maintenance:on", "-a", name)
    wait_for(lambda: platform.get(name)[0] == 503, "maintenance")
    platform.cli("maintenance:off", "-a", name)
    wait_for(lambda: platform.get(name)[0] == 200, "the end of maintenance")
    platform.cli("domains:remove", "shop.example.com", "-a", name)
    wait_for(lambda: platform.get(name, host="shop.example.com")[0] == 404, "the domain to be gone")


def test_rename_keeps_the_app_running(app):
    platform, name, where = app
    platform.cli("rename", "renamed-app", "-a", name)
    wait_for(lambda: platform.get("renamed-app")[0] == 200, "the new name to be routed")
    platform.commit(where, "after the rename")
    platform.git(where, "remote", "set-url", "twelve", str(platform.state / "git" / "renamed-app.git"))
    platform.push(where)
    platform.cli("rename", name, "-a", "renamed-app")


def test_each_dyno_writes_to_a_file_system_of_its_own(app):
    platform, name, _ = app
    assert platform.get(name, "/write")[1] == "1\n"
    assert platform.get(name, "/write")[1] == "2\n"
    platform.cli("ps:restart", "-a", name)
    wait_for(lambda: platform.get(name, "/write")[1] == "1\n", "a fresh file system")


def test_two_clean_machines_make_the_same_slug(own_platform, platform, tmp_path):
    digests = []
    for i, p in enumerate([platform, own_platform()]):
        where = p.repo(tmp_path / str(i))
        p.create(f"same-{i}", where)
        p.push(where)
        digests.append(p.releases(f"same-{i}")[0]["slug"]["id"])
    assert digests[0] == digests[1]


def test_destroy_leaves_nothing(platform, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("short-lived", where)
    platform.push(where)
    ports = [d["twelve"]["port"] for d in platform.dynos("short-lived")]
    refused = platform.cli("destroy", "-a", "short-lived", "--confirm", "other", check=False)
    assert refused.code != 0 and platform.get("short-lived")[0] == 200
    platform.cli("destroy", "-a", "short-lived", "--confirm", "short-lived")
    wait_for(lambda: platform.get("short-lived")[0] == 404, "the route to be gone")
    assert platform.api("GET", "/apps/short-lived")[0] == 404
    assert not (platform.state / "git" / "short-lived.git").exists()
    listening = subprocess.run(["ss", "-ltn"], capture_output=True, text=True).stdout
    wait_for(lambda: all(f":{p} " not in subprocess.run(["ss", "-ltn"], capture_output=True, text=True).stdout
                         for p in ports), f"ports {ports} to be free in {listening}")


def test_json_output_is_json(app):
    platform, name, _ = app
    for command in (["apps"], ["releases", "-a", name], ["ps", "-a", name], ["config", "-a", name],
                    ["info", "-a", name], ["domains", "-a", name], ["status"]):
        json.loads(platform.cli(*command, "--json").out)


def test_lists_of_apps_tell_how_large_slugs_are(app):
    """As each app for itself does, and anew after each release."""
    platform, name, _ = app
    platform.cli("create", "sizes-none", "--no-remote")

    def look():
        one = {a: platform.api("GET", f"/apps/{a}")[1] for a in (name, "sizes-none")}
        status, apps = platform.api("GET", "/apps")
        assert status == 200 and {a["name"]: a for a in apps if a["name"] in one} == one
        return one[name], one["sizes-none"]
    first, none = look()
    assert first["slug_size"] > 0 and none["slug_size"] is None
    assert first["owner"] == none["owner"] and first["twelve"]["permissions"] == ["view", "deploy", "operate", "manage"]
    assert first["stack"] == first["build_stack"] and first["region"]["name"] == "us"
    platform.cli("config:set", "A=1", "-a", name)
    assert look()[0]["slug_size"] == first["slug_size"]
    platform.cli("rollback", "v2", "-a", name)
    assert look()[0]["slug_size"] == first["slug_size"]
    platform.cli("destroy", "-a", "sizes-none", "--confirm", "sizes-none")
