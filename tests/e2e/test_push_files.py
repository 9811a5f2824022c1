# SPDX-License-Identifier: Apache-2.0
"""The files of the commit are all there, the same by push and by deploy; and what is there and not used is named at the push."""
import hashlib
import os

import pytest

from gitserver import GitServer


@pytest.fixture
def files(platform, tmp_path, request):
    """A repository of an app that runs nothing: (platform, name, where)."""
    name = "f-" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[5:28].strip("-")
    where = tmp_path / "repo"
    where.mkdir()
    (where / "Procfile").write_text("worker: sleep 1000\n")
    platform.git(where, "init", "-q", "-b", "main")
    platform.commit(where, "first")
    platform.create(name, where)
    yield platform, name, where
    platform.cli("destroy", "-a", name, "--confirm", name, check=False)


def slug(platform, name):
    return platform.state / "slugs" / platform.releases(name)[0]["twelve"]["slug"] / "app"


def test_the_files_of_a_commit(files, tmp_path):
    """Attributes for archives, line ends, odd names, links, modes: what a checkout has; and `deploy` of it has the same digest."""
    platform, name, where = files
    odd = [b"sp ace", "ümläut".encode(), b"lat\xe9in", b"new\nline", b'quo"te', b"-dash", b"x" * 200, b"dir/" + b"y" * 150 + b"/" + b"z" * 150]
    for n in odd:
        path = os.path.join(os.fsencode(where), n)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(n)
    (where / "docs").mkdir()
    (where / "docs" / "kept").write_text("kept\n")
    (where / "version").write_text("$Format:%H$\n")
    (where / "crlf.txt").write_bytes(b"one\r\ntwo\r\n")
    (where / "lf.txt").write_bytes(b"one\ntwo\n")
    (where / "Case").write_text("1")
    (where / "case").write_text("2")
    (where / "link").symlink_to("docs/kept")
    (where / "run").write_text("#!/bin/sh\n")
    (where / "run").chmod(0o755)
    (where / ".gitattributes").write_text("docs export-ignore\nversion export-subst\n*.bat text eol=crlf\n")
    (where / "x.bat").write_bytes(b"a\nb\n")
    platform.commit(where, "files")
    platform.push(where)
    pushed = slug(platform, name)
    checkout = tmp_path / "checkout"
    platform.git(tmp_path, "clone", "-q", str(where), str(checkout))
    want = {p.relative_to(checkout): p for p in checkout.rglob("*") if ".git" not in p.relative_to(checkout).parts and (p.is_symlink() or p.is_file())}
    assert set(want) == {p.relative_to(pushed) for p in pushed.rglob("*") if p.is_symlink() or p.is_file()}
    for rel, p in want.items():
        if p.is_symlink():
            assert os.readlink(pushed / rel) == os.readlink(p)
        else:
            assert (pushed / rel).read_bytes() == p.read_bytes(), rel
            assert (pushed / rel).stat().st_mode & 0o100 == p.stat().st_mode & 0o100
    os.umask(0o077)
    try:
        strict = tmp_path / "strict"
        platform.git(tmp_path, "clone", "-q", str(where), str(strict))
    finally:
        os.umask(0o022)
    for copy in (checkout, strict):
        told = platform.cli("deploy", str(copy), "-a", name)
        assert "Nothing has changed" in told.out + told.err, "the same source"
        assert slug(platform, name) == pushed


@pytest.fixture
def library(platform, tmp_path):
    """(its URL, its commit): a repository that others serve."""
    source, served = tmp_path / "library", GitServer(tmp_path / "served")
    source.mkdir()
    (source / "lib.py").write_text("here = 1\n")
    platform.git(source, "init", "-q", "-b", "main")
    commit = platform.commit(source, "library")
    platform.git(tmp_path / "served", "clone", "-q", "--bare", str(source), "lib.git")
    platform.git(tmp_path / "served" / "lib.git", "config", "uploadpack.allowAnySHA1InWant", "true")
    yield f"{served.url}/lib.git", commit
    served.stop()


def add_submodule(platform, where, path, url, commit):
    (where / path).mkdir(parents=True)
    with open(where / ".gitmodules", "a") as f:
        f.write(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n')
    platform.git(where, "add", ".gitmodules")
    platform.git(where, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")


def test_submodules(own_platform, library, tmp_path):
    platform = own_platform(TWELVE_PRIVATE_SOURCES="1")
    url, commit = library
    where = tmp_path / "repo"
    where.mkdir()
    (where / "Procfile").write_text("worker: sleep 1000\n")
    platform.git(where, "init", "-q", "-b", "main")
    platform.create("with-modules", where)
    add_submodule(platform, where, "vendor/lib", url, commit)
    add_submodule(platform, where, "vendor/gone", url, "1" * 40)
    add_submodule(platform, where, "vendor/beside", "../beside.git", commit)
    platform.git(where, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/unnamed")
    platform.git(where, "add", "Procfile")
    platform.git(where, "commit", "-q", "-m", "modules")
    told = platform.push(where).err
    assert "Fetching the submodule vendor/lib" in told
    for path in ("gone", "beside", "unnamed"):
        assert f"vendor/{path} is empty" in told, told
    assert "relative" in told
    pushed = slug(platform, "with-modules")
    assert (pushed / "vendor" / "lib" / "lib.py").read_text() == "here = 1\n"
    assert not (pushed / "vendor" / "lib" / ".git").exists() and list((pushed / "vendor" / "gone").iterdir()) == []
    # A deployed work tree brings those that it has.
    platform.git(tmp_path, "clone", "-q", str(where), "work")
    platform.git(tmp_path / "work", "-c", "protocol.http.allow=always", "submodule", "--quiet", "update", "--init", "vendor/lib")
    platform.git(tmp_path / "work", "rm", "-q", "--cached", "vendor/gone", "vendor/beside", "vendor/unnamed")
    platform.cli("deploy", str(tmp_path / "work"), "-a", "with-modules")
    assert (slug(platform, "with-modules") / "vendor" / "lib" / "lib.py").read_text() == "here = 1\n"


def test_private_submodules_are_not_reached(files, library):
    """Who may deploy names the URL, and we stand where they may not."""
    platform, name, where = files
    url, commit = library
    add_submodule(platform, where, "lib", url, commit)
    add_submodule(platform, where, "file", "file:///etc", commit)
    with open(where / ".gitmodules", "a") as f:
        f.write(f'[submodule "up"]\n\tpath = ../../up\n\turl = {url}\n[submodule "dot"]\n\tpath = .git/hooks\n\turl = {url}\n')
    platform.git(where, "add", ".gitmodules")
    platform.git(where, "commit", "-q", "-m", "private")
    told = platform.push(where).err
    for path in ("lib", "file"):
        assert f"{path} is empty" in told, told


def test_lfs_pointers_are_named(files):
    platform, name, where = files
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(b'x').hexdigest()}\nsize 12345\n"
    (where / "data").mkdir()
    (where / "data" / "model.bin").write_text(text)
    (where / "about-lfs.md").write_text("# How\n" + text)
    (where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    platform.git(where, "-c", "filter.lfs.clean=cat", "-c", "filter.lfs.smudge=cat", "add", "-A")
    platform.git(where, "-c", "filter.lfs.clean=cat", "commit", "-q", "-m", "lfs")
    told = platform.push(where).err
    assert "data/model.bin is a Git LFS pointer" in told and "about-lfs" not in told
    assert (slug(platform, name) / "data" / "model.bin").read_text() == text


def test_what_is_ignored_is_named(files):
    platform, name, where = files
    platform.cli("buildpacks:set", "plain", "-a", name)
    for n in ("heroku.yml", "Dockerfile", "docker-compose.yml", "static.json"):
        (where / n).write_text("{}\n")
    platform.commit(where, "others")
    told = platform.push(where).err
    for n in ("heroku.yml", "Dockerfile", "docker-compose.yml", "static.json"):
        assert f"{n} is there and not used" in told, told
    assert 'no process type "web"' in told


def test_slugignore(files):
    platform, name, where = files
    for n in ("a.psd", "deep/b.psd", "spec/x", "deep/spec/x", "top/only", "deep/top/only", "doc/a/b/c.md", "doc/keep.txt", "logs", "deep/logs/x"):
        (where / n).parent.mkdir(parents=True, exist_ok=True)
        (where / n).write_text("x")
    (where / "away").symlink_to("/etc")
    (where / ".slugignore").write_bytes(b"# comment\n\n*.psd\r\nspec/\n/top\ndoc/**/*.md\nlogs/\n!a.psd\n/away/passwd\n../repo\n")
    platform.commit(where, "ignored")
    told = platform.push(where).err
    assert "leaves out" in told and '"!a.psd" is skipped' in told, told
    root = slug(platform, name)
    kept = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() or p.is_symlink()}
    assert kept == {"Procfile", ".slugignore", "deep/top/only", "doc/keep.txt", "logs", "away"}
    assert os.path.exists("/etc/passwd")


def procfile(platform, where, text, name="Procfile"):
    for p in where.iterdir():
        if p.name.lower().startswith("procfile"):
            p.unlink()
    (where / name).parent.mkdir(exist_ok=True)
    (where / name).write_bytes(text)
    platform.commit(where, "procfile")
    return platform.push(where, check=False)


def test_odd_procfiles(files):
    platform, name, where = files
    r = procfile(platform, where, b"Web: sleep 1000\n")
    assert r.code == 0 and 'The process type "Web" is not "web"' in r.err and 'no process type "web"' in r.err, r
    for n in ("procfile", "Procfile.txt", "conf/Procfile"):
        r = procfile(platform, where, b"web: sleep 1000\n", n)
        assert r.code != 0 and f"{n} is not read" in r.err, r
    r = procfile(platform, where, b"\xef\xbb\xbfworker:\tsleep 1000\r\n\r\n# no more\r\n")
    assert r.code == 0, r
    assert platform.api("GET", f"/apps/{name}/formation")[1][0]["command"] == "sleep 1000"
    for text, why in ((b"worker: a\nworker: b\n", "is there twice"), (b"wor ker: a\n", "can only contain"), (b"w\xc3\xb6rker: a\n", "can only contain"),
                      (b"worker:\n", "has no command"), (b"worker sleep\n", 'expected "type: command"'), (b"w\xe9: a\n", "UTF-8"), (b"# nothing\n", "names no process type")):
        r = procfile(platform, where, text)
        assert r.code != 0 and why in r.err and "Procfile" in r.err, (text, r)


def test_a_first_deployment_that_fails(platform, tmp_path):
    """Nothing ran, so nothing goes on."""
    where = platform.repo(tmp_path)
    (where / "release.pl").write_text("exit 3;\n")
    platform.commit(where, "fails")
    platform.create("fails-first", where)
    told = platform.push(where, check=False).err
    assert "v2 failed:" in told and "still running" not in told, told
    platform.git(where, "checkout", "-q", "HEAD~1", "--", "release.pl")
    platform.commit(where, "runs")
    platform.push(where)
    (where / "release.pl").write_text("exit 3;\n")
    platform.commit(where, "fails again")
    assert "v3 is still running." in platform.push(where, check=False).err
    platform.cli("destroy", "-a", "fails-first", "--confirm", "fails-first")
