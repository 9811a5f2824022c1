# SPDX-License-Identifier: Apache-2.0
"""
One door: on one port the API in plain HTTP and over TLS, told apart by their first
bytes, the same and the apps on 80 and 443 by their names, and the local authority's
certificates, which change when they have to and never otherwise.
"""
import concurrent.futures
import contextlib
import datetime
import http.client
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess

import pytest

from conftest import Platform, wait_for

DOMAIN = "apps.example.test"


def ca(p):
    return p.state / "ca" / "ca.pem"


def context(p, **options):
    return ssl.create_default_context(cafile=str(ca(p)), **options)


def curl(p, url, *args, trust=True, check=True):
    """(status, text); names below DOMAIN are this machine."""
    argv = ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", "--connect-to", f"::127.0.0.1:", *args, url]
    if trust:
        argv += ["--cacert", str(ca(p))]
    r = subprocess.run(argv, capture_output=True, text=True, timeout=180)
    if not check:
        return r
    assert r.returncode == 0, r.stderr
    text, status = r.stdout.rsplit("\n", 1)
    return int(status), text


def raw(port, data, half_close=False, timeout=20):
    """What comes back for these bytes, until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(data)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        return read_all(s)


def read_all(s):
    text = b""
    with contextlib.suppress(ConnectionResetError, ssl.SSLError):
        while data := s.recv(65536):
            text += data
    return text


def token(p):
    return p.api("POST", "/oauth/authorizations", {"description": "door"})[1]["access_token"]["token"]


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """A platform whose apps are below DOMAIN, with one app: (platform, name)."""
    folder = tmp_path_factory.mktemp("door")
    p = Platform(folder / "platform", TWELVE_APPS_DOMAIN=DOMAIN)
    try:
        where = p.repo(folder)
        p.create("hello", where)
        p.push(where)
        yield p
    finally:
        p.stop()


# ---- who is behind it

def test_the_api_plain_and_over_tls_on_one_port(door):
    for url in (f"http://localhost:{door.api_port}", f"https://localhost:{door.api_port}", f"https://127.0.0.1:{door.api_port}",
                f"https://api.{DOMAIN}:{door.api_port}", f"https://git.{DOMAIN}:{door.api_port}"):
        status, text = curl(door, url + "/account", "-H", f"Authorization: Bearer {token(door)}")
        assert status == 200 and json.loads(text)["email"] == "root@localhost", url
        assert curl(door, url + "/account")[0] == 401


def test_the_certificate_is_checked(door):
    r = curl(door, f"https://localhost:{door.api_port}/account", trust=False, check=False)
    assert r.returncode == 60, r
    r = curl(door, f"https://somewhere.example:{door.api_port}/account", check=False)
    assert r.returncode == 60 and "somewhere.example" in r.stderr


def test_names_on_the_ports_of_apps(door):
    for scheme, port in (("http", door.http_port), ("https", door.https_port)):
        assert curl(door, f"{scheme}://hello.{DOMAIN}:{port}/")[1].startswith("Hello web.1")
        for name in ("api", "git"):
            status, text = curl(door, f"{scheme}://{name}.{DOMAIN}:{port}/account")
            assert status == 401 and json.loads(text)["id"] == "unauthorized"
        assert curl(door, f"{scheme}://nobody.{DOMAIN}:{port}/")[0] == 404


def test_http_is_not_sent_to_https(door):
    """There is no redirect and no HSTS unless an app wants them: a laptop has no certificate that browsers know."""
    r = subprocess.run(["curl", "-sS", "-D", "-", "-o", "/dev/null", "--connect-to", "::127.0.0.1:",
                        f"http://hello.{DOMAIN}:{door.http_port}/"], capture_output=True, text=True)
    assert r.stdout.startswith("HTTP/1.1 200") and "strict-transport" not in r.stdout.lower()


def test_the_authority_is_public(door):
    status, text = curl(door, f"http://localhost:{door.api_port}/twelve/ca")
    said = json.loads(text)
    assert status == 200 and said["certificate"] == ca(door).read_text() and said["path"] == str(ca(door))
    fingerprint = subprocess.run(["openssl", "x509", "-in", str(ca(door)), "-noout", "-fingerprint", "-sha256"], capture_output=True,
                                 text=True, check=True).stdout.strip().split("=")[1]
    assert said["fingerprint"] == fingerprint
    r = door.cli("ca")
    assert r.out == ca(door).read_text() and fingerprint in r.err and str(ca(door)) in r.err
    assert json.loads(door.cli("ca", "--json").out) == said
    rows = {row["check"]: row for row in json.loads(door.cli("doctor", "--json", check=False).out)}
    assert rows["tls"]["result"] == "ok" and said["expires_at"][:10] in rows["tls"]["text"]
    assert "uacme" in rows["acme"]["text"]


def test_trusting_it_as_the_help_says(door, tmp_path):
    """The lines for curl, git and node, with a file that `twelve ca -o` wrote."""
    file = tmp_path / "ca.pem"
    door.cli("ca", "-o", str(file))
    for word in ("--cacert", "sslCAInfo", "NODE_EXTRA_CA_CERTS", "update-ca-certificates", "security add-trusted-cert", "Firefox"):
        assert word in door.cli("help", "ca").out, word
    url = f"https://localhost:{door.api_port}/twelve/ca"
    assert subprocess.run(["curl", "-sf", "--cacert", str(file), url], capture_output=True).returncode == 0

    def git(*config):
        env = {k: v for k, v in door.env.items() if k != "GIT_SSL_CAINFO"}
        return subprocess.run(["git", *config, "ls-remote", f"https://localhost:{door.api_port}/hello.git"], capture_output=True, text=True,
                              env=dict(env, GIT_TERMINAL_PROMPT="0", GIT_CONFIG_GLOBAL="/dev/null")).stderr
    assert "certificate" in git()
    assert "certificate" not in git("-c", f"http.https://localhost:{door.api_port}/.sslCAInfo={file}")
    if shutil.which("node"):
        script = f"require('https').get('{url}', r => console.log(r.statusCode)).on('error', e => console.log(e.code))"
        for env, said in ((dict(os.environ, NODE_EXTRA_CA_CERTS=str(file)), "200"), (dict(os.environ), "UNABLE_TO_VERIFY")):
            r = subprocess.run(["node", "-e", script], capture_output=True, text=True, env=env)
            assert said in r.stdout or (said != "200" and "SELF_SIGNED" in r.stdout), r


def test_a_refused_request_has_a_line(door):
    """HAProxy refuses before it knows the app; the app's log says so all the same."""
    for n, (path, more) in enumerate((("/bücher", b""), ("/large", b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(85))))):
        head = f"GET {path}?n={n} HTTP/1.1\r\nHost: hello.{DOMAIN}\r\nConnection: close\r\n".encode()
        assert raw(door.http_port, head + more + b"\r\n").startswith(b"HTTP/1.1 400")
        line = wait_for(lambda: [x for x in door.cli("logs", "-a", "hello", "-n", "100").out.splitlines() if f"?n={n}" in x], "the line")[0]
        assert 'heroku[router]: at=error code=400 desc="Bad request' in line and f"host=hello.{DOMAIN}" in line and 'fwd="127.0.0.1"' in line


def test_a_domain_in_umlauts(door):
    """It is one name in two forms, wherever it is written."""
    assert "xn--bcher-kva.example (bücher.example)" in door.cli("domains:add", "Bücher.example.", "-a", "hello").err
    assert "xn--bcher-kva.example (bücher.example)" in door.cli("domains", "-a", "hello").out
    status, d = door.api("GET", "/apps/hello/domains/b%C3%BCcher.example")
    assert status == 200 and d["hostname"] == "xn--bcher-kva.example" and d["twelve"]["hostname_text"] == "bücher.example"
    for host in ("xn--bcher-kva.example", "XN--BCHER-KVA.example.", "xn--bcher-kva.example:8080"):
        wait_for(lambda host=host: door.get("hello", host=host)[0] == 200, host)
    door.cli("domains:remove", "bücher.example", "-a", "hello")
    assert door.api("GET", "/apps/hello/domains/xn--bcher-kva.example")[0] == 404
    # What is refused is named as it was written.
    r = door.cli("domains:add", "bücher/x.example", "-a", "hello", check=False)
    assert r.code != 0 and "bücher/x.example" in r.err and "?" not in r.err


# ---- first bytes

GET = b"GET /account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def test_a_request_byte_by_byte(door):
    with socket.create_connection(("127.0.0.1", door.api_port), timeout=20) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in GET:
            s.sendall(bytes([byte]))
        assert read_all(s).startswith(b"HTTP/1.1 401")


def test_a_handshake_byte_by_byte(door):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(door).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", door.api_port), timeout=20) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def drive(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        s.sendall(bytes([byte]))
                    data = s.recv(65536)
                    assert data, "closed in the middle"
                    incoming.write(data)
        drive(tls.do_handshake)
        tls.write(GET)
        assert drive(lambda: tls.read(65536)).startswith(b"HTTP/1.1 401")


def test_http_1_0(door):
    for version in (b"1.0", b"1.1"):
        text = raw(door.api_port, b"GET /twelve/ca HTTP/" + version + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert text.startswith(b"HTTP/1.1 200"), text
    assert raw(door.api_port, b"GET /twelve/ca HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_client_that_has_said_all_gets_its_answer(door):
    assert raw(door.api_port, GET, half_close=True).startswith(b"HTTP/1.1 401")
    with context(door).wrap_socket(socket.create_connection(("127.0.0.1", door.api_port), timeout=20), server_hostname="localhost") as s:
        s.sendall(GET)
        assert read_all(s).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("data", [
    b"\x00\x01\x02nonsense\r\n\r\n", b"\x15\x03\x01\x00\x02", b"\xff" * 20000, b"HELO mail\r\n\r\n", b"GET  / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00" + b"A" * 512, b"\x16", b"\x16\x03\x01\x00\x05hello", b"SSH-2.0-OpenSSH_9.2\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
], ids=repr)
def test_garbage_is_let_go(door, data):
    """It is answered with a refusal or nothing, its connection ends, and the door goes on."""
    text = raw(door.api_port, data, half_close=True)
    # TLS answers with an alert, HTTP/1 with an error, HTTP/2 with frames.
    assert not text.startswith(b"HTTP/1.1 2") and b"401" not in text, text
    assert curl(door, f"https://localhost:{door.api_port}/twelve/ca")[0] == 200


def test_garbage_inside_tls(door):
    for data in (b"\x00\x00\x00", b"not a request\r\n\r\n", b"no-such-secret\r\n"):
        with context(door).wrap_socket(socket.create_connection(("127.0.0.1", door.api_port), timeout=20), server_hostname="localhost") as s:
            s.sendall(data)
            with contextlib.suppress(OSError):
                s.unwrap()
            assert b"HTTP/1.1 2" not in read_all(s)
    assert curl(door, f"https://localhost:{door.api_port}/twelve/ca")[0] == 200


def test_clients_that_send_nothing_keep_nobody_out(door):
    silent = [socket.create_connection(("127.0.0.1", door.api_port), timeout=20) for _ in range(200)]
    try:
        assert curl(door, f"http://localhost:{door.api_port}/twelve/ca")[0] == 200
        assert curl(door, f"https://localhost:{door.api_port}/twelve/ca")[0] == 200
        for s in silent:
            s.shutdown(socket.SHUT_WR)
        assert all(read_all(s) == b"" for s in silent)
    finally:
        for s in silent:
            s.close()


def test_tls_without_a_name(door):
    """The heroku CLI's rendezvous client sends no SNI, and checks the chain and the name all the same."""
    c = context(door)
    c.check_hostname = False
    for port in (door.api_port, door.https_port):
        with c.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=20)) as s:
            names = {value for _, value in s.getpeercert()["subjectAltName"]}
            assert {"localhost", "127.0.0.1", f"api.{DOMAIN}", f"git.{DOMAIN}", f"*.{DOMAIN}"} <= names
            assert s.version() in ("TLSv1.2", "TLSv1.3")


def test_many_connections_at_once(door):
    c = context(door)

    def plain(_):
        return raw(door.api_port, GET, timeout=60)

    def tls(_):
        with c.wrap_socket(socket.create_connection(("127.0.0.1", door.api_port), timeout=60), server_hostname="localhost") as s:
            s.sendall(GET)
            return read_all(s)

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(plain, range(300))) + list(pool.map(tls, range(300)))
    assert all(a.startswith(b"HTTP/1.1 401") for a in answers)


# ---- what a client says of itself

def test_a_client_can_not_forge_where_it_comes_from(door):
    auth = {"Authorization": f"Bearer {token(door)}", "X-Forwarded-For": "6.6.6.6", "Content-Type": "application/json"}
    c = context(door)
    ways = {"plain": (http.client.HTTPConnection("127.0.0.1", door.api_port), "localhost"),
            "tls": (http.client.HTTPSConnection("127.0.0.1", door.api_port, context=c), "localhost"),
            "by-name": (http.client.HTTPConnection("127.0.0.1", door.http_port), f"api.{DOMAIN}")}
    for way, (connection, host) in ways.items():
        connection.putrequest("POST", "/apps", skip_host=True)
        body = json.dumps({"name": f"forged-{way}"}).encode()
        # Twice: each of them goes.
        for name, value in (*auth.items(), ("x-forwarded-for", "7.7.7.7"), ("Host", host), ("Content-Length", str(len(body)))):
            connection.putheader(name, value)
        connection.endheaders(body)
        assert connection.getresponse().status == 201
        connection.close()
        row = door.api("GET", f"/apps/forged-{way}/audit")[1][0]
        assert row["from"] == "127.0.0.1", row
        door.api("DELETE", f"/apps/forged-{way}")


def test_a_client_can_not_forge_how_it_came(door):
    auth = ("-H", f"Authorization: Bearer {token(door)}", "-X", "POST")
    for scheme, lie in (("http", "https"), ("https", "http")):
        for port, host in ((door.api_port, "localhost"), (door.http_port if scheme == "http" else door.https_port, f"api.{DOMAIN}")):
            status, text = curl(door, f"{scheme}://{host}:{port}/sources", "-H", f"X-Forwarded-Proto: {lie}", *auth)
            assert status == 201 and json.loads(text)["source_blob"]["put_url"].startswith(f"{scheme}://"), text


# ---- the local authority and its certificate

def files(p):
    return {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in (ca(p), p.state / "ca/ca.key", p.state / "tls/local.pem")}


def loads(p):
    """How often haproxy was started and loaded anew, as its master says."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(p.run / "haproxy" / "master.sock"))
        s.sendall(b"show proc\n")
        s.shutdown(socket.SHUT_WR)
        rows = [line.split() for line in read_all(s).decode().splitlines() if line and not line.startswith("#")]
    return [row for row in rows if row[1] == "master"][0][0], [row for row in rows if row[1] == "master"][0][2]


def served(p, port=None):
    """The certificate that a client gets."""
    c = context(p)
    c.check_hostname = False
    with c.wrap_socket(socket.create_connection(("127.0.0.1", port or p.https_port), timeout=20)) as s:
        return s.getpeercert(binary_form=True)


def file_of(p):
    return ssl.PEM_cert_to_DER_cert((p.state / "tls/local.pem").read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")


def test_keys_are_nobody_elses(door):
    def mode(path):
        return stat.S_IMODE((door.state / path).stat().st_mode)
    assert mode("ca/ca.key") == 0o600 and mode("tls/local.pem") == 0o600 and mode("tls") == 0o700
    assert mode("ca/ca.pem") == 0o644
    assert stat.S_IMODE((door.run / "door").stat().st_mode) == 0o700


def test_a_restart_changes_no_certificate(own_platform):
    p = own_platform()
    before, processes = files(p), loads(p)
    for _ in range(2):
        p.restart()
        assert files(p) == before
        assert loads(p) == processes


def test_other_names_make_another_certificate(own_platform):
    p = own_platform()
    before, first = files(p), served(p)
    p.env["TWELVE_APPS_DOMAIN"] = "other.example.test"
    p.restart()
    after = files(p)
    assert after[ca(p)] == before[ca(p)] and after[p.state / "ca/ca.key"] == before[p.state / "ca/ca.key"]
    wait_for(lambda: served(p) == file_of(p) != first, "the new certificate to be served")
    assert curl(p, f"https://api.other.example.test:{p.https_port}/account")[0] == 401


def sign(p, days, names):
    """local.pem as the authority would have made it some time ago."""
    folder = p.state / "tls"
    key, request, ext, cert = (folder / n for n in ("k", "r", "e", "c"))
    ext.write_text("subjectAltName=" + names + "\n")
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%y%m%d%H%M%SZ")
    run = lambda *argv: subprocess.run(argv, check=True, capture_output=True, cwd=folder)
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request)
    (folder / "index").write_text("")
    (folder / "conf").write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index\nnew_certs_dir={folder}\nrand_serial=yes\ndefault_md=sha256\n"
                                 "policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
    run("openssl", "ca", "-batch", "-config", folder / "conf", "-in", request, "-cert", ca(p), "-keyfile", p.state / "ca/ca.key",
        "-extfile", ext, "-startdate", "200101000000Z", "-enddate", end, "-out", cert, "-notext")
    text = cert.read_text() + ca(p).read_text() + key.read_text()
    for f in folder.iterdir():
        if f.name != "local.pem":
            f.unlink()
    (folder / "local.pem").write_text(text)


@pytest.mark.parametrize("days,renewed", [(40, False), (20, True), (-1, True)])
def test_a_certificate_is_made_anew_a_month_before_its_end(own_platform, days, renewed):
    p = own_platform()
    names = ",".join(f"{'IP' if kind == 'IP Address' else 'DNS'}:{value}" for kind, value in sans(p))
    p.kill9()
    sign(p, days, names)
    signed, authority = file_of(p), ca(p).read_bytes()
    p.start()
    assert (file_of(p) != signed) == renewed and ca(p).read_bytes() == authority
    wait_for(lambda: served_or_none(p) == file_of(p), "the certificate to be served")


def sans(p):
    c = context(p)
    c.check_hostname = False
    with c.wrap_socket(socket.create_connection(("127.0.0.1", p.https_port), timeout=20)) as s:
        return s.getpeercert()["subjectAltName"]


def served_or_none(p):
    try:
        return served(p)
    except (OSError, ssl.SSLError):
        return None


def test_what_a_kill_leaves_of_the_authority_is_mended(own_platform):
    """Each state that lies between two writes of ca_prepare(), and what damages files otherwise."""
    p = own_platform()
    key, cert, local = p.state / "ca/ca.key", ca(p), p.state / "tls/local.pem"
    other = p.state.parent / "other"
    shutil.copytree(p.state / "ca", other / "ca")
    shutil.copytree(p.state / "tls", other / "tls")
    # Another authority with another key, for what does not belong together.
    for f in (key, cert, local):
        f.unlink()
    p.restart()

    def key_only():
        cert.unlink(), local.unlink()

    def no_certificate():
        local.unlink()

    def another_key():
        shutil.copy(other / "ca/ca.key", key)

    def another_authority():
        shutil.copy(other / "ca/ca.key", key), shutil.copy(other / "ca/ca.pem", cert)

    def no_key():
        key.unlink()

    def cut_off():
        local.write_bytes(local.read_bytes()[:300])

    def empty():
        for f in (key, cert, local):
            f.write_bytes(b"")

    def directories():
        shutil.rmtree(p.state / "ca"), shutil.rmtree(p.state / "tls")

    for step in (key_only, no_certificate, another_key, another_authority, no_key, cut_off, empty, directories):
        p.kill9()
        step()
        p.start()
        wait_for(lambda: served_or_none(p) == file_of(p), f"the mended certificate after {step.__name__}")
        assert curl(p, f"https://localhost:{p.api_port}/account")[0] == 401, step.__name__
        kept = files(p)
        p.restart()
        assert files(p) == kept, step.__name__


def test_a_kill_at_any_moment_of_the_first_start(own_platform, tmp_path):
    """Killed as soon as each file is there; the next start finishes, with one authority."""
    p = own_platform()
    for moment in ("ca", "ca/ca.key", "ca/ca.pem", "tls", "tls/local.pem"):
        p.kill9()
        shutil.rmtree(p.state / "ca")
        shutil.rmtree(p.state / "tls")
        process = subprocess.Popen([p.program("twelved")], env=p.env, stdin=subprocess.DEVNULL, stdout=p.log, stderr=p.log, cwd="/")
        wait_for(lambda: (p.state / moment).exists(), moment)
        process.kill()
        process.wait()
        p.start()
        wait_for(lambda: served_or_none(p) == file_of(p), "the certificate")
        assert curl(p, f"https://localhost:{p.api_port}/account")[0] == 401
        assert not [f for f in (*(p.state / "ca").iterdir(), *(p.state / "tls").iterdir())
                    if f.name not in ("ca.pem", "ca.key", "local.pem")], moment
