# SPDX-License-Identifier: Apache-2.0
"""
Ruby: a Sinatra app as its README has it, with the gems of Debian's packages (the registry of gems is not asked), and one with a gem of
its own in vendor/cache that is compiled from C.
"""
import gzip
import hashlib
import io
import tarfile

import pytest

from conftest import wait_for

APTFILE = "ruby-sinatra\npuma\nruby-rackup\n"
SINATRA = {
    "Gemfile": 'source "https://rubygems.org"\n\nruby "3.3.0"\n\ngem "sinatra"\ngem "puma"\ngem "rackup"\ngem "rake"\n\ngroup :test do\nend\n',
    "Aptfile": APTFILE,
    "app.rb": 'require "sinatra"\n\nget "/" do\n  "Frank says hello in #{settings.environment}: #{ENV["GREETING"]}\\n"\nend\n',
    "Rakefile": 'namespace :assets do\n  task :precompile do\n    mkdir_p "public"\n    File.write "public/made.txt", "for #{ENV["RACK_ENV"]}, #{ENV["GREETING"]}\\n"\n  end\nend\n',
}
METADATA = """--- !ruby/object:Gem::Specification
name: moin
version: !ruby/object:Gem::Version
  version: 1.0.0
platform: ruby
authors:
- Ada
date: 1980-01-02 00:00:00.000000000 Z
dependencies: []
executables: []
extensions:
- ext/moin/extconf.rb
files:
- ext/moin/extconf.rb
- ext/moin/moin.c
metadata: {}
require_paths:
- lib
required_ruby_version: !ruby/object:Gem::Requirement
  requirements:
  - - ">="
    - !ruby/object:Gem::Version
      version: '0'
required_rubygems_version: !ruby/object:Gem::Requirement
  requirements:
  - - ">="
    - !ruby/object:Gem::Version
      version: '0'
rubygems_version: 3.6.7
specification_version: 4
summary: A greeting from C
"""
MOIN = """#include <ruby.h>
static VALUE greet(VALUE self)
{
	return rb_str_new_cstr("Moin from C");
}
void Init_moin(void)
{
	rb_define_global_function("greet", greet, 0);
}
"""
SERVER = """require "socket"
require "moin"
server = TCPServer.new("0.0.0.0", ENV.fetch("PORT"))
loop do
  client = server.accept
  client.gets
  client.write "HTTP/1.1 200 OK\\r\\nContent-Length: #{greet.size}\\r\\nConnection: close\\r\\n\\r\\n#{greet}"
  client.close
end
"""
NATIVE = {
    "Gemfile": 'source "https://rubygems.org"\ngem "moin"\n',
    "Gemfile.lock": "GEM\n  remote: https://rubygems.org/\n  specs:\n    moin (1.0.0)\n\nPLATFORMS\n  arm64-darwin-23\n  x86_64-linux\n  aarch64-linux\n\n"
                    "DEPENDENCIES\n  moin\n\nBUNDLED WITH\n   4.0.5\n",
    "Procfile": "web: bundle exec ruby server.rb\n",
    "Aptfile": APTFILE,
    "server.rb": SERVER,
}


def tar(files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as t:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            t.addfile(info, io.BytesIO(data))
    return made.getvalue()


def gem():
    """moin-1.0.0.gem, laid out as `gem build` does."""
    data = tar({"ext/moin/extconf.rb": b'require "mkmf"\ncreate_makefile "moin"\n', "ext/moin/moin.c": MOIN.encode()})
    parts = {"metadata.gz": gzip.compress(METADATA.encode()), "data.tar.gz": gzip.compress(data)}
    sums = "---\nSHA256:\n" + "".join(f"  {n}: {hashlib.sha256(d).hexdigest()}\n" for n, d in parts.items())
    return tar({**parts, "checksums.yaml.gz": gzip.compress(sums.encode())})


def write(where, files):
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def start(platform, where, name, files):
    write(where, files)
    platform.git(where, "init", "-q", "-b", "main")
    platform.commit(where, "first")
    platform.create(name, where)


@pytest.fixture(scope="module")
def sinatra(platform, tmp_path_factory):
    where = tmp_path_factory.mktemp("sinatra")
    start(platform, where, "frank", SINATRA)
    platform.cli("config:set", "GREETING=moin", "-a", "frank")
    yield where, platform.push(where)
    platform.cli("destroy", "-a", "frank", "--confirm", "frank", check=False)


def page(platform, app, path="/"):
    status, body = platform.get(app, path)[:2]
    return status, body


def test_sinatra_answers_with_debians_gems(platform, sinatra):
    _, pushed = sinatra
    assert "Ruby app, by the buildpack ruby" in pushed.err and "The stack's packages have all gems" in pushed.err
    # Another patch than the stack's is no reason not to start; Bundler itself would refuse.
    assert "Gemfile:3 asks for Ruby 3.3.0; the stack has 3.3." in pushed.err
    assert "Compiling assets (rake assets:precompile)" in pushed.err
    assert page(platform, "frank") == (200, "Frank says hello in production: moin\n")
    assert page(platform, "frank", "/made.txt") == (200, "for production, moin\n")


def test_a_one_off_has_the_gems_and_the_environment(platform, sinatra):
    ran = platform.cli("run", "-a", "frank", "--", "bundle exec ruby -rsinatra/base -e 'puts Sinatra::VERSION[0], ENV.values_at(%q(RACK_ENV), %q(MALLOC_ARENA_MAX), %q(LANG))'")
    assert ran.out.split() == ["4", "production", "2", "C.UTF-8"]


def test_a_second_push_and_a_rollback(platform, sinatra):
    where, _ = sinatra
    (where / "app.rb").write_text(SINATRA["app.rb"].replace("hello", "bye"))
    platform.commit(where, "second")
    platform.push(where)
    assert page(platform, "frank")[1].startswith("Frank says bye")
    platform.cli("rollback", "-a", "frank")
    wait_for(lambda: page(platform, "frank")[1].startswith("Frank says hello"), "the first page")


def test_what_nobody_has_ends_soon_in_one_sentence(platform, sinatra):
    where, _ = sinatra
    (where / "Gemfile").write_text(SINATRA["Gemfile"] + 'gem "no-such-gem-anywhere"\n')
    platform.commit(where, "third")
    failed = platform.push(where, check=False)
    assert failed.code != 0
    assert "rubygems.org cannot be reached from the build" in failed.err or "The gem no-such-gem-anywhere is nowhere to be had" in failed.err, failed.err
    platform.git(where, "reset", "-q", "--hard", "HEAD~1")


def test_a_gem_of_vendor_cache_is_compiled_and_kept(platform, tmp_path):
    start(platform, tmp_path, "native", {**NATIVE, "vendor/cache/moin-1.0.0.gem": gem()})
    try:
        first = platform.push(tmp_path)
        assert "All gems are in vendor/cache" in first.err, first.err
        assert page(platform, "native") == (200, "Moin from C")
        (tmp_path / "server.rb").write_text(SERVER + "# more\n")
        platform.commit(tmp_path, "second")
        assert "Gemfile.lock has not changed: the installed gems are used again" in platform.push(tmp_path).err
        assert page(platform, "native") == (200, "Moin from C")
        # The lock says what is installed.
        (tmp_path / "Gemfile").write_text(NATIVE["Gemfile"] + 'gem "rake"\n')
        platform.commit(tmp_path, "third")
        failed = platform.push(tmp_path, check=False)
        assert failed.code != 0 and 'Gemfile.lock does not match Gemfile: run "bundle install"' in failed.err, failed.err
    finally:
        platform.cli("destroy", "-a", "native", "--confirm", "native", check=False)
