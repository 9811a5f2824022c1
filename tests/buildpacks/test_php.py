# SPDX-License-Identifier: Apache-2.0
"""What composer.json and composer.lock ask for, told before anything is installed; and which folder is served."""
import json
import subprocess

import pytest

from test_buildpacks import BUILDPACKS, run, tree


def facts(what, app, php):
    return subprocess.run(["perl", BUILDPACKS / "php" / "facts", what, app, php], capture_output=True, text=True)


@pytest.mark.parametrize("constraint,php82,php84", [
    ("*", 1, 1), ("^8.1", 1, 1), ("^7.4 || ^8.0", 1, 1), ("^7.3|^8.0", 1, 1), (">=7.2", 1, 1), (">= 8.1", 1, 1), ("~8.2", 1, 1), ("^8", 1, 1),
    ("~8.2.0", 1, 0), ("8.2.*", 1, 0), ("8.2", 1, 0), ("8.2.10", 1, 0), ("7.4 - 8.2", 1, 0), (">=7.4,<8.3", 1, 0), (">=7.4 <8.4", 1, 0), ("<= 8.2", 1, 0), ("!=8.4.*", 1, 0),
    ("^8.3", 0, 1), (">8.2.99", 0, 1), ("~8.4.0", 0, 1), (">8.2.*", 0, 1),
    ("^7.4", 0, 0), ("~8.1.0", 0, 0), ("^9", 0, 0), ("8.3.*", 0, 0),
])
def test_constraints(tmp_path, constraint, php82, php84):
    tree(tmp_path, {"composer.json": json.dumps({"require": {"php": constraint}}, indent=1)})
    for php, fits in (("8.2", php82), ("8.4", php84)):
        done = facts("check", tmp_path, php)
        assert (done.returncode == 0) == bool(fits), done
        if not fits:
            assert done.stdout.startswith(f"composer.json:3: The app asks for PHP {constraint}, and this stack"), done
            assert ("twelve stack:set" in done.stdout) == bool(php82 or php84)


def test_extensions(tmp_path):
    lock = {"packages": [{"name": "a/b", "require": {"ext-imagick": "*", "ext-polyfilled": "*"}}, {"name": "a/p", "provide": {"ext-polyfilled": "*"}}],
            "packages-dev": [{"name": "a/dev", "require": {"ext-xdebug": "*"}}]}
    tree(tmp_path, {"composer.json": '{"require": {"ext-redis": "*", "ext-PDO_mysql": "*", "ext-json": "*", "ext-zend-opcache": "*"}}', "composer.lock": json.dumps(lock)})
    names = facts("packages", tmp_path, "8.4").stdout.split()
    assert {"php8.4-fpm", "php8.4-cli", "php8.4-redis", "php8.4-mysql", "php8.4-imagick", "php8.4-mbstring"} <= set(names)
    assert len(names) == len(set(names)) and not any("json" in n or "xdebug" in n or "poly" in n for n in names)


@pytest.mark.parametrize("files,php,says", [
    ({"composer.json": '{"require": {\n"ext-imap": "*"}}'}, "8.4", "composer.json:2: the extension ext-imap is asked for, of which Debian has no package for PHP 8.4: the stack debian-12 has it"),
    ({"composer.json": '{"require": {\n"ext-swoole": "*"}}'}, "8.2", "composer.json:2: the extension ext-swoole is asked for, of which Debian has no package for PHP 8.2: take it out"),
    ({"composer.json": "{}", "composer.lock": '{"packages": [\n{"name": "a/b", "require": {\n"ext-x": "*"}}]}'}, "8.2", "composer.lock:3: the extension ext-x is asked for by the package a/b"),
    ({"composer.json": "{}", "composer.lock": '{"packages": [\n{"name": "a/b", "require": {\n"php": "~8.1.0 || ~8.2.0"}}]}'}, "8.4", 'composer.lock:3: a/b asks for PHP ~8.1.0 || ~8.2.0, and this stack (debian-13) has 8.4: "twelve stack:set debian-12"'),
    ({"composer.json": '{"require": {},}'}, "8.4", "composer.json:1: a name in double quotes is expected here"),
    ({"composer.json": "{}", "composer.lock": "<<<<<<< HEAD\n"}, "8.4", "composer.lock:1: a value is expected here"),
])
def test_what_is_refused(tmp_path, files, php, says):
    tree(tmp_path, files)
    done = facts("check", tmp_path, php)
    assert done.returncode == 1 and done.stdout.startswith(says), done


def test_a_lock_alone(tmp_path):
    tree(tmp_path, {"composer.lock": "{}"})
    assert "composer.json, which it locks, is not" in run("php", "check", tmp_path).stdout


@pytest.mark.parametrize("files,command", [
    ({"index.php": ""}, "heroku-php-nginx"),
    ({"public/index.php": "", "artisan": ""}, "heroku-php-nginx public/"),
    ({"web/index.php": "", "index.php": ""}, "heroku-php-nginx web/"),
    ({"webroot/index.php": "", "index.php": ""}, "heroku-php-nginx webroot/"),
    ({"index.php": "", "public/index.html": ""}, "heroku-php-nginx"),
    ({"public/index.html": "", "composer.json": "{}"}, "heroku-php-nginx public/"),
    ({"composer.json": "{}"}, "heroku-php-nginx"),
])
def test_what_is_served(tmp_path, files, command):
    tree(tmp_path, files)
    assert run("php", "release", tmp_path).stdout == f"---\ndefault_process_types:\n  web: {command}\n"


def test_laravel_s_vite_makes_no_pages(tmp_path):
    """What Vite builds there is for the pages that PHP sends."""
    package = {"scripts": {"build": "vite build"}, "devDependencies": {"vite": "^7", "laravel-vite-plugin": "^2"}}
    tree(tmp_path, {"package.json": json.dumps(package), "artisan": "", "composer.json": "{}", "public/index.php": ""})
    assert "static" not in run("nodejs", "release", tmp_path).stdout
    assert "heroku-php-nginx public/" in run("php", "release", tmp_path).stdout
