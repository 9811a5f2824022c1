# SPDX-License-Identifier: Apache-2.0
"""
The attacker may deploy to an app, by archives and buildpacks of their own, or is another user of the machine with no
right on the platform at all.
"""
import http.client
import io
import os
import pathlib
import socket
import stat
import subprocess
import tarfile

import pytest

from conftest import wait_for

PROCFILE = ("Procfile", b"web: exec python3 -m http.server $PORT\n")


def entry(name, data=b"", kind=tarfile.REGTYPE, mode=0o644, link=""):
    t = tarfile.TarInfo(name)
    t.type, t.mode, t.linkname = kind, mode, link
    t.size = len(data) if kind == tarfile.REGTYPE else 0
    return t, data


def archive(path, *entries):
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for e in entries:
            t, data = entry(*e) if isinstance(e[0], str) else e
            tar.addfile(t, io.BytesIO(data) if t.size else None)
    return str(path)


def upload(platform, path):
    url = platform.api("POST", "/sources")[1]["source_blob"]["put_url"]
    c = http.client.HTTPConnection("localhost", timeout=180)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(str(platform.run / "twelved.sock"))
    c.request("PUT", "/" + url.split("://", 1)[-1].split("/", 1)[1], pathlib.Path(path).read_bytes())
    assert c.getresponse().status == 200
    c.close()
    return url


def build(platform, app, path, **body):
    """As a client of Heroku's API does it: (the build as it ended, its output)."""
    status, b = platform.api("POST", f"/apps/{app}/builds", {"source_blob": {"url": upload(platform, path)}, **body})
    assert status == 201, b
    out = platform.api("GET", "/" + b["output_stream_url"].split("://", 1)[-1].split("/", 1)[1])[1]
    return platform.api("GET", f"/apps/{app}/builds/{b['id']}")[1], out


@pytest.fixture
def bare(platform, request):
    name = "h-" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[5:28].strip("-")
    platform.cli("create", name)
    yield platform, name
    platform.cli("destroy", "-a", name, "--confirm", name, check=False)


def pack(where, compile_script, release="true"):
    for name, text in (("detect", "echo Mine"), ("compile", compile_script), ("release", release)):
        (where / "bin").mkdir(parents=True, exist_ok=True)
        (where / "bin" / name).write_text(f"#!/bin/bash\nset -e\n{text}\n")
        (where / "bin" / name).chmod(0o755)
    return str(where)


def as_nobody(*argv):
    """What any other user of the machine can do."""
    try:
        p = subprocess.run(argv, capture_output=True, text=True, user=65534, group=65534, extra_groups=[])
    except PermissionError as e:
        return str(e)
    return p.stdout + p.stderr


@pytest.mark.parametrize("entries,words", [
    ([("dev", b"", tarfile.CHRTYPE)], "device, socket or FIFO"),
    ([("dev", b"", tarfile.BLKTYPE)], "device, socket or FIFO"),
    ([("pipe", b"", tarfile.FIFOTYPE)], "device, socket or FIFO"),
    ([("up", b"", tarfile.LNKTYPE, 0o644, "../../../../../../../etc/passwd")], "hard link out of the tree"),
    ([("up", b"", tarfile.LNKTYPE, 0o644, "/etc/passwd")], "hard link out of the tree"),
    ([("etc", b"", tarfile.SYMTYPE, 0o777, "/etc"), ("up", b"", tarfile.LNKTYPE, 0o644, "etc/passwd")], "unpacking up"),
    ([("/".join(["d"] * 400) + "/f", b"x")], "lies too deep"),
    ([("/".join(["d"] * 30000) + "/f", b"x")], "lies too deep"),
    ([("/".join(["d" * 200] * 20) + "/f", b"x")], "lies too deep"),
])
def test_what_no_archive_may_hold(bare, tmp_path, entries, words):
    platform, name = bare
    made, out = build(platform, name, archive(tmp_path / "s.tgz", PROCFILE, *entries))
    assert made["status"] == "failed" and words in out, (made, out)
    assert not os.path.exists("/etc/twelve-was-here")
    # The next one is none the worse for it.
    made, out = build(platform, name, archive(tmp_path / "t.tgz", PROCFILE))
    assert made["status"] == "succeeded", out


def test_a_file_below_a_link_stays_in_the_tree(bare, tmp_path):
    platform, name = bare
    made, out = build(platform, name, archive(tmp_path / "s.tgz", PROCFILE, ("etc", b"", tarfile.SYMTYPE, 0o777, "/etc"), ("etc/twelve-was-here", b"x")))
    assert made["status"] == "succeeded", out
    assert not os.path.exists("/etc/twelve-was-here")
    assert (platform.state / "slugs" / made["twelve"]["slug"] / "app" / "etc" / "twelve-was-here").exists()


def special(top):
    """All below it that has a setuid, setgid or sticky bit, or is a device."""
    found = []
    for where, dirs, files in os.walk(top):
        for f in dirs + files:
            s = os.lstat(os.path.join(where, f))
            if not stat.S_ISLNK(s.st_mode) and (s.st_mode & 0o7000 or stat.S_ISCHR(s.st_mode) or stat.S_ISBLK(s.st_mode)):
                found.append(os.path.join(where, f))
    return found


def test_no_setuid_bit_while_it_is_unpacked(bare, tmp_path):
    """The build stands still in its sandbox, with the source unpacked as root did it."""
    platform, name = bare
    platform.cli("buildpacks:set", pack(tmp_path / "pack", "echo here; sleep 1000"), "-a", name)
    source = archive(tmp_path / "s.tgz", PROCFILE, ("su", b"#!/bin/sh\n", tarfile.REGTYPE, 0o6755), ("dir", b"", tarfile.DIRTYPE, 0o3777))
    status, b = platform.api("POST", f"/apps/{name}/builds", {"source_blob": {"url": upload(platform, source)}})
    assert status == 201
    work = platform.state / "builds" / b["id"]
    wait_for(lambda: (work / "app" / "su").exists(), "the source")
    assert [f for f in special(work / "app")] == []
    assert platform.api("DELETE", f"/apps/{name}/builds/{b['id']}")[0] == 202
    wait_for(lambda: not work.exists(), "its end")


def test_a_buildpacks_setuid_file_is_out_of_reach(bare, tmp_path):
    """A build owns its files and may set what it likes: no other user gets to them, and the slug has no such bit."""
    platform, name = bare
    platform.cli("buildpacks:set", pack(tmp_path / "pack", "cp /bin/sh $1/shell; chmod 6755 $1/shell $2; cp -p $1/shell $2/; chmod 1777 $1"), "-a", name)
    made, out = build(platform, name, archive(tmp_path / "s.tgz", PROCFILE))
    assert made["status"] == "succeeded", out
    app = platform.api("GET", f"/apps/{name}")[1]
    shells = [platform.state / "slugs" / made["twelve"]["slug"] / "app" / "shell",
              platform.state / "cache" / app["id"] / app["owner"]["id"] / "shell"]
    assert special(shells[0].parent) == []
    # As in an installation, where everybody may come as far as the state.
    for d in platform.state.parents:
        if str(d) not in ("/", "/tmp"):
            os.chmod(d, os.stat(d).st_mode | 0o011)
    for shell in shells:
        assert shell.exists()
        assert "Permission denied" in as_nobody(str(shell), "-c", "id")


def test_nobody_reads_the_state(bare, tmp_path):
    platform, name = bare
    made, out = build(platform, name, archive(tmp_path / "s.tgz", PROCFILE, ("secret.txt", b"s")))
    assert made["status"] == "succeeded", out
    # What leads to the state is the test's, and others may not enter it: what twelve keeps must be closed by itself.
    closed = []
    for top in (platform.state, platform.run):
        for d in sorted(p for p in top.iterdir() if p.is_dir()):
            mode = d.stat().st_mode & 0o7777
            # The authority's certificate is for everybody; other tests have directories of their own here.
            if d.is_symlink() or d.name in ("ca", "empty") or d.name.startswith("TWELVE_"):
                continue
            assert not mode & 0o007, f"{d} has the mode {mode:o}"
            closed.append(d.name)
    assert {"git", "slugs", "sources", "builds", "cache", "streams", "volumes", "backups", "jobs", "dynos", "oci"} <= set(closed)
    assert platform.state.stat().st_mode & 0o7777 in (0o700, 0o710, 0o711)
    for f in (p for p in platform.state.iterdir() if p.is_file()):
        assert not f.stat().st_mode & 0o077, f"{f} has the mode {f.stat().st_mode:o}"


def test_an_open_installation_is_closed_at_the_next_start(own_platform):
    p = own_platform()
    p.kill9()
    for d in ("git", "slugs", "cache", "builds"):
        os.chmod(p.state / d, 0o755)
    os.chmod(p.state, 0o755)
    p.start()
    for d in ("git", "slugs", "cache", "builds"):
        assert not (p.state / d).stat().st_mode & 0o007, d
    assert p.state.stat().st_mode & 0o777 in (0o700, 0o710, 0o711)


DEEP = "perl -e 'for (1..30000) { mkdir q(d) or die; chdir q(d) or die }'"


@pytest.mark.parametrize("where", ["$1", "$2", "/tmp"])
def test_a_build_that_digs(bare, tmp_path, where):
    """30,000 folders, each in the one before: the build is refused, and nothing of it is left."""
    platform, name = bare
    platform.cli("buildpacks:set", pack(tmp_path / "pack", f"cd {where}; {DEEP}; echo dug"), "-a", name)
    made, out = build(platform, name, archive(tmp_path / "s.tgz", PROCFILE))
    assert made["status"] == "failed" and "more than 200 levels deep" in out, out
    wait_for(lambda: not os.listdir(platform.state / "builds"), "its removal")
    platform.cli("buildpacks:clear", "-a", name)
    made, out = build(platform, name, archive(tmp_path / "s.tgz", PROCFILE))
    assert made["status"] == "succeeded", out


def test_a_build_that_makes_many_files(own_platform, tmp_path):
    p = own_platform(TWELVE_BUILD_FILES=20000)
    p.cli("create", "many")
    p.cli("buildpacks:set", pack(tmp_path / "pack", "perl -e 'for (1..1e6) { open my $f, q(>), qq($ARGV[0]/$_) or die } sleep 1000' $2"), "-a", "many")
    made, out = build(p, "many", archive(tmp_path / "s.tgz", PROCFILE))
    assert made["status"] == "failed" and "it made more than 20000 files and folders (TWELVE_BUILD_FILES)" in out, out
    # The next build begins with an empty cache.
    p.cli("buildpacks:set", pack(tmp_path / "pack2", "ls $2 | wc -l"), "-a", "many")
    made, out = build(p, "many", archive(tmp_path / "s.tgz", PROCFILE))
    assert made["status"] == "succeeded" and "it is emptied" in out, out


def test_an_archive_of_many_folders(own_platform, tmp_path):
    """A hundred entries, each with a path of its own: 15,000 folders."""
    p = own_platform(TWELVE_BUILD_FILES=10000)
    p.cli("create", "many")
    entries = [("/".join(f"{i}-{j}" for j in range(150)), b"x") for i in range(100)]
    made, out = build(p, "many", archive(tmp_path / "s.tgz", PROCFILE, *entries))
    assert made["status"] == "failed" and "The source has more than 10000 files and folders (TWELVE_BUILD_FILES)" in out, out
    # As many entries that share their folders are no more than they are, in whatever order they come.
    shared = [(f"a/b/c/d/e/f/{i % 2}/{i}", b"x") for i in range(2000)]
    made, out = build(p, "many", archive(tmp_path / "t.tgz", PROCFILE, *shared))
    assert made["status"] == "succeeded", out


@pytest.mark.parametrize("beside", [[], ["._top"], ["__MACOSX/._x", ".DS_Store"]])
def test_a_lone_folder_is_unwrapped(bare, tmp_path, beside):
    """As Terraform's provider sends it."""
    platform, name = bare
    source = archive(tmp_path / "s.tgz", *[(b, b"x") for b in beside], ("top", b"", tarfile.DIRTYPE, 0o755), ("top/Procfile", PROCFILE[1]))
    made, out = build(platform, name, source)
    assert made["status"] == "succeeded", out
    assert os.listdir(platform.state / "slugs" / made["twelve"]["slug"] / "app") == ["Procfile"] or \
        "Procfile" in os.listdir(platform.state / "slugs" / made["twelve"]["slug"] / "app")


def test_a_lone_folder_that_is_the_app_stays(bare, tmp_path):
    platform, name = bare
    platform.cli("buildpacks:set", pack(tmp_path / "pack", "[ -d $1/site ]", release="echo 'default_process_types:'; echo '  web: exec python3 -m http.server $PORT'"), "-a", name)
    made, out = build(platform, name, archive(tmp_path / "s.tgz", ("site", b"", tarfile.DIRTYPE, 0o755), ("site/page.html", b"x")))
    assert made["status"] == "succeeded", out
    # Who says how it is, is believed; a push is the tree that was pushed.
    source = archive(tmp_path / "t.tgz", ("site", b"", tarfile.DIRTYPE, 0o755), ("site/Procfile", PROCFILE[1]))
    made, out = build(platform, name, source, strip_top=False)
    assert made["status"] == "succeeded", out
    where = tmp_path / "repo"
    (where / "site").mkdir(parents=True)
    (where / "site" / "Procfile").write_bytes(PROCFILE[1])
    platform.git(where, "init", "-q", "-b", "main")
    platform.commit(where, "one folder")
    platform.cli("git:remote", "-a", name, cwd=where)
    pushed = platform.push(where, check=False)
    assert "Nothing has changed since an earlier build" in pushed.err, "it is the tree that was sent with strip_top=False"
