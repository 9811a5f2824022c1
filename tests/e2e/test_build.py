# SPDX-License-Identifier: Apache-2.0
"""Builds: what they refuse and say, what ends them, what they leave behind, and that the same source gives the same slug."""
import hashlib
import http.client
import io
import os
import pathlib
import signal
import socket
import subprocess
import tarfile
import time

import pytest

from conftest import ROOT, wait_for
from stack_root import own_stacks


def pack(where, compile_script, detect="echo Test", release="echo '--- {}'"):
    """A buildpack in a directory."""
    (where / "bin").mkdir(parents=True)
    for script, text in (("detect", detect), ("compile", compile_script), ("release", release)):
        (where / "bin" / script).write_text(f"#!/bin/bash\n{text}\n")
        (where / "bin" / script).chmod(0o755)
    return str(where)


def archive(path, *entries, fmt=tarfile.PAX_FORMAT):
    """A tar file of (name, bytes) or (name, link target as str) or TarInfo."""
    with tarfile.open(path, "w:gz", format=fmt) as t:
        for e in entries:
            if isinstance(e, tarfile.TarInfo):
                t.addfile(e)
                continue
            info = tarfile.TarInfo(e[0])
            if isinstance(e[1], str):
                info.type, info.linkname = tarfile.SYMTYPE, e[1]
                t.addfile(info)
            else:
                info.size = len(e[1])
                t.addfile(info, io.BytesIO(e[1]))
    return str(path)


PROCFILE = ("Procfile", b"worker: sleep 1000\n")


@pytest.fixture
def bare(platform, request):
    """An app with nothing in it: (platform, name, deploy(archive) -> Result)."""
    name = "b-" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[5:28].strip("-")
    platform.cli("create", name, "--no-remote", check=False)
    if platform.api("GET", f"/apps/{name}")[0] != 200:
        platform.cli("create", name)

    def deploy(path, *args, check=False, **kw):
        return platform.cli("deploy", "--source", path, "-a", name, *args, check=check, **kw)

    yield platform, name, deploy
    platform.cli("destroy", "-a", name, "--confirm", name, check=False)


def said(r):
    return r.out + r.err


def slugs(platform, name):
    """The digests of what was built, newest first."""
    rows = sorted(platform.api("GET", f"/apps/{name}/builds")[1], key=lambda b: b["created_at"], reverse=True)
    return [b["twelve"]["slug"] for b in rows if b["status"] == "succeeded"]


def nothing_left(platform):
    wait_for(lambda: os.listdir(platform.state / "builds") == [], "the build's directory to be removed")


@pytest.mark.parametrize("procfile,words", [
    (b"web gunicorn\n", 'Procfile:1: expected "type: command", found "web gunicorn"'),
    (b"# nothing\n\n", "Procfile: it names no process type"),
    ("web: ./größe\n".encode("latin-1"), "Procfile: it is not UTF-8 text"),
    ("web: ./server\n".encode("utf-16"), "Procfile: it is not UTF-8 text"),
])
def test_a_procfile_that_says_nothing(bare, tmp_path, procfile, words):
    platform, name, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", ("Procfile", procfile)))
    assert r.code != 0 and words in said(r)
    nothing_left(platform)


@pytest.mark.parametrize("name_of_file", ["Procfile", "Aptfile", ".buildpacks"])
@pytest.mark.parametrize("target", ["/etc/shadow", "../../../../../../../etc/shadow"])
def test_files_of_the_machine_are_not_read(bare, tmp_path, name_of_file, target):
    """A symbolic link in the source leads to where it would lead in the sandbox, not on the machine."""
    platform, name, deploy = bare
    entries = [(name_of_file, target)] + ([] if name_of_file == "Procfile" else [PROCFILE])
    r = deploy(archive(tmp_path / "s.tgz", *entries))
    assert "root" not in said(r).replace("root@", "")
    status, rows = platform.api("GET", f"/apps/{name}/formation")
    assert "root" not in {row["type"] for row in rows}


def test_what_bin_release_printed_is_not_read_through_a_link(bare, tmp_path):
    platform, name, deploy = bare
    secret = tmp_path / "secret.yml"
    secret.write_text("default_process_types:\n  stolen: thing\n")
    os.chmod(tmp_path, 0o755)
    release = f"rm -rf /app/.twelve; mkdir /app/.twelve; ln -s {secret} /app/.twelve/release.yml"
    where = pack(tmp_path / "pack", "true", release=release)
    platform.cli("buildpacks:set", where, "-a", name)
    r = deploy(archive(tmp_path / "s.tgz", ("x", b"")))
    assert r.code != 0 and "stolen" not in said(r)
    assert secret.exists()


def test_nothing_to_run_is_told_before_the_compilation(bare, tmp_path):
    platform, name, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", ("requirements.txt", b"")))
    assert r.code != 0 and "add a file named Procfile" in said(r)
    assert "Installing" not in said(r) and "more package" not in said(r)


def test_no_buildpack_wants_it(bare, tmp_path):
    _, _, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", ("README", b"hello")))
    order = (ROOT / "buildpacks/order").read_text().split()
    assert r.code != 0 and f"looked for: {', '.join(order)})" in said(r)


def test_default_process_types(bare, tmp_path):
    platform, name, deploy = bare
    release = "printf -- '---\\ndefault_process_types:\\n  tick: sleep 1000\\n'"
    platform.cli("buildpacks:set", pack(tmp_path / "pack", "echo compiled >made", release=release), "-a", name)
    r = deploy(archive(tmp_path / "s.tgz", ("x", b"")), check=True)
    assert "Default types of the buildpack -> tick" in said(r)
    made = platform.state / "slugs" / slugs(platform, name)[0] / "app"
    assert sorted(os.listdir(made)) == ["made", "x"], "what passes between the build's steps is not in the slug"
    # A Procfile goes before.
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE), check=True)
    assert "Procfile declares types -> worker" in said(r)


def test_buildpacks_by_a_file_of_the_source(bare, tmp_path):
    _, _, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE, (".buildpacks", b"# ours\nplain\n")))
    assert r.code == 0 and "Plain app, by the buildpack plain" in said(r)
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE, (".buildpacks", b"plain\n/etc\n")))
    assert r.code != 0 and ".buildpacks:2: a directory" in said(r)
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE, (".buildpacks", b"https://u:geheim@127.0.0.1:9/x.git\n")))
    assert r.code != 0 and "must not hold a user or a password" in said(r) and "geheim" not in said(r)
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE, (".buildpacks", b"https://127.0.0.1:9/x.git\n")))
    assert r.code != 0 and ".buildpacks:1: The buildpack https://127.0.0.1:9/x.git leads to an address of a private network" in said(r).replace(": https://127.0.0.1:9/x.git/info/refs", "")


def test_a_buildpack_says_why_it_does_not_want_the_app(bare, tmp_path):
    platform, name, deploy = bare
    platform.cli("buildpacks:set", pack(tmp_path / "pack", "true", detect="echo no COBOL here >&2; exit 1"), "-a", name)
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE))
    assert r.code != 0 and "does not recognise this app: no COBOL here" in said(r)


def test_the_second_buildpack_looks_at_what_the_first_has_left(bare, tmp_path):
    """As on Heroku: a buildpack that moves a folder to the top comes before the one for what is in it."""
    platform, name, deploy = bare
    first = pack(tmp_path / "one", "cp -a $1/below/. $1/; echo kept >/tmp/for-the-next")
    second = pack(tmp_path / "two", "cat /tmp/for-the-next", detect="[ -f $1/moved ] && echo Moved || { echo nothing moved here; exit 1; }")
    platform.cli("buildpacks:set", first, second, "python", "-a", name)
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE, ("below/moved", b""), ("below/requirements.txt", b"")), check=True)
    text = said(r)
    assert text.index("Test app, by the buildpack") < text.index("Moved app, by the buildpack") < text.index("kept") < text.index("Python app, by the buildpack python")
    r = deploy(archive(tmp_path / "2.tgz", PROCFILE, ("below/other", b"")))
    assert r.code != 0 and f"The buildpack {second} does not recognise this app: nothing moved here" in said(r)


def test_a_missing_package_is_named_with_its_line(bare, tmp_path):
    _, _, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE, ("Aptfile", b"# two\n\nno-such-package-x\n")))
    assert r.code != 0 and 'Debian 13 has no package "no-such-package-x" (Aptfile:3)' in said(r)


def test_archives_that_want_out(bare, tmp_path):
    platform, name, deploy = bare
    outside = tmp_path / "outside"
    outside.mkdir()
    hole = tarfile.TarInfo("pipe")
    hole.type = tarfile.FIFOTYPE
    for entries, words in (
            ([("../evil", b"x")], "climbs out of the tree"),
            ([("/evil", b"x")], "is an absolute path"),
            ([hole], "is a device, socket or FIFO"),
            ([("way", str(outside)), ("way/evil", b"x")], None)):
        r = deploy(archive(tmp_path / "s.tgz", PROCFILE, *entries))
        assert (words or "") in said(r)
        assert os.listdir(outside) == []
    (tmp_path / "garbage").write_bytes(b"no archive" * 1000)
    r = deploy(str(tmp_path / "garbage"))
    assert r.code != 0 and "not a tar archive" in said(r)
    nothing_left(platform)


def test_names_that_are_not_english(bare, tmp_path):
    platform, name, deploy = bare
    long_name = "d/" * 60 + "ü" * 50
    entries = [PROCFILE, ("größe.txt", b"1"), (long_name, b"2"), ("lünk", "größe.txt")]
    deploy(archive(tmp_path / "s.tgz", *entries), check=True)
    tree = platform.state / "slugs" / slugs(platform, name)[0] / "app"
    assert (tree / "lünk").read_text() == "1" and (tree / long_name).read_text() == "2"
    # As older programs write them.
    deploy(archive(tmp_path / "g.tgz", *entries, fmt=tarfile.GNU_FORMAT), check=True)
    assert len(set(slugs(platform, name))) == 1


def test_the_same_source_gives_the_same_slug_elsewhere(platform, own_platform, tmp_path):
    one = archive(tmp_path / "one.tgz", PROCFILE, ("a", b"1"), ("lib/b", b"2"))
    # Another order, another date, other owners.
    with tarfile.open(tmp_path / "two.tar", "w") as t:
        for n, data in (("lib/b", b"2"), ("a", b"1"), PROCFILE):
            info = tarfile.TarInfo(n)
            info.size, info.mtime, info.uid, info.mode = len(data), 1234567, 77, 0o600
            t.addfile(info, io.BytesIO(data))
    found = []
    for p, source in ((platform, one), (own_platform(), str(tmp_path / "two.tar"))):
        p.cli("create", "same-slug")
        p.cli("deploy", "--source", source, "-a", "same-slug")
        found += slugs(p, "same-slug")
        p.cli("destroy", "-a", "same-slug", "--confirm", "same-slug")
    assert len(found) == 2 and found[0] == found[1]


def test_the_same_tree_on_another_stack(bare, tmp_path):
    """Two builds may give one slug and differ in the stack: each release has its own."""
    platform, name, deploy = bare
    where = tmp_path / "pack"
    source = archive(tmp_path / "s.tgz", PROCFILE)
    platform.cli("buildpacks:set", pack(where, "true"), "-a", name)
    deploy(source, check=True)
    (where / "packages.run").write_text("libjq1\n")
    deploy(source, check=True)
    assert len(set(slugs(platform, name))) == 1
    r = platform.cli("run", "-a", name, "--", "sh", "-c", "ls /usr/lib/*/libjq*", check=False)
    assert r.code == 0, r


def test_config_vars_reach_the_build_and_no_disk(bare, tmp_path):
    platform, name, deploy = bare
    platform.cli("config:set", "TOKEN=geheim-4711", "-a", name)
    script = 'grep -q geheim-4711 "$3/TOKEN" && stat -f -c "env is on %T" "$3" && echo found it && id -u'
    platform.cli("buildpacks:set", pack(tmp_path / "pack", script), "-a", name)
    r = deploy(archive(tmp_path / "s.tgz", PROCFILE), check=True)
    assert "found it" in said(r) and "env is on tmpfs" in said(r) and "59012" in said(r)
    # Among it the buildpack, which names it.
    nothing_left(platform)
    found = subprocess.run(["grep", "-rl", "geheim-4711", str(platform.state)], capture_output=True, text=True)
    assert found.stdout == ""


def test_the_cache_lasts_until_it_is_refused(bare, tmp_path):
    platform, name, deploy = bare
    script = 'echo "seen: $(cat $2/n 2>/dev/null)"; echo "$(cat $2/n 2>/dev/null)x" >$2/n'
    platform.cli("buildpacks:set", pack(tmp_path / "pack", script), "-a", name)
    assert "seen: \n" in said(deploy(archive(tmp_path / "1.tgz", PROCFILE, ("a", b"1")), check=True))
    assert "seen: x\n" in said(deploy(archive(tmp_path / "2.tgz", PROCFILE, ("a", b"2")), check=True))
    assert "Nothing has changed" in said(deploy(archive(tmp_path / "2.tgz", PROCFILE, ("a", b"2")), check=True))
    told = build_by_api(platform, name, archive(tmp_path / "2.tgz", PROCFILE, ("a", b"2")), no_cache=True)
    assert "seen: \n" in told and "Nothing has changed" not in told
    assert "seen: x\n" in said(deploy(archive(tmp_path / "3.tgz", PROCFILE, ("a", b"3")), check=True))
    app = platform.api("GET", f"/apps/{name}")[1]["id"]
    assert list((platform.state / "cache" / app).glob("*/n"))
    for _ in range(2):
        assert platform.api("DELETE", f"/apps/{name}/build-cache")[0] == 200
        assert not (platform.state / "cache" / app).exists()
    assert "seen: \n" in said(deploy(archive(tmp_path / "4.tgz", PROCFILE, ("a", b"4")), check=True))


def upload(platform, path):
    """Gives the source's URL."""
    url = platform.api("POST", "/sources")[1]["source_blob"]["put_url"]
    where = "/" + url.split("://", 1)[-1].split("/", 1)[1]
    c = http.client.HTTPConnection("localhost", timeout=180)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(str(platform.run / "twelved.sock"))
    with open(path, "rb") as f:
        c.request("PUT", where, f.read())
    assert c.getresponse().status == 200
    c.close()
    return url


def build_by_api(platform, name, path, **options):
    """As Heroku's API has it; returns the build's output."""
    url = upload(platform, path)
    status, build = platform.api("POST", f"/apps/{name}/builds", {"source_blob": {"url": url}, **options})
    assert status == 201, build
    out = build["output_stream_url"]
    return platform.api("GET", "/" + out.split("://", 1)[-1].split("/", 1)[1])[1]


def test_a_checksum_is_held_to(bare, tmp_path):
    platform, name, _ = bare
    path = archive(tmp_path / "s.tgz", PROCFILE)
    right = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()

    def build(**blob):
        return platform.api("POST", f"/apps/{name}/builds", {"source_blob": {"url": upload(platform, path), **blob}})

    for checksum, words in (("SHA256:12", "64 hex digits"), ("MD5:" + "0" * 64, "64 hex digits"), ("g" * 64, "64 hex digits"), (7, "must be a string")):
        status, error = build(checksum=checksum)
        assert status == 422 and words in error["message"] and "source_blob.checksum" in error["message"], error
    status, error = build(version=["v1"])
    assert status == 422 and error["message"] == '"source_blob.version" must be a string', error
    assert platform.api("GET", f"/apps/{name}/builds")[1] == []

    def ended(answer):
        assert answer[0] == 201, answer
        return wait_for(lambda: [b for b in platform.api("GET", f"/apps/{name}/builds")[1]
                                 if b["id"] == answer[1]["id"] and b["status"] != "pending"], "the end of the build")[0]

    wrong = ended(build(checksum="SHA256:" + "0" * 64))
    assert wrong["status"] == "failed" and "The archive is not the one that was announced" in wrong["twelve"]["error"], wrong
    assert right in wrong["twelve"]["error"] and not wrong["slug"]
    assert ended(build(checksum="sha256:" + right.upper()))["status"] == "succeeded"
    assert ended(build(checksum="SHA256:" + right))["status"] == "succeeded"


LIMITS = dict(TWELVE_BUILD_MEMORY="128M", TWELVE_BUILD_DISK="64M", TWELVE_BUILD_TIMEOUT="6s")


@pytest.mark.parametrize("script,words", [
    ("sleep 100", "it took more than its 6 s of time (TWELVE_BUILD_TIMEOUT)"),
    ("head -c 1G /dev/zero >/app/big", "it used more than its 64 MB of disk (TWELVE_BUILD_DISK)"),
    ("head -c 1G /dev/zero >/cache/big", "it used more than its 64 MB of disk (TWELVE_BUILD_DISK)"),
    ("head -c 1G /dev/zero >/tmp/big; sleep 100", "it used more than its 64 MB of disk (TWELVE_BUILD_DISK)"),
    ("exec perl -e '$x .= \"x\" x 1000000 for 1..1000; print length $x'",
     "it used more than its 128 MB of memory (TWELVE_BUILD_MEMORY)"),
    ("truncate -s 1T /app/hole", "more than the 64 MB that they may be"),
    ("mkfifo /app/pipe", "pipe is a socket, device or FIFO"),
    ("exit 7", "The build failed with exit code 7"),
    (":(){ :|:& };:; wait; sleep 100", ""),
    ("rm -rf /app/.twelve; ln -s / /app/.twelve", ""),
])
def test_a_build_that_goes_wrong(own_platform, tmp_path, script, words):
    p = own_platform(**LIMITS)
    p.cli("create", "wrong")
    p.cli("deploy", "--source", archive(tmp_path / "s.tgz", PROCFILE), "-a", "wrong")
    p.cli("buildpacks:set", pack(tmp_path / "pack", f"echo hello from the build\n{script}"), "-a", "wrong")
    began = time.monotonic()
    r = p.cli("deploy", "--source", archive(tmp_path / "t.tgz", PROCFILE, ("x", b"")), "-a", "wrong", check=False)
    assert r.code != 0 and "hello from the build" in said(r) and words in said(r), r
    assert time.monotonic() - began < 30
    assert [b["status"] for b in p.api("GET", "/apps/wrong/builds")[1]].count("failed") == 1
    assert p.releases("wrong")[0]["version"] == 2, "what ran goes on"
    nothing_left(p)
    # The next one is none the worse for it.
    p.cli("buildpacks:clear", "-a", "wrong")
    p.cli("deploy", "--source", archive(tmp_path / "t.tgz", PROCFILE, ("y", b"")), "-a", "wrong")


def test_a_full_disk_refuses_builds(own_platform, tmp_path):
    p = own_platform(TWELVE_DISK_RESERVE="900T")
    p.cli("create", "full")
    r = p.cli("deploy", "--source", archive(tmp_path / "s.tgz", PROCFILE), "-a", "full", check=False)
    assert r.code != 0 and "are reserved (TWELVE_DISK_RESERVE)" in said(r) and "twelve gc" in said(r)


def test_cancel_and_one_at_a_time(bare, tmp_path):
    platform, name, deploy = bare
    platform.cli("buildpacks:set", pack(tmp_path / "pack", "echo compiling; sleep 1000"), "-a", name)
    source = archive(tmp_path / "s.tgz", PROCFILE)
    first = subprocess.Popen([platform.program("twelve"), "deploy", "--source", source, "-a", name], env=platform.env,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    build = wait_for(lambda: [b for b in platform.api("GET", f"/apps/{name}/builds")[1] if b["status"] == "pending"],
                     "the build")[0]
    second = deploy(source)
    assert second.code != 0 and build["id"] in said(second)
    began = time.monotonic()
    platform.cli("builds:cancel", build["id"], "-a", name)
    told, _ = first.communicate(timeout=180)
    assert first.returncode != 0 and "The build was cancelled: nothing is released" in told
    assert time.monotonic() - began < 9, "the build ended when it was asked to"
    nothing_left(platform)


def test_a_worker_that_is_killed(bare, tmp_path):
    platform, name, deploy = bare
    platform.cli("buildpacks:set", pack(tmp_path / "pack", "echo compiling; exec sleep 4711"), "-a", name)
    source = archive(tmp_path / "s.tgz", PROCFILE)
    first = subprocess.Popen([platform.program("twelve"), "deploy", "--source", source, "-a", name], env=platform.env,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def workers():
        found = subprocess.run(["pgrep", "-P", str(platform.process.pid), "-f", "exe build"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def sleepers():
        return subprocess.run(["pgrep", "-f", "^sleep 4711"], capture_output=True, text=True).stdout.split()

    wait_for(sleepers, "the compilation")
    os.kill(wait_for(workers, "the worker")[0], signal.SIGKILL)
    told, _ = first.communicate(timeout=180)
    assert first.returncode != 0 and "was killed by signal 9" in told
    wait_for(lambda: not sleepers(), "the compilation to end with it")
    nothing_left(platform)
    platform.cli("buildpacks:clear", "-a", name)
    deploy(source, check=True)


def test_gc_keeps_what_the_next_build_needs(own_platform, tmp_path):
    p = own_platform(TWELVE_PREPARE_STACKS=0)
    stacks = own_stacks(p)

    def there():
        return {f for f in os.listdir(stacks) if len(f) == 64}

    p.cli("create", "kept")
    p.cli("deploy", "--source", archive(tmp_path / "1.tgz", PROCFILE, ("a", b"1")), "-a", "kept")
    p.cli("gc")
    kept = there()
    assert len(kept) == 2, "the stack to run and the stack to build"
    r = p.cli("deploy", "--source", archive(tmp_path / "2.tgz", PROCFILE, ("a", b"2")), "-a", "kept")
    assert "Making the" not in said(r) and there() == kept
    p.cli("destroy", "-a", "kept", "--confirm", "kept")
    p.cli("gc")
    assert there() == set() and set(os.listdir(p.state / "slugs")) == {"keys", "trash"} and os.listdir(p.state / "slugs" / "keys") == []
    wait_for(lambda: not os.listdir(p.state / "slugs" / "trash"), "what was put aside to be removed")


@pytest.mark.parametrize("example", ["flask", "c"])
def test_examples_build_to_the_same_bytes(platform, tmp_path, example):
    """Twice from nothing, without cache: one slug."""
    found = []
    for i in range(2):
        name = f"twice-{example}-{i}"
        where = platform.repo(tmp_path / str(i), ROOT / "examples" / example)
        if example == "flask":
            # One of the packages is compiled: this version has no wheel for the Python of the stack.
            requirements = (where / "requirements.txt").read_text()
            assert "markupsafe==3.0.2" in requirements
            (where / "requirements.txt").write_text(requirements.replace("markupsafe==3.0.2", "markupsafe==2.1.5"))
            platform.commit(where, "from source")
        platform.create(name, where)
        platform.cli("config:set", f"SALT={i}", "-a", name)
        platform.push(where)
        found += slugs(platform, name)
        platform.cli("destroy", "-a", name, "--confirm", name)
    assert len(found) == 2 and found[0] == found[1]
