# SPDX-License-Identifier: Apache-2.0
"""The heroku CLI against a real twelved: domains and buildpacks. Certificates have tests/e2e/test_certs.py."""
import re
import subprocess

from conftest import wait_for


def test_buildpacks(heroku, alpha):
    platform = heroku.platform

    def installed():
        return [b["buildpack"]["url"] for b in platform.api("GET", f"/apps/{alpha}/buildpack-installations")[1]]

    assert "has no Buildpacks" in heroku("buildpacks", app=alpha).out
    x, y = "https://127.0.0.1:1/x/x", "https://127.0.0.1:1/x/y"
    heroku("buildpacks:set", x, app=alpha)
    heroku("buildpacks:add", y, app=alpha)
    assert installed() == [x, y]
    assert [line.split()[-1] for line in heroku("buildpacks", app=alpha).out.splitlines()[2:] if line] == [x, y]
    heroku("buildpacks:remove", x, app=alpha)
    assert installed() == [y]
    heroku("buildpacks:set", "heroku/nodejs", app=alpha)
    assert installed() == ["nodejs"]
    assert "heroku/ruby" not in heroku("buildpacks", app=alpha).out
    assert "must be a name" in heroku("buildpacks:set", "heroku/clojure", app=alpha, code=2).err
    heroku("buildpacks:clear", app=alpha)
    assert installed() == []


def test_domains(heroku, alpha):
    platform = heroku.platform
    own, host, star = f"{alpha}.localhost", "www.heroku-domains.example", "*.heroku-domains.example"

    def hostnames():
        return {d["hostname"] for d in platform.api("GET", f"/apps/{alpha}/domains")[1]}

    assert own in heroku("domains", app=alpha).out
    heroku("domains:add", host, app=alpha)
    heroku("domains:add", star, "--wait", app=alpha)
    assert hostnames() == {own, host, star}
    wait_for(lambda: platform.get(alpha, host=host)[1].startswith("Hello ") and platform.get(alpha, host="x.heroku-domains.example")[0] == 200,
             "the names to lead to the app")
    out = heroku("domains", app=alpha).out
    assert own in out.split("Custom Domains")[0] and host in out.split("Custom Domains")[1] and star in out.split("Custom Domains")[1]
    assert {d["id"] for d in heroku.json("domains", "--json", app=alpha)} == {d["id"] for d in platform.api("GET", f"/apps/{alpha}/domains")[1]}
    info = heroku("domains:info", host, app=alpha).out
    assert re.search(rf"^hostname:\s+{re.escape(host)}$", info, re.M) and re.search(r"^kind:\s+custom$", info, re.M), info
    assert "already" in heroku("domains:add", host, app=alpha, code=2).err
    heroku("domains:remove", star, app=alpha)
    heroku("domains:remove", host, app=alpha)
    assert hostnames() == {own}
    wait_for(lambda: platform.get(alpha, host=host)[0] == 404, "the name to lead nowhere")
    assert "Couldn't find" in heroku("domains:remove", host, app=alpha, code=2).err


def test_a_certificate_and_its_domain(heroku, alpha, tmp_path):
    platform = heroku.platform
    host = "tls.heroku-domains.example"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7", "-subj", f"/CN={host}",
                    "-addext", f"subjectAltName=DNS:{host}", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "crt.pem"], check=True, capture_output=True)
    out = heroku("certs:add", str(tmp_path / "crt.pem"), str(tmp_path / "key.pem"), app=alpha)
    (made,) = platform.api("GET", f"/apps/{alpha}/sni-endpoints")[1]
    assert host in out.out and made["ssl_cert"]["cert_domains"] == [host]
    heroku("domains:add", host, "--cert", made["name"], app=alpha)
    assert platform.api("GET", f"/apps/{alpha}/domains/{host}")[1]["sni_endpoint"]["name"] == made["name"]
    assert "self signed" in heroku("certs:info", app=alpha).out.replace("-", " ").lower()
    heroku("domains:remove", host, app=alpha)
    heroku("certs:remove", "--confirm", alpha, app=alpha)
    assert platform.api("GET", f"/apps/{alpha}/sni-endpoints")[1] == []


def test_automatic_certificates(heroku, alpha):
    """Getting one from an authority has tests/e2e/test_acme.py; here is no authority that knows these names."""
    platform = heroku.platform
    heroku("certs:auto:enable", app=alpha)
    assert platform.api("GET", f"/apps/{alpha}")[1]["acm"] is True
    assert "is enabled" in heroku("certs:auto", app=alpha).out
    heroku("certs:auto:disable", "--confirm", alpha, app=alpha)
    assert platform.api("GET", f"/apps/{alpha}")[1]["acm"] is False
