# SPDX-License-Identifier: Apache-2.0
"""What git refuses is never live, and the branch names what runs (decision 5): forced pushes, shallow clones, overtaken pushes, kills."""
import contextlib
import os
import pathlib
import signal
import subprocess
import threading

import pytest

from conftest import wait_for


def branch(platform, name, ref="main"):
    """What the app's repository names, or None."""
    p = platform.git(platform.state / "git" / f"{name}.git", "rev-parse", "-q", "--verify", f"refs/heads/{ref}", check=False)
    return p.out.strip() or None


def head(platform, where):
    return platform.git(where, "rev-parse", "HEAD").out.strip()


def say(platform, where, word):
    """A commit whose app greets with another word."""
    server = where / "server.pl"
    text = (pathlib.Path(__file__).parent / "apps" / "hello" / "server.pl").read_text()
    server.write_text(text.replace("%s %s v%s %s\\n", f"%s {word} %s v%s %s\\n"))
    return platform.commit(where, word)


def slow_build(where, marker):
    """The next build waits until the marker's file is gone (it is on the host's side of the cache)."""
    (where / "bin").mkdir(exist_ok=True)
    for name, text in (("detect", "echo slow"), ("compile", f"touch $2/{marker}; while [ -e $2/{marker} ]; do sleep 0.05; done"), ("release", "true")):
        (where / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (where / "bin" / name).chmod(0o755)


class SlowPush:
    """A push whose build has begun and waits for go()."""

    def __init__(self, platform, name, where, *args):
        self.platform, self.name = platform, name
        slow_build(where, "wait")
        platform.cli("buildpacks:set", str(where), "-a", name)
        self.commit = platform.commit(where, "slow")
        self.p = subprocess.Popen(["git", "push", "twelve", *(args or ["main"])], cwd=where, env=platform.env, text=True, start_new_session=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        app_id = platform.api("GET", f"/apps/{name}")[1]["id"]
        self.cache = platform.state / "cache" / app_id
        wait_for(lambda: self.markers() or self.p.poll() is not None, "the build to wait")
        assert self.p.poll() is None, self.p.communicate()

    def markers(self):
        return list(self.cache.glob("*/wait"))

    def go(self):
        self.markers()[0].unlink()

    def end(self):
        out = self.p.communicate(timeout=120)[0]
        return self.p.returncode, out


def test_a_forced_push_is_live_and_stays(app):
    """Who amends pushes with --force: receive.denyNonFastForwards came with --shared."""
    platform, name, where = app
    say(platform, where, "one")
    platform.push(where)
    platform.git(where, "commit", "-q", "--amend", "-m", "amended", "--date", "2030-01-01T00:00:00Z")
    assert platform.push(where, check=False).code != 0, "not without --force: the client itself sees to it"
    version = platform.releases(name)[0]["version"]
    pushed = platform.git(where, "push", "--force", "twelve", "main")
    assert "web.1 is up" in pushed.err and "forced update" in pushed.err
    assert branch(platform, name) == head(platform, where) == platform.releases(name)[0]["twelve"]["commit"]
    assert platform.releases(name)[0]["version"] == version + 1
    assert "Everything up-to-date" in platform.push(where).err


def test_an_old_repository_is_mended(own_platform, tmp_path):
    """As a twelved of before has made it: refused for ever, until the next start."""
    platform = own_platform()
    where = platform.repo(tmp_path)
    platform.create("old-one", where)
    platform.push(where)
    repo = platform.state / "git" / "old-one.git"
    (repo / "twelve.config").unlink()
    (repo / "hooks" / "proc-receive").unlink()
    (repo / "info" / "attributes").unlink()
    config = (repo / "config").read_text()
    (repo / "config").write_text(config.split("[include]")[0])
    assert "denyNonFastforwards = true" in (repo / "config").read_text()
    lock = repo / "refs" / "heads" / "main.lock"
    lock.write_text("")
    os.utime(lock, (1e9, 1e9))
    platform.restart()
    assert (repo / "config").read_text() == config
    platform.git(where, "commit", "-q", "--amend", "-m", "amended", "--date", "2030-01-01T00:00:00Z")
    assert "web.1 is up" in platform.git(where, "push", "--force", "twelve", "main").err
    platform.restart()
    assert (repo / "config").read_text() == config, "once"


def test_a_push_from_a_shallow_clone(app, tmp_path):
    """As CI does it. Then from a full clone, and again from a shallow one."""
    platform, name, where = app
    for i in range(3):
        say(platform, where, f"step{i}")
    shallow, repo = tmp_path / "shallow", platform.state / "git" / f"{name}.git"
    platform.git(tmp_path, "clone", "-q", "--depth", "1", f"file://{where}", "shallow")
    assert "web.1 is up" in platform.git(shallow, "push", "--force", str(repo), "HEAD:main").err
    assert platform.get(name)[1].startswith("Hello step2")
    assert branch(platform, name) == head(platform, where)
    platform.git(repo, "fsck", "--full", "--strict")
    say(platform, where, "full")
    platform.push(where)
    assert platform.get(name)[1].startswith("Hello full")
    platform.git(where, "commit", "-q", "--amend", "-m", "amended", "--date", "2030-01-01T00:00:00Z")
    platform.git(where, "push", "--force", "twelve", "main")
    platform.git(tmp_path, "clone", "-q", "--depth", "1", f"file://{where}", "second")
    say(platform, tmp_path / "second", "again")
    platform.git(tmp_path / "second", "push", "--force", str(repo), "HEAD:main")
    assert platform.get(name)[1].startswith("Hello again")
    platform.git(repo, "gc", "-q")
    platform.git(repo, "fsck", "--full", "--strict")
    platform.git(tmp_path, "clone", "-q", str(repo), "copy")
    assert "again" in (tmp_path / "copy" / "server.pl").read_text()


def test_a_first_push_from_a_shallow_clone(platform, tmp_path):
    where = platform.repo(tmp_path)
    say(platform, where, "deep")
    platform.create("shallow-first", where)
    platform.git(tmp_path, "clone", "-q", "--depth", "1", f"file://{where}", "shallow")
    repo = platform.state / "git" / "shallow-first.git"
    assert "web.1 is up" in platform.git(tmp_path / "shallow", "push", str(repo), "HEAD:main").err
    assert branch(platform, "shallow-first") == head(platform, where)
    assert "Everything up-to-date" in platform.push(where).err
    # What is older is not here, and no client would send it.
    r = platform.git(where, "push", "--force", "twelve", "HEAD~1:main", check=False)
    refused(platform, "shallow-first", r, 2)
    assert "pushed to from a shallow clone" in r.err
    say(platform, where, "newer")
    platform.push(where)
    assert platform.get("shallow-first")[1].startswith("Hello newer")
    platform.cli("destroy", "-a", "shallow-first", "--confirm", "shallow-first")


def refused(platform, name, r, version):
    assert r.code != 0 and "rejected" in r.err, r
    assert platform.releases(name)[0]["version"] == version, "and nothing of it is released"


def test_what_git_would_refuse_is_refused_before_the_build(app):
    """Whatever receive-pack looks at after its pre-receive hook."""
    platform, name, where = app
    before = branch(platform, name)
    version = platform.releases(name)[0]["version"]
    builds = len(platform.api("GET", f"/apps/{name}/builds")[1])
    say(platform, where, "never")
    repo = platform.state / "git" / f"{name}.git"
    # A second branch of an atomic push for which there is no room beside main.
    r = platform.git(where, "push", "--atomic", "twelve", "HEAD:main", "HEAD:refs/heads/main/x", check=False)
    refused(platform, name, r, version)
    # The same without --atomic: which one git takes first is its business, so neither is built.
    refused(platform, name, platform.git(where, "push", "twelve", "HEAD:main", "HEAD:refs/heads/main/x", check=False), version)
    # A lock that is held.
    lock = repo / "refs" / "heads" / "main.lock"
    lock.write_text("")
    r = platform.push(where, check=False)
    refused(platform, name, r, version)
    assert "main.lock" in r.err
    lock.unlink()
    # A branch that can't be deleted, beside one that could be pushed.
    refused(platform, name, platform.git(where, "push", "--atomic", "twelve", ":main", "HEAD:refs/heads/other", check=False), version)
    # A tag object is no commit.
    platform.git(where, "tag", "-a", "-m", "v1", "v1.0")
    r = platform.git(where, "push", "twelve", "v1.0:main", check=False)
    refused(platform, name, r, version)
    assert "a branch names a commit, and this is a tag" in r.err
    # What is ours, and hidden.
    r = platform.git(where, "push", "--atomic", "twelve", "HEAD:refs/twelve/deployed/x", check=False)
    refused(platform, name, r, version)
    assert len(platform.api("GET", f"/apps/{name}/builds")[1]) == builds, "and nothing was built"
    assert branch(platform, name) == before
    # A lock that a killed git has left is none after a minute; the tag's commit can be pushed, and a tag beside it.
    lock.write_text("")
    os.utime(lock, (1e9, 1e9))
    platform.git(where, "push", "--atomic", "twelve", "v1.0^{}:main", "v1.0")
    assert branch(platform, name) == head(platform, where)
    assert platform.get(name)[1].startswith("Hello never")


def test_a_pack_without_all_objects_is_not_deployed(app, tmp_path):
    """git gives its pre-receive hook what it has refused, too, but for what it could not unpack."""
    platform, name, where = app
    version = platform.releases(name)[0]["version"]
    say(platform, where, "parent")
    say(platform, where, "child")
    commits = [platform.git(where, "rev-parse", r).out.strip() for r in ("HEAD~2", "HEAD")]
    listed = platform.git(where, "rev-list", "--objects", "HEAD", "^HEAD~1").out.split("\n")
    pack = subprocess.run(["git", "pack-objects", "--stdout", "-q"], cwd=where, input="\n".join(x.split(" ")[0] for x in listed if x).encode() + b"\n",
                          capture_output=True, check=True).stdout
    line = f"{commits[0]} {commits[1]} refs/heads/main\0report-status side-band-64k agent=test\n".encode()
    p = subprocess.run(["git", "receive-pack", str(platform.state / "git" / f"{name}.git")], env=platform.env, capture_output=True,
                       input=b"%04x" % (len(line) + 4) + line + b"0000" + pack)
    assert b"ng refs/heads/main" in p.stdout, p
    assert platform.releases(name)[0]["version"] == version and branch(platform, name) == commits[0]


def test_what_moves_during_the_build_is_compared_again(app):
    platform, name, where = app
    before, version = branch(platform, name), platform.releases(name)[0]["version"]
    repo = platform.state / "git" / f"{name}.git"
    platform.git(where, "push", "twelve", "HEAD:refs/heads/side")
    slow = SlowPush(platform, name, where)
    # A second push of the branch is refused at once.
    say(platform, where, "second")
    r = platform.push(where, check=False)
    refused(platform, name, r, version)
    assert "already running" in r.err, r
    # Somebody moves it all the same.
    other = platform.git(repo, "commit-tree", "-m", "other", "-p", before, f"{before}^{{tree}}").out.strip()
    platform.git(repo, "update-ref", "refs/heads/main", other)
    slow.go()
    code, told = slow.end()
    assert code != 0 and "nothing is released" in told and "Fetch, and push again" in told, told
    assert platform.releases(name)[0]["version"] == version and platform.get(name)[1].startswith("Hello web.1")
    # What runs is what the branch names, again.
    wait_for(lambda: branch(platform, name) == before, "the branch to name what runs")


def test_a_branch_beside_the_first_push(platform, tmp_path):
    """main/x can be pushed while main is built for the first time; main can't be made then."""
    where = platform.repo(tmp_path)
    platform.create("beside", where)
    slow = SlowPush(platform, "beside", where)
    platform.git(where, "push", "twelve", "HEAD~1:refs/heads/main/x")
    slow.go()
    code, told = slow.end()
    assert code != 0 and "nothing is released" in told, told
    assert platform.releases("beside")[0]["version"] == 1
    platform.cli("destroy", "-a", "beside", "--confirm", "beside")


def test_the_branch_names_what_runs(app, tmp_path):
    platform, name, where = app
    first = head(platform, where)
    second = say(platform, where, "second")
    platform.push(where)
    platform.cli("rollback", "v2", "-a", name)
    assert branch(platform, name) == first, "at once: who pushes now has something to push"
    told = platform.push(where).err
    assert "web.1 is up" in told and branch(platform, name) == second
    assert platform.get(name)[1].startswith("Hello second")
    # A config change is the same commit.
    platform.cli("config:set", "A=1", "-a", name)
    assert branch(platform, name) == second
    # What runs and has no commit here: there is no branch then, and any push deploys.
    (tmp_path / "plain").mkdir()
    for f in ("Procfile", "server.pl", "worker.pl", "release.pl"):
        (tmp_path / "plain" / f).write_bytes((where / f).read_bytes())
    platform.cli("deploy", str(tmp_path / "plain"), "-a", name)
    assert branch(platform, name) is None
    version = platform.releases(name)[0]["version"]
    platform.push(where)
    assert platform.releases(name)[0]["version"] == version + 1 and branch(platform, name) == second
    # A work tree without changes has a commit, which is in the repository.
    platform.git(where, "checkout", "-q", first)
    platform.cli("deploy", str(where), "-a", name)
    assert branch(platform, name) == first
    # An old commit is a forced push, and its release can be rolled back to when it is in no branch any more.
    platform.git(where, "checkout", "-q", "main")
    platform.push(where)
    lone = platform.git(where, "commit-tree", "-m", "lone", "HEAD~1^{tree}").out.strip()
    platform.git(where, "push", "-f", "twelve", f"{lone}:main")
    lone_release = platform.releases(name)[0]["version"]
    platform.git(where, "push", "-f", "twelve", "main")
    repo = platform.state / "git" / f"{name}.git"
    wait_for(lambda: platform.git(repo, "show-ref", f"refs/twelve/deployed/{second}", check=False).code == 0, "the pin")
    platform.git(repo, "gc", "-q", "--prune=now")
    platform.cli("rollback", f"v{lone_release}", "-a", name)
    assert branch(platform, name) == lone
    assert "twelve" not in platform.git(where, "ls-remote", "twelve").out, "what keeps it is not shown"


def test_master_is_main(platform, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("masterly", where)
    platform.git(where, "push", "twelve", "HEAD:master")
    first = head(platform, where)
    assert branch(platform, "masterly", "master") == first and branch(platform, "masterly") is None
    second = say(platform, where, "second")
    platform.push(where)
    wait_for(lambda: branch(platform, "masterly", "master") == second, "master to follow")
    platform.git(where, "push", "-f", "twelve", f"{first}:master")
    wait_for(lambda: branch(platform, "masterly") == first, "main to follow")
    assert "web.1 is up" in platform.push(where).err
    platform.cli("destroy", "-a", "masterly", "--confirm", "masterly")


def test_a_config_change_during_a_push(app):
    """The release of the change has the push in it: so the push waits for that one, and is not told that it was rejected."""
    platform, name, where = app
    (where / "release.pl").write_text("$| = 1; print \"releasing\\n\"; sleep 3;\n")
    pushed = []
    commit = platform.commit(where, "waits")
    push = threading.Thread(target=lambda: pushed.append(platform.push(where, check=False)))
    push.start()
    wait_for(lambda: platform.releases(name)[0]["version"] == 3, "the release of the push")
    assert platform.api("PATCH", f"/apps/{name}/config-vars", {"GO": "1"})[0] == 200
    push.join(120)
    live = wait_for(lambda: [r for r in platform.releases(name) if r["current"] and r["version"] > 2], "a release to be live", 90)[0]
    assert pushed and pushed[0].code == 0, (pushed, platform.releases(name))
    assert live["twelve"]["commit"] == commit and branch(platform, name) == commit


def receive_pack_of(pid):
    """The git receive-pack below a git push."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True).stdout
    rows = [r.split(None, 2) for r in listed.splitlines()]
    below, found = {str(pid)}, None
    for _ in range(6):
        for row in rows:
            if row[1] in below:
                below.add(row[0])
                if "receive-pack" in row[2] and "sh -c" not in row[2]:
                    found = int(row[0])
    return found, [int(r[0]) for r in rows if found and r[1] == str(found) and "git-hook" in r[2]]


@pytest.mark.parametrize("who", ["pusher", "receive-pack", "hook"])
def test_a_kill_during_the_build(app, who):
    platform, name, where = app
    before, version = branch(platform, name), platform.releases(name)[0]["version"]
    slow = SlowPush(platform, name, where)
    pack, hooks = receive_pack_of(slow.p.pid)
    os.kill({"pusher": slow.p.pid, "receive-pack": pack, "hook": hooks[0]}[who], signal.SIGKILL)
    wait_for(lambda: any(b["status"] == "failed" for b in platform.api("GET", f"/apps/{name}/builds")[1]), "the build to be ended")
    slow.p.communicate(timeout=180)
    assert branch(platform, name) == before and platform.releases(name)[0]["version"] == version
    # Nothing of it stands in the way.
    say(platform, where, "after")
    platform.cli("buildpacks:clear", "-a", name)
    wait_for(lambda: platform.push(where, check=False).code == 0, "a push to be possible")
    assert platform.get(name)[1].startswith("Hello after")


def test_a_kill_during_the_rollout(app):
    """The release exists, so that it goes on; the branch follows when it is live."""
    platform, name, where = app
    (where / "release.pl").write_text("$| = 1; print \"releasing\\n\"; sleep 3;\n")
    commit = platform.commit(where, "goes on")
    p = subprocess.Popen(["git", "push", "twelve", "main"], cwd=where, env=platform.env, stderr=subprocess.DEVNULL)
    wait_for(lambda: platform.releases(name)[0]["version"] == 3, "the release")
    pack, hooks = receive_pack_of(p.pid)
    for pid in [pack, *hooks]:
        os.kill(pid, signal.SIGKILL)
    assert p.wait(60) != 0
    wait_for(lambda: platform.releases(name)[0]["current"], "it to be live")
    wait_for(lambda: branch(platform, name) == commit, "the branch to name it")
    assert "Everything up-to-date" in platform.push(where).err


def test_twelved_is_killed_before_the_branch_has_moved(own_platform, tmp_path):
    """What runs is compared with the branch at each start."""
    platform = own_platform()
    where = platform.repo(tmp_path)
    platform.create("compared", where)
    platform.push(where)
    first = head(platform, where)
    repo = platform.state / "git" / "compared.git"
    platform.kill9()
    platform.git(repo, "update-ref", "-d", "refs/heads/main")
    platform.start()
    wait_for(lambda: branch(platform, "compared") == first, "the branch to name what runs")
    platform.kill9()
    other = platform.git(repo, "commit-tree", "-m", "other", f"{first}^{{tree}}").out.strip()
    platform.git(repo, "update-ref", "refs/heads/main", other)
    platform.git(repo, "pack-refs", "--all")
    platform.start()
    wait_for(lambda: branch(platform, "compared") == first, "the branch to name what runs")


def test_a_push_ends_while_everything_is_being_ended(own_platform, tmp_path):
    """The reconciler is gone by then, and a dyno that takes its time keeps twelved for it to happen."""
    platform = own_platform()
    where = platform.repo(tmp_path)
    platform.create("ending", where)
    platform.push(where)
    platform.cli("config:set", "STUBBORN=1", "TWELVE_STOP_TIMEOUT=10", "-a", "ending")
    slow = SlowPush(platform, "ending", where)
    pack, _ = receive_pack_of(slow.p.pid)
    platform.process.send_signal(signal.SIGQUIT)

    def is_refused():
        try:
            platform.api("GET", "/apps/ending")
        except OSError:
            return True

    wait_for(is_refused, "no request to be taken any more")
    assert platform.process.poll() is None, "twelved waits for the dyno"
    # Its hook may have ended it by now, since no request is taken any more.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pack, signal.SIGKILL)
    slow.p.communicate(timeout=180)
    assert platform.process.wait(60) == 0
