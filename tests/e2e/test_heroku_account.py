# SPDX-License-Identifier: Apache-2.0
"""The heroku CLI against a real twelved: keys, tokens, who may do what, what one's own machine has none of."""
import re
import subprocess

def test_keys(heroku, tmp_path):
    platform = heroku.platform
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@laptop", "-f", tmp_path / "id"], check=True)
    public = (tmp_path / "id.pub").read_text().strip()
    heroku("keys:add", str(tmp_path / "id.pub"))
    keys = heroku("keys:add", str(tmp_path / "id.pub"), code=None)
    assert keys.code != 0 and "already" in keys.err, keys
    r = heroku("keys")
    (key,) = [k for k in r.exchanges[0].answer if k["public_key"] == public]
    assert key["comment"] == "ada@laptop" and "ada@laptop" in r.out
    assert public.split()[1] in (platform.state / "ssh" / "authorized_keys").read_text()
    heroku("keys:remove", "ada@laptop")
    assert public.split()[1] not in (platform.state / "ssh" / "authorized_keys").read_text()
    assert "ada@laptop" not in heroku("keys").out


def test_authorizations(heroku):
    platform = heroku.platform
    r = heroku("authorizations:create", "-d", "for ci")
    token = re.search(r"^Token:\s+(\S+)$", r.out, re.M).group(1)
    made = re.search(r"^ID:\s+(\S+)$", r.out, re.M).group(1)
    assert heroku("auth:whoami", env={"HEROKU_API_KEY": token}).out == heroku("auth:whoami").out
    assert re.search(rf"for ci\s+{made}\s+global", heroku("authorizations").out)
    assert "for ci" in heroku("authorizations:info", made).out
    heroku("authorizations:update", made, "-d", "for the new ci")
    r = heroku("authorizations:rotate", made)
    assert "for the new ci" in r.out and token not in r.out
    assert heroku("auth:whoami", env={"HEROKU_API_KEY": token}, code=None).code != 0
    token = re.search(r"^Token:\s+(\S+)$", r.out, re.M).group(1)
    assert heroku("auth:whoami", env={"HEROKU_API_KEY": token}).out == heroku("auth:whoami").out
    short = heroku("authorizations:create", "-d", "short", "--expires-in", "600", "--short").out.strip()
    (expires,) = [a["access_token"]["expires_in"] for a in platform.api("GET", "/oauth/authorizations")[1] if a["description"] == "short"]
    assert short.startswith("tw-") and 0 < expires <= 600
    heroku("authorizations:revoke", made)
    assert heroku("auth:whoami", env={"HEROKU_API_KEY": token}, code=None).code != 0


def test_access(heroku, alpha):
    platform = heroku.platform
    status, made = platform.api("POST", "/twelve/users", {"email": "bob.of.heroku@example.com", "password": "a long enough one"})
    assert status == 201, made
    heroku("access:add", "bob.of.heroku@example.com", app=alpha)
    rows = {c["user"]["email"]: c["role"] for c in platform.api("GET", f"/apps/{alpha}/collaborators")[1]}
    assert "bob.of.heroku@example.com" in rows
    out = heroku("access", app=alpha).out
    assert all(email in out for email in rows)
    token = platform.api("POST", "/oauth/authorizations", {"description": "bob's", "user": "bob.of.heroku@example.com"})[1]["access_token"]["token"]
    assert alpha in heroku("apps", env={"HEROKU_API_KEY": token}).out.split("Collaborated Apps")[1]
    heroku("access:remove", "bob.of.heroku@example.com", app=alpha)
    assert [c["user"]["email"] for c in platform.api("GET", f"/apps/{alpha}/collaborators")[1]] != list(rows)
    assert alpha not in heroku("apps", env={"HEROKU_API_KEY": token}).out
    assert "bob.of.heroku@example.com" not in heroku("access", app=alpha).out


def test_regions(heroku):
    r = heroku("regions")
    assert [x["name"] for x in r.exchanges[0].answer] == ["us", "eu"]
    assert all(re.search(rf"^\s+{name}\s+This machine", r.out, re.M) for name in ("us", "eu"))


def test_what_there_is_none_of(heroku):
    """Teams, OAuth clients, sessions: the answers of an account that has none."""
    assert "No OAuth clients" in heroku("clients").out
    assert "No OAuth sessions" in heroku("sessions").out
    assert heroku("teams").out.split() == ["Team", "Role", *[w for w in heroku("teams").out.split() if set(w) == {"─"}]]
    assert heroku("apps", "-t", "acme", code=2).exchanges[0].status == 404
    assert heroku("apps:create", "nowhere", "--team", "acme", "--no-remote", code=2).exchanges[0].status == 404
    assert heroku.platform.api("GET", "/apps/nowhere")[0] == 404


def test_features(heroku, alpha):
    """Of an app, what means something here is on and stays on; of an account there are none."""
    names = {f["name"] for f in heroku.platform.api("GET", f"/apps/{alpha}/features")[1]}
    assert "preboot" in names
    out = heroku("features", app=alpha).out
    assert all(f"[+] {name}" in out for name in names), out
    assert "already enabled" in heroku("features:enable", "preboot", app=alpha, code=None).err
    assert re.search(r"^Enabled:\s+true$", heroku("features:info", "preboot", app=alpha).out, re.M)
    assert not any(name in heroku("labs", app=alpha).out for name in names), "these are no experiments"
    heroku("labs:enable", "runtime-dyno-metadata", app=alpha)
    assert "can't be turned off" in " ".join(heroku("labs:disable", "runtime-dyno-metadata", "--confirm", alpha, app=alpha, code=2).err.split())
    r = heroku("labs:enable", "nonesuch", app=alpha, code=2)
    assert "Couldn't find that app feature: nonesuch" in r.err
    assert [e.status for e in r.exchanges][:2] == [404, 404]
