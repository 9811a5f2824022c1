# SPDX-License-Identifier: Apache-2.0
"""Python apps as their frameworks' own tools make them, pushed as they are: no Procfile, any tool's lock."""
import http.client
import json
import subprocess
import sys

import pytest

import kept
from conftest import wait_for

FLASK = '''import sys
from flask import Flask
app = Flask(__name__)


@app.get("/")
def home():
    return "%s by " + ".".join(map(str, sys.version_info[:2]))
'''


TOOLS = ("uv==0.13.9", "Django==5.2.4")


@pytest.fixture(scope="session")
def tools():
    """uv, which makes locks, and Python with Django's starter."""
    def make(folder):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", *TOOLS], check=True)

    return kept.made("python-tools", "-".join([*TOOLS, sys.version.split()[0]]), make) / "bin"


@pytest.fixture
def repo(platform, tmp_path, request):
    """An app with a repository of its own: (name, where, push())."""
    where, name = tmp_path / "repo", "py-" + request.node.name.replace("_", "-")[5:26].strip("-")
    where.mkdir()
    platform.create(name, where)
    platform.git(where, "init", "-q", "-b", "main")
    platform.cli("git:remote", "-a", name, cwd=where)

    def push(check=True):
        platform.commit(where, "change")
        r = platform.push(where, check=check)
        return "".join(line.removeprefix("remote: ").rstrip() + "\n" for line in r.err.splitlines())

    yield name, where, push
    platform.cli("destroy", "-a", name, "--confirm", name)


def write(where, files):
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)


def page(platform, name, path="/"):
    c = http.client.HTTPConnection("127.0.0.1", platform.http_port, timeout=180)
    try:
        c.request("GET", path, headers={"Host": f"{name}.localhost"})
        return c.getresponse().read().decode()
    except OSError as e:
        return str(e)
    finally:
        c.close()


def shows(platform, name, words, path="/"):
    wait_for(lambda: words in page(platform, name, path), f"{words} in the page")


def test_django_of_its_own_starter(platform, tools, repo):
    name, where, push = repo
    subprocess.run([tools / "python", "-m", "django", "startproject", "mysite", "."], cwd=where, check=True)
    write(where, {"requirements.txt": "django\n"})
    said = push()
    assert "web: python manage.py runserver 0.0.0.0:$PORT --noreload" in said and "add gunicorn to the packages and it is used" in said, said
    assert "Unpinned packages get versions that are at least 14 days old" in said
    shows(platform, name, "The install worked successfully")
    assert "System check identified no issues" in platform.cli("run", "-a", name, "--", "python", "manage.py", "check").out
    # Another commit, the same requirements: what was installed is used again; now with static files, and the way back.
    with open(where / "mysite/settings.py", "a") as f:
        f.write('STATIC_ROOT = BASE_DIR / "staticfiles"\nDEBUG = False\nALLOWED_HOSTS = ["*"]\n')
    said = push()
    assert "requirements.txt has not changed: the installed packages are used again" in said and "Collecting static files" in said, said
    shows(platform, name, "Not Found")
    platform.cli("rollback", "-a", name)
    shows(platform, name, "The install worked successfully")


def test_django_without_what_its_settings_read(platform, tools, repo):
    name, where, push = repo
    subprocess.run([tools / "python", "-m", "django", "startproject", "mysite", "."], cwd=where, check=True)
    write(where, {"requirements.txt": "django\n"})
    with open(where / "mysite/settings.py", "a") as f:
        f.write('STATIC_ROOT = BASE_DIR / "staticfiles"\nimport os\nSECRET_KEY = os.environ["SECRET_KEY"]\n')
    said = push(check=False)
    assert "Django's settings (mysite/settings.py:126) read SECRET_KEY, which is not set: twelve config:set SECRET_KEY=... gives it" in said.replace("mysite/settings.py:125", "mysite/settings.py:126"), said


def test_fastapi_by_uv(platform, tools, repo):
    name, where, push = repo
    write(where, {"pyproject.toml": '[project]\nname = "hello"\nversion = "0.1.0"\nrequires-python = ">=3.11"\ndependencies = ["fastapi", "uvicorn"]\n'
                                    '[dependency-groups]\ndev = ["pytest"]\n',
                  "main.py": 'from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get("/")\ndef read_root():\n    return {"Hello": "World"}\n'})
    subprocess.run([tools / "uv", "lock", "--quiet"], cwd=where, check=True)
    said = push()
    assert "Installing packages from uv.lock" in said and "web: uvicorn main:app --host 0.0.0.0 --port $PORT" in said and "iniconfig" not in said, said
    shows(platform, name, '{"Hello":"World"}')
    assert json.loads(page(platform, name, "/openapi.json"))["info"]["title"] == "FastAPI"


PDM = '''[metadata]
groups = ["default"]
strategy = ["inherit_metadata"]
lock_version = "4.5.1"
'''


def test_locks_of_pipenv_and_pdm_and_none(platform, tools, repo):
    """What Flask takes, by hand from the index: names, versions and hashes as each tool writes them."""
    name, where, push = repo
    write(where, {"requirements.in": "flask==3.0.3\n", "app.py": FLASK % "Pipenv"})
    frozen = subprocess.run([tools / "uv", "pip", "compile", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.13", "requirements.in"], cwd=where,
                            check=True, capture_output=True, text=True).stdout.replace("\\\n", " ")
    packages = [(line.split("==")[0], line.split()[0].split("==")[1], [w.removeprefix("--hash=") for w in line.split()[1:]]) for line in frozen.splitlines() if line.strip()]
    (where / "requirements.in").unlink()
    write(where, {"Pipfile": '[packages]\nflask = "*"\n[requires]\npython_version = "3"\n', "Pipfile.lock": json.dumps({
        "_meta": {"sources": [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}]},
        "default": {n: {"hashes": h, "index": "pypi", "version": f"=={v}"} for n, v, h in packages}, "develop": {"pytest": {"version": "==0.0.1"}}})})
    assert "Installing packages from Pipfile.lock" in push()
    shows(platform, name, "Pipenv by 3.")
    for file in ("Pipfile", "Pipfile.lock"):
        (where / file).unlink()
    write(where, {"app.py": FLASK % "PDM", "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["flask"]\nrequires-python = ">=3.11"\n',
                  "pdm.lock": PDM + "".join(f'[[package]]\nname = "{n}"\nversion = "{v}"\ngroups = ["default"]\nfiles = [{", ".join(f"{{file = {n!r}, hash = {x!r}}}" for x in h)}]\n'
                                            for n, v, h in packages)})
    assert "Installing packages from pdm.lock" in push()
    shows(platform, name, "PDM by 3.")
    # Without the lock: resolved now, and it is said.
    (where / "pdm.lock").unlink()
    write(where, {"app.py": FLASK % "nobody"})
    assert "pyproject.toml has no lock beside it: versions of at least 14 days are chosen now, and kept until it changes" in push()
    shows(platform, name, "nobody by 3.")


SERVER = '''import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(("Moin from %s.%s" % sys.version_info[:2]).encode())


HTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()
'''


def test_another_python(platform, repo):
    """A program alone. What asks for an older Python gets the stack's, loudly, when no other can be had; what asks for a newer one is told what to do."""
    name, where, push = repo
    platform.cli("config:set", "UV_PYTHON_INSTALL_MIRROR=http://127.0.0.1:9", "-a", name)
    write(where, {"server.py": SERVER, ".python-version": "3.9\n"})
    said = push()
    assert ".python-version asks for Python 3.9. It cannot be had here, and 3.13 of this stack (Debian 13) is used INSTEAD:" in said, said
    assert "web: python server.py" in said and "found by server.py, which reads PORT" in said
    shows(platform, name, "Moin from 3.13")
    # It was decided for this file's words, and nobody asks again.
    write(where, {"more": ""})
    assert "another is looked for" not in push()
    write(where, {".python-version": "3.14\n"})
    said = push(check=False)
    assert ".python-version asks for Python 3.14, but this stack (Debian 13) has 3.13: write 3.13 into .python-version" in said and "UV_PYTHON_INSTALL_MIRROR" in said, said
