# SPDX-License-Identifier: Apache-2.0
"""
Buildpacks. The attacker may deploy to an app of her own, and has a git server. She wants files of the machine, code of other apps, root's keys, and
the machine's disk and memory.
"""
import io
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest

from conftest import Platform, free_port, wait_for
from gitserver import GitServer, buildpack


@pytest.fixture(scope="module")
def git(tmp_path_factory):
    s = GitServer(tmp_path_factory.mktemp("git"))
    yield s
    s.stop()


@pytest.fixture(scope="module")
def trusting(tmp_path_factory):
    """Our git server is on loopback: the administrator lets that be fetched from."""
    p = Platform(tmp_path_factory.mktemp("platform"), TWELVE_PRIVATE_SOURCES="1", TWELVE_BUILD_DISK="300M")
    yield p
    p.stop()


def source(tmp_path, **files):
    """An archive of an app; the name of a file has __ for a dot."""
    path = tmp_path / "source.tgz"
    with tarfile.open(path, "w:gz") as t:
        for name, text in {"Procfile": "worker: sleep 1000\n", **files}.items():
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size = len(text.encode())
            t.addfile(info, io.BytesIO(text.encode()))
    return str(path)


def deploy(p, app, archive, check=False):
    if p.api("GET", f"/apps/{app}")[0] == 404:
        p.cli("create", app, "--no-remote")
    r = p.cli("deploy", "--source", archive, "-a", app, check=check)
    assert (r.code == 0) == ("Done:" in r.out + r.err), r
    return r.code, r.out + r.err


def test_a_buildpack_is_fetched_in_a_sandbox(trusting, git, tmp_path):
    """What runs it sees nothing of the build, and is no root."""
    commit = git.put("good", buildpack("cat /buildpacks/*/note; ls -A /buildpacks/ext-1", note="of the repository\n"))
    code, said = deploy(trusting, "fetched", source(tmp_path, __buildpacks=f"{git.url}/good.git#{commit}\n"))
    assert code == 0 and "Fetched app, by the buildpack" in said and "of the repository" in said, said
    assert ".git" not in said.split("of the repository")[1], "history is of no use"
    # Nothing of it stays but the slug: no file of the fetch, no mount.
    wait_for(lambda: os.listdir(trusting.state / "builds") == [], "the build's directory to be removed")


@pytest.mark.parametrize("line", [
    "file://{state}/git/{victim}.git#main",
    "{state}/git/{victim}.git",
    "../../git/{victim}.git#main",
    "../../git/{victim}.git",
    "x/../../../git/{victim}.git",
    "ext::sh -c touch% /tmp/pwned.git",
    "fd::17/x.git",
    "git://127.0.0.1/x.git",
    "ftp://127.0.0.1/x.git",
    "-oProxyCommand=touch /tmp/pwned.git",
    "--upload-pack=touch /tmp/pwned;x.git",
    "ssh://-oProxyCommand=touch%20pwned/x.git",
    "git@-oProxyCommand=x:y.git",
    "git@host:-oProxyCommand=x",
    "ssh://u:geheim@127.0.0.1/x",
    "https://geheim@127.0.0.1/x.git",
    "https://u:geheim@127.0.0.1/x.git",
    "https://127.0.0.1/x.git#--upload-pack=touch /tmp/pwned",
    "https://127.0.0.1/x.git#main:refs/heads/other",
    "https://127.0.0.1/x.git#+main",
    "https://127.0.0.1/x.git#../../x",
    "https://127.0.0.1/x\x1b[31m.git",
    'https://127.0.0.1/x"\\nhooksPath=/app',
    "https://127.0.0.1/x.git\x00file:///etc",
    "{http}/good.git",
    "{http}/good.git#main",
])
def test_what_is_no_address(trusting, git, tmp_path, line):
    """Refused by its looks, in the source's .buildpacks and in the setting."""
    p = trusting
    if p.api("GET", "/apps/victim")[0] == 404:
        p.cli("create", "victim", "--no-remote")
    line = line.format(state=p.state, victim="victim", http=git.url)
    before = len(git.asked)
    code, said = deploy(p, "no-address", source(tmp_path, __buildpacks=line + "\n"))
    assert code != 0 and ".buildpacks" in said and "geheim" not in said and "\x1b[31m" not in said, said
    assert "is no" in said or "There is no buildpack" in said or "directory" in said or any(w in said for w in ("fetched from", "names no", "not UTF-8", "nobody knows")), said
    assert len(git.asked) == before and not os.path.exists("/tmp/pwned")


def test_a_redirect_leads_to_no_file(trusting, git, tmp_path):
    commit = git.put("target", buildpack())
    git.answers["/leads/"] = (302, {"Location": f"file://{git.folder}/target.git/REST"})
    code, said = deploy(trusting, "redirected", source(tmp_path, __buildpacks=f"{git.url}/leads/#{commit}\n"))
    assert code != 0 and "could not be fetched" in said, said
    git.answers.clear()


def test_a_commit_that_is_not_there(trusting, git, tmp_path):
    git.put("there", buildpack())
    code, said = deploy(trusting, "not-there", source(tmp_path, __buildpacks=f"{git.url}/there.git#{'0' * 39}1\n"))
    assert code != 0 and "could not be fetched" in said, said


def test_links_of_a_repository_lead_nowhere(trusting, git, tmp_path):
    """bin/compile -> a program of the machine: neither runs nor tells whether it is there."""
    for target in ("/usr/sbin/sshd", "/no/such/program"):
        commit = git.put("link-" + target[1:3], {"bin/detect": "#!/bin/sh\necho x\n", "bin/compile": ("link", target)})
        code, said = deploy(trusting, "links", source(tmp_path, __buildpacks=f"{git.url}/link-{target[1:3]}.git#{commit}\n"))
        assert code != 0 and "it has no bin/compile that can be executed" in said, said


def test_a_repository_that_fills_the_disk(trusting, git, tmp_path):
    """One file by many names: a small pack that unpacks to more than the build's share."""
    commit = git.put("bomb", buildpack(**{f"f{i}": b"x" * (8 << 20) for i in range(60)}))
    code, said = deploy(trusting, "bombed", source(tmp_path, __buildpacks=f"{git.url}/bomb.git#{commit}\n"))
    assert code != 0 and "more than its 300 MB of disk (TWELVE_BUILD_DISK)" in said, said
    wait_for(lambda: os.listdir(trusting.state / "builds") == [], "the build's directory to be removed")


def test_private_networks_are_not_fetched_from(platform, git, tmp_path):
    commit = git.put("private", buildpack())
    before = len(git.asked)
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"):
        url = f"{git.url}/private.git".replace("127.0.0.1", host)
        code, said = deploy(platform, "private-net", source(tmp_path, __buildpacks=f"{url}#{commit}\n"))
        assert code != 0 and "leads to an address of a private network" in said, said
    assert len(git.asked) == before, "nobody was asked"


# ---- directories of the machine ----

def directory(where, compile_script="true"):
    """A buildpack in a directory."""
    for path, text in buildpack(compile_script).items():
        (where / path).parent.mkdir(parents=True, exist_ok=True)
        (where / path).write_text(text)
        (where / path).chmod(0o755)
    return where


@pytest.fixture
def mallory(platform):
    """Who may deploy to an app of her own and is no administrator: her headers."""
    user = platform.api("POST", "/twelve/users", {"email": "mallory@example.com"})[1]
    headers = {"Twelve-User": user["email"]}
    assert platform.api("POST", "/apps", {"name": "hers-dirs"}, headers)[0] == 201
    yield headers
    platform.api("DELETE", "/apps/hers-dirs")
    platform.api("DELETE", f"/twelve/users/{user['id']}")


def put(p, app, names, headers=None):
    return p.api("PUT", f"/apps/{app}/buildpack-installations", {"updates": [{"buildpack": n} for n in names]}, headers)


def test_a_directory_is_set_by_an_administrator(platform, mallory, tmp_path):
    good = str(directory(tmp_path / "good", "echo of the administrator"))
    for name in ("/etc", good, str(platform.state), "/"):
        status, e = put(platform, "hers-dirs", [name], mallory)
        assert status == 403 and "administrator" in e["message"], (name, e)
    assert platform.api("GET", "/apps/hers-dirs/buildpack-installations")[1] == []
    # What an administrator chose may stay, and she may build with it; another may not come.
    assert put(platform, "hers-dirs", [good])[0] == 200
    status, listed = put(platform, "hers-dirs", [good, "plain"], mallory)
    assert status == 200 and [b["buildpack"]["url"] for b in listed] == [good, "plain"]
    assert put(platform, "hers-dirs", [good, good + "/../good"], mallory)[0] == 403
    code, said = deploy(platform, "hers-dirs", source(tmp_path))
    assert code == 0 and "of the administrator" in said, said
    put(platform, "hers-dirs", [], mallory)
    assert put(platform, "hers-dirs", [good], mallory)[0] == 403, "what was taken away is not hers to bring back"


def test_what_is_no_name(platform, mallory):
    """What a build would refuse is told when it is set."""
    for name in ("./x", "../git/victim.git", "x.git", "file:///etc", "ext::sh -c x", "https://geheim@h/x", "http://h/x", "https://h/x#-x", "a\nb", "no-such-pack"):
        status, e = put(platform, "hers-dirs", [name], mallory)
        assert status == 422 and "geheim" not in e["message"], (name, e)
    for name in ("python", "heroku/nodejs", "https://h.example/x", "git@h.example:x/y.git#v1", "http://h/x#" + "0" * 40):
        assert put(platform, "hers-dirs", [name], mallory)[0] == 200, name


def test_a_directory_of_no_administrators(own_platform, tmp_path):
    """As a row of an older version has it: set by whoever."""
    import sqlite3
    p = own_platform()
    p.cli("create", "older", "--no-remote")
    p.kill9()
    with sqlite3.connect(p.state / "twelve.db") as db:
        db.execute("UPDATE app SET buildpacks = ?", (f'["{directory(tmp_path / "any")}"]',))
    p.start()
    code, said = deploy(p, "older", source(tmp_path))
    assert code != 0 and "no administrator has set" in said, said
    assert put(p, "older", [str(tmp_path / "any")])[0] == 200
    assert deploy(p, "older", source(tmp_path))[0] == 0


def test_the_platforms_state_is_no_buildpack(platform, tmp_path):
    """Not even an administrator's mistake: other apps' code and caches are there."""
    platform.cli("create", "state-dir", "--no-remote")
    link = tmp_path / "link"
    link.symlink_to(platform.state / "git")
    for name in (platform.state, platform.state / "git", platform.state.parent, link, "/", tmp_path / "good" / ".." / "link"):
        (tmp_path / "good").mkdir(exist_ok=True)
        status, e = put(platform, "state-dir", [str(name)])
        assert status == 422 and "the platform's own state" in e["message"], (name, e)
    for name in (tmp_path / "none", "/etc/passwd"):
        status, e = put(platform, "state-dir", [str(name)])
        assert status == 422 and "There is no directory" in e["message"], (name, e)
    # It was good when it was set, and is not when it is built with.
    where = directory(tmp_path / "pack")
    assert put(platform, "state-dir", [str(where)])[0] == 200
    where.rename(tmp_path / "away")
    where.symlink_to(platform.state / "slugs")
    code, said = deploy(platform, "state-dir", source(tmp_path))
    assert code != 0 and "the platform's own state" in said, said


def test_what_not_everybody_may_read_is_not_copied(platform, tmp_path):
    platform.cli("create", "private-file", "--no-remote")
    where = directory(tmp_path / "pack", "cat /buildpacks/ext-1/*/secret /buildpacks/ext-1/secret")
    assert put(platform, "private-file", [str(where)])[0] == 200
    (where / "secret").write_text("geheim\n")
    (where / "secret").chmod(0o600)
    code, said = deploy(platform, "private-file", source(tmp_path))
    assert code != 0 and "can't be read by everybody" in said and "geheim" not in said, said
    (where / "secret").unlink()
    (where / "d").mkdir(mode=0o700)
    (where / "d/secret").write_text("geheim\n")
    code, said = deploy(platform, "private-file", source(tmp_path))
    assert code != 0 and "can't be read by everybody" in said and "geheim" not in said, said
    (where / "d/secret").unlink()
    (where / "d").rmdir()
    os.mkfifo(where / "fifo")
    code, said = deploy(platform, "private-file", source(tmp_path))
    assert code != 0 and "a FIFO" in said, said


def test_a_directory_that_changes_while_it_is_copied(platform, tmp_path):
    """Somebody who may write there swaps files and folders for links to what root alone may read."""
    platform.cli("create", "swapped", "--no-remote")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "leak").write_text("geheim\n")
    (secret / "leak").chmod(0o600)
    where = directory(tmp_path / "pack", "cat /buildpacks/ext-1/*/leak /buildpacks/ext-1/leak || true")
    for n in range(200):
        (where / f"a{n}").mkdir()
        (where / f"a{n}" / "leak").write_text("harmless\n")
    (where / "leak").write_text("harmless\n")
    assert put(platform, "swapped", [str(where)])[0] == 200
    for n, target in ((100, secret), (150, secret)):
        (tmp_path / f"link{n}").symlink_to(target)
    (tmp_path / "link").symlink_to(secret / "leak")
    # renameat2(2) with RENAME_EXCHANGE: there is always something of this name.
    swapper = subprocess.Popen([sys.executable, "-c", """
import ctypes, sys
libc = ctypes.CDLL(None)
pairs = [a.encode() for a in sys.argv[1:]]
while True:
    for a, b in zip(pairs[::2], pairs[1::2]):
        libc.renameat2(-100, a, -100, b, 2)
""", where / "leak", tmp_path / "link", where / "a100", tmp_path / "link100", where / "a150", tmp_path / "link150"])
    try:
        for n in range(8):
            code, said = deploy(platform, "swapped", source(tmp_path, x=str(n)))
            assert "geheim" not in said and (code == 0 or "swapped" not in said), said
            assert swapper.poll() is None
    finally:
        swapper.kill()
        swapper.wait()


def test_app_json_names_no_directory(platform, tmp_path):
    from test_setups import HELLO, archive, asked, ended, upload
    for overrides, manifest in (({}, {"buildpacks": [{"url": "/etc"}]}),):
        status, s = asked(platform, "POST", "/app-setups", {"app": {"name": "setup-dir"}, "source_blob": {"url": upload(platform, archive(HELLO, manifest))}, **overrides})
        assert status == 202, s
        s = ended(platform, s["id"])
        assert s["status"] == "failed" and "a directory can be set" in str(s["manifest_errors"]), s
    status, e = asked(platform, "POST", "/app-setups", {"app": {"name": "setup-dir"}, "source_blob": {"url": upload(platform, archive(HELLO, {}))},
                                                        "overrides": {"buildpacks": [{"url": "/etc"}]}})
    assert status == 422 and "directory" in e["message"], e


# ---- ssh ----

@pytest.fixture
def sshd(tmp_path, git):
    """A server on loopback with repositories, and a user (root, as tests have it) whom only keys of our choice let in."""
    keys = tmp_path / "ssh"
    keys.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / "host"], check=True)
    port = free_port()
    (keys / "authorized").write_text("")
    (keys / "config").write_text(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys}/host\nPidFile {keys}/pid\nAuthorizedKeysFile {keys}/authorized\n"
                                 "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n")
    os.makedirs("/run/sshd", exist_ok=True)
    with open(keys / "log", "wb") as log:
        daemon = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", keys / "config"], stdout=log, stderr=log)
    wait_for(lambda: (keys / "pid").exists(), "sshd")
    yield keys, f"ssh://root@127.0.0.1:{port}{git.folder}"
    daemon.terminate()
    daemon.wait()


def test_ssh_with_a_key_of_the_app(trusting, git, sshd, tmp_path):
    """Root's own key opens the server, and is not used; the app's does, and stays out of sight; a server that is another one is refused."""
    keys, url = sshd
    p = trusting
    git.put("over-ssh", buildpack("cat /buildpacks/ext-1/note; ls -A /env /cache", note="by ssh\n"))
    line = f"{url}/over-ssh.git#main\n"
    # A key where ssh of root's would find it: the platform has no other home here.
    home = pathlib.Path(os.path.expanduser("~root")) / ".ssh"
    own = home / "id_ed25519"
    made = not own.exists()
    if made:
        home.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", own], check=True)
    try:
        (keys / "authorized").write_text(own.with_suffix(".pub").read_text())
        code, said = deploy(p, "over-ssh", source(tmp_path, __buildpacks=line))
        assert code != 0 and "needs a key of the app's" in said and "twelve buildpacks:key -a over-ssh" in said, said
        public = p.cli("buildpacks:key", "-a", "over-ssh").out
        assert public == p.cli("buildpacks:key", "-a", "over-ssh").out and public.startswith("ssh-ed25519 ")
        code, said = deploy(p, "over-ssh", source(tmp_path, __buildpacks=line))
        assert code != 0 and "Permission denied" in said, said
        (keys / "authorized").write_text(f'command="git-upload-pack {git.folder}/over-ssh.git",restrict {public}')
        code, said = deploy(p, "over-ssh", source(tmp_path, __buildpacks=line))
        assert code == 0 and "by ssh" in said, said
    finally:
        if made:
            own.unlink()
            own.with_suffix(".pub").unlink()
    # The private half stands nowhere in the clear.
    parts = public.split()[1]
    assert "OPENSSH" not in (p.state / "twelve.db").read_bytes().decode("latin-1")
    assert p.api("GET", "/apps/over-ssh")[0] == 200 and parts not in str(p.api("GET", "/apps/over-ssh/config-vars")[1])
    app_id = p.api("GET", "/apps/over-ssh")[1]["id"]
    known = p.state / "known-hosts" / app_id
    assert "ssh-ed25519" in known.read_text() and known.stat().st_mode & 0o777 == 0o600
    # Another server at the same place.
    kept = known.read_text()
    host, key = kept.split()[0], public.split()[1]
    known.write_text(f"{host} ssh-ed25519 {key}\n")
    code, said = deploy(p, "over-ssh", source(tmp_path, __buildpacks=line, x="1"))
    assert code != 0 and "Host key verification failed" in said, said
    # What is forgotten is learnt anew, and the key is another.
    p.cli("buildpacks:key", "--forget", "-a", "over-ssh")
    assert not known.exists()
    other = p.cli("buildpacks:key", "-a", "over-ssh").out
    assert other != public
    (keys / "authorized").write_text(f"restrict {other}")
    code, said = deploy(p, "over-ssh", source(tmp_path, __buildpacks=line, x="2"))
    assert code == 0 and known.exists(), said
    p.cli("destroy", "-a", "over-ssh", "--confirm", "over-ssh")
    wait_for(lambda: not known.exists(), "known hosts of the app to be removed")


def test_the_key_is_one_that_openssh_reads(trusting, tmp_path):
    """For names of any length: the file's blocks end where they should."""
    import sqlite3
    for name in ("k" * n for n in range(3, 12)):
        trusting.cli("create", name, "--no-remote")
        public = trusting.cli("buildpacks:key", "-a", name).out.strip()
        assert public.endswith(f" twelve-{name}")
        (tmp_path / name).write_text(public + "\n")
        shown = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / name], capture_output=True, text=True)
        assert "ED25519" in shown.stdout, shown
    with sqlite3.connect(trusting.state / "twelve.db") as db:
        assert {len(row[0]) > 300 for row in db.execute("SELECT private_key FROM fetch_key")} == {True}


def test_a_private_network_is_not_reached_by_ssh(platform, tmp_path):
    platform.cli("create", "ssh-private", "--no-remote")
    platform.cli("buildpacks:key", "-a", "ssh-private")
    for url in ("ssh://root@127.0.0.1/x", "root@localhost:x", "ssh://root@[::1]/x", "root@2130706433:x"):
        code, said = deploy(platform, "ssh-private", source(tmp_path, __buildpacks=url + "\n"))
        assert code != 0 and "leads to an address of a private network" in said, said
