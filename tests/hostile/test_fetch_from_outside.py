# SPDX-License-Identifier: Apache-2.0
"""
Fetching from the public internet, which here is a network namespace with public addresses on its loopback. The attacker has a server there, and a name that leads where she likes: she
wants the builds to reach a private address for her.
"""
import ctypes
import os
import pathlib
import ssl
import subprocess
import threading

import pytest

from conftest import Platform, wait_for
from gitserver import GitServer, buildpack
from test_foreign_buildpacks import deploy, source

PUBLIC = "193.0.2.10"
CLONE_NEWNET = 0x40000000


class Outside(Platform):
    """A platform in a network of its own, where git.example is a public address, and which trusts an authority of ours."""

    def start(self):
        hosts, folder = self.state.parent / "hosts", self.state.parent
        hosts.write_text(f"127.0.0.1 localhost\n{PUBLIC} git.example\n127.0.0.1 inner.example\n")
        if not (folder / "server.crt").exists():
            self.certificates(folder)
        script = (f"ip link set lo up && ip addr add {PUBLIC}/32 dev lo && mount --bind {hosts} /etc/hosts && "
                  f"mount --bind {folder}/ca.crt /etc/ssl/certs/ca-certificates.crt && exec {self.program('twelved')}")
        popen = subprocess.Popen

        def inside(argv, **options):
            return popen(["unshare", "--net", "--mount", "--", "sh", "-c", script] if argv == [self.program("twelved")] else argv, **options)

        subprocess.Popen = inside
        try:
            super().start()
        finally:
            subprocess.Popen = popen

    @staticmethod
    def certificates(folder):
        def openssl(*args):
            subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)

        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *new, "-days", "30", "-subj", "/CN=Tests", "-keyout", "ca.key", "-out", "ca.crt")
        openssl("req", *new, "-subj", "/CN=git.example", "-keyout", "server.key", "-out", "server.csr")
        (folder / "server.ext").write_text(f"subjectAltName=DNS:git.example,DNS:localhost,DNS:inner.example,IP:{PUBLIC},IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "server.ext", "-out", "server.crt")

    def serve(self, folder, address):
        """A git server with TLS in the platform's network: a thread goes there, and what it makes stays."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.state.parent / "server.crt", self.state.parent / "server.key")
        made = []

        def make():
            fd = os.open(f"/proc/{self.process.pid}/ns/net", os.O_RDONLY)
            assert ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) == 0
            os.close(fd)
            made.append(GitServer(folder, address, context))

        t = threading.Thread(target=make)
        t.start()
        t.join()
        return made[0]


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    p = Outside(tmp_path_factory.mktemp("platform"))
    folder = tmp_path_factory.mktemp("git")
    public, inner = p.serve(folder, (PUBLIC, 443)), p.serve(folder, ("127.0.0.1", 8443))
    public.put("good", buildpack("cat /buildpacks/ext-1/note", note="from outside\n"))
    yield p, public, inner
    public.stop()
    inner.stop()
    p.stop()


def test_a_public_repository(outside, tmp_path):
    p, public, _ = outside
    for url in ("https://git.example/good.git", "https://git.example/good.git#main", f"https://{PUBLIC}/good.git"):
        code, said = deploy(p, "from-outside", source(tmp_path, __buildpacks=url + "\n", x=url))
        assert code == 0 and "from outside" in said, said


def test_redirects(outside, tmp_path):
    """To another path of a public server they are followed; inwards, to http and to files not."""
    p, public, inner = outside
    public.answers.update({"/moved.git": (301, {"Location": "https://git.example/good.gitREST"}), "/inner.git": (302, {"Location": "https://127.0.0.1:8443/good.gitREST"}),
                           "/named.git": (302, {"Location": "https://inner.example:8443/good.gitREST"}), "/plain.git": (302, {"Location": "http://git.example/good.gitREST"}),
                           "/file.git": (302, {"Location": f"file://{public.folder}/good.gitREST"}), "/loop.git": (302, {"Location": "/loop.gitREST"})})
    code, said = deploy(p, "redirected", source(tmp_path, __buildpacks="https://git.example/moved.git#main\n"))
    assert code == 0 and "from outside" in said, said
    for name, words in (("inner", "private network"), ("named", "private network"), ("plain", "could not be fetched"), ("file", "could not be fetched"),
                        ("loop", "could not be fetched"), ("none", "could not be fetched")):
        code, said = deploy(p, "redirected", source(tmp_path, __buildpacks=f"https://git.example/{name}.git#main\n"))
        assert code != 0 and words in said, (name, said)
    assert inner.asked == []


def test_who_answers_git_otherwise(outside, tmp_path):
    """The platform asks first where a redirect leads; git, which asks then, is held to that."""
    p, public, inner = outside
    for where in ("https://127.0.0.1:8443", "https://inner.example:8443"):
        public.by_agent = {"git/": (302, {"Location": f"{where}/good.git/info/refs?service=git-upload-pack"})}
        code, said = deploy(p, "two-faced", source(tmp_path, __buildpacks="https://git.example/good.git#main\n"))
        public.by_agent = {}
        assert code != 0 and "could not be fetched" in said, said
    assert inner.asked == []


def test_a_name_that_leads_inwards(outside, tmp_path):
    p, _, inner = outside
    for host in ("inner.example:8443", "127.0.0.1:8443", "localhost:8443", "[::1]:8443"):
        code, said = deploy(p, "inwards", source(tmp_path, __buildpacks=f"https://{host}/good.git\n"))
        assert code != 0 and "private network" in said, (host, said)
    assert inner.asked == []


def confined(p):
    """The processes of this platform that have given up what they had."""
    found = []
    for d in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if "\nUid:\t59013" in (d / "status").read_text() and str(p.state).encode() in (d / "environ").read_bytes():
                found.append(d)
        except OSError:
            continue  # it has ended
    return found


def test_who_fetches_has_nothing(tmp_path_factory):
    """An archive's server that takes libcurl over finds a process with a user of its own, an empty root, no capability, and one file."""
    from test_fetch import Server
    p, s = Platform(tmp_path_factory.mktemp("platform"), TWELVE_PRIVATE_SOURCES="1"), Server()
    try:
        p.cli("create", "confined", "--no-remote")
        p.cli("config:set", "SECRET=geheim", "-a", "confined")
        s.stalls.set()
        assert p.api("POST", "/apps/confined/builds", {"source_blob": s.blob("simple.tgz")})[0] == 201
        wait_for(lambda: s.asked, "it to be asked for")
        ours = confined(p)
        assert len(ours) == 1, ours
        status = dict(line.split(":\t", 1) for line in (ours[0] / "status").read_text().splitlines() if ":\t" in line)
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"59013"} and status["Groups"].strip() == ""
        assert status["CapEff"] == status["CapPrm"] == status["CapInh"] == status["CapAmb"] == "0000000000000000" and status["NoNewPrivs"] == "1"
        root = [f"/{d.relative_to(ours[0] / 'root')}" for d in (ours[0] / "root").rglob("*") if d.is_file()]
        assert set(root) <= {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/ssl/certs/ca-certificates.crt"}, root
        files = [os.readlink(f) for f in (ours[0] / "fd").iterdir()]
        assert [f for f in files if f.startswith("/") and f != "/dev/null" and not f.startswith("/memfd:")] == [str(next((p.state / "sources").glob("*.tar")))], files
        mounts = (ours[0] / "mountinfo").read_text().splitlines()
        assert len(mounts) == 1 and " ro," in mounts[0] and "tmpfs" in mounts[0], mounts
        # It ends with the build.
        p.cli("builds:cancel", p.api("GET", "/apps/confined/builds")[1][0]["id"], "-a", "confined")
        wait_for(lambda: not ours[0].exists(), "its end")
    finally:
        s.stop()
        p.stop()
