# SPDX-License-Identifier: Apache-2.0
"""Sources that stand elsewhere: builds and app setups from a URL, what is refused, and kills while one is fetched."""
import hashlib
import http.server
import os
import ssl
import threading

import pytest

import receivers
from conftest import Platform, wait_for
from test_setups import HELLO, archive, asked, ended

SIMPLE = archive(HELLO, None)
# As GitHub has it: one folder with everything.
IN_A_FOLDER = archive(HELLO, None, top="hello-0f3a/")
WITH_MANIFEST = archive(HELLO, {"name": "Hello", "env": {"GREETING": {"value": "Moin"}}}, top="hello-0f3a/")


class Server:
    """Serves archives, and does what else its paths say."""

    def __init__(self, certificate=None):
        self.files = {"/simple.tgz": SIMPLE, "/folder.tgz": IN_A_FOLDER, "/manifest.tgz": WITH_MANIFEST, "/huge.tgz": b"x" * (3 << 20), "/empty.tgz": b""}
        self.asked, self.stalls = [], threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split("?")[0]
                server.asked.append(self.path)
                if path.startswith("/to/"):
                    self.send_response(302)
                    self.send_header("Location", path[3:] if path != "/to/loop" else path)
                    self.end_headers()
                    return
                body = server.files.get(path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if server.stalls.is_set():
                    self.wfile.write((body or b"")[:100])
                    self.wfile.flush()
                    wait_for(lambda: not server.stalls.is_set(), "to go on", 120)
                    return
                self.wfile.write(body or b"")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.server, certificate.server_key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def blob(self, path, **more):
        """Of an archive over http, which wants a checksum."""
        data = self.files.get("/" + path.split("?")[0].rsplit("/", 1)[-1], b"")
        return {"url": f"{self.url}/{path}", "checksum": "SHA256:" + hashlib.sha256(data).hexdigest(), **more}

    def stop(self):
        self.stalls.clear()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def server():
    s = Server()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def trusting(tmp_path_factory):
    """A platform whose administrator lets sources come from private networks."""
    p = Platform(tmp_path_factory.mktemp("platform"), TWELVE_PRIVATE_SOURCES="1", TWELVE_MAX_UPLOAD="2M")
    yield p
    p.stop()


def sources(p):
    return [f.name for f in (p.state / "sources").glob("*.tar")]


def build(p, name, blob):
    """A build to its end, with its output."""
    status, b = p.api("POST", f"/apps/{name}/builds", {"source_blob": blob})
    assert status == 201, b
    out = p.api("GET", "/" + b["output_stream_url"].split("://", 1)[-1].split("/", 1)[1])[1]
    wait_for(lambda: p.api("GET", f"/apps/{name}/builds/{b['id']}")[1]["status"] != "pending", "the end of the build")
    return p.api("GET", f"/apps/{name}/builds/{b['id']}")[1], out


@pytest.mark.parametrize("path", ["simple.tgz", "folder.tgz?token=s3cret", "to/folder.tgz"])
def test_a_build(trusting, server, path):
    p, name = trusting, "f-" + "".join(c for c in path if c.isalpha())[:20]
    p.cli("create", name)
    b, out = build(p, name, server.blob(path, version="0f3a"))
    assert b["status"] == "succeeded", out
    assert f"-----> Fetching {server.url}/{path.split('?')[0]}\n" in out and "s3cret" not in out
    wait_for(lambda: p.up(name), "the app")
    wait_for(lambda: p.get(name)[0] == 200, "the page")
    assert sources(p) == []
    assert p.cli("run", "-a", name, "--", "echo $SLUG_COMMIT $TWELVE_SLUG_COMMIT; ls").out.split() >= ["0f3a"]
    p.cli("destroy", "-a", name, "--confirm", name)


def test_what_can_not_be_fetched(trusting, server, tmp_path):
    p, name = trusting, "f-not"
    p.cli("create", name)
    tls = Server(receivers.certificates(tmp_path))
    refused = [(server.blob("no.tgz"), "it responded with status 404"), (server.blob("to/loop"), "redirects"), (server.blob("empty.tgz"), "the answer is empty"),
               (server.blob("huge.tgz"), "is larger than the 2 MB that a source may have (TWELVE_MAX_UPLOAD)"),
               (server.blob("simple.tgz", checksum="SHA256:" + "0" * 64), "not the one that was announced"),
               ({"url": f"{tls.url}/simple.tgz"}, "certificate"), ({"url": "https://127.0.0.1:1/x.tgz"}, "could not be fetched"),
               ({"url": "https://no-such-host.invalid/x.tgz?token=s3cret"}, "no-such-host.invalid")]
    for blob, words in refused:
        b, out = build(p, name, blob)
        assert b["status"] == "failed" and words in b["twelve"]["error"], (blob, b)
        assert b["twelve"]["error"] in out and "s3cret" not in out + str(b)
    assert sources(p) == []
    tls.stop()
    p.cli("destroy", "-a", name, "--confirm", name)


def test_private_networks_are_not_fetched_from(platform, server):
    p, name = platform, "f-private"
    p.cli("create", name)
    before = len(server.asked)
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"):
        blob = server.blob("simple.tgz")
        blob["url"] = blob["url"].replace("127.0.0.1", host)
        b, _ = build(p, name, blob)
        assert b["status"] == "failed" and "leads to an address of a private network" in b["twelve"]["error"], (host, b)
    assert len(server.asked) == before, "nobody was asked"
    for url, words in (("http://example.com/x.tgz", "source_blob.checksum"), ("https://me:pw@example.com/x.tgz", "user and password"), ("ftp://example.com/x", "https://"),
                       ("https:///x", "names no host"), ("x.tgz", "https://"), ("https://example.com/" + "x" * 5000, "4096"), ("https://exa mple.com/x", "https://")):
        status, error = p.api("POST", f"/apps/{name}/builds", {"source_blob": {"url": url}})
        assert status == 422 and "source_blob.url" in error["message"] and words in error["message"] and ":pw" not in error["message"], (url, error)
    p.cli("destroy", "-a", name, "--confirm", name)


def test_a_setup(trusting, server):
    p = trusting
    status, s = asked(p, "POST", "/app-setups", {"app": {"name": "f-setup"}, "source_blob": server.blob("manifest.tgz?token=s3cret")})
    assert status == 202, s
    s = ended(p, s["id"])
    assert s["status"] == "succeeded", s
    assert p.get("f-setup")[1].startswith("Moin") and sources(p) == []
    p.cli("destroy", "-a", "f-setup", "--confirm", "f-setup")
    status, s = asked(p, "POST", "/app-setups", {"app": {"name": "f-late"}, "source_blob": server.blob("no.tgz")})
    s = ended(p, s["id"])
    assert s["status"] == "failed" and "it responded with status 404" in s["failure_message"] and sources(p) == []


def test_kill_9_while_it_is_fetched(own_platform):
    """A build that was cut off failed, as any; a setup fetches again. The children end with twelved."""
    p, s = own_platform(TWELVE_PRIVATE_SOURCES="1"), Server()
    p.cli("create", "f-kill")
    s.stalls.set()
    assert p.api("POST", "/apps/f-kill/builds", {"source_blob": s.blob("simple.tgz")})[0] == 201
    status, setup = p.api("POST", "/app-setups", {"app": {"name": "f-again"}, "source_blob": s.blob("manifest.tgz")})
    assert status == 202
    wait_for(lambda: len(s.asked) == 2, "both to be asked for")
    children = [int(c) for c in open(f"/proc/{p.process.pid}/task/{p.process.pid}/children").read().split()]
    p.kill9()
    wait_for(lambda: not any(os.path.exists(f"/proc/{c}") and open(f"/proc/{c}/cmdline").read().endswith(("build\0", "app-json\0")) for c in children), "the children to end")
    s.stalls.clear()
    p.start()
    assert ended(p, setup["id"])["status"] == "succeeded" and len(s.asked) == 3
    assert [b["status"] for b in p.api("GET", "/apps/f-kill/builds")[1]] == ["failed"]
    b, out = build(p, "f-kill", s.blob("simple.tgz"))
    assert b["status"] == "succeeded", out
    s.stop()


def test_a_disk_without_room(own_platform, server):
    p = own_platform(TWELVE_PRIVATE_SOURCES="1", TWELVE_DISK_RESERVE="100000G")
    p.cli("create", "f-full")
    b, _ = build(p, "f-full", server.blob("simple.tgz"))
    assert b["status"] == "failed" and "does not fit" in b["twelve"]["error"] and "TWELVE_DISK_RESERVE" in b["twelve"]["error"] and sources(p) == []


def test_a_build_that_is_cancelled_while_it_is_fetched(trusting):
    p, s = trusting, Server()
    p.cli("create", "f-cancel")
    s.stalls.set()
    status, b = p.api("POST", "/apps/f-cancel/builds", {"source_blob": s.blob("simple.tgz")})
    wait_for(lambda: s.asked, "it to be asked for")
    p.cli("builds:cancel", b["id"], "-a", "f-cancel")
    wait_for(lambda: p.api("GET", f"/apps/f-cancel/builds/{b['id']}")[1]["status"] == "failed", "its end")
    assert "cancelled" in p.api("GET", f"/apps/f-cancel/builds/{b['id']}")[1]["twelve"]["error"] and sources(p) == []
    s.stop()
    p.cli("destroy", "-a", "f-cancel", "--confirm", "f-cancel")
