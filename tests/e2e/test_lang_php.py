# SPDX-License-Identifier: Apache-2.0
"""
PHP behind php-fpm and nginx. Packagist can't be reached from here, so packages come from a "path" repository, which Composer
treats as any other, and Slim from Debian; what is told of a Packagist that can't be reached is tried as well.
"""
import hashlib
import json

import pytest

from conftest import wait_for
from test_lang_static import ask

COMPOSER = {
    "name": "acme/shop",
    "require": {"php": "^8.2", "ext-redis": "*", "acme/greeting": "^1.0"},
    "autoload": {"psr-4": {"App\\": "src/"}},
    "repositories": [{"type": "path", "url": "packages/*", "options": {"symlink": False}}, {"packagist.org": False}],
    "scripts": {"compile": "echo compiled > public/compiled.txt", "post-install-cmd": "@php -r 'echo getenv(\"SAID\"), PHP_EOL;'"},
}
LOCK = {
    "packages": [{"name": "acme/greeting", "version": "1.0.0", "dist": {"type": "path", "url": "packages/greeting", "reference": "0" * 40},
                  "type": "library", "autoload": {"psr-4": {"Acme\\": "src/"}}, "transport-options": {"symlink": False, "relative": True}}],
    "packages-dev": [], "aliases": [], "minimum-stability": "stable", "stability-flags": {}, "prefer-stable": False, "prefer-lowest": False,
    "platform": {"php": "^8.2", "ext-redis": "*"}, "platform-dev": {}, "plugin-api-version": "2.3.0",
}
# As Composer has it: of the settings that decide what is installed.
DECIDES = {k: COMPOSER[k] for k in sorted(("name", "require", "repositories"))}
LOCK["content-hash"] = hashlib.md5(json.dumps(DECIDES, separators=(",", ":")).replace("/", "\\/").encode()).hexdigest()
# After the skeleton of Slim 3, which Debian has.
INDEX = """<?php
require __DIR__ . '/../vendor/autoload.php';
require 'Slim/autoload.php';
$app = new Slim\\App();
$app->get('/hello/{name}', function ($request, $response, $args) {
    error_log("greeting {$args['name']}");
    return $response->withHeader('X-Scheme', $request->getUri()->getScheme())->write((new Acme\\Greeting())->to($args['name']) . ' ' . getenv('GREETING'));
});
$app->get('/about', function ($request, $response) {
    $response->getBody()->write(json_encode(['redis' => extension_loaded('redis'), 'opcache' => (bool) opcache_get_status(false), 'env' => $_ENV['GREETING'] ?? null,
        'limit' => ini_get('memory_limit'), 'user_ini' => ini_get('upload_max_filesize'), 'powered' => ini_get('expose_php')]));
    return $response;
});
$app->run();
"""


@pytest.fixture(scope="module")
def shop(platform, tmp_path_factory):
    where = tmp_path_factory.mktemp("shop")
    for folder in ("public", "src", "packages/greeting/src"):
        (where / folder).mkdir(parents=True)
    (where / "composer.json").write_text(json.dumps(COMPOSER, indent=2))
    (where / "composer.lock").write_text(json.dumps(LOCK, indent=2))
    (where / "Aptfile").write_text("php-slim\n")
    (where / "packages/greeting/composer.json").write_text('{"name": "acme/greeting", "version": "1.0.0", "autoload": {"psr-4": {"Acme\\\\": "src/"}}}\n')
    (where / "packages/greeting/src/Greeting.php").write_text("<?php\nnamespace Acme;\nclass Greeting { public function to($name) { return \"Hello, $name!\"; } }\n")
    (where / "public/index.php").write_text(INDEX)
    (where / "public/.user.ini").write_text("upload_max_filesize = 7M\n")
    (where / "public/style.css").write_text("p { color: red }\n")
    (where / "public/fails.php").write_text("<?php throw new Exception('it failed');\n")
    platform.git(where, "init", "-q", "-b", "main")
    platform.commit(where, "shop")
    platform.create("php-shop", where)
    platform.cli("config:set", "GREETING=hej", "SAID=from a config var", "-a", "php-shop")
    yield where, platform.push(where)
    platform.cli("destroy", "-a", "php-shop", "--confirm", "php-shop", check=False)


def test_it_builds_and_answers(platform, shop):
    _, pushed = shop
    for words in ("PHP app, by the buildpack php", "Using PHP 8.", "Installing acme/greeting (1.0.0)", "from a config var", "Running the compile script"):
        assert words in pushed.err, pushed.err
    status, headers, body = ask(platform, "php-shop", "/hello/Ada")
    assert (status, body) == (200, b"Hello, Ada! hej") and "x-powered-by" not in headers
    about = json.loads(ask(platform, "php-shop", "/about")[2])
    assert about == {"redis": True, "opcache": True, "env": "hej", "limit": "128M", "user_ini": "7M", "powered": ""}


@pytest.mark.parametrize("path,status,says", [
    ("/style.css", 200, b"color"),
    ("/compiled.txt", 200, b"compiled"),
    ("/index.php/hello/Bo", 200, b"Hello, Bo!"),
    ("/hello/%C3%A9", 200, "Hello, é!".encode()),
    ("/nothing", 404, b""),
    ("/nothing.php", 404, b""),
    ("/style.css/x.php", 404, b""),
    ("/.user.ini", 404, b""),
    ("/..%2fcomposer.json", 400, b""),
    ("/fails.php", 500, b""),
])
def test_paths(platform, shop, path, status, says):
    got = ask(platform, "php-shop", path)
    assert got[0] == status and says in got[2], got
    assert b"acme/shop" not in got[2] and b"it failed" not in got[2]


def test_errors_and_messages_are_in_the_log(platform, shop):
    ask(platform, "php-shop", "/hello/Log")
    ask(platform, "php-shop", "/fails.php")
    log = wait_for(lambda: (t := platform.cli("logs", "-n", "300", "-a", "php-shop").out) and "it failed" in t and t, "the error")
    assert "greeting Log" in log and "Uncaught Exception" in log


def test_a_second_push_a_one_off_and_heroku_s_command(platform, shop):
    where, _ = shop
    out = platform.cli("run", "-a", "php-shop", "--", "php", "-r", "echo ini_get('variables_order'), ' ', getenv('GREETING'), PHP_EOL;").out
    assert "EGPCS hej" in out
    (where / "Procfile").write_text("web: vendor/bin/heroku-php-apache2 -F fpm.conf -i extra.ini public/\n")
    (where / "fpm.conf").write_text("php_value[memory_limit] = 99M\n")
    (where / "extra.ini").write_text("upload_max_filesize = 3M\n")
    (where / "public/.htaccess").write_text("Deny from all\n")
    platform.commit(where, "as on Heroku")
    platform.push(where)
    assert ask(platform, "php-shop", "/hello/Two")[2] == b"Hello, Two! hej"
    assert json.loads(ask(platform, "php-shop", "/about")[2])["limit"] == "99M"
    wait_for(lambda: ".htaccess is not read" in platform.cli("logs", "-n", "300", "-a", "php-shop").out, "the hint")
    platform.cli("rollback", "-a", "php-shop")
    wait_for(lambda: json.loads(ask(platform, "php-shop", "/about")[2])["limit"] == "128M", "the release of before")


def test_a_packagist_that_is_not_there_and_a_version_that_is_not_here(platform, tmp_path):
    """One sentence each; the second before a stack is made."""
    platform.git(tmp_path, "init", "-q", "-b", "main")
    platform.create("php-told", tmp_path)
    (tmp_path / "index.php").write_text("<?php echo 'hi';\n")
    # The packages of the other app: its stack is there.
    (tmp_path / "Aptfile").write_text("php-slim\nphp8.4-redis\n")
    (tmp_path / "composer.json").write_text('{\n  "require": {\n    "php": "~7.4.0"\n  }\n}\n')
    platform.commit(tmp_path, "old")
    said = platform.push(tmp_path, check=False).err
    assert "composer.json:3: The app asks for PHP ~7.4.0" in said, said
    (tmp_path / "composer.json").write_text('{"require": {"monolog/monolog": "^3.0"}, "repositories": [{"type": "composer", "url": "https://localhost:1"}, {"packagist.org": false}]}\n')
    platform.commit(tmp_path, "new")
    said = platform.push(tmp_path, check=False).err
    assert "https://localhost:1 cannot be reached from the build" in said, said
    (tmp_path / "composer.json").unlink()
    platform.commit(tmp_path, "one file")
    platform.push(tmp_path)
    assert ask(platform, "php-told", "/any/where")[2] == b"hi"
    platform.cli("destroy", "-a", "php-told", "--confirm", "php-told")
