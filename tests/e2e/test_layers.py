# SPDX-License-Identifier: Apache-2.0
"""A stack is layers: a base once, and on it what is added for a package set. Who makes one may be killed, and who collects keeps what is stood on."""
import glob
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess

import pytest

from conftest import Platform, wait_for
from stack_root import chain, digests, layers, own_stacks
from test_build import PROCFILE, archive, pack, said


@pytest.fixture(scope="module")
def layered(tmp_path_factory):
    # Nothing is made in the folder that own_stacks() puts another in place of.
    p = Platform(tmp_path_factory.mktemp("layered"), TWELVE_PREPARE_STACKS=0)
    own_stacks(p)
    yield p
    p.stop()


def deploy(p, app, tmp_path, *files, check=True):
    if p.api("GET", f"/apps/{app}")[0] != 200:
        p.cli("create", app, "--no-remote")
    return p.cli("deploy", "--source", archive(tmp_path / f"{app}.tgz", *files), "-a", app, check=check, timeout=600)


def stack_of(p, app):
    """The digest of the stack of the app's newest release."""
    with sqlite3.connect(p.state / "twelve.db") as db:
        return db.execute("select release.stack from release join app on app.id = release.app_id where app.name = ? "
                          "order by version desc limit 1", (app,)).fetchone()[0]


def run(p, app, command):
    r = p.cli("run", "-a", app, "--", "sh", "-c", command, check=False)
    return r.out.replace("\r", "")


def processes(words):
    return subprocess.run(["pgrep", "-f", words], capture_output=True, text=True).stdout.split()


def test_a_set_is_a_layer_on_the_base(layered, tmp_path):
    p, stacks = layered, layered.state / "stacks"
    deploy(p, "figs", tmp_path, PROCFILE, ("Aptfile", b"figlet\n"))
    parsed = (stacks / "lists/debian-13/cache/srcpkgcache.bin").stat()
    deploy(p, "steam", tmp_path, PROCFILE, ("Aptfile", b"sl\n"))
    # The lists are the same, so apt has not parsed them again.
    assert (stacks / "lists/debian-13/cache/srcpkgcache.bin").stat().st_ino == parsed.st_ino
    figs, steam = chain(stacks, stack_of(p, "figs")), chain(stacks, stack_of(p, "steam"))
    assert len(figs) == len(steam) == 2 and figs[1] == steam[1] and figs[0] != steam[0]
    layer, base = layers(stacks, figs[0])
    # What is in the base is there once; what is not added is not in the layer.
    libc = next(base.glob("usr/lib/*/libc.so.6")).relative_to(base)
    assert not (layer / libc).exists() and (layer / "usr/bin/figlet-figlet").exists()
    assert not list(layer.rglob("*.deb")) and not list((layer / "var").rglob("*cache.bin"))
    size = int(subprocess.run(["du", "-sm", layer], capture_output=True, text=True, check=True).stdout.split()[0])
    assert size < 20, f"{size} MB for one small program"
    out = run(p, "figs", "dpkg-query -W bash figlet && figlet -f small ok && ! touch /usr/x 2>/dev/null && ! touch /etc/x 2>/dev/null && echo sealed")
    assert "bash\t" in out and "figlet\t" in out and "sealed" in out, out
    # The list is of all that is there, as the address is.
    packages = (stacks / figs[0] / "packages").read_text()
    assert "\nbash=" in packages and "\nfiglet=" in packages


def test_a_build_sees_all_layers(layered, tmp_path):
    p, stacks = layered, layered.state / "stacks"
    p.cli("create", "sees", "--no-remote")
    p.cli("buildpacks:set", pack(tmp_path / "pack", "echo 'int main(void) { return 0; }' >/tmp/a.c && gcc -o /app/a /tmp/a.c && dpkg-query -W gcc figlet bash && "
                  "python3 -c 'import json, ssl' && pg_config --includedir && echo headers"), "-a", "sees")
    r = deploy(p, "sees", tmp_path, PROCFILE, ("Aptfile", b"figlet\n"))
    assert "figlet\t" in said(r) and "gcc\t" in said(r) and "bash\t" in said(r) and "headers" in said(r), said(r)
    # What a Procfile takes for given.
    out = run(p, "sees", "curl --version && ps -e && ls /usr/lib/*/libpq.so.5 && ! command -v gcc python3 && echo small")
    assert "small" in out, out
    assert max(len(chain(stacks, d)) for d in digests(stacks)) == 3


def test_a_dyno_starts_again_on_its_layers(layered, tmp_path):
    """Its supervisor does it, while twelved is away as well."""
    p = layered
    deploy(p, "again", tmp_path, ("Procfile", b"worker: figlet twelve; exec sleep 8642\n"), ("Aptfile", b"figlet\n"))
    p.cli("ps:scale", "worker=1", "-a", "again")
    first = wait_for(lambda: processes("^sleep 8642"), "the worker")
    p.kill9()
    os.kill(int(first[0]), signal.SIGKILL)
    second = wait_for(lambda: [x for x in processes("^sleep 8642") if x not in first], "the worker to be started again")
    p.start()
    dyno = wait_for(lambda: p.up("again", "worker"), "the adopted worker")[0]
    assert processes("^sleep 8642") == second
    r = p.cli("run:inside", "-a", "again", dyno["name"], "--", "figlet", "-v", check=False)
    assert "FIGlet" in said(r), r
    p.cli("ps:restart", "-a", "again")
    wait_for(lambda: processes("^sleep 8642") and not set(processes("^sleep 8642")) & set(second), "the worker to be replaced")
    p.cli("destroy", "-a", "again", "--confirm", "again")


def test_a_maker_that_is_killed(layered, tmp_path):
    p, stacks = layered, layered.state / "stacks"
    p.cli("create", "killed", "--no-remote")
    source = archive(tmp_path / "s.tgz", PROCFILE, ("Aptfile", b"cowsay\n"))
    before = digests(stacks)
    push = subprocess.Popen([p.program("twelve"), "deploy", "--source", source, "-a", "killed"], env=p.env, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    where = wait_for(lambda: glob.glob(f"{stacks}/tmp/*/layer/usr/sbin/policy-rc.d"), "the layer to be written", 300)[0]
    root = str(pathlib.Path(where).parents[3] / "root")
    maker = subprocess.run(["pgrep", "-P", str(p.process.pid), "-f", "exe build"], capture_output=True, text=True).stdout.split()
    os.kill(int(maker[0]), signal.SIGKILL)
    push.communicate(timeout=180)
    assert push.returncode != 0
    wait_for(lambda: not processes(f"{root}|apt-get install -- cowsay"), "all that it started to end")
    assert root not in pathlib.Path("/proc/self/mountinfo").read_text() and digests(stacks) == before
    deploy(p, "killed", tmp_path, PROCFILE, ("Aptfile", b"cowsay\n"))
    assert os.listdir(stacks / "tmp") == []
    assert "< moo >" in run(p, "killed", "/usr/games/cowsay moo")


def test_what_is_stood_on_is_kept(layered, tmp_path):
    p, stacks = layered, layered.state / "stacks"
    for app, package in (("keeps", b"figlet\n"), ("goes", b"rolldice\n")):
        deploy(p, app, tmp_path, PROCFILE, ("Aptfile", package))
    gone = stack_of(p, "goes")
    p.cli("destroy", "-a", "goes", "--confirm", "goes")
    p.cli("gc")
    kept = chain(stacks, stack_of(p, "keeps"))
    assert set(kept) <= set(digests(stacks)) and gone not in digests(stacks)
    assert "FIGlet" in run(p, "keeps", "figlet -v")


def test_one_that_lost_what_it_stands_on_is_made_again(layered, tmp_path):
    """As a removal that was cut off leaves it."""
    p, stacks = layered, layered.state / "stacks"
    deploy(p, "lost", tmp_path, PROCFILE, ("Aptfile", b"figlet\n"))
    digest = stack_of(p, "lost")
    (stacks / digest / "below").write_text("0" * 64 + "\n")
    r = p.cli("run", "-a", "lost", "--", "true", check=False)
    assert r.code != 0 and f"The stack {digest[:12]} is gone: push again to make it" in said(r), r
    deploy(p, "lost", tmp_path, PROCFILE, ("Aptfile", b"figlet\n"), ("x", b"x"))
    assert stack_of(p, "lost") == digest and len(chain(stacks, digest)) == 2
    assert "FIGlet" in run(p, "lost", "figlet -v")


def test_the_archive_is_asked_again_for_what_is_not_found(layered, tmp_path):
    """Lists of before a package came into the archive."""
    p = layered
    lists = p.state / "stacks" / "lists" / "debian-13"
    for f in (lists / "lists").glob("*InRelease"):
        f.unlink()
    for f in (lists / "lists").glob("*_Packages"):
        text = f.read_text()
        f.unlink()
        f.write_text("\n\n".join(e for e in text.split("\n\n") if not e.startswith("Package: toilet\n")))
    shutil.rmtree(lists / "cache")
    r = deploy(p, "newer", tmp_path, PROCFILE, ("Aptfile", b"toilet\n"))
    assert r.code == 0
    # And of a disk that lost what was written.
    for f in (lists / "lists").glob("*_Packages"):
        f.write_text(f.read_text()[:5000].replace("\n\n", "\n"))
    shutil.rmtree(lists / "cache")
    deploy(p, "newer", tmp_path, PROCFILE, ("Aptfile", b"rolldice\nsl\n"))


def preparing(p):
    return subprocess.run(["pgrep", "-P", str(p.process.pid), "-f", "exe stacks"], capture_output=True, text=True).stdout.split()


def test_the_build_variant_is_there_before_the_first_push(own_platform, tmp_path):
    """Made by a child of twelved from its start on; one that is killed leaves nothing that the next does not remove."""
    p = own_platform(TWELVE_PREPARE_STACKS=0)
    assert not preparing(p)
    stacks = own_stacks(p)
    p.kill9()
    for d in digests(stacks):
        if (stacks / d / "below").exists():
            shutil.rmtree(stacks / d)
    del p.env["TWELVE_PREPARE_STACKS"]
    p.start()
    wait_for(lambda: list((stacks / "tmp").glob("*")), "the stack to be made", 120)
    if not (p.state / "stacks").is_symlink():
        r = p.cli("gc", check=False)
        assert "is being made since the start" in said(r), r
    p.kill9()
    wait_for(lambda: not processes(str(stacks / "tmp")), "the maker to end with twelved")
    p.start()
    wait_for(lambda: any((stacks / d / "layer/usr/bin/make").exists() for d in digests(stacks)), "the build variant", 300)
    wait_for(lambda: not preparing(p), "its maker to end")
    r = deploy(p, "first", tmp_path, PROCFILE)
    assert "Making the" not in said(r), r
    p.cli("gc")
    assert os.listdir(stacks / "tmp") == []


@pytest.mark.torture
def test_where_overlayfs_cannot_write(tmp_path):
    """The state directory on an overlay, as in some containers: each stack is a whole root."""
    dirs = {n: tmp_path / n for n in ("lower", "upper", "work", "platform")}
    for d in dirs.values():
        d.mkdir()
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={dirs['lower']},upperdir={dirs['upper']},workdir={dirs['work']}",
                    dirs["platform"]], check=True)
    try:
        p = Platform(dirs["platform"] / "p", TWELVE_PREPARE_STACKS=0)
        if (p.state / "stacks").is_symlink():
            (p.state / "stacks").unlink()
        try:
            r = deploy(p, "whole", tmp_path, PROCFILE, ("Aptfile", b"figlet\n"))
            assert "overlayfs can't write here" in said(r)
            assert "is on an overlay file system" in said(p.cli("doctor", check=False))
            assert len(chain(p.state / "stacks", stack_of(p, "whole"))) == 1
            assert "FIGlet" in run(p, "whole", "figlet -v")
        finally:
            p.stop()
    finally:
        subprocess.run(["umount", "-l", dirs["platform"]], check=True)
