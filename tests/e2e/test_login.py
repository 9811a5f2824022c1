# SPDX-License-Identifier: Apache-2.0
"""
Logging in: by password and by browser, with our command line and with the real heroku one; what the web page
says and lets do; tokens in ~/.netrc; an unknown certificate; and what is left when twelved is killed meanwhile.
"""
import http.client
import json
import os
import pty
import re
import select
import subprocess
import threading
import urllib.parse

import pytest

from conftest import wait_for
from test_access import on_terminal, tcp

EMAIL, PASSWORD = "lena@example.com", "lenas password"


@pytest.fixture(scope="module")
def lena(platform):
    platform.cli("users:add", EMAIL, "--name", "Lena", "--password-stdin", input=PASSWORD + "\n")
    return EMAIL


@pytest.fixture
def laptop(platform, tmp_path):
    """The command line on a machine of its own: no socket, a home of its own."""
    home = tmp_path / "laptop"
    home.mkdir()
    env = {k: v for k, v in platform.env.items() if not k.startswith(("TWELVE_", "XDG_", "DISPLAY", "WAYLAND", "BROWSER"))}
    env["HOME"] = str(home)

    def run(*args, check=True, input=None, env=env, **more):
        p = subprocess.run([platform.program("twelve"), *args], env={**env, **more}, input=input, capture_output=True, text=True,
                           cwd="/", timeout=120, **({} if input is not None else {"stdin": subprocess.DEVNULL}))
        assert not check or p.returncode == 0, p
        return p
    run.home, run.env = home, env
    return run


class Page:
    """The login page as a browser without scripts sees it."""

    def __init__(self, platform, path):
        self.platform, self.path, self.cookie = platform, urllib.parse.urlsplit(path).path, None
        self.get()

    def request(self, method, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.platform.api_port, timeout=180)
        h = {"Host": f"localhost:{self.platform.api_port}", **(headers or {})}
        if self.cookie:
            h.setdefault("Cookie", self.cookie)
        c.request(method, self.path, body, h)
        r = c.getresponse()
        self.status, self.headers, self.text = r.status, r.headers, r.read().decode()
        if r.getheader("Set-Cookie"):
            self.cookie = r.getheader("Set-Cookie").split(";")[0]
        c.close()
        return self

    def get(self):
        return self.request("GET")

    def send(self, headers=None, **fields):
        return self.request("POST", urllib.parse.urlencode(fields), {
            "Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://localhost:{self.platform.api_port}", **(headers or {})})

    def log_in(self, password=PASSWORD, **headers):
        return self.send(headers, email=EMAIL, password=password, action="login")


def ask(platform, description="a test"):
    status, urls, _ = tcp(platform, "POST", "/auth", {"description": description})
    assert status == 201 and set(urls) == {"browser_url", "cli_url", "token"}
    return urls


class Waiter:
    """What a command line does: GET cli_url until there is an answer."""

    def __init__(self, platform, urls):
        self.connection = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=90)
        self.connection.request("GET", urls["cli_url"], headers={"Authorization": f"Bearer {urls['token']}"})
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        try:
            r = self.connection.getresponse()
            self.answer = (r.status, json.loads(r.read()))
        except (OSError, http.client.HTTPException) as e:
            self.answer = e

    def result(self):
        self.thread.join(60)
        assert not self.thread.is_alive()
        self.connection.close()
        return self.answer


# -- the page

def test_the_page_tells_who_asks_and_lets_one_in(platform, lena):
    urls = ask(platform, "Heroku CLI login from <b>a laptop</b>\nX")
    waiter = Waiter(platform, urls)
    page = Page(platform, urls["browser_url"])
    assert page.status == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Heroku CLI login from &lt;b&gt;a laptop&lt;/b&gt; X" in page.text and "<dd>127.0.0.1</dd>" in page.text
    assert "If somebody sent you this link, close the page" in page.text
    page.log_in(password="not hers")
    assert page.status == 403 and "do not belong together" in page.text and f'value="{EMAIL}"' in page.text and "not hers" not in page.text
    page.log_in()
    assert page.status == 200 and "Go back to your command line" in page.text
    status, answer = waiter.result()
    assert status == 200 and set(answer) == {"access_token"}
    assert tcp(platform, "GET", "/account", headers={"Authorization": f"Bearer {answer['access_token']}"})[1]["email"] == EMAIL
    # The page's secret is spent; the command line gets the same answer again, should the first be lost.
    assert page.get().status == 404 and "This login is over" in page.text
    assert Waiter(platform, urls).result() == (200, answer)
    row = next(r for r in json.loads(platform.cli("audit", "--json").out) if r["action"].startswith("POST /auth/browser"))
    assert row["user"]["name"] == EMAIL and "login of" in row["note"] and urls["browser_url"][-64:] not in json.dumps(row)


def test_the_pages_headers_keep_others_out(platform):
    page = Page(platform, ask(platform)["browser_url"])
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "same-origin"
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and f"Path={page.path}" in cookie
    assert "<script" not in page.text and not re.search(r'\b(src|href)=', page.text)
    for word in ('lang="en"', 'for="password"', 'autocomplete="current-password"', 'role="alert"', "prefers-color-scheme: dark", 'name="viewport"'):
        assert word in page.text, word


def test_a_form_from_elsewhere_is_refused(platform, lena):
    page = Page(platform, ask(platform)["browser_url"])
    for headers in ({"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Cookie": ""}, {"Cookie": "twelve-login=" + "0" * 64}):
        page.log_in(**headers)
        assert page.status == 403 and "not sent from this page" in page.text, headers
    assert page.log_in().status == 200
    other = Page(platform, ask(platform)["browser_url"])
    other.cookie = page.cookie
    assert other.log_in().status == 403


def test_refusing(platform, lena):
    urls = ask(platform)
    waiter = Waiter(platform, urls)
    page = Page(platform, urls["browser_url"]).send(action="refuse")
    assert page.status == 200 and "not logged in" in page.text
    assert waiter.result() == (200, {"error": "the login was refused in the browser"})


def test_who_may_wait(platform):
    urls = ask(platform)
    for headers in ({}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": "Bearer x"}):
        status, said, _ = tcp(platform, "GET", urls["cli_url"], headers=headers)
        assert status == 404 and "This login is over" in said["message"]
    assert tcp(platform, "GET", "/auth/browser/" + "0" * 64)[0] == 404


def test_an_answer_waits_for_who_comes_again(platform, lena):
    """The command line's connection broke: its page was answered meanwhile."""
    urls = ask(platform)
    first = Waiter(platform, urls)
    first.connection.sock.shutdown(2)
    first.result()
    Page(platform, urls["browser_url"]).log_in()
    status, answer = Waiter(platform, urls).result()
    assert status == 200 and answer["access_token"].startswith("tw-")


def test_a_kill_ends_logins_and_says_so(own_platform):
    p = own_platform()
    urls = ask(p)
    waiter = Waiter(p, urls)
    page = Page(p, urls["browser_url"])
    p.restart()
    assert isinstance(waiter.result(), (Exception, tuple)) and (isinstance(waiter.answer, Exception) or waiter.answer[0] != 200)
    wait_for(lambda: tcp(p, "GET", "/account")[0] == 401, "the door to be open again")
    assert page.get().status == 404 and "twelved was restarted meanwhile" in page.text
    status, said, _ = tcp(p, "GET", urls["cli_url"], headers={"Authorization": f"Bearer {urls['token']}"})
    assert status == 404 and "twelved was restarted meanwhile" in said["message"]


# -- our command line

def test_login_by_password(platform, lena, laptop):
    url = f"http://localhost:{platform.api_port}"
    netrc = laptop.home / ".netrc"
    netrc.write_text("machine api.heroku.com\n  login x\n  password KEPT\n")
    netrc.chmod(0o644)
    r = laptop("apps", check=False)
    assert r.returncode == 1 and "twelved is not running here" in r.stderr
    r = laptop("login", "--host", url, "--email", EMAIL, "--password-stdin", input=PASSWORD + "\n")
    assert f"Logged in as {EMAIL} at {url}" in r.stderr and "takes precedence over a login" not in r.stderr
    r = laptop("login", "--host", url, "--email", EMAIL, "--password-stdin", input=PASSWORD + "\n", TWELVE_SOCKET="/nowhere")
    assert f"TWELVE_SOCKET is set and takes precedence over a login: unset it to speak to {url} without --host" in r.stderr
    assert "password KEPT" in netrc.read_text() and netrc.stat().st_mode & 0o777 == 0o600
    entry = re.search(rf"machine localhost:{platform.api_port}\n  login {re.escape(EMAIL)}\n  password (tw-[0-9a-f]{{64}})\n", netrc.read_text())
    assert entry
    # From now on nothing must be said.
    assert laptop("whoami").stdout == EMAIL + "\n" and laptop("auth:token").stdout == entry[1] + "\n"
    laptop("create", "login-app", "--no-remote")
    assert "login-app" in laptop("apps").stdout
    laptop("destroy", "-a", "login-app", "--confirm", "login-app")
    r = laptop("logout")
    assert f"Logged out of {url}" in r.stderr
    r = laptop("logout")
    assert r.stderr == "You are not logged in.\n"
    assert laptop("logout", "--host", url).stderr == f"You are not logged in at {url}.\n"
    assert "logout is for hosts with http and https" in laptop("logout", "--host", "ssh://somewhere", check=False).stderr
    assert netrc.read_text() == "machine api.heroku.com\n  login x\n  password KEPT\n"
    assert "twelved is not running here" in laptop("apps", check=False).stderr
    assert tcp(platform, "GET", "/account", headers={"Authorization": f"Bearer {entry[1]}"})[0] == 401, "it was ended there, too"


def test_login_by_password_asks(platform, lena, laptop):
    url = f"http://localhost:{platform.api_port}"
    code, shown = on_terminal(platform, "login", "-i", "--host", url, env={"HOME": str(laptop.home), "XDG_CONFIG_HOME": ""},
                              answers=[("E-mail: ", EMAIL), ("Password: ", PASSWORD)])
    assert code == 0 and PASSWORD not in shown and "Logged in" in shown, shown
    code, shown = on_terminal(platform, "login", "-i", "--host", url, env={"HOME": str(laptop.home)},
                              answers=[("E-mail: ", EMAIL), ("Password: ", "not hers")])
    assert code == 1 and "Invalid credentials provided." in shown


def test_login_says_what_is_wrong(platform, lena, laptop):
    url = f"http://localhost:{platform.api_port}"
    for args, said in ((["login"], "login is for hosts with http and https"),
                       (["login", "--host", url, "--password-stdin"], "--password-stdin needs --email"),
                       (["login", "--host", url, "--email", EMAIL, "--password-stdin"], "no line with the password"),
                       (["login", "--host", "http://localhost:1"], "can't be reached"),
                       (["auth:token", "--host", url], "You are not logged in")):
        r = laptop(*args, check=False, input="")
        assert r.returncode != 0 and said in r.stderr, (args, r)
    # A session of its own has no terminal.
    r = subprocess.run([platform.program("twelve"), "login", "-i", "--host", url], env=laptop.env, stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, start_new_session=True, timeout=180)
    assert r.returncode == 2 and "no terminal for the question: say --email EMAIL --password-stdin" in r.stderr, r
    assert "TWELVE_API_KEY is set" in laptop("login", "--host", url, check=False, TWELVE_API_KEY="tw-x").stderr
    assert not (laptop.home / ".netrc").exists()


def test_login_by_browser(platform, lena, laptop):
    url = f"http://localhost:{platform.api_port}"
    p = subprocess.Popen([platform.program("twelve"), "login", "--host", url], env=laptop.env, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    shown = p.stdout.readline().strip()
    assert re.fullmatch(rf"{url}/auth/browser/[0-9a-f]{{64}}", shown)
    Page(platform, shown).log_in()
    out, err = p.communicate(timeout=180)
    assert p.returncode == 0 and f"Logged in as {EMAIL}" in err, err
    assert laptop("whoami").stdout == EMAIL + "\n"
    p = subprocess.Popen([platform.program("twelve"), "login", "--host", url], env=laptop.env, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    Page(platform, p.stdout.readline().strip()).send(action="refuse")
    assert "the login was refused in the browser" in p.communicate(timeout=180)[1] and p.returncode == 1


def test_an_unknown_certificate_is_shown_and_asked_about(platform, lena, laptop):
    url = f"https://localhost:{platform.api_port}"
    ca = platform.state / "ca" / "ca.pem"
    fingerprint = subprocess.run(["openssl", "x509", "-in", ca, "-noout", "-fingerprint", "-sha256"], capture_output=True,
                                 text=True, check=True).stdout.strip().split("=")[1]
    args = ["login", "--host", url, "--email", EMAIL, "--password-stdin"]
    r = subprocess.run(["setsid", platform.program("twelve"), *args], env=laptop.env, input=PASSWORD + "\n", capture_output=True, text=True)
    assert r.returncode != 0 and fingerprint in r.stderr and "Nothing was sent" in r.stderr and "--ca FILE" in r.stderr
    r = laptop("apps", "--host", url, check=False, TWELVE_API_KEY="tw-x")
    assert r.returncode == 1 and "is signed by nobody that is trusted here" in r.stderr
    typed = ["login", "-i", "--host", url]
    env = {"HOME": str(laptop.home), "XDG_CONFIG_HOME": ""}
    code, shown = on_terminal(platform, *typed, env=env, answers=[(r"\(y/N\) ", "n")])
    assert code == 2 and fingerprint in shown
    code, shown = on_terminal(platform, *typed, env=env, answers=[(r"\(y/N\) ", "yes"), ("E-mail: ", EMAIL), ("Password: ", PASSWORD)])
    assert code == 0 and "Logged in" in shown, shown
    assert laptop("whoami").stdout == EMAIL + "\n"
    (laptop.home / ".config" / "twelve" / "ca" / f"localhost_{platform.api_port}.pem").unlink()
    assert laptop("whoami", check=False).returncode == 1
    assert laptop("whoami", TWELVE_CA=str(ca)).stdout == EMAIL + "\n"
    laptop("login", "--ca", str(ca), "--host", url, "--email", EMAIL, "--password-stdin", input=PASSWORD + "\n")
    assert laptop("whoami").stdout == EMAIL + "\n"


# -- the heroku command

def heroku_on_terminal(heroku, *args, answers, env=None):
    """`heroku ARGS` on a terminal; answers: what to type, or do, when a pattern is shown. (exit code, what it showed)"""
    main, side = pty.openpty()
    p = heroku.popen("heroku", *args, env={"HEROKU_API_KEY": "", **(env or {})}, stdin=side, stdout=side, stderr=side)
    os.close(side)
    shown, at, answers = "", 0, list(answers)
    while True:
        ready, _, _ = select.select([main], [], [], 90)
        assert ready, shown
        try:
            data = os.read(main, 4096)
        except OSError:
            break
        if not data:
            break
        shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode("utf-8", "replace"))
        found = re.search(answers[0][0], shown[at:]) if answers else None
        if found:
            at = len(shown)
            what = answers.pop(0)[1]
            if callable(what):
                what(found)
            else:
                os.write(main, what.encode())
    os.close(main)
    return p.wait(60), shown


def test_heroku_login_by_password_and_logout(platform, lena, heroku):
    code, shown = heroku_on_terminal(heroku, "login", "-i", answers=[("Email", EMAIL + "\r"), ("Password", PASSWORD + "\r")])
    assert code == 0 and f"Logged in as {EMAIL}" in shown, shown
    netrc = (heroku.home / ".netrc").read_text()
    assert f"machine localhost:{platform.api_port}" in netrc
    token = re.search(r"password (tw-\S+)", netrc)[1]
    heroku.looked_at("login -i", looks_up=heroku.loopback.looked_up)
    anonymous = {"HEROKU_API_KEY": ""}
    assert heroku("whoami", env=anonymous).out.strip() == EMAIL
    heroku("logout", env=anonymous)
    assert tcp(platform, "GET", "/account", headers={"Authorization": f"Bearer {token}"})[0] == 401


def test_heroku_login_by_browser(platform, lena, heroku):
    def in_browser(found):
        Page(platform, found[0]).log_in()

    code, shown = heroku_on_terminal(heroku, "login", answers=[("Press any key", "x"), (r"http://localhost:\d+/auth/browser/[0-9a-f]{64}\s", in_browser)])
    assert code == 0 and f"Logged in as {EMAIL}" in shown, shown
    heroku.looked_at("login", looks_up=heroku.loopback.looked_up)
    assert heroku("whoami", env={"HEROKU_API_KEY": ""}).out.strip() == EMAIL
    heroku("logout", env={"HEROKU_API_KEY": ""})
