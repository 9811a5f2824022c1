# SPDX-License-Identifier: Apache-2.0
"""Rust: a crate with a real dependency; no Procfile; what is said when it does not build."""
import re

import pytest

from test_build import archive, said


@pytest.fixture(scope="module")
def greeter(platform, tmp_path_factory):
    where = platform.repo(tmp_path_factory.mktemp("lang-rust"), "rust")
    platform.create("lang-rust", where)
    pushed = platform.push(where)
    yield where, pushed
    platform.cli("destroy", "-a", "lang-rust", "--confirm", "lang-rust", check=False)


def test_it_answers_and_is_pushed_again(platform, greeter):
    where, pushed = greeter
    assert "-----> Rust app, by the buildpack rust" in pushed.err and re.search(r"Using Rust 1\.\d+\.\d+", pushed.err)
    assert "Compiling tiny_http" in pushed.err and "Programs in target/release: greeter" in pushed.err
    assert platform.get("lang-rust") == (200, "<p>Hello </p>\n")
    # All files of a push have one date, by which cargo goes: what changed is compiled, and nothing else.
    main = where / "src/main.rs"
    main.write_text(main.read_text().replace("PORT is set", "PORT was set").replace('"{greeting}", &greeting', '"{greeting}", &greeting.to_uppercase()'))
    platform.commit(where, "loud")
    again = platform.push(where)
    assert "Downloading Rust" not in again.err and "Compiling tiny_http" not in again.err and "Compiling greeter" in again.err
    platform.cli("config:set", "GREETING=Ada", "-a", "lang-rust")
    assert platform.get("lang-rust")[1] == "<p>Hello ADA</p>\n"
    platform.cli("rollback", "v2", "-a", "lang-rust")
    assert platform.get("lang-rust")[1] == "<p>Hello </p>\n"
    r = platform.cli("run", "-a", "lang-rust", "--", "sh", "-c", "command -v greeter; command -v cargo; find target -type f; echo $ROCKET_ADDRESS")
    assert r.out.split() == ["/app/target/release/greeter", "target/release/greeter", "0.0.0.0"], r


def test_what_does_not_build_is_named(platform, greeter, tmp_path):
    where, _ = greeter

    def fails(*entries):
        r = platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", *entries), "-a", "lang-rust", check=False)
        assert r.code != 0
        return said(r)

    toml, lock, main = ((f, (where / f).read_bytes()) for f in ("Cargo.toml", "Cargo.lock", "src/main.rs"))
    assert "The app does not compile: src/main.rs:2:2: error[E0425]: cannot find function `oops`" in fails(toml, lock, ("src/main.rs", b"fn main() {\n\toops();\n}\n"))
    assert 'Cargo.lock does not match Cargo.toml: run "cargo build" and commit Cargo.lock.' in fails(("Cargo.toml", toml[1] + b'fastrand = "2"\n'), lock, main)
    said_so = fails(("Cargo.toml", toml[1] + b'no-such-crate-of-anybody = "1"\n'), main)
    assert "There is no Cargo.lock: versions are chosen that are two weeks old at least" in said_so
    assert "Cargo.toml asks for what the registry does not have (no matching package named `no-such-crate-of-anybody` found)" in said_so
