# SPDX-License-Identifier: Apache-2.0
"""Files of more than one language in one app: what is built, in which order, what is said of it, and how to say otherwise."""
import json
import re

from test_build import archive, bare, said  # noqa: F401 (bare is a fixture)

SERVER = b"""import http.server, os
os.chdir("/app/public")
http.server.HTTPServer(("", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
ADVICE = 'leave it out with "twelve buildpacks:set python" or a file .buildpacks that has the line python'


def package(**more):
    return ("package.json", json.dumps({"name": "assets", "version": "1.0.0", **more}).encode())


def headings(r):
    return re.findall(r"-----> (.*? app, by the buildpack \S+)", said(r))


def test_assets_are_built_before_what_serves_them(bare, tmp_path):
    platform, name, deploy = bare
    page = package(scripts={"build": "mkdir -p public && node -e \"console.log('made by', 'node')\" >public/index.html", "start": "webpack serve"})
    r = deploy(archive(tmp_path / "s.tgz", ("Procfile", b"web: python server.py\n"), ("requirements.txt", b""), ("server.py", SERVER), page), check=True)
    assert headings(r) == ["Node.js app, by the buildpack nodejs", "Python app, by the buildpack python"]
    assert "More than one language is here: Python says what runs, since the Procfile's web runs it" in said(r)
    assert "Node.js is built before it: package.json has a build script" in said(r)
    assert '"twelve buildpacks:set python" says otherwise' in said(r)
    assert platform.get(name)[1] == "made by node\n"
    # What a person says goes before.
    r = deploy(archive(tmp_path / "2.tgz", ("Procfile", b"web: sh -c 'mkdir -p public; echo alone >public/index.html; exec python server.py'\n"), (".buildpacks", b"python\n"),
                       ("requirements.txt", b""), ("server.py", SERVER), page), check=True)
    assert headings(r) == ["Python app, by the buildpack python"] and "More than one" not in said(r)
    assert platform.get(name)[1] == "alone\n"


def test_what_only_checks_the_source_is_left_out(bare, tmp_path):
    _, _, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", ("Procfile", b"web: python server.py\n"), ("requirements.txt", b"no-such-package-of-anybody==1\n"),
                       package(scripts={"lint": "prettier ."}, devDependencies={"prettier": "3.0.0"})))
    assert headings(r) == ["Python app, by the buildpack python"]
    assert "Node.js is here, too, and is not built: package.json has neither dependencies nor a build script" in said(r)
    assert '"twelve buildpacks:set nodejs python" says otherwise' in said(r) and "That was the buildpack" not in said(r)


def test_a_second_language_that_fails_says_how_to_leave_it_out(bare, tmp_path):
    _, _, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", ("Procfile", b"web: python server.py\n"), ("requirements.txt", b""), ("server.py", SERVER), package(scripts={"build": "exit 3"})))
    assert r.code != 0 and "The build script in package.json failed" in said(r)
    assert "That was the buildpack nodejs" in said(r) and ADVICE in said(r), said(r)


def test_herokus_address_means_our_own(bare, tmp_path):
    platform, name, deploy = bare
    url = "https://github.com/heroku/heroku-buildpack-python"
    platform.cli("buildpacks:set", "heroku-community/apt", url, "-a", name)
    r = deploy(archive(tmp_path / "s.tgz", ("Procfile", b"worker: sleep 1000\n"), ("requirements.txt", b"")), check=True)
    assert f"{url} is the platform's own buildpack python here" in said(r) and f"-----> Python app, by the buildpack {url}" in said(r)
    assert "heroku-community/apt: the Aptfile is read without a buildpack here" in said(r)


def test_a_name_that_is_none_is_answered_with_those_there_are(bare):
    platform, name, _ = bare
    r = platform.cli("buildpacks:set", "heroku/cobol", "-a", name, check=False)
    assert r.code != 0 and "nodejs" in r.err and "python" in r.err and "plain" in r.err
