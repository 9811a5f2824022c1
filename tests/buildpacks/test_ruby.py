# SPDX-License-Identifier: Apache-2.0
"""Ruby by the files alone: the version that an app asks for, how it starts, which libraries its gems need."""
import subprocess

import pytest

from test_buildpacks import BUILDPACKS, ROOT, run, sh, tree

LOCK = """GEM
  remote: https://rubygems.org/
  specs:
{}

PLATFORMS
  x86_64-linux

DEPENDENCIES
  x

BUNDLED WITH
   2.5.3
"""


def lock(*gems):
    return LOCK.format("\n".join(f"    {g} (1.0.0)" for g in gems))


def version(*args):
    return subprocess.run(["perl", BUILDPACKS / "ruby/version.pl", *map(str, args)], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("required,have,fits", [
    ("3.3.8", "3.3.8", "yes"),
    ("3.3.1", "3.3.14", "patch"),
    ("3.3", "3.3.8", "patch"),
    ("= 3.3.1", "3.3.8", "patch"),
    ("3.2.1", "3.3.8", "no"),
    ("3.30.1", "3.3.8", "no"),
    ("~> 3.3.0", "3.3.8", "yes"),
    ("~> 3.3.9", "3.3.8", "no"),
    ("~> 3.2", "3.3.8", "yes"),
    ("~> 3.2.0", "3.3.8", "no"),
    ("~> 3", "3.3.8", "yes"),
    (">= 3.2, < 4.0", "3.3.8", "yes"),
    (">= 3.2, < 3.3", "3.3.8", "no"),
    (">= 3.4", "3.3.8", "no"),
    ("!= 3.3.8", "3.3.8", "no"),
    (">= 3.3.10", "3.3.8", "no"),
])
def test_what_fits(required, have, fits):
    assert version("fits", have, required) == fits + "\n"


@pytest.mark.parametrize("files,says", [
    ({"Gemfile": 'source "x"\n\nruby "3.3.1"\n'}, "gemfile\tGemfile:3\t3.3.1\n"),
    ({"Gemfile": "\ufeffruby('>= 3.2', '< 4.0') # ours: '3.0'\r\n"}, "gemfile\tGemfile:1\t>= 3.2, < 4.0\n"),
    ({"Gemfile": "ruby '3.3.1', patchlevel: '55'\n"}, "gemfile\tGemfile:1\t3.3.1\n"),
    ({"Gemfile": "ruby '3.1.4', engine: 'jruby', engine_version: '9.4'\n"}, "engine\tGemfile:1\tjruby\n"),
    ({"Gemfile": "ruby '3.1.4', :engine => :jruby\n"}, "engine\tGemfile:1\tjruby\n"),
    ({"Gemfile": "ruby file: '.ruby-version'\n", ".ruby-version": "ruby-3.4.1\n"}, "gemfile\t.ruby-version\t3.4.1\nhint\t.ruby-version\t3.4.1\n"),
    ({"Gemfile": "ruby file: '.tool-versions'\n", ".tool-versions": "nodejs 20\nruby 3.3.6 # x\n"}, "gemfile\t.tool-versions\t3.3.6\nhint\t.tool-versions\t3.3.6\n"),
    ({"Gemfile": "ruby RUBY_VERSION\n"}, ""),
    ({"Gemfile": "# ruby '1.9'\n", "Gemfile.lock": "GEM\n\nRUBY VERSION\n   ruby 3.4.9p0\n"}, "hint\tGemfile.lock\t3.4.9\n"),
    ({"Gemfile": "", ".ruby-version": "# comment\n3.3\n"}, "hint\t.ruby-version\t3.3\n"),
    ({"Gemfile": "", ".tool-versions": "python 3.3.1\n"}, ""),
])
def test_what_is_asked_for(tmp_path, files, says):
    assert version("wanted", tree(tmp_path, files)) == says


def check(tmp_path, files, **env):
    return run("ruby", "check", tree(tmp_path, files), **env)


def here():
    """The minor version of Ruby in this machine's Debian, as bin/check has it, and the other stack's."""
    return {"12": ("3.1", "3.3", "13"), "13": ("3.3", "3.1", "12")}[sh(f'source "{BUILDPACKS}/ruby/ruby.sh"; debian_version').stdout.strip()]


def test_what_no_stack_has_is_refused_with_file_and_line(tmp_path):
    own, other, debian = here()
    done = check(tmp_path, {"Gemfile": "\nruby '2.7.8'\n"})
    assert done.returncode == 1 and "Gemfile:2 asks for Ruby 2.7.8, and this stack (Debian 1" in done.stdout
    assert f'write "~> {own}.0" there' in done.stdout and "TWELVE_RUBY_MIRROR" in done.stdout
    done = check(tmp_path, {"Gemfile": f"ruby '~> {other}.0'\n"})
    assert done.returncode == 1 and f"the stack debian-{debian} has {other} (twelve stack:set debian-{debian})" in done.stdout


def test_what_fits_or_is_a_hint_is_let_through(tmp_path):
    own = here()[0]
    for number, files in enumerate([
        {"Gemfile": f"ruby '{own}.0'\n"}, {"Gemfile": "ruby '>= 3.0'\n"}, {"Gemfile": "", ".ruby-version": "2.7.8\n"}, {"Gemfile": "ruby '>= 3.0'\n", "Gemfile.lock": lock("rack")},
    ]):
        done = check(tmp_path / str(number), files)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_mirror_has_what_is_named_exactly(tmp_path):
    done = check(tmp_path / "1", {"Gemfile": "ruby '2.7.8'\n"}, TWELVE_RUBY_MIRROR="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (0, "")
    done = check(tmp_path / "2", {"Gemfile": "ruby '~> 2.7.0'\n"}, TWELVE_RUBY_MIRROR="http://127.0.0.1:9")
    assert done.returncode == 1 and "Gemfile:1 asks for Ruby ~> 2.7.0" in done.stdout and "name one version in three parts there" in done.stdout


def test_another_engine_and_a_merge_are_named(tmp_path):
    done = check(tmp_path / "1", {"Gemfile": "ruby '3.1.4', engine: 'jruby', engine_version: '9.4'\n"})
    assert done.returncode == 1 and "Gemfile:1 asks for jruby, and the platform has MRI only" in done.stdout
    done = check(tmp_path / "2", {"Gemfile": "", "Gemfile.lock": "GEM\n<<<<<<< HEAD\n"})
    assert done.returncode == 1 and "Gemfile.lock:2 has the marks of a merge" in done.stdout


WEB = "---\ndefault_process_types:\n  web: \"{}\"\n"


@pytest.mark.parametrize("files,says", [
    ({"Gemfile": "", "Gemfile.lock": lock("railties", "puma"), "config.ru": ""}, WEB.format("bundle exec rails server -p ${PORT:-5000} -e $RAILS_ENV") + '  console: "bundle exec rails console"\n'),
    ({"Gemfile": "gem 'rails'\ngem 'sidekiq'\n"}, WEB.format("bundle exec rails server -p ${PORT:-5000} -e $RAILS_ENV")
        + '  console: "bundle exec rails console"\n  worker: "bundle exec sidekiq"\n'),
    ({"Gemfile": "", "Gemfile.lock": lock("puma", "sinatra"), "config.ru": "", "app.rb": "require 'sinatra'\n"}, WEB.format("bundle exec puma -p ${PORT:-5000}")),
    ({"Gemfile": "gem 'rack'\n", "config.ru": ""}, WEB.format("bundle exec rackup config.ru -o 0.0.0.0 -p ${PORT:-5000}") + '  console: "bundle exec irb"\n'),
    ({"Gemfile": "gem 'sinatra'\n", "hello.rb": "# x\nrequire 'sinatra'\n"}, WEB.format("bundle exec ruby hello.rb -o 0.0.0.0 -p ${PORT:-5000}")),
    ({"Gemfile": "gem 'sinatra'\n", "a.rb": "require 'sinatra'\n", "app.rb": "require \"sinatra\"\n"}, WEB.format("bundle exec ruby app.rb -o 0.0.0.0 -p ${PORT:-5000}")),
    ({"Gemfile": "gem 'sinatra-contrib'\n", "hello.rb": ""}, "--- {}\n"),
    ({"Gemfile": "# gem 'rails'\n"}, "--- {}\n"),
    ({"Gemfile": "gem 'middleman'\n", "config.rb": ""}, WEB.format(".twelve/static/serve")),
    ({"Gemfile": "gem 'jekyll'\n", "_config.yml": ""}, "--- {}\n"),
])
def test_how_it_starts(tmp_path, files, says):
    done = run("ruby", "release", tree(tmp_path, files))
    assert (done.returncode, done.stdout, done.stderr) == (0, says, "")


def packages(tmp_path, variant, *gems):
    done = run("ruby", "packages", tree(tmp_path, {"Gemfile": "", "Gemfile.lock": lock(*gems)}), variant)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_the_libraries_of_gems(tmp_path):
    assert packages(tmp_path, "run", "pg", "sqlite3") == ["libpq5", "libsqlite3-0"]
    assert packages(tmp_path, "build", "pg", "rack") == ["libpq5", "libpq-dev"]
    assert packages(tmp_path, "run", "rack", "pg_search") == []
    tree(tmp_path, {"config.rb": ""})
    assert "nginx" in packages(tmp_path, "run", "middleman")


BUNDLER_ERRORS = [
    ("Could not reach host index.rubygems.org. Check your network connection and try\nagain.", "index.rubygems.org cannot be reached from the build"),
    ("Fetching source index from https://gems.example/\nCould not fetch specs from https://gems.example/ due to underlying error <x>", "https://gems.example/ cannot be reached"),
    ("Authentication is required for gems.contribsys.com.", "gems.contribsys.com wants a password: set the config var BUNDLE_GEMS__CONTRIBSYS__COM"),
    ("You are trying to install in deployment mode after changing\nyour Gemfile.", "Gemfile.lock does not match Gemfile: run \"bundle install\""),
    ("The lockfile can't be updated because frozen mode is set", "Gemfile.lock does not match Gemfile"),
    ("Could not find gem 'no-such-gem' in rubygems repository https://rubygems.org/ or installed locally.", "The gem no-such-gem is nowhere to be had"),
    ("nokogiri-1.18.0 requires ruby version >= 3.4, which is incompatible with the current version, 3.3.8", "The stack has Ruby 3.3.8, and a gem wants another: nokogiri-1.18.0"),
    ("An error occurred while installing pg (1.5.4), and Bundler cannot continue.", "The gem pg (1.5.4) could not be installed: its own words above say why."),
    ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", "A gem comes from a git repository that the build may not read: set the config var BUNDLE_GITHUB__COM"),
    ("[!] There was an error parsing `Gemfile`: syntax error", "The Gemfile cannot be read: Bundler's words above name the line."),
    ("something else", "Bundler could not install the gems: its last lines above say why."),
]


@pytest.mark.parametrize("words,sentence", BUNDLER_ERRORS)
def test_why_bundler_failed(tmp_path, words, sentence):
    (tmp_path / "log").write_text(words + "\n")
    done = sh(f'ruby_version=3.3.8; source "{BUILDPACKS}/ruby/bundler.sh"; explain_failure "{tmp_path}/log"')
    assert done.returncode == 1 and done.stderr.startswith(f" !     {sentence}"), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_every_file_of_shell_is_well_formed():
    for path in [*(BUILDPACKS / "ruby").glob("*.sh"), *(BUILDPACKS / "ruby/bin").iterdir()]:
        assert subprocess.run(["bash", "-n", path], cwd=ROOT).returncode == 0, path
