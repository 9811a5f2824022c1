# SPDX-License-Identifier: Apache-2.0
"""
Buildpacks. The attacker may deploy to an app of her own, and has a git server. She wants files of the machine, code of other apps, root's keys, and
the machine's disk and memory.
"""
import io
import os
import tarfile

import pytest

from conftest import Platform, wait_for
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
