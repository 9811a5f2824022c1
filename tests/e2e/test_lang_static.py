# SPDX-License-Identifier: Apache-2.0
"""Static pages, with and without static.json: what a browser gets, over the router, from the real nginx."""
import base64
import concurrent.futures
import gzip
import http.client
import http.server
import json
import os
import socket
import threading

import pytest

from conftest import wait_for

STATIC_JSON = {
    "root": "dist/",
    "clean_urls": True,
    "routes": {"/assets/*": "/assets/", "/app/**": "index.html"},
    "redirects": {"/old/": {"url": "/new/", "status": 302}, "/shop": {"url": "${SHOP}/in"}},
    "error_page": "errors/404.html",
    "headers": {"/**": {"X-All": 'a "b" $uri \\ ;'}, "/about": {"X-All": "about"}, "/assets/**": {"Cache-Control": "public, max-age=60"}},
    "https_only": False,
    "logging": {"access": True, "error": "warn"},
}


def ask(platform, app, path, method="GET", **headers):
    """(status, headers, body) as they came, nothing followed, nothing unpacked."""
    c = http.client.HTTPConnection("127.0.0.1", platform.http_port, timeout=180)
    try:
        c.request(method, path, headers={"Host": f"{app}.localhost", **{k.replace("_", "-"): v for k, v in headers.items()}})
        r = c.getresponse()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
    finally:
        c.close()


@pytest.fixture(scope="module")
def site(platform, tmp_path_factory):
    where = tmp_path_factory.mktemp("site")
    pages = where / "dist"
    for folder in ("errors", "assets", "docs", "été", ".well-known"):
        (pages / folder).mkdir(parents=True)
    (where / "static.json").write_text(json.dumps(STATIC_JSON, indent=2))
    (where / "secret.txt").write_text("secret\n")
    (pages / "index.html").write_text("<p>first</p>\n")
    (pages / "about.html").write_text("<p>about</p>\n")
    (pages / "docs" / "index.html").write_text("<p>docs</p>\n")
    (pages / "été" / "a b.txt").write_text("août\n")
    (pages / "errors" / "404.html").write_text("<p>lost</p>\n")
    (pages / "assets" / "app.js").write_text("let x = 1;\n" * 500)
    (pages / "assets" / "packed.css").write_text("p{}\n" * 500)
    (pages / "assets" / "packed.css.gz").write_bytes(gzip.compress(b"packed before"))
    (pages / "assets" / "large.bin").write_bytes(os.urandom(24 << 20))
    (pages / ".hidden").write_text("hidden\n")
    (pages / ".well-known" / "security.txt").write_text("Contact: x\n")
    (pages / "_redirects").write_text("/blog/*  /news/:splat  301\n")
    platform.git(where, "init", "-q", "-b", "main")
    platform.commit(where, "pages")
    platform.create("site", where)
    platform.cli("config:set", 'SHOP=https://shop.example/$a"b', "-a", "site")
    yield where, platform.push(where)
    platform.cli("destroy", "-a", "site", "--confirm", "site", check=False)


def test_it_is_told_apart_and_answers(platform, site):
    _, pushed = site
    assert "Static app, by the buildpack static" in pushed.err and "Serving dist/ with nginx" in pushed.err
    status, headers, body = ask(platform, "site", "/")
    assert (status, body, headers["content-type"]) == (200, b"<p>first</p>\n", "text/html; charset=utf-8")
    assert headers["cache-control"] == "no-cache" and headers["x-all"] == 'a "b" $uri \\ ;'


@pytest.mark.parametrize("path,status,says", [
    ("/about", 200, b"about"),
    ("/about.html", 200, b"about"),
    ("/docs/", 200, b"docs"),
    ("/%C3%A9t%C3%A9/a%20b.txt", 200, "août".encode()),
    ("/app/deep/page", 200, b"first"),
    ("/.well-known/security.txt", 200, b"Contact"),
    ("/nowhere", 404, b"lost"),
    ("/assets/", 404, b"lost"),
    ("/assets/gone.js", 404, b"lost"),
    ("/.hidden", 404, b"lost"),
    ("/_redirects", 404, b"lost"),
    ("/secret.txt", 404, b"lost"),
    ("/..%2fsecret.txt", 400, b""),
    ("/docs/..%2f..%2fsecret.txt", 400, b""),
    ("/docs%00.html", 400, b""),
])
def test_paths(platform, site, path, status, says):
    got = ask(platform, "site", path)
    assert got[0] == status and says in got[2], got


@pytest.mark.parametrize("path,status,to", [
    ("/docs", 301, "/docs/"),
    ("/old/", 302, "/new/"),
    ("/shop", 301, 'https://shop.example/$a"b/in'),
    ("/blog/a/b?c=d", 301, "/news/a/b?c=d"),
    ("/blog/a%0d%0aSet-Cookie:%20x", 301, "/news/a%0d%0aSet-Cookie:%20x"),
])
def test_redirects(platform, site, path, status, to):
    got = ask(platform, "site", path)
    assert (got[0], got[1]["location"]) == (status, to)
    assert "set-cookie" not in got[1]


def test_headers_are_those_of_the_last_path_that_fits(platform, site):
    assert ask(platform, "site", "/about")[1]["x-all"] == "about"
    headers = ask(platform, "site", "/assets/app.js")[1]
    assert headers["cache-control"] == "public, max-age=60" and "x-all" not in headers
    assert "cache-control" not in ask(platform, "site", "/assets/gone.js")[1], "an error is not kept"


def test_the_log_has_each_request_when_that_is_asked_for(platform, site):
    ask(platform, "site", "/about?logged")
    wait_for(lambda: '"GET /about?logged HTTP/1.1" 200' in platform.cli("logs", "-n", "200", "-a", "site").out, "the line")


def test_compression_ranges_and_conditions(platform, site):
    plain = ask(platform, "site", "/assets/app.js")
    assert "content-encoding" not in plain[1] and len(plain[2]) == 5500
    packed = ask(platform, "site", "/assets/app.js", Accept_Encoding="gzip")
    assert packed[1]["content-encoding"] == "gzip" and gzip.decompress(packed[2]) == plain[2] and "Accept-Encoding" in packed[1]["vary"]
    assert ask(platform, "site", "/assets/app.js", Accept_Encoding="br, gzip")[1]["content-encoding"] == "br"
    assert gzip.decompress(ask(platform, "site", "/assets/packed.css", Accept_Encoding="gzip")[2]) == b"packed before"
    part = ask(platform, "site", "/assets/app.js", Range="bytes=0-2")
    assert (part[0], part[2], part[1]["content-range"]) == (206, b"let", "bytes 0-2/5500")
    assert ask(platform, "site", "/assets/app.js", Range="bytes=9999-")[0] == 416
    assert ask(platform, "site", "/assets/app.js", If_None_Match=plain[1]["etag"])[0] == 304
    assert ask(platform, "site", "/assets/app.js", If_Modified_Since=plain[1]["last-modified"])[0] == 304
    assert ask(platform, "site", "/assets/app.js", method="HEAD")[1]["content-length"] == "5500"


def test_a_changed_page_of_the_same_size_is_no_304_and_a_download_survives(platform, site):
    """The download begins at the old release, is read slowly, and ends with all of its bytes after the new one is up."""
    where, _ = site
    old = ask(platform, "site", "/")
    large = (where / "dist/assets/large.bin").read_bytes()
    s = socket.create_connection(("127.0.0.1", platform.http_port), timeout=60)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.sendall(b"GET /assets/large.bin HTTP/1.1\r\nHost: site.localhost\r\nConnection: close\r\n\r\n")
    got = s.recv(65536)
    (where / "dist" / "index.html").write_text("<p>other</p>\n")
    platform.commit(where, "other")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        push = pool.submit(platform.push, where)
        wait_for(lambda: ask(platform, "site", "/")[2] == b"<p>other</p>\n", "the new release")
        while chunk := s.recv(1 << 20):
            got += chunk
        push.result()
    s.close()
    assert got.split(b"\r\n\r\n", 1)[1] == large
    fresh = ask(platform, "site", "/", If_None_Match=old[1]["etag"], If_Modified_Since=old[1]["last-modified"])
    assert (fresh[0], fresh[2]) == (200, b"<p>other</p>\n")


def test_rollback_and_one_off(platform, site):
    platform.cli("rollback", "-a", "site")
    wait_for(lambda: ask(platform, "site", "/")[2] == b"<p>first</p>\n", "the page of before")
    assert "dist" in platform.cli("run", "-a", "site", "--", "ls", "/app").out


class Backend(http.server.BaseHTTPRequestHandler):
    """Says what it was asked; /v1/go leads on by its own address."""

    def do_GET(self):
        body = f"{self.path} {self.headers['Host'].split(':')[0]}".encode()
        self.send_response(302 if self.path == "/v1/go" else 200)
        if self.path == "/v1/go":
            self.send_header("Location", f"http://{self.server.server_address[0]}:{self.server.server_port}/v1/there")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_proxy_a_login_and_one_name(platform, machine_address, tmp_path):
    """The way goes on as it was sent; a password may hold what it likes."""
    server = http.server.ThreadingHTTPServer((machine_address, 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "static.json").write_text(json.dumps({"basic_auth": True, "canonical_host": "${NAME}.localhost", "proxies": {"/api/": {"origin": "http://${BACK}/v1"}}}))
    (tmp_path / "public_html" / "api").mkdir(parents=True)
    (tmp_path / "public_html" / "index.html").write_text("in\n")
    (tmp_path / "public_html" / "api" / "own.txt").write_text("own\n")
    platform.git(tmp_path, "init", "-q", "-b", "main")
    platform.commit(tmp_path, "proxy")
    platform.create("guarded", tmp_path)
    platform.cli("config:set", "NAME=guarded", f"BACK={machine_address}:{server.server_port}", "BASIC_AUTH_USERNAME=ada", "BASIC_AUTH_PASSWORD=p$w:1", "-a", "guarded")
    platform.cli("egress:allow", f"{machine_address}:{server.server_port}", "-a", "guarded")
    platform.push(tmp_path)
    login = {"Authorization": "Basic " + base64.b64encode(b"ada:p$w:1").decode()}
    assert ask(platform, "guarded", "/")[0] == 401 and ask(platform, "guarded", "/", Authorization="Basic YWRhOm5v")[0] == 401
    assert ask(platform, "guarded", "/", **login)[2] == b"in\n" and ask(platform, "guarded", "/api/own.txt", **login)[2] == b"own\n"
    assert ask(platform, "guarded", "/api/a%20b/%2e%2e%2fx?q=1", **login)[2] == f"/v1/a%20b/%2e%2e%2fx?q=1 {machine_address}".encode()
    went = ask(platform, "guarded", "/api/go", **login)
    assert (went[0], went[1]["location"]) == (302, "/api/there")
    platform.cli("domains:add", "other.example", "-a", "guarded")
    c = http.client.HTTPConnection("127.0.0.1", platform.http_port, timeout=180)
    c.request("GET", "/a?b=c", headers={"Host": "other.example", **login})
    moved = c.getresponse()
    assert (moved.status, moved.headers["location"]) == (301, "http://guarded.localhost/a?b=c")
    c.close()
    server.shutdown()
    server.server_close()
    platform.cli("destroy", "-a", "guarded", "--confirm", "guarded")


def test_what_is_wrong_in_static_json_has_a_line(platform, tmp_path):
    (tmp_path / "static.json").write_text('{\n  "root": "dist/"\n  "clean_urls": true\n}\n')
    platform.git(tmp_path, "init", "-q", "-b", "main")
    platform.commit(tmp_path, "broken")
    platform.create("broken-site", tmp_path)
    said = platform.push(tmp_path, check=False).err
    assert 'static.json:3: a comma or } is expected after the value of "root"' in said, said
    (tmp_path / "static.json").write_text('{\n  "root": "dist/"\n}\n')
    platform.commit(tmp_path, "no pages")
    said = platform.push(tmp_path, check=False).err
    assert 'static.json:2: root is "dist/", which is not there after the build' in said, said
    platform.cli("destroy", "-a", "broken-site", "--confirm", "broken-site")
