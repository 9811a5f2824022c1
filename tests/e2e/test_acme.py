# SPDX-License-Identifier: Apache-2.0
"""
Automatic certificates against a real ACME authority (Pebble), which truly looks for each challenge at our
HAProxy: got, served, renewed, told of when they fail, and what kills leave.
"""
import contextlib
import json
import os
import socket
import sqlite3
import ssl
import stat
import subprocess
import time
import uuid

import pytest

from conftest import Platform, wait_for
from pebble import Pebble


@pytest.fixture(scope="module")
def acme(tmp_path_factory):
    """(platform, authority), with one app: shop."""
    folder = tmp_path_factory.mktemp("acme")
    authority = Pebble(folder, 1)
    p = None
    try:
        p = Platform(folder / "platform", TWELVE_ACME_DIRECTORY=authority.directory, TWELVE_ACME_EMAIL="ada@example.com",
                     TWELVE_ACME_CA=authority.ca)
        authority.http_port = p.http_port
        authority.start()
        where = p.repo(folder)
        p.create("shop", where)
        p.push(where)
        yield p, authority
    finally:
        if p:
            p.stop()
        authority.stop()


def domain(p, host, app="shop"):
    status, d = p.api("GET", f"/apps/{app}/domains/{host}")
    assert status == 200, d
    return d


def issued(p, host, app="shop"):
    d = wait_for(lambda: (d := domain(p, host, app))["acm_status"] in ("cert issued", "failing") and d, f"the certificate for {host}", 120)
    assert d["acm_status"] == "cert issued", d
    return d


def peer(p, host, root=None):
    """The certificate that a client gets who asks for this host; verified when there is a root."""
    c = ssl.create_default_context(cafile=str(root)) if root else ssl._create_unverified_context()
    with c.wrap_socket(socket.create_connection(("127.0.0.1", p.https_port), timeout=20), server_hostname=host) as s:
        return ssl.DER_cert_to_PEM_cert(s.getpeercert(binary_form=True))


def of_store(p, d, app="shop"):
    return p.api("GET", f"/apps/{app}/sni-endpoints/{d['sni_endpoint']['name']}")[1]


def serves(p, host, endpoint):
    """HAProxy has it: after the reload that it takes."""
    wait_for(lambda: peer(p, host) == endpoint["certificate_chain"].split("-----END")[0] + "-----END CERTIFICATE-----\n",
             f"the certificate of {host} to be served")


def curl(p, host, root, path="/"):
    return subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", str(root), "--connect-to", "::127.0.0.1:",
                           f"https://{host}:{p.https_port}{path}"], capture_output=True, text=True, timeout=180)


def test_a_domain_gets_its_certificate(acme, tmp_path):
    p, authority = acme
    p.cli("domains:add", "www.shop.example", "-a", "shop")
    assert domain(p, "www.shop.example")["acm_status"] is None
    assert "certs:auto:enable" in p.cli("certs:auto", "-a", "shop").err
    p.cli("certs:auto:enable", "-a", "shop")
    d = issued(p, "www.shop.example")
    root = authority.roots(tmp_path / "root.pem")
    endpoint = of_store(p, d)
    serves(p, "www.shop.example", endpoint)
    r = curl(p, "www.shop.example", root)
    assert r.stdout.startswith("Hello web.1"), r
    cert = endpoint["ssl_cert"]
    assert cert["acm"] is True and cert["cert_domains"] == ["www.shop.example"] and cert["ca_signed?"] is False
    info = p.api("GET", "/apps/shop")[1]
    assert info["acm"] is True and info["web_url"] == f"https://www.shop.example:{p.https_port}/"
    out = p.cli("certs:auto", "-a", "shop").out
    assert "www.shop.example" in out and "cert issued" in out
    assert "ACM" in p.cli("certs", "-a", "shop").out
    # Nothing is left of the order, and no key is to be seen.
    assert sorted(f.name for f in (p.state / "acme").iterdir()) == ["hook", "private", "trust.pem"]
    assert [f.name for f in (p.state / "acme/private").iterdir()] == ["key.pem"]
    assert stat.S_IMODE((p.state / "acme/private").stat().st_mode) == 0o700
    for f in (p.run / "certs").iterdir():
        assert stat.S_IMODE(f.stat().st_mode) == 0o600
    assert "PRIVATE KEY" not in json.dumps(endpoint)
    assert b"PRIVATE KEY" not in b"".join(f.read_bytes() for f in p.state.glob("twelve.db*"))


def test_challenges_are_answered_for_these_domains_only(acme):
    p, _ = acme
    thumbprint = wait_for(lambda: (t := p.get("shop", "/.well-known/acme-challenge/tok-en_1", host="www.shop.example"))[0] == 200 and t[1],
                          "a challenge's answer").removeprefix("tok-en_1.")
    assert len(thumbprint) == 43
    for path in ("/.well-known/acme-challenge/", "/.well-known/acme-challenge/a/b", "/.well-known/acme-challenge/%3Cb%3E", "/.well-known/x"):
        assert thumbprint not in p.get("shop", path, host="www.shop.example")[1], path
    # The app's own name is not its: it may have a client of its own there.
    assert thumbprint not in p.get("shop", "/.well-known/acme-challenge/abc")[1]
    p.cli("maintenance:on", "-a", "shop")
    try:
        wait_for(lambda: p.get("shop", "/", host="www.shop.example")[0] == 503, "maintenance")
        assert p.get("shop", "/.well-known/acme-challenge/abc", host="www.shop.example") == (200, f"abc.{thumbprint}")
    finally:
        p.cli("maintenance:off", "-a", "shop")


def test_a_domain_that_fails_says_why_and_is_tried_again(acme):
    p, authority = acme
    authority.names.point("bad.shop.example", ["127.0.0.2"])
    p.cli("domains:add", "bad.shop.example", "-a", "shop")
    d = wait_for(lambda: (d := domain(p, "bad.shop.example"))["acm_status"] == "failing" and d, "the failure", 120)
    assert d["acm_status_reason"] and d["sni_endpoint"] is None
    assert d["twelve"]["acm_next_at"] > d["twelve"]["acm_tried_at"]
    out = p.cli("certs:auto", "-a", "shop").out
    assert d["acm_status_reason"] in out and "failing" in out
    # It is not asked for over and over: the authority sees one order.
    asked = authority.said().count("bad.shop.example")
    # Others are not held up by it, and nothing that works is taken away.
    assert domain(p, "www.shop.example")["acm_status"] == "cert issued"
    p.cli("domains:add", "good.shop.example", "-a", "shop")
    issued(p, "good.shop.example")
    assert authority.said().count("bad.shop.example") == asked
    # A restart does not forget the pause.
    p.restart()
    assert domain(p, "bad.shop.example") == d
    authority.names.point("bad.shop.example", None)
    p.cli("certs:auto:refresh", "-a", "shop")
    issued(p, "bad.shop.example")


def test_one_that_is_not_routed_holds_up_no_other(acme):
    """A domain that HAProxy does not know, and by name the first: it is a row that nobody was told of."""
    p, _ = acme
    with contextlib.closing(sqlite3.connect(p.state / "twelve.db", timeout=60)) as db:
        db.execute("INSERT INTO domain (id, app_id, hostname, created_ms) VALUES (?, ?, 'aa.unrouted.example', ?)",
                   [str(uuid.uuid4()), p.api("GET", "/apps/shop")[1]["id"], int(time.time() * 1000)])
        db.commit()
    assert p.api("POST", "/apps", {"name": "other"})[0] == 201
    p.cli("certs:auto:enable", "-a", "other")
    p.cli("domains:add", "zz.other.example", "-a", "other")
    issued(p, "zz.other.example", "other")
    assert domain(p, "aa.unrouted.example")["acm_status"] == "pending"
    # Its app's next change routes it.
    p.cli("config:set", "GREETING=Routed", "-a", "shop")
    issued(p, "aa.unrouted.example")
    p.cli("destroy", "-a", "other", "--confirm", "other")


def test_wildcards_and_own_certificates(acme, tmp_path):
    p, _ = acme
    p.cli("domains:add", "*.wild.example", "-a", "shop")
    d = domain(p, "*.wild.example")
    assert d["acm_status"] == "failed" and "DNS challenge" in d["acm_status_reason"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/CN=x", "-addext", "subjectAltName=DNS:*.wild.example,DNS:www.shop.example", "-keyout", tmp_path / "k", "-out",
                    tmp_path / "c"], check=True, capture_output=True)
    mine = json.loads(p.cli("certs:add", str(tmp_path / "c"), str(tmp_path / "k"), "-a", "shop", "--json").out)
    d = domain(p, "*.wild.example")
    assert d["acm_status"] is None and d["sni_endpoint"]["name"] == mine["name"]
    serves(p, "a.wild.example", mine)
    # It goes before the one that was got, which nobody needs any more; taken away, another one is got.
    old = domain(p, "www.shop.example")["sni_endpoint"]["name"]
    p.cli("certs:use", mine["name"], "www.shop.example", "-a", "shop")
    assert domain(p, "www.shop.example")["acm_status"] is None
    assert p.api("GET", f"/apps/shop/sni-endpoints/{old}")[0] == 404
    serves(p, "www.shop.example", mine)
    p.cli("certs:use", "none", "www.shop.example", "-a", "shop")
    serves(p, "www.shop.example", of_store(p, issued(p, "www.shop.example")))
    assert p.api("DELETE", f"/apps/shop/sni-endpoints/{domain(p, 'www.shop.example')['sni_endpoint']['name']}")[0] == 422


def test_a_renewal_and_one_that_fails(own_platform, tmp_path):
    """One that lives for half a minute is renewed after two thirds of it, again and again; while the authority is gone it stays."""
    authority = Pebble(tmp_path, 1, validity=30)
    p = own_platform(TWELVE_ACME_DIRECTORY=authority.directory, TWELVE_ACME_CA=authority.ca)
    authority.http_port = p.http_port
    authority.start()
    try:
        assert p.api("POST", "/apps", {"name": "short"})[0] == 201
        p.cli("certs:auto:enable", "-a", "short")
        p.cli("domains:add", "short.example", "-a", "short")
        first = of_store(p, issued(p, "short.example", "short"), "short")
        second = wait_for(lambda: (e := of_store(p, domain(p, "short.example", "short"), "short"))["ssl_cert"]["fingerprint"]
                          != first["ssl_cert"]["fingerprint"] and e, "a renewal", 120)
        assert second["name"] == first["name"] and second["created_at"] == first["created_at"]
        serves(p, "short.example", second)
        authority.kill9()
        d = wait_for(lambda: (d := domain(p, "short.example", "short"))["acm_status_reason"] and d, "a renewal that fails", 120)
        assert "fetch directory" in d["acm_status_reason"] and d["acm_status"] == "cert issued"
        assert of_store(p, d, "short")["ssl_cert"]["fingerprint"] == second["ssl_cert"]["fingerprint"]
        serves(p, "short.example", second)
    finally:
        authority.stop()
        authority.names.kill9()


def test_kills_in_the_middle(acme):
    """Killed as soon as each thing is there: each time the next start has the certificate in the end."""
    p, authority = acme

    def at(path):
        return lambda host: (p.state / path.format(host)).exists()

    moments = {"key": at("acme/private/{}/key.pem"), "folder": at("acme/{}"), "certificate": at("acme/{}/cert.pem"),
               "order": lambda host: host in authority.said(), "asked": lambda host: domain(p, host)["acm_status"] == "in-progress"}
    for name, reached in moments.items():
        host = f"kill-{name}.shop.example"
        p.cli("domains:add", host, "-a", "shop")
        wait_for(lambda: reached(host) or domain(p, host)["acm_status"] == "cert issued", name, 60)
        p.restart()
        serves(p, host, of_store(p, issued(p, host)))
        assert not (p.state / f"acme/{host}").exists() and not (p.state / f"acme/private/{host}").exists()
    # What a killed twelved had got already is taken, not asked for again.
    orders = authority.said().count("order-plz")
    host = "left.shop.example"
    authority.names.point(host, ["127.0.0.2"])
    p.cli("domains:add", host, "-a", "shop")
    wait_for(lambda: domain(p, host)["acm_status"] == "failing", "a failure", 60)
    asked = authority.said().count("order-plz")
    assert asked > orders
    p.kill9()
    authority.names.point(host, None)
    env = dict(p.env, PATH=p.env["PATH"])
    r = subprocess.run([p.program("twelved"), "acme", host], env=env, capture_output=True, text=True, timeout=120)
    assert r.returncode == 0, r
    made = authority.said().count("order-plz")
    p.start()
    p.cli("certs:auto:refresh", "-a", "shop")
    serves(p, host, of_store(p, issued(p, host)))
    assert authority.said().count("order-plz") == made


def test_turned_off(acme):
    p, _ = acme
    p.cli("domains:add", "last.shop.example", "-a", "shop")
    issued(p, "last.shop.example")
    p.cli("certs:auto:disable", "-a", "shop")
    assert p.api("GET", "/apps/shop")[1]["acm"] is False
    assert domain(p, "last.shop.example")["acm_status"] is None and domain(p, "last.shop.example")["sni_endpoint"] is None
    assert all(not e["ssl_cert"]["acm"] for e in p.api("GET", "/apps/shop/sni-endpoints")[1])
    wait_for(lambda: "abc." not in p.get("shop", "/.well-known/acme-challenge/abc", host="last.shop.example")[1], "challenges to be the app's again")
    assert p.api("PATCH", "/apps/shop/acm")[0] == 422
    log = p.cli("logs", "-n", "200", "-a", "shop").out
    assert "Automatic certificates disabled by user root@localhost" in log and "The certificate for www.shop.example was issued" in log


def test_without_a_directory(own_platform):
    p = own_platform(TWELVE_ACME_DIRECTORY="")
    assert p.api("POST", "/apps", {"name": "none"})[0] == 201
    status, said = p.api("POST", "/apps/none/acm", {})
    assert status == 422 and "TWELVE_ACME_DIRECTORY" in said["message"]


def test_without_uacme(own_platform, tmp_path):
    p = own_platform(PATH=path_without("uacme", tmp_path), TWELVE_ACME_DIRECTORY="https://localhost:1/dir")
    assert p.api("POST", "/apps", {"name": "none"})[0] == 201
    p.cli("domains:add", "none.example", "-a", "none")
    p.cli("certs:auto:enable", "-a", "none")
    d = wait_for(lambda: (d := domain(p, "none.example", "none"))["acm_status"] == "failing" and d, "the failure")
    assert d["acm_status_reason"] == "uacme is not installed: apt-get install uacme"


def path_without(program, folder):
    """A PATH with all programs but one."""
    where = folder / "bin"
    where.mkdir()
    for d in (*os.environ["PATH"].split(":"), "/usr/sbin", "/sbin"):
        for f in (os.listdir(d) if os.path.isdir(d) else []):
            if f != program and not (where / f).exists():
                (where / f).symlink_to(os.path.join(d, f))
    return str(where)
