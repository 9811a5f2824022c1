# SPDX-License-Identifier: Apache-2.0
"""What Python's buildpack decides by files alone: the start command without a Procfile, and what other tools' files ask for."""
import json
import os
import subprocess

import pytest

from test_buildpacks import BUILDPACKS, build, run, tree

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\n\napp: FastAPI = FastAPI(title='x')\n"
MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\n"
WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
ASGI = WSGI.replace("wsgi", "asgi")
DJANGO = {"manage.py": MANAGE, "mysite/settings.py": "DEBUG = True\n", "mysite/wsgi.py": WSGI, "mysite/asgi.py": ASGI}
HTTP = "import os\nfrom http.server import HTTPServer\nHTTPServer(('', int(os.environ['PORT'])), None).serve_forever()\n"

START = [
    # Django
    (DJANGO, "django\n", "python manage.py runserver 0.0.0.0:$PORT --noreload"),
    (DJANGO, "Django==5.2\ngunicorn\n", "gunicorn mysite.wsgi:application"),
    (DJANGO, "django\nwaitress\n", "waitress-serve --port=$PORT mysite.wsgi:application"),
    (DJANGO, "django\nuvicorn[standard]\n", "uvicorn mysite.asgi:application --host 0.0.0.0 --port $PORT"),
    ({**DJANGO, "mysite/settings.py": "ASGI_APPLICATION = 'mysite.asgi.application'\n"}, "channels\ndaphne\ngunicorn\n",
     "daphne -b 0.0.0.0 -p $PORT mysite.asgi:application"),
    ({f"backend/{n}": t for n, t in DJANGO.items()}, "django\ngunicorn\n", "gunicorn --chdir backend mysite.wsgi:application"),
    ({f"backend/{n}": t for n, t in DJANGO.items()}, "django\n", "cd backend && python manage.py runserver 0.0.0.0:$PORT --noreload"),
    # Flask
    ({"app.py": FLASK}, "flask\n", "flask --app app run --host 0.0.0.0 --port $PORT"),
    ({"app.py": FLASK}, "flask\ngunicorn # in production\n", "gunicorn app:app"),
    ({"app.py": FLASK}, "flask\n# gunicorn\n", "flask --app app run --host 0.0.0.0 --port $PORT"),
    ({"app.py": FLASK}, "flask\ngunicorn-extras\n", "flask --app app run --host 0.0.0.0 --port $PORT"),
    ({"server.py": FLASK.replace("app =", "api =")}, "flask\n", "flask --app server:api run --host 0.0.0.0 --port $PORT"),
    ({"main.py": FLASK, "wsgi.py": "from main import app as application\n"}, "flask\ngunicorn\n", "gunicorn main:app"),
    ({"microblog.py": "from app import create_app\napp = create_app()\n", "app/__init__.py": "from flask import Flask\ndef create_app(c=None):\n    return Flask('x')\n"},
     "flask\ngunicorn\n", "gunicorn microblog:app"),
    ({"flaskr/__init__.py": "from flask import Flask\ndef create_app(config=None):\n    app = Flask(__name__)\n    return app\n"}, "flask\n",
     "flask --app flaskr run --host 0.0.0.0 --port $PORT"),
    ({"flaskr/__init__.py": "from flask import Flask\ndef create_app(config=None):\n    return Flask(__name__)\n"}, "flask\ngunicorn\n", "gunicorn 'flaskr:create_app()'"),
    ({"src/app.py": FLASK}, "flask\ngunicorn\n", "gunicorn --chdir src app:app"),
    ({"app.py": FLASK + "from flask_socketio import SocketIO\n"}, "flask\nflask-socketio\neventlet\ngunicorn\n", "gunicorn -k eventlet -w 1 app:app"),
    ({"app.py": "from dash import Dash\napp = Dash()\nserver = app.server\n"}, "dash\ngunicorn\n", "gunicorn app:server"),
    ({"app.py": "from dash import Dash\napp = Dash()\n"}, "dash\n", "env HOST=0.0.0.0 python app.py"),
    # ASGI
    ({"main.py": FASTAPI}, "fastapi\nuvicorn\n", "uvicorn main:app --host 0.0.0.0 --port $PORT"),
    ({"main.py": FASTAPI}, "fastapi[standard]\n", "uvicorn main:app --host 0.0.0.0 --port $PORT"),
    ({"main.py": FASTAPI}, "fastapi\nhypercorn\n", "hypercorn --bind 0.0.0.0:$PORT main:app"),
    ({"main.py": FASTAPI}, "fastapi\n", None),
    ({"app/__init__.py": "", "app/main.py": FASTAPI}, "fastapi\nuvicorn\n", "uvicorn app.main:app --host 0.0.0.0 --port $PORT"),
    ({"backend/main.py": "import models\n" + FASTAPI, "backend/models.py": ""}, "fastapi\nuvicorn\n", "uvicorn --app-dir backend main:app --host 0.0.0.0 --port $PORT"),
    ({"app/main.py": "from fastapi import FastAPI\ndef get_application() -> FastAPI:\n    return FastAPI()\napp = get_application()\n"}, "fastapi\nuvicorn\n",
     "uvicorn app.main:app --host 0.0.0.0 --port $PORT"),
    ({"app.py": "from quart import Quart\napp = Quart(__name__)\n"}, "quart\n", "hypercorn --bind 0.0.0.0:$PORT app:app"),
    ({"app.py": "from litestar import Litestar\napp = Litestar([])\n"}, "litestar[standard]\n", "uvicorn app:app --host 0.0.0.0 --port $PORT"),
    ({"server.py": "from sanic import Sanic\napp = Sanic('x')\n"}, "sanic\n", "sanic server:app --host=0.0.0.0 --port=$PORT"),
    ({"app.py": "import falcon\napp = falcon.App()\n"}, "falcon\ngunicorn\n", "gunicorn app:app"),
    ({"app.py": "from bottle import route, run\n@route('/')\ndef home():\n    return ''\nrun(port=8080)\n"}, "bottle\n", "python -m bottle --bind 0.0.0.0:$PORT app"),
    # Pages made by a script
    ({"streamlit_app.py": "import streamlit as st\nst.title('x')\n"}, "streamlit\n",
     "streamlit run streamlit_app.py --server.port $PORT --server.address 0.0.0.0 --server.headless true"),
    ({"app.py": "import gradio as gr\ngr.Interface().launch()\n"}, "gradio\n", "env GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=$PORT python app.py"),
    ({"app.py": "import chainlit as cl\n@cl.on_message\nasync def main(m):\n    pass\n"}, "chainlit\n", "chainlit run app.py --headless --host 0.0.0.0 --port $PORT"),
    # What reads PORT, and nothing else is known of it
    ({"server.py": HTTP}, None, "python server.py"),
    ({"tool/__main__.py": HTTP}, None, "python -m tool"),
    ({"main.py": "import tornado, os\napp = tornado.web.Application([])\napp.listen(int(os.environ.get('PORT', 8888)))\n"}, "tornado\n", "python main.py"),
    ({"serve.py": "print('no server')\n"}, "requests\n", None),
    # No app is what a test, an example or a text has.
    ({"tests/app.py": FLASK, "test_app.py": FLASK, "examples/app.py": FLASK, "docs.py": f'"""\n{FLASK}"""\n'}, "flask\n", None),
]


@pytest.mark.parametrize("files,requirements,command", START, ids=lambda v: None if isinstance(v, dict) else str(v)[:40].replace("\n", "+"))
def test_a_start_command_is_found(tmp_path, files, requirements, command):
    tree(tmp_path, files)
    if requirements is not None:
        tree(tmp_path, {"requirements.txt": requirements})
    done = run("python", "release", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    if command is None:
        assert done.stdout == "--- {}\n"
    else:
        assert done.stdout.startswith("---\n# found by ") and done.stdout.endswith(f"default_process_types:\n  web: {command}\n")


@pytest.mark.parametrize("declared", [
    {"pyproject.toml": '[project]\ndependencies = [\n  "flask",\n  "gunicorn>=20",\n]\n'},
    {"pyproject.toml": '[tool.poetry.dependencies]\nflask = "*"\ngunicorn = "^23"\n'},
    {"Pipfile": '[packages]\nflask = "*"\ngunicorn = "*"\n'},
    {"uv.lock": '[[package]]\nname = "gunicorn"\nversion = "23.0.0"\n'},
    {"requirements/production.txt": "flask\ngunicorn\n"},
    {"requirements.txt": "\ufeffflask\r\nGunicorn==23.0.0\r\n"},
], ids=lambda v: next(iter(v)))
def test_a_server_is_declared_in_any_file(tmp_path, declared):
    assert "  web: gunicorn app:app\n" in run("python", "release", tree(tmp_path, {"app.py": FLASK, **declared})).stdout


def test_a_text_of_powershell_is_read(tmp_path):
    tree(tmp_path, {"app.py": FLASK})
    (tmp_path / "requirements.txt").write_bytes("flask\r\ngunicorn\r\n".encode("utf-16"))
    assert "  web: gunicorn app:app\n" in run("python", "release", tmp_path).stdout


@pytest.mark.parametrize("files,yes", [
    ({"server.py": ""}, True), ({"requirements/prod.txt": ""}, True), ({"requirements-prod.txt": ""}, True), ({"pdm.lock": ""}, True), ({"manage.py": ""}, True),
    ({"environment.yml": ""}, True), ({"package.json": "{}", "tool.py": ""}, False), ({"go.mod": "", "gen.py": ""}, False),
    ({"index.html": "", "build.py": "print()"}, False), ({"index.html": "", "server.py": HTTP}, True), ({"docs/conf.py": ""}, False),
])
def test_what_is_taken_for_python(tmp_path, files, yes):
    assert run("python", "detect", tree(tmp_path, files)).stdout == ("Python\n" if yes else "")


# --- files of other tools


def sources(where, *args):
    return subprocess.run(["python3", BUILDPACKS / "python/sources.py", *args], cwd=where, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, timeout=180)


PIPFILE_LOCK = {
    "_meta": {"sources": [{"url": "https://pypi.org/simple"}, {"url": "https://${TOKEN}@index.example/simple"}]},
    "default": {
        "six": {"hashes": ["sha256:aa", "sha256:bb"], "version": "==1.16.0", "markers": "python_version >= '3'", "extras": ["x", "y"]},
        "mine": {"git": "https://git.example/mine.git", "ref": "abc", "subdirectory": "py"},
        "here": {"path": ".", "editable": True},
    },
    "develop": {"pytest": {"version": "==8.0"}},
}
READ = [
    ("Pipfile.lock", json.dumps(PIPFILE_LOCK), ["--extra-index-url https://${TOKEN}@index.example/simple", "-e .",
                                                "mine @ git+https://git.example/mine.git@abc#subdirectory=py",
                                                "six[x,y]==1.16.0 ; python_version >= '3' --hash=sha256:aa --hash=sha256:bb"]),
    ("Pipfile", '[[source]]\nurl = "https://index.example/simple"\n[packages]\nflask = "*"\nsix = {version = ">=1.15", sys_platform = "== \'linux\'"}\n[dev-packages]\npytest = "*"\n',
     ["--index-url https://index.example/simple", "flask", "six>=1.15 ; sys_platform == 'linux'"]),
    ("pdm.lock", '[metadata]\nstrategy = ["inherit_metadata"]\n[[package]]\nname = "six"\nversion = "1.16.0"\ngroups = ["default", "dev"]\nmarker = "python_version >= \\"3\\""\n'
     'files = [{file = "a", hash = "sha256:aa"}]\n[[package]]\nname = "pytest"\nversion = "8.0"\ngroups = ["dev"]\n',
     ['six==1.16.0 ; python_version >= "3" --hash=sha256:aa']),
    ("pylock.toml", '[[packages]]\nname = "six"\nversion = "1.16.0"\n[[packages.wheels]]\nurl = "https://x/six.whl"\nhashes = {sha256 = "aa"}\n', ["six==1.16.0 --hash=sha256:aa"]),
    ("pyproject.toml", '[project]\nname = "x"\ndependencies = ["flask>=3", "six; python_version<\'3\'"]\n', ["flask>=3", "six; python_version<'3'"]),
    ("pyproject.toml", '[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n', ["."]),
]


@pytest.mark.parametrize("name,text,lines", READ, ids=lambda v: v if isinstance(v, str) and len(v) < 16 else None)
def test_what_other_tools_files_ask_for(tmp_path, name, text, lines):
    tree(tmp_path, {name: text})
    done = sources(tmp_path, "requirements", name)
    assert (done.returncode, done.stdout.splitlines()) == (0, lines), done.stderr


@pytest.mark.parametrize("name,text", [("Pipfile.lock", "{"), ("Pipfile", "[packages\n"), ("pdm.lock", "= 1\n"), ("pyproject.toml", "[project]\ndependencies = 3\n")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, text):
    done = sources(tmp_path, "requirements", *[name for _ in [tree(tmp_path, {name: text})]])
    assert done.returncode != 0 and name in done.stderr and "Traceback" not in done.stderr


ASKS = [
    ({"pyproject.toml": '[project]\nrequires-python = ">=3.12"\n'}, "pyproject.toml\t>=3.12"),
    ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.10"\n'}, "pyproject.toml\t>=3.10,<4"),
    ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "~3.10"\n'}, "pyproject.toml\t>=3.10,<3.11"),
    ({"pyproject.toml": '[tool.poetry.dependencies]\npython = ">=3.9, <3.12 || ^3.13"\n'}, "pyproject.toml\t>=3.9,<3.12||>=3.13,<4"),
    ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "3.11"\n'}, "pyproject.toml\t==3.11.*"),
    ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "*"\n'}, ""),
    ({"Pipfile": '[requires]\npython_version = "3.9"\n'}, "Pipfile\t==3.9.*"),
    ({"Pipfile": "", "Pipfile.lock": '{"_meta": {"requires": {"python_full_version": "3.9.2"}}}'}, "Pipfile.lock\t==3.9.2"),
    ({"Pipfile": '[requires]\npython_version = "*"\n'}, ""),
]


@pytest.mark.parametrize("files,said", ASKS)
def test_which_python_is_asked_for(tmp_path, files, said):
    assert sources(tree(tmp_path, files), "asks").stdout.rstrip("\n") == said


@pytest.mark.parametrize("specifiers,version,code", [
    (">=3.10", "3.13.5", 0), ("==3.13.*", "3.13.5", 0), ("==3.13.1", "3.13.5", 0), (">=3.13.9", "3.13.5", 0), ("==3.12.*", "3.13.5", 1), (">=3.8,<3.11", "3.11.2", 1),
    ("==3.10.4", "3.11.2", 1), ("==3.14.*", "3.13.5", 2), (">=3.12", "3.11.2", 2), ("==2.7.*", "3.11.2", 2), (">=3.9,<3.12||>=3.13,<4", "3.13.5", 0), ("!=3.11.*,>=3.10", "3.11.2", 2),
])
def test_whether_a_version_fits(tmp_path, specifiers, version, code):
    assert sources(tmp_path, "fits", specifiers, version).returncode == code


def test_which_requirements_are_taken_is_said(tmp_path):
    """No network is needed for nothing."""
    done = build(tmp_path, "python", {"requirements/base.txt": "", "requirements/prod.txt": "-r base.txt\n", "app.py": ""})
    assert "-----> Installing packages from requirements/prod.txt" in done.stdout
    (tmp_path / "b").mkdir()
    done = build(tmp_path / "b", "python", {"pyproject.toml": "[tool.ruff]\nline-length = 100\n", "app.py": ""})
    assert "Installing packages" not in done.stdout and done.returncode == 0, done


def test_a_name_that_is_no_version_is_told_and_not_looked_at(tmp_path):
    done = build(tmp_path, "python", {".python-version": "my-project\n", "environment.yml": ""})
    assert '.python-version says "my-project", which is no version of Python' in done.stdout
    (tmp_path / "b").mkdir()
    done = build(tmp_path / "b", "python", {".python-version": "pypy3.10\n", "requirements.txt": ""})
    assert ".python-version asks for PyPy (pypy3.10), which is not here" in done.stderr


BACKEND = {"bad/pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "it"\nbackend-path = ["."]\n', "bad/it.py": "raise RuntimeError('%s')\n"}


@pytest.mark.parametrize("words,sentence", [
    ("it is what it is", "pip could not install requirements.txt: its last lines above say why."),
    ("Error: pg_config executable not found.", "pg_config is missing: name the Debian package that has it in Aptfile (for example libpq-dev)."),
])
def test_a_build_that_fails_ends_in_a_sentence(tmp_path, words, sentence):
    index = tree(tmp_path / "simple", {"x/index.html": ""})
    files = {"requirements.txt": "./bad\n", **BACKEND, "bad/it.py": BACKEND["bad/it.py"] % words}
    done = build(tmp_path, "python", files, PIP_INDEX_URL=index.as_uri(), PIP_UPLOADED_PRIOR_TO="P0D")
    assert done.returncode == 1 and " !     " + sentence in done.stderr, done


@pytest.mark.parametrize("variant,lines", [("run", "libmagic1 libpq5"), ("build", "libmagic1 libpq-dev libpq5")])
def test_libraries_of_packages_are_named(tmp_path, variant, lines):
    app = tree(tmp_path, {"requirements.txt": "Flask\nPsycopg2_binary==2.9 # x\nopencv-python-headless\n# mysqlclient\n", "pyproject.toml": 'dependencies = ["python-magic>=0.4"]\n'})
    assert run("python", "packages", app, variant, TMPDIR=str(tmp_path)).stdout.replace("t64", "").split() == lines.split()
