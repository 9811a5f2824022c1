# SPDX-License-Identifier: Apache-2.0
"""The buildpack for Rust, as far as files decide: programs, what starts, which version, libraries, what is refused."""
import subprocess

import pytest

from test_buildpacks import BUILDPACKS, build, run, tree

MAIN = "fn main() {}\n"


def package(name="shop", more=""):
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\n{more}'


def crate(where):
    done = subprocess.run([BUILDPACKS / "rust/crate", where], capture_output=True, text=True, check=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines() if not line.startswith("member")]


WORKSPACE = '[workspace]\nmembers = [\n  "crates/*", # all of them\n  "tools/lint",\n]\nexclude = ["crates/old"]\n'
PROGRAMS = [
    ({"Cargo.toml": package(), "src/main.rs": MAIN}, [("program", "shop", "default"), ("web", "shop")]),
    ({"Cargo.toml": "\ufeff" + package().replace("\n", "\r\n"), "src/main.rs": MAIN}, [("program", "shop", "default"), ("web", "shop")]),
    ({"Cargo.toml": package(), "src/lib.rs": ""}, []),
    ({"Cargo.toml": package(), "src/main.rs": MAIN, "src/bin/seed.rs": MAIN, "src/bin/job/main.rs": MAIN},
     [("program", "job", "default"), ("program", "seed", "default"), ("program", "shop", "default"), ("web", "shop")]),
    ({"Cargo.toml": package(more='[[bin]]\nname = "server" # not "other"\npath = "src/main.rs"\n'), "src/main.rs": MAIN}, [("program", "server", "default"), ("web", "server")]),
    ({"Cargo.toml": package(more='default-run = "b"\n'), "src/bin/a.rs": MAIN, "src/bin/b.rs": MAIN}, [("program", "a", "default"), ("program", "b", "default"), ("web", "b")]),
    ({"Cargo.toml": package(more="autobins = false\n"), "src/main.rs": MAIN, "src/bin/a.rs": MAIN}, []),
    ({"Cargo.toml": package(), "src/bin/a.rs": MAIN, "src/bin/b.rs": MAIN}, [("program", "a", "default"), ("program", "b", "default")]),
    ({"Cargo.toml": package(), "src/bin/my-server.rs": MAIN, "src/bin/b.rs": MAIN}, [("program", "b", "default"), ("program", "my-server", "default"), ("web", "my-server")]),
    # A workspace: all members, or those that are named; beside a package at the top, that alone.
    ({"Cargo.toml": WORKSPACE, "crates/api/Cargo.toml": package("api"), "crates/api/src/main.rs": MAIN, "crates/old/Cargo.toml": package("old"), "crates/old/src/main.rs": MAIN,
      "crates/lib/Cargo.toml": package("lib"), "crates/lib/src/lib.rs": "", "tools/lint/Cargo.toml": package("lint"), "tools/lint/src/main.rs": MAIN},
     [("program", "api", "default"), ("program", "lint", "default"), ("web", "api")]),
    ({"Cargo.toml": WORKSPACE + 'default-members = ["tools/lint"]\n', "crates/api/Cargo.toml": package("api"), "crates/api/src/main.rs": MAIN,
      "tools/lint/Cargo.toml": package("lint"), "tools/lint/src/main.rs": MAIN}, [("program", "api", "other"), ("program", "lint", "default"), ("web", "lint")]),
    ({"Cargo.toml": package() + '[workspace]\nmembers = ["x"]\n', "src/main.rs": MAIN, "x/Cargo.toml": package("x"), "x/src/main.rs": MAIN},
     [("program", "shop", "default"), ("program", "x", "other"), ("web", "shop")]),
]


@pytest.mark.parametrize("files,expected", PROGRAMS)
def test_programs(tmp_path, files, expected):
    assert crate(tree(tmp_path, files)) == expected
    web = [n[1] for n in expected if n[0] == "web"]
    assert run("rust", "release", tmp_path).stdout == ("---\ndefault_process_types:\n  web: ./target/release/%s\n" % web[0] if web else "--- {}\n")


REFUSED = [
    ({"Cargo.toml": '[workspace]\n\nmembers = ["gone"]\n'}, "Cargo.toml:3 names the member gone, which has no Cargo.toml in what was pushed"),
    ({"Cargo.toml": package(more='[dependencies]\nx = { version = "1", path = "../x" }\n'), "src/main.rs": MAIN}, "Cargo.toml:5 takes a crate from ../x, which is not part of what was pushed"),
    ({"Cargo.toml": package(), "src/bin/a.rs": MAIN, "src/bin/b.rs": MAIN}, 'There is more than one program (a, b), and nothing says which one answers requests: add a file named Procfile with a line such as "web: ./target/release/a"'),
    ({"Cargo.toml": package(), "src/main.rs": MAIN, "Procfile": "\nweb: cargo run --release\n"}, 'Procfile:2 runs cargo, which is there for builds only: name the program that was built, for example "web: ./target/release/shop".'),
    ({"Cargo.toml": package(more='edition.workspace = true\n'), "src/main.rs": MAIN}, 'Cargo.toml:4 takes a value from a workspace, whose Cargo.toml is not part of what was pushed: push the workspace, and set the config var RUST_CARGO_BUILD_FLAGS to "--release --locked -p shop".'),
    ({"Cargo.toml": package(more='[dependencies]\nx = { workspace = true, features = [] }\n'), "src/main.rs": MAIN}, "Cargo.toml:5 takes a value from a workspace"),
    ({"Cargo.toml": package(), "src/main.rs": MAIN, "Trunk.toml": ""}, "This is built for browsers by trunk"),
    ({"Cargo.toml": package(more='[package.metadata.leptos]\noutput-name = "x"\n'), "src/main.rs": MAIN}, "Leptos is built by cargo-leptos"),
    ({"Cargo.toml": package(more='[dependencies]\nshuttle-runtime = "0.50"\n'), "src/main.rs": MAIN}, "shuttle-runtime starts an app on Shuttle only"),
]


@pytest.mark.parametrize("files,sentence", REFUSED)
def test_what_is_refused_by_the_files(tmp_path, files, sentence):
    done = run("rust", "check", tree(tmp_path, files), "early")
    assert done.returncode == 1 and done.stdout.startswith(sentence) and len(done.stdout.splitlines()) == 1, done


def test_what_is_not_refused(tmp_path):
    files = {"Cargo.toml": package(more='[dependencies]\nx = { path = "crates/x" }\n[[bin]]\nname = "cargo-server"\npath = "src/main.rs"\n'), "crates/x/Cargo.toml": package("x"), "src/main.rs": MAIN,
             "Procfile": "web: ./target/release/cargo-server\n"}
    done = run("rust", "check", tree(tmp_path, files), "early")
    assert (done.returncode, done.stdout) == (0, ""), done


def lock(*names, **needs):
    return "version = 4\n" + "".join(f'\n[[package]]\nname = "{n}"\nversion = "1.0.0"\n' for n in names) + "".join(
        f'\n[[package]]\nname = "{n.replace("_", "-")}"\nversion = "1.0.0"\ndependencies = [\n "{d}",\n]\n' for n, d in needs.items())


@pytest.mark.parametrize("text,build_packages,run_packages", [
    (lock("serde"), [], []),
    (lock("openssl-sys", "pq-sys"), ["libpq-dev", "libpq5", "libssl-dev"], ["libpq5"]),
    (lock("openssl-sys", "openssl-src"), [], []),
    (lock("prost-build"), ["libprotobuf-dev", "protobuf-compiler"], []),
    (lock("clang-sys", "bindgen", "cmake", aws_lc_sys="bindgen"), [], []),
    (lock("clang-sys", "bindgen", librocksdb_sys="bindgen"), ["clang", "libclang-dev"], []),
    (lock("cmake", aws_lc_sys="cmake"), [], []),
    (lock("cmake", libz_ng_sys="cmake"), ["cmake"], []),
])
def test_libraries_by_the_lock(tmp_path, text, build_packages, run_packages):
    tree(tmp_path, {"Cargo.toml": package(), "Cargo.lock": text})
    assert run("rust", "packages", tmp_path, "build").stdout.split() == build_packages
    assert run("rust", "packages", tmp_path, "run").stdout.split() == run_packages


def test_libraries_without_a_lock(tmp_path):
    tree(tmp_path, {"Cargo.toml": package(more='[dependencies]\nreqwest = "0.12"\ndiesel = { version = "2", features = ["postgres"] }\n')})
    assert run("rust", "packages", tmp_path, "build").stdout.split() == ["libpq-dev", "libpq5", "libssl-dev"]


# --- versions: no server answers, after the choice


def served(tmp_path):
    """Two channels of a server of files, and no rustup."""
    tree(tmp_path / "dist/dist", {"channel-rust-stable.toml": 'date = "2026-10-15"\n\n[pkg.cargo]\nversion = "0.99.0 (x)"\n\n[pkg.rust]\nversion = "1.98.7 (y)"\n',
                                  "channel-rust-1.80.toml": '[pkg.rust]\nversion = "1.80.1 (y)"\n', "channel-rust-nightly.toml": 'date = "2026-11-01"\n[pkg.rust]\nversion = "2.0.0-nightly (z)"\n'})
    return (tmp_path / "dist").as_uri()


TIME = '[[package]]\nname = "time"\nversion = "0.3.%d"\n'
VERSIONS = [
    ({}, {}, "1.98.7"),
    ({"rust-toolchain": "1.80\n"}, {}, "1.80.1"),
    ({"rust-toolchain": "\ufeffstable\r\n"}, {}, "1.98.7"),
    ({"rust-toolchain.toml": '[toolchain]\nchannel = "1.75.0" # ours\ncomponents = ["clippy"]\n'}, {}, "1.75.0"),
    ({"rust-toolchain": '[toolchain]\nchannel = "nightly"\n'}, {}, "nightly-2026-11-01"),
    ({"rust-toolchain": "nightly-2025-01-01-x86_64-unknown-linux-gnu"}, {}, "nightly-2025-01-01"),
    ({"RustConfig": "VERSION=1.80\n", "rust-toolchain": "1.75.0"}, {}, "1.80.1"),
    ({"RustConfig": "VERSION=1.80\n"}, {"RUST_VERSION": "1.70.0"}, "1.70.0"),
    ({"Cargo.lock": TIME % 34}, {}, "1.79.0"),
    ({"Cargo.lock": TIME % 35}, {}, "1.98.7"),
    ({"Cargo.lock": TIME % 34, "rust-toolchain": "1.80"}, {}, "1.80.1"),
]


@pytest.mark.parametrize("files,config,version", VERSIONS)
def test_versions(tmp_path, files, config, version):
    done = build(tmp_path, "rust", {"Cargo.toml": package(), "src/main.rs": MAIN, **files}, RUSTUP_DIST_SERVER=served(tmp_path), **config)
    assert f"-----> Using Rust {version}\n" in done.stdout, done
    assert done.returncode == 1 and "rustup 1.28.2 cannot be fetched from the build: look at the proxy, certificate, RUSTUP_DIST_SERVER" in done.stderr, done
    # Another one has come: what was chosen stays.
    for path in (tmp_path / "dist/dist").iterdir():
        path.write_text(path.read_text().replace("1.98.7", "1.99.0").replace("1.80.1", "1.80.2").replace("2026-11-01", "2026-11-02"))
    assert f"-----> Using Rust {version}\n" in build(tmp_path, "rust", {}, RUSTUP_DIST_SERVER=served(tmp_path), **config).stdout


def test_a_channel_that_is_none(tmp_path):
    done = build(tmp_path, "rust", {"Cargo.toml": package(), "src/main.rs": MAIN, "rust-toolchain": "newest\n"})
    assert done.stderr == ' !     rust-toolchain asks for Rust "newest", which is no version: write for example "stable" or "1.85.0".\n'


def test_profile():
    script = f'. "{BUILDPACKS}/rust/profile.sh"; env'
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "PORT": "5000"}, check=True)
    assert {"ROCKET_PORT=5000", "ROCKET_ADDRESS=0.0.0.0", "LEPTOS_SITE_ADDR=0.0.0.0:5000", "PATH=/usr/bin:/bin:/app/target/release"} <= set(done.stdout.splitlines())
    mine = {"ROCKET_PORT": "1", "ROCKET_ADDRESS": "a", "LEPTOS_SITE_ADDR": "b", "RUST_BACKTRACE": "0"}
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **mine}, check=True)
    assert {f"{k}={v}" for k, v in mine.items()} <= set(done.stdout.splitlines())
