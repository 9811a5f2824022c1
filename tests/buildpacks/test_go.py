# SPDX-License-Identifier: Apache-2.0
"""The buildpack for Go, as far as files decide: programs and their names, what starts, which version, what is refused."""
import pytest

from test_buildpacks import BUILDPACKS, build, run, tree

import subprocess

MAIN = "package main\n\nfunc main() {}\n"
LIBRARY = "package lib\n"


def mod(path="example.com/hello", more=""):
    return f"module {path}\n\ngo 1.26\n{more}"


def commands(where, **env):
    done = subprocess.run([BUILDPACKS / "go/commands", where], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **env}, check=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("files", [{"go.mod": mod()}, {"go.work": "go 1.26\n"}, {"Gopkg.lock": ""}, {"glide.yaml": ""}, {"main.go": MAIN},
                                   {"vendor/vendor.json": '{"rootPath": "x"}'}])
def test_detects(tmp_path, files):
    assert run("go", "detect", tree(tmp_path, files)).stdout == "Go\n"


@pytest.mark.parametrize("files", [{"lib.go": LIBRARY}, {"cmd/x/main.go": MAIN}, {"vendor/vendor.json": "{}"}, {"go.sum": ""}])
def test_does_not_detect(tmp_path, files):
    done = run("go", "detect", tree(tmp_path, files))
    assert (done.returncode, done.stdout) == (1, "")


PROGRAMS = [
    ({"go.mod": mod(), "main.go": MAIN}, [(".", "hello"), ("web", "hello")]),
    # The last part that is no version, as "go install" has it.
    ({"go.mod": mod("example.com/hello/v2"), "main.go": MAIN}, [(".", "hello"), ("web", "hello")]),
    ({"go.mod": mod("hello"), "cmd/api/v3/main.go": MAIN}, [("./cmd/api/v3", "api"), ("web", "api")]),
    ({"go.mod": mod('"quoted"'), "main.go": "// Says hello.\n/*\npackage other\n*/\npackage main // the program\n"}, [(".", "quoted"), ("web", "quoted")]),
    ({"go.mod": "\ufeff" + mod().replace("\n", "\r\n"), "main.go": MAIN.replace("\n", "\r\n")}, [(".", "hello"), ("web", "hello")]),
    ({"go.mod": mod(), "cmd/server/main.go": MAIN, "cmd/worker/main.go": MAIN}, [("./cmd/server", "server"), ("./cmd/worker", "worker"), ("web", "server")]),
    ({"go.mod": mod(), "cmd/hello/main.go": MAIN, "cmd/other/main.go": MAIN}, [("./cmd/hello", "hello"), ("./cmd/other", "other"), ("web", "hello")]),
    ({"go.mod": mod(), "main.go": MAIN, "cmd/server/main.go": MAIN}, [(".", "hello"), ("./cmd/server", "server"), ("web", "hello")]),
    ({"go.mod": mod(), "cmd/blog/main.go": MAIN, "tools/lint/main.go": MAIN}, [("./cmd/blog", "blog"), ("./tools/lint", "lint"), ("web", "blog")]),
    ({"go.mod": mod(), "cmd/one/main.go": MAIN, "cmd/two/main.go": MAIN}, [("./cmd/one", "one"), ("./cmd/two", "two")]),
    ({"go.mod": mod(), "lib.go": LIBRARY}, []),
    # What is no part of the module, or not for this system.
    ({"go.mod": mod(), "main.go": MAIN, "vendor/x/main.go": MAIN, "testdata/main.go": MAIN, "_old/main.go": MAIN, ".git/main.go": MAIN, "node_modules/x/main.go": MAIN,
      "nested/go.mod": mod("nested"), "nested/main.go": MAIN}, [(".", "hello"), ("web", "hello")]),
    ({"go.mod": mod(), "main.go": MAIN, "a/main_windows.go": MAIN, "b/main_darwin_arm64.go": MAIN, "c/main_test.go": MAIN, "d/gen.go": "//go:build ignore\n\n" + MAIN,
      "e/gen.go": "// +build ignore\n\n" + MAIN, "f/x.go": "//go:build windows || (darwin && !cgo)\n\n" + MAIN}, [(".", "hello"), ("web", "hello")]),
    ({"go.mod": mod(), "a/x_linux.go": MAIN, "b/x.go": "//go:build linux && go1.18 && !windows\n\n" + MAIN}, [("./a", "a"), ("./b", "b")]),
    # Examples are left out beside a program, unless the Procfile runs one, and are it where there is nothing else.
    ({"go.mod": mod(), "main.go": MAIN, "examples/x/main.go": MAIN}, [(".", "hello"), ("web", "hello")]),
    ({"go.mod": mod(), "main.go": MAIN, "examples/x/main.go": MAIN, "Procfile": "web: bin/x\n"}, [(".", "hello"), ("./examples/x", "x"), ("web", "hello")]),
    ({"go.mod": mod(), "lib.go": LIBRARY, "example/main.go": MAIN}, [("./example", "example"), ("web", "example")]),
    # A workspace.
    ({"go.work": "go 1.26\n\nuse (\n\t./api // the server\n\t./lib\n)\nuse ./jobs\n", "api/go.mod": mod("example.com/api"), "api/main.go": MAIN, "lib/go.mod": mod("lib"),
      "lib/lib.go": LIBRARY, "jobs/go.mod": mod("example.com/jobs"), "jobs/cmd/nightly/main.go": MAIN}, [("./api", "api"), ("./jobs/cmd/nightly", "nightly"), ("web", "api")]),
    ({"go.work": "use .\n", "go.mod": mod(), "main.go": MAIN}, [(".", "hello"), ("web", "hello")]),
    # What the person names.
    ({"go.mod": mod(more="\n// +heroku install ./cmd/two\n"), "cmd/one/main.go": MAIN, "cmd/two/main.go": MAIN}, [("./cmd/two", "two"), ("web", "two")]),
    ({"go.mod": mod(more="\n// +heroku install ./cmd/... example.com/hello/x\n"), "cmd/server/main.go": MAIN, "x/main.go": MAIN, "y/main.go": MAIN},
     [("./cmd/server", "server"), ("./x", "x"), ("web", "server")]),
]


@pytest.mark.parametrize("files,expected", PROGRAMS)
def test_programs(tmp_path, files, expected):
    assert commands(tree(tmp_path, files)) == expected


def test_a_config_var_goes_before_the_comment(tmp_path):
    where = tree(tmp_path, {"go.mod": mod(more="\n// +heroku install ./cmd/two\n"), "cmd/one/main.go": MAIN, "cmd/two/main.go": MAIN})
    assert commands(where, GO_INSTALL_PACKAGE_SPEC="./cmd/one") == [("./cmd/one", "one"), ("web", "one")]


def test_release(tmp_path):
    done = run("go", "release", tree(tmp_path / "a", {"go.mod": mod(), "main.go": MAIN}))
    assert done.stdout == "---\ndefault_process_types:\n  web: bin/hello\n"
    assert run("go", "release", tree(tmp_path / "b", {"go.mod": mod()})).stdout == "--- {}\n"


REFUSED = [
    ({"Gopkg.lock": "", "main.go": MAIN}, 'Gopkg.lock is of dep, which nobody maintains and which newer versions of Go do not read: run "go mod init NAME"'),
    ({"glide.yaml": ""}, "glide.yaml is of Glide, "),
    ({"Godeps/Godeps.json": ""}, "Godeps/Godeps.json is of godep, "),
    ({"main.go": MAIN}, "main.go is there: add a go.mod, which names the module and its dependencies: run \"go mod init"),
    ({"go.mod": mod(more="replace example.com/x => ../x\n"), "main.go": MAIN}, "go.mod:4 replaces a module by ../x, which is not part of what was pushed"),
    ({"go.mod": mod(more="replace (\n\texample.com/x v1.0.0 => ./x\n)\n"), "main.go": MAIN}, "go.mod:5 replaces a module by ./x, "),
    ({"go.work": "use ./gone\n"}, "go.work uses ./gone, which has no go.mod in what was pushed"),
    ({"go.mod": mod(), "main.go": MAIN, "Procfile": "release: true\nweb: go run main.go\n"}, 'Procfile:2 runs the go command, which is there for builds only: name the program that was built, for example "web: bin/hello"'),
    ({"go.mod": mod(), "cmd/one/main.go": MAIN, "cmd/two/main.go": MAIN}, "The module has more than one program (one, two), and none of them is called web, server or as the module: add a file named Procfile"),
]


@pytest.mark.parametrize("files,sentence", REFUSED)
def test_what_is_refused_by_the_files(tmp_path, files, sentence):
    done = run("go", "check", tree(tmp_path, files), "early", TMPDIR=str(tmp_path))
    assert done.returncode == 1 and done.stdout.startswith(sentence) and len(done.stdout.splitlines()) == 1, done
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin/go-pre-compile").write_text("")
    assert run("go", "check", tmp_path, "early", TMPDIR=str(tmp_path)).returncode == 0, "a hook may mend it"


@pytest.mark.parametrize("files", [
    {"go.mod": mod(more="replace example.com/x => ./x\nreplace example.com/y => example.com/z v1.0.0\n"), "x/go.mod": "module x\n", "main.go": MAIN},
    {"go.mod": mod(), "main.go": MAIN, "Procfile": "web: bin/hello # not: go run .\nworker: ./cargo run\n"},
    {"go.mod": mod(), "cmd/one/main.go": MAIN, "cmd/two/main.go": MAIN, "Procfile": "worker: bin/two\n"},
])
def test_what_is_not_refused(tmp_path, files):
    done = run("go", "check", tree(tmp_path, files), "early", TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, ""), done


# --- versions: a proxy of files stands for the module proxy; what it does not have is named


def proxy(tmp_path, *versions):
    tree(tmp_path / "proxy/golang.org/toolchain/@v", {"list": "".join(f"v0.0.1-go{v}.linux-{a}\n" for v in versions for a in ("amd64", "arm64"))})
    return (tmp_path / "proxy").as_uri()


VERSIONS = [
    ({"go.mod": "module x\ngo 1.22\n"}, {}, "1.22.10"),
    ({"go.mod": "module x\r\ngo 1.22.3\r\n"}, {}, "1.22.10"),
    ({"go.mod": "module x\ngo 1.22\ntoolchain go1.23.4\n"}, {}, "1.23.4"),
    ({"go.mod": "module x\ngo 1.22\ntoolchain go1.23.4-vendor\n"}, {}, "1.23.4"),
    ({"go.mod": "module x\ngo 1.22\ntoolchain default\n"}, {}, "1.22.10"),
    ({"go.mod": "module x\n// +heroku goVersion go1.23\ngo 1.22\n"}, {}, "1.23.5"),
    ({"go.mod": "module x\n// +heroku goVersion 1.23.1\ngo 1.22\n"}, {}, "1.23.1"),
    ({"go.mod": "module x\n// +heroku goVersion go1.22\n"}, {"GOVERSION": "go1.23.2"}, "1.23.2"),
    ({"go.mod": "module x\ngo 1.22\n", "go.work": "go 1.23\nuse .\n"}, {}, "1.23.5"),
    ({"go.mod": "module x\ngo 1.22\n", "go.work": "use .\n"}, {}, "1.22.10"),
    ({"go.mod": "module x\ngo 1.23rc1\n"}, {}, "1.23rc1"),
    # A line from before lines were held to; but what is asked for by name is given.
    ({"go.mod": "module x\ngo 1.12\n"}, {}, "1.21.13"),
    ({"go.mod": "module x\ngo 1.18\n"}, {}, "1.21.13"),
    ({"go.mod": "module x\ngo 1.18\n"}, {"GOVERSION": "1.18"}, "1.18.10"),
    ({"go.mod": "module x\n// +heroku goVersion go1.12\ngo 1.12\n"}, {}, "1.16.9"),
    ({"go.mod": "module x\n"}, {}, "1.27.4"),
    # Known here, though the proxy does not list it.
    ({"go.mod": "module x\ngo 1.21\n"}, {}, "1.21.13"),
]


@pytest.mark.parametrize("files,config,version", VERSIONS)
def test_versions(tmp_path, files, config, version):
    config = {"GOPROXY": proxy(tmp_path, "1.16.9", "1.22.9", "1.22.10", "1.22rc1", "1.23.4", "1.23.5"), **config}
    done = build(tmp_path, "go", {**files, "main.go": MAIN}, **config)
    assert f"-----> Using Go {version}\n" in done.stdout, done
    # The proxy has lists only.
    assert done.returncode == 1 and "cannot be fetched from the build: look at the proxy, certificate and GOPROXY settings" in done.stderr, done
    # Another one has come: what was chosen stays.
    proxy(tmp_path, "1.16.10", "1.22.11", "1.23.6")
    done = build(tmp_path, "go", {}, **config)
    assert f"-----> Using Go {version}\n" in done.stdout


def test_a_line_that_there_is_not(tmp_path):
    done = build(tmp_path, "go", {"go.mod": "module x\ngo 1.99\n"}, GOPROXY=proxy(tmp_path, "1.22.10"))
    assert done.returncode == 1 and done.stderr == ' !     "go" in go.mod asks for Go 1.99, which the module proxy does not have: the newest known here is 1.27.4.\n'
    done = build(tmp_path, "go", {}, GOPROXY="off", GOVERSION="latest")
    assert done.stderr == ' !     The config var GOVERSION is "latest", which is no version of Go: write for example 1.26.\n'


@pytest.mark.parametrize("separator,found", [(",", False), ("|", True)])
def test_the_next_proxy(tmp_path, separator, found):
    """After a comma only when the first one answers that it does not have it."""
    done = build(tmp_path, "go", {"go.mod": "module x\ngo 1.22\n"}, GOPROXY="http://127.0.0.1:9" + separator + proxy(tmp_path, "1.22.5"))
    assert (f"Using Go {'1.22.5' if found else '1.22.12'}\n" in done.stdout), done


def test_no_password_of_a_proxy_is_shown(tmp_path):
    done = build(tmp_path, "go", {"go.mod": "module x\ngo 1.22\n"}, GOPROXY="http://me:secret@127.0.0.1:9")
    assert done.returncode == 1 and "secret" not in done.stdout + done.stderr


# --- what a process gets


def test_profile():
    script = f'. "{BUILDPACKS}/go/profile.sh"; echo "$PATH"; env'
    for more in ({}, {"GOMEMLIMIT": "mine", "GOMAXPROCS": "mine"}):
        done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **more}, check=True)
        assert done.stdout.splitlines()[0] == "/usr/bin:/bin:/app/bin"
        assert "TWELVE_" not in done.stdout and done.stdout.count("=mine") == len(more)
