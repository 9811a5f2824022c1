# SPDX-License-Identifier: Apache-2.0
"""
Pushes. The attacker may push to an app of her own, and writes packs and lists of refs by hand: a kilobyte may stand for a gigabyte of memory or of the
disk, a line for a thousand folders, and a format in a file for a program.
"""
import base64
import hashlib
import http.client
import os
import struct
import subprocess
import zlib

import pytest

from conftest import Platform

ZERO = "0" * 40
KINDS = {1: b"commit", 2: b"tree", 3: b"blob"}


class Pack:
    def __init__(self):
        self.n, self.body = 0, b""

    def head(self, kind, size):
        out, b, size = bytearray(), kind << 4 | size & 15, size >> 4
        while size:
            out.append(b | 0x80)
            b, size = size & 0x7F, size >> 7
        return bytes(out) + bytes([b])

    def add(self, kind, data):
        self.n += 1
        self.body += self.head(kind, len(data)) + zlib.compress(data)
        return hashlib.sha1(KINDS[kind] + b" %d\0" % len(data) + data).hexdigest()

    def zeros(self, kind, megabytes):
        z, h = zlib.compressobj(1), hashlib.sha1(KINDS[kind] + b" %d\0" % (megabytes << 20))
        self.n += 1
        self.body += self.head(kind, megabytes << 20)
        for _ in range(megabytes):
            h.update(bytes(1 << 20))
            self.body += z.compress(bytes(1 << 20))
        self.body += z.flush()
        return h.hexdigest()

    def copies(self, base, base_id, times, tail):
        """An object that is its base so many times, and a few bytes of its own."""
        copy = bytes([0x80 | 0x10 | 0x20]) + struct.pack("<H", len(base))
        sizes = b"".join(self.number(n) for n in (len(base), len(base) * times + len(tail)))
        delta = sizes + copy * times + bytes([len(tail)]) + tail
        self.n += 1
        self.body += self.head(7, len(delta)) + bytes.fromhex(base_id) + zlib.compress(delta)

    def number(self, n):
        out = bytearray()
        while n >= 0x80:
            out.append(n & 0x7F | 0x80)
            n >>= 7
        return bytes(out) + bytes([n])

    def commit(self):
        tree = self.add(2, b"")
        return self.add(1, f"tree {tree}\nauthor a <a@b> 1700000000 +0000\ncommitter a <a@b> 1700000000 +0000\n\nx\n".encode())

    def bytes(self):
        p = b"PACK" + struct.pack(">II", 2, self.n) + self.body
        return p + hashlib.sha1(p).digest()


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    """(push, repository, what a program for signatures was asked)"""
    here = tmp_path_factory.mktemp("heavy")
    asked = here / "asked"
    for name in ("gpg", "gpgsm", "ssh-keygen"):
        (here / name).write_text(f'#!/bin/sh\necho "$0 $*" >>{asked}\nexec /usr/bin/{name} "$@"\n')
        (here / name).chmod(0o755)
    platform = Platform(here / "platform", PATH=f"{here}:{os.environ['PATH']}")
    assert platform.api("POST", "/twelve/users", {"email": "heavy@example.com"})[0] == 201
    assert platform.api("POST", "/apps", {"name": "heavy"}, {"Twelve-User": "heavy@example.com"})[0] == 201
    status, t = platform.api("POST", "/oauth/authorizations", {"description": "git", "user": "heavy@example.com"})
    assert status == 201, t
    word = base64.b64encode(f"git:{t['access_token']['token']}".encode()).decode()

    def push(refs, pack):
        lines = [f"{ZERO} {new} {ref}".encode() for ref, new in refs]
        lines[0] += b"\0 report-status side-band-64k"
        body = b"".join(b"%04x" % (len(x) + 4) + x for x in lines) + b"0000" + pack
        c = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=300)
        c.request("POST", "/heavy.git/git-receive-pack", body, {"Authorization": "Basic " + word, "Content-Type": "application/x-git-receive-pack-request"})
        r = c.getresponse()
        said = r.read().decode(errors="replace")
        c.close()
        assert r.status == 200, said
        return said

    yield push, platform.state / "git" / "heavy.git", asked
    platform.stop()


def size_of(path):
    return sum(os.lstat(os.path.join(d, f)).st_blocks * 512 for d, _, files in os.walk(path) for f in files)


def refs_of(repo):
    return subprocess.run(["git", "-c", f"safe.directory={repo}", "-C", repo, "for-each-ref", "--format=%(refname)"], capture_output=True, text=True, check=True).stdout.split()


def test_a_push_that_is_memory(pushed):
    """A folder of a gigabyte and more, of zeros: one megabyte on the way."""
    push, repo, _ = pushed
    p = Pack()
    all_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    tree = p.zeros(2, min(max(all_mb // 32, 192), 1024) + 64)
    said = push([("refs/heads/side", tree)], p.bytes())
    assert "Out of memory" in said and "unpack index-pack abnormal exit" in said, said
    assert refs_of(repo) == []


def test_a_push_that_is_disk(pushed):
    """Files that repeat what zlib does not see as repeated: 80 KB on the way."""
    push, repo, _ = pushed
    p, before = Pack(), size_of(repo)
    commit, base = p.commit(), os.urandom(60000)
    base_id = p.add(3, base)
    for i in range(40):
        p.copies(base, base_id, 140, b"%d" % i)
    data = p.bytes()
    assert len(data) < 100000
    said = push([("refs/heads/side", commit)], data)
    assert "ok refs/heads/side" in said, said
    assert size_of(repo) - before < 4 << 20


def test_a_push_of_very_many_refs(pushed):
    push, repo, _ = pushed
    p = Pack()
    commit, before = p.commit(), refs_of(repo)
    said = push([(f"refs/tags/{i}", commit) for i in range(10001)], p.bytes())
    assert "Push rejected" in said and "10000 branches and tags at most" in said, said[-600:]
    assert refs_of(repo) == before
    # Those that are there count.
    assert "ok refs/tags/9000" in push([(f"refs/tags/{i}", commit) for i in range(9001)], p.bytes())
    said = push([(f"refs/tags/more-{i}", commit) for i in range(1000)], p.bytes())
    assert "10000 branches and tags at most" in said, said[-600:]
    assert len(refs_of(repo)) <= 10000


@pytest.mark.parametrize("name", ["/".join(["d"] * 60), "n" * 251])
def test_a_ref_that_is_many_folders(pushed, name):
    push, repo, _ = pushed
    p = Pack()
    commit = p.commit()
    said = push([(f"refs/heads/{name}", commit)], p.bytes())
    assert "Push rejected" in said and "its name has more than" in said, said
    assert f"refs/heads/{name}" not in refs_of(repo)


def test_a_signature_is_looked_at_by_no_program(pushed):
    """$Format:%G?$ in a file makes git archive run gpg, as whoever runs git."""
    push, repo, asked = pushed
    p = Pack()
    blobs = {".gitattributes": p.add(3, b"* export-subst\n"), "Procfile": p.add(3, b"worker: sleep 1000\n"), "f": p.add(3, b"$Format:%G? %GK$\n")}
    tree = p.add(2, b"".join(f"100644 {n}\0".encode() + bytes.fromhex(i) for n, i in sorted(blobs.items())))
    sign = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEz\n -----END PGP SIGNATURE-----\n"
    commit = p.add(1, f"tree {tree}\nauthor a <a@b> 1700000000 +0000\ncommitter a <a@b> 1700000000 +0000\n{sign}\nx\n".encode())
    said = push([("refs/heads/main", commit)], p.bytes())
    assert "ok refs/heads/main" in said, said
    # A stack that is made meanwhile asks it for Debian's keys.
    assert not asked.exists() or "--verify" not in asked.read_text(), asked.read_text()
