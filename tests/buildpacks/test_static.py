# SPDX-License-Identifier: Apache-2.0
"""static.json, _redirects and _headers: what is refused in which words, and what stands in the configuration of nginx."""
import json
import subprocess

import pytest

from test_buildpacks import BUILDPACKS, build, tree


def render(tmp_path, files, what="make", *args):
    app = tree(tmp_path / "app", files)
    (app / ".twelve" / "static").mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["perl", BUILDPACKS / "static" / "render", what, app, *args], capture_output=True, text=True)
    made = app / ".twelve" / "static" / "nginx.conf"
    return done, made.read_text() if made.exists() else ""


@pytest.mark.parametrize("text,says", [
    ('{"root": "dist/",}', "static.json:1: a name in double quotes is expected here, or the comma before has to go"),
    ('{\n// pages\n"root": "dist"}', "static.json:2: a name in double quotes is expected here"),
    ("[]", 'static.json:1: it holds no object: write { "root": "dist/" }'),
    ("", "static.json:1: a value is expected here"),
    ('{"root":\n"../x"}', "static.json:1: root leads out of the app"),
    ('{\n"clean_urls": "yes"}', "static.json:2: clean_urls is true or false"),
    ('{"routes": ["/**"]}', "static.json:1: routes is an object"),
    ('{"routes": {"/**": "../../etc/passwd"}}', "static.json:1: the target of a route leads out of the folder"),
    ('{"redirects": {\n"/a": {}}}', 'static.json:2: the redirect of "/a" has no "url"'),
    ('{"redirects": {"/a": {"url": "/b",\n"status": 200}}}', "static.json:1: the status of a redirect is 301"),
    ('{"redirects": {"/a": {"url": "/b\\nX: y"}}}', "static.json:1: url has a line break"),
    ('{"headers": {"/": {"X Y": "a"}}}', 'static.json:1: "X Y" is no name of a header'),
    ('{"headers": {"/": {\n"X": "a\\r\\nb"}}}', "static.json:2: the header X has a line break"),
    ('{"proxies": {"/api": {"origin": "api.example.com"}}}', "static.json:1: origin is an address that begins with http"),
    ('{"canonical_host": "https://x.example"}', "static.json:1: canonical_host is a name of a host alone"),
    ('{"logging": {"error": "loud"}}', "static.json:1: error is one of debug"),
    ('{"encoding": "utf-8; }"}', "static.json:1: encoding is the name of a character set"),
])
def test_what_is_refused(tmp_path, text, says):
    done, made = render(tmp_path, {"static.json": text, "index.html": ""}, "check")
    assert done.returncode == 1 and says in done.stdout and made == "", done


def test_what_is_not_among_the_pages(tmp_path):
    done = build(tmp_path, "static", {"static.json": '{\n"root": "dist",\n"error_page": "404.html"}', "dist/index.html": ""})
    assert done.returncode == 1 and 'static.json:3: error_page is "/404.html", which is not in dist/' in done.stderr
    done, _ = render(tmp_path, {"static.json": '{"root": "dist",\n"routes": {"/**": "app.html"}}'})
    assert 'static.json:2: the route leads to "/app.html", which is not in dist/' in done.stdout


def test_what_is_unknown_is_told(tmp_path):
    done, made = render(tmp_path, {"static.json": '{\n"clean_url": true}', "index.html": ""})
    assert done.returncode == 0 and 'static.json:2: "clean_url" is no setting of static.json' in done.stdout and made


NASTY = ['"', "\\", '\\"', "$uri", "${PATH}x", ";", "}", "a b", "#", "$<port>", "é", "'", "\\n", "{", "~^x", "%0a"]


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_an_app_is_more_than_a_text(tmp_path, text):
    """In quotes, quotes and backslashes escaped, no variable but that of a dollar sign, nothing that serve puts in."""
    said = {"headers": {"/" + text: {"X": text}}, "redirects": {"/" + text: {"url": "/" + text.replace("${PATH}", "")}}, "routes": {"/r" + text: "index.html"}}
    done, made = render(tmp_path, {"static.json": json.dumps(said), "index.html": ""})
    assert done.returncode == 0, done
    plain, _ = render(tmp_path / "plain", {"static.json": json.dumps({"headers": {"/": {"X": "x"}}, "redirects": {"/": {"url": "/x"}}, "routes": {"/r": "index.html"}}), "index.html": ""})
    assert made.count("\n") == (tmp_path / "plain/app/.twelve/static/nginx.conf").read_text().count("\n")
    assert made.count("$<port>") == 1
    for line in made.splitlines():
        if "twelve_dollar" in line or "~^/" in line:
            assert line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0, line


def test_redirects_and_headers_among_the_pages(tmp_path):
    rules = "# all\n/a /b\n/blog/*  /news/:splat 302\n/u/:id /user?id=:id 301!\n/* /index.html 200\n/api/* https://api.example/:splat 200\n" \
            "/x /y 200 Country=de\n/q id=:id /z\nhttps://old.example/* /new\n"
    done, made = render(tmp_path, {"index.html": "", "_redirects": rules, "_headers": "/*\n  X-A: 1\nX-B: 2\n"})
    assert [line.split(":")[0] + ":" + line.split(":")[1] for line in done.stdout.splitlines()] == ["_redirects:7", "_redirects:8", "_redirects:9", "_headers:3"]
    assert '"/news/${t_splat}$is_args$args"' in made and '"/user?id=${t_id}"' in made and 'location ^~ "/api/"' in made
    assert "origin 0 _redirects https://api.example/" in (tmp_path / "app/.twelve/static/settings").read_text()


def test_links_out_of_the_pages_are_not_followed(tmp_path):
    files = {"dist/index.html": "", "other/x": "", "static.json": '{"root": "dist"}'}
    app = tree(tmp_path / "app", files)
    (app / "dist" / "inside").symlink_to("index.html")
    done, made = render(tmp_path, files)
    assert done.stdout == "" and "disable_symlinks" not in made
    (app / "dist" / "out").symlink_to("../other/x")
    done, made = render(tmp_path, files)
    assert "out is a link out of dist/" in done.stdout and "disable_symlinks on" in made


def test_install_for_another_buildpack(tmp_path):
    """What its first lines promise."""
    app = tree(tmp_path / "app", {"package.json": "{}", "dist/index.html": ""})
    done = subprocess.run([BUILDPACKS / "static" / "install", app, "dist", "spa"], capture_output=True, text=True)
    assert done.returncode == 0 and "Serving dist/ with nginx, and index.html for every other address" in done.stdout, done
    for name in ("serve", "nginx.conf", "settings"):
        assert (app / ".twelve" / "static" / name).is_file()
    assert (app / "bin" / "boot").stat().st_mode & 0o111
    assert '"/index.html"' in (app / ".twelve/static/nginx.conf").read_text()
    done = subprocess.run([BUILDPACKS / "static" / "install", app, "build"], capture_output=True, text=True)
    assert done.returncode == 1 and "The folder build/, which shall hold the pages, is not there after the build" in done.stderr


@pytest.mark.parametrize("program,code,files,folder,says", [
    ("hugo", 0, {"hugo.toml": 'title = "x"\n', "content/a.md": ""}, "public", "Serving public/ with nginx"),
    ("hugo", 0, {"hugo.toml": 'publishDir = "out"\n', "content/a.md": ""}, "out", "Serving out/ with nginx"),
    ("hugo", 1, {"hugo.toml": 'theme = "fine"\n', "content/a.md": "", "said": 'Error: module "fine" not found'}, "public", "The theme fine is not in themes/: commit it"),
    ("hugo", 1, {"hugo.toml": "", "content/a.md": "", "said": 'binary with name "go" not found'}, "public", "The site draws modules by Go, which is not here"),
    ("jekyll", 0, {"_config.yml": "", "index.md": ""}, "_site", "Serving _site/ with nginx"),
    ("jekyll", 1, {"_config.yml": "", "index.md": "", "said": "cannot load such file -- jekyll-x"}, "_site", "_config.yml asks for jekyll-x, which is none of Debian's"),
])
def test_pages_that_a_generator_makes(tmp_path, program, code, files, folder, says):
    """The programs are stand-ins here: what they say is what the real ones say."""
    script = f"#!/bin/sh\n[ \"$1\" != version ] && [ \"$1\" != --version ] || {{ echo {program} v1.2.3; exit 0; }}\ncat said 2>/dev/null\nmkdir -p {folder}; echo >{folder}/index.html\nexit {code}\n"
    (tree(tmp_path / "bin", {program: script}) / program).chmod(0o755)
    app = tree(tmp_path / "app", files)
    (tmp_path / "env").mkdir()
    done = subprocess.run([BUILDPACKS / "static" / "bin" / "compile", app, tmp_path / "cache", tmp_path / "env"], capture_output=True, text=True,
                          env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "TMPDIR": str(tmp_path)})
    assert done.returncode == code and says in done.stdout + done.stderr, done
