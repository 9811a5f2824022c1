# SPDX-License-Identifier: Apache-2.0
"""Certificates that apps bring: checked, sealed, served by name, replaced without losing a request."""
import http.client
import json
import pathlib
import re
import socket
import ssl
import stat
import subprocess
import threading

import pytest

from conftest import wait_for


class Authority:
    """Signs certificates in a folder: (certificate with chain, key)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.n = 0
        self.root = self.folder / "root.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=Root",
                     "-keyout", "root.key", "-out", "root.pem")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def sign(self, *names, rsa=False, days="20"):
        self.n += 1
        crt, key = self.folder / f"{self.n}.crt", self.folder / f"{self.n}.key"
        kind = ("rsa:2048",) if rsa else ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.openssl("req", "-newkey", *kind, "-nodes", "-subj", f"/CN={names[0]}", "-keyout", key.name, "-out", "r.csr")
        (self.folder / "ext").write_text("subjectAltName=" + ",".join(f"DNS:{n}" for n in names) + "\n")
        self.openssl("x509", "-req", "-in", "r.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", days, "-extfile", "ext",
                     "-out", "leaf.pem")
        crt.write_text((self.folder / "leaf.pem").read_text() + self.root.read_text())
        return crt, key


@pytest.fixture
def authority(tmp_path):
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


def body(crt, key):
    return {"certificate_chain": crt.read_text(), "private_key": key.read_text()}


def add(p, app, crt, key):
    status, e = p.api("POST", f"/apps/{app}/sni-endpoints", body(crt, key))
    assert status == 201, e
    return e


def use(p, app, host, name):
    status, d = p.api("PATCH", f"/apps/{app}/domains/{host}", {"sni_endpoint": name})
    assert status == 200, d
    return d


def peer(p, host, ciphers=None):
    c = ssl._create_unverified_context()
    if ciphers:
        c.maximum_version = ssl.TLSVersion.TLSv1_2
        c.set_ciphers(ciphers)
    with c.wrap_socket(socket.create_connection(("127.0.0.1", p.https_port), timeout=20), server_hostname=host) as s:
        return ssl.DER_cert_to_PEM_cert(s.getpeercert(binary_form=True))


def leaf(crt):
    return crt.read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n"


def serves(p, host, crt, **options):
    def does():
        try:
            return peer(p, host, **options) == leaf(crt)
        except ssl.SSLError:
            # No certificate fits the ciphers yet.
            return False
    wait_for(does, f"the certificate of {host}")


def curl(p, host, root):
    return subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", str(root), "--connect-to", "::127.0.0.1:",
                           f"https://{host}:{p.https_port}/"], capture_output=True, text=True, timeout=180)


def test_from_the_command_line(app, authority):
    p, name, _ = app
    host, wild = f"{name}.certs.example", f"*.{name}.certs.example"
    p.cli("domains:add", host, wild, "-a", name)
    crt, key = authority.sign(host, wild)
    assert "twelve certs:add" in p.cli("certs", "-a", name).err
    r = p.cli("certs:add", str(crt), str(key), "-a", name)
    assert f"{host} is served with it" in r.err and f"{wild} is served with it" in r.err and "PRIVATE" not in r.out + r.err
    serves(p, host, crt)
    assert curl(p, host, authority.root).stdout.startswith("Hello web.1")
    assert curl(p, f"any.{name}.certs.example", authority.root).stdout.startswith("Hello web.1")
    (e,) = json.loads(p.cli("certs", "-a", name, "--json").out)
    assert e["ssl_cert"]["cert_domains"] == [host, wild] and len(e["domains"]) == 2
    out = p.cli("certs", "-a", name).out
    assert e["name"] in out and f"{host}, {wild}" in out and "no" in out
    out = p.cli("certs:info", "-a", name).out
    assert f"/CN={host}" in out and "/CN=Root" in out and e["ssl_cert"]["fingerprint"] in out
    days = {word: e["ssl_cert"][key][:10].replace("-", "/") for word, key in (("Starts", "starts_at"), ("Expires", "expires_at"))}
    assert re.search(rf"^Starts: +{days['Starts']}$", out, re.M) and re.search(rf"^Expires: +{days['Expires']} \(in ", out, re.M), out
    r = p.cli("certs:info", "--name", "none-such", "-a", name, check=False)
    assert r.code == 1 and "Couldn't find that certificate: none-such" in r.err
    # The authority would ask on port 80, which is another here.
    r = p.cli("certs:auto:enable", "-a", name)
    assert f"looks at port 80 of each domain, and apps are served on port {p.http_port} here (TWELVE_HTTP)" in r.err
    assert "port 80" not in p.cli("certs:auto:disable", "-a", name).err
    # Another for the same, then one that is not.
    crt2, key2 = authority.sign(host, wild)
    p.cli("certs:update", str(crt2), str(key2), "-a", name)
    serves(p, host, crt2)
    other = authority.sign("other.example")
    r = p.cli("certs:update", *map(str, other), "-a", name, check=False)
    assert r.code != 0 and "is not for" in r.err
    p.cli("certs:add", *map(str, other), "-a", name)
    r = p.cli("certs:info", "-a", name, check=False)
    assert r.code == 2 and "--name" in r.err
    p.cli("certs:use", "none", wild, "-a", name)
    wait_for(lambda: peer(p, f"any.{name}.certs.example") != leaf(crt2), "the wildcard to be served no longer")
    p.cli("certs:remove", "--name", e["name"], "-a", name)
    wait_for(lambda: peer(p, host) != leaf(crt2), "the certificate to be served no longer")
    assert p.api("GET", f"/apps/{name}/domains/{host}")[1]["sni_endpoint"] is None


def test_the_heroku_command(app, authority, heroku):
    p, name, _ = app
    host = f"{name}.heroku.example"
    assert "no SSL certificates" in heroku("certs", app=name).out + heroku("certs", app=name).err
    crt, key = authority.sign(host)
    e = add(p, name, crt, key)
    p.api("POST", f"/apps/{name}/domains", {"hostname": host, "sni_endpoint": e["name"]})
    out = heroku("certs", app=name).out
    assert e["name"] in out and host in out
    assert f"CN={host}" in heroku("certs:info", app=name).out
    assert "PRIVATE" not in heroku("certs:info", app=name).out
    crt2, key2 = authority.sign(host)
    heroku("certs:update", str(crt2), str(key2), "--confirm", name, app=name)
    serves(p, host, crt2)
    assert "is disabled" in heroku("certs:auto", app=name).out
    heroku("certs:remove", "--confirm", name, app=name)
    # It waits until each domain has a name to point to; the authority of these tests is out of reach, which is told.
    heroku("certs:auto:enable", app=name)
    wait_for(lambda: p.api("GET", f"/apps/{name}/domains/{host}")[1]["acm_status"] == "failing", "the failure")
    out = heroku("certs:auto", app=name).out
    assert "is enabled" in out and host in out and "Failing" in out and "fetch directory" in out, out
    heroku("certs:auto:refresh", app=name)
    heroku("certs:auto:disable", "--confirm", name, app=name)
    assert p.api("GET", f"/apps/{name}")[1]["acm"] is False
    wait_for(lambda: peer(p, host) != leaf(crt2), "the certificate to be served no longer")


def test_bad_input(platform, authority):
    p, app = platform, "certs-bad"
    p.api("POST", "/apps", {"name": app})
    crt, key = authority.sign("bad.example")
    crt2, key2 = authority.sign("bad.example")
    good = body(crt, key)
    expired = authority.sign("bad.example", days="-1")
    for change, said in (
        ({"private_key": key2.read_text()}, "do not match"),
        ({"certificate_chain": leaf(crt) + leaf(crt2)}, "out of order"),
        ({"certificate_chain": "nonsense"}, "no certificate"),
        ({"private_key": "nonsense"}, "no private key"),
        ({"private_key": crt.read_text()}, "no private key"),
        ({"private_key": None}, "private_key"),
        ({"certificate_chain": 7}, "certificate_chain"),
        ({"certificate_chain": "x" * 70000}, "more than 65536 bytes"),
        (body(*expired), "expired"),
    ):
        status, answer = p.api("POST", f"/apps/{app}/sni-endpoints", {**good, **change})
        assert status in (400, 422) and said in answer["message"], (said, answer)
        assert "PRIVATE KEY" not in answer["message"] or "begins with" in answer["message"]
    assert p.api("GET", f"/apps/{app}/sni-endpoints") == (200, [])
    assert p.api("GET", f"/apps/{app}/sni-endpoints/none")[0] == 404
    e = add(p, app, crt, key)
    p.api("POST", f"/apps/{app}/domains", {"hostname": "elsewhere.example", "sni_endpoint": None})
    status, answer = p.api("PATCH", f"/apps/{app}/domains/elsewhere.example", {"sni_endpoint": e["name"]})
    assert status == 422 and "is not for elsewhere.example: it is for bad.example" in answer["message"]
    assert p.api("PATCH", f"/apps/{app}/domains/elsewhere.example", {"sni_endpoint": "none-such"})[0] == 404
    status, answer = p.api("POST", f"/apps/{app}/domains", {"hostname": "b.elsewhere.example", "sni_endpoint": e["id"]})
    assert status == 422, answer
    p.api("DELETE", f"/apps/{app}")


def test_a_certificate_gives_no_name_of_another_app(app, authority):
    """Whoever brings a certificate for a name that is not theirs gets nothing by it."""
    p, name, _ = app
    host = f"{name}.mine.example"
    p.cli("domains:add", host, "-a", name)
    crt, key = authority.sign(host)
    p.cli("certs:add", str(crt), str(key), "-a", name)
    serves(p, host, crt)
    p.api("POST", "/apps", {"name": "certs-thief"})
    theirs = authority.sign(host, "*.mine.example", "certs-thief.example", rsa=True)
    e = add(p, "certs-thief", *theirs)
    p.api("POST", "/apps/certs-thief/domains", {"hostname": "certs-thief.example", "sni_endpoint": e["name"]})
    serves(p, "certs-thief.example", theirs[0])
    for ciphers in ("aECDSA", "aRSA"):
        try:
            assert peer(p, host, ciphers) == leaf(crt)
        except ssl.SSLError:
            assert ciphers == "aRSA"
    # Nor may one app use what another has.
    assert p.api("PATCH", f"/apps/{name}/domains/{host}", {"sni_endpoint": e["name"]})[0] == 404
    # What an app had goes with it: from HAProxy, and from the disk.
    p.api("DELETE", "/apps/certs-thief")
    wait_for(lambda: peer(p, "certs-thief.example") != leaf(theirs[0]), "the certificate to go")


def test_two_kinds_of_keys_for_one_name(app, authority):
    p, name, _ = app
    host = f"{name}.both.example"
    p.cli("domains:add", host, "-a", name)
    ec, rsa = authority.sign(host), authority.sign(host, rsa=True)
    p.cli("certs:add", *map(str, ec), "-a", name)
    p.cli("certs:add", *map(str, rsa), "-a", name)
    serves(p, host, ec[0], ciphers="aECDSA")
    serves(p, host, rsa[0], ciphers="aRSA")


def test_keys_are_shown_and_left_nowhere(own_platform, authority):
    p = own_platform()
    p.api("POST", "/apps", {"name": "secret"})
    crt, key = authority.sign("secret.example")
    e = add(p, "secret", crt, key)
    p.api("POST", "/apps/secret/domains", {"hostname": "secret.example", "sni_endpoint": e["name"]})
    serves(p, "secret.example", crt)
    secret = "".join(key.read_text().splitlines()[1:-1])[:60]
    assert secret not in json.dumps([e, p.api("GET", "/apps/secret/sni-endpoints")[1], p.api("GET", "/apps/secret/audit")[1]])
    p.log.flush()
    assert secret not in pathlib.Path(p.log.name).read_text()
    found = [f for top in (p.state, p.run) for f in top.rglob("*") if f.is_file() and secret.encode() in f.read_bytes().replace(b"\n", b"")]
    assert [f.parent for f in found] == [p.run / "certs"]
    assert stat.S_IMODE(found[0].stat().st_mode) == 0o600 and stat.S_IMODE((p.run / "certs").stat().st_mode) == 0o700
    # Two changes later nothing refers to it.
    p.api("DELETE", f"/apps/secret/sni-endpoints/{e['name']}")
    add(p, "secret", *authority.sign("x.example"))
    assert not found[0].exists()


def test_it_survives_restarts_and_kills(own_platform, authority):
    p = own_platform()
    p.api("POST", "/apps", {"name": "kept"})
    crt, key = authority.sign("kept.example")
    e = add(p, "kept", crt, key)
    p.api("POST", "/apps/kept/domains", {"hostname": "kept.example", "sni_endpoint": e["name"]})
    serves(p, "kept.example", crt)
    listed = (p.run / "door/certs.list").read_bytes()
    p.restart()
    assert peer(p, "kept.example") == leaf(crt) and (p.run / "door/certs.list").read_bytes() == listed
    # haproxy killed: it comes back with it.
    pid = int((p.run / "haproxy/pid").read_text().split()[0])
    subprocess.run(["kill", "-9", str(pid)], check=True)

    def back():
        try:
            return peer(p, "kept.example") == leaf(crt)
        except OSError:
            return False
    wait_for(lambda: int((p.run / "haproxy/pid").read_text().split()[0]) != pid and back(), "haproxy to come back")
    # Killed between the row and the files, or the files gone: the next start writes them.
    p.kill9()
    for f in (p.run / "certs").iterdir():
        f.unlink()
    (p.run / "door/certs.list").unlink()
    (p.run / "certs/half.pem.abcdef").write_text("half of a key")
    p.start()
    wait_for(back, "the certificate to be served again")
    assert len(list((p.run / "certs").iterdir())) == 1


def test_no_request_fails_while_certificates_change(app, authority):
    p, name, _ = app
    host = f"{name}.busy.example"
    p.cli("domains:add", host, "-a", name)
    p.cli("certs:add", *map(str, authority.sign(host)), "-a", name)
    context = ssl._create_unverified_context()
    wait_for(lambda: curl(p, host, authority.root).stdout.startswith("Hello"), "the certificate")
    done, failures, served = threading.Event(), [], [0]

    def ask():
        while not done.is_set():
            try:
                c = http.client.HTTPSConnection("127.0.0.1", p.https_port, timeout=180, context=context)
                c.request("GET", "/", headers={"Host": host})
                assert c.getresponse().read().startswith(b"Hello")
                c.close()
                served[0] += 1
            except (OSError, http.client.HTTPException, AssertionError) as e:
                failures.append(repr(e))
            done.wait(0.02)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(5):
            crt, key = authority.sign(host)
            p.cli("certs:update", str(crt), str(key), "-a", name)
            serves(p, host, crt)
    finally:
        done.set()
        for t in threads:
            t.join()
    assert served[0] > 20 and failures == []
