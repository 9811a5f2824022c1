# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of a release: what is in it, that a validator of the format takes it, and that an app can't use its reader."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

from conftest import ROOT

PINNED = ["spdx-tools==0.8.5"]


@pytest.fixture(scope="module")
def validator():
    """SPDX's own tools, from PyPI; kept for the next run."""
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "twelve" / PINNED[0]
    if not (home / "ok").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        # Without ensurepip, which is a package of its own on Debian.
        pip = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(home), *PINNED], capture_output=True, text=True)
        assert pip.returncode == 0, pip.stderr
        (home / "ok").touch()

    def check(file):
        code = ("import sys\nfrom spdx_tools.spdx.parser.parse_anything import parse_file\n"
                "from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document\n"
                "found = validate_full_spdx_document(parse_file(sys.argv[1]))\n"
                "print('\\n'.join(m.validation_message for m in found))\nsys.exit(bool(found))")
        r = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(home)})
        assert r.returncode == 0, r.stdout + r.stderr

    return check


def build_go(where):
    (where / "go.mod").write_text("module example.com/tool\n\ngo 1.19\n")
    (where / "main.go").write_text('package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("x") }\n')
    env = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", "tool", "."], cwd=where, env=env, check=True, capture_output=True)


def test_the_bill_of_a_python_app(platform, tmp_path, validator):
    p, name = platform, "billed"
    where = p.repo(tmp_path, source=str(ROOT / "examples/flask"))
    # Whatever Python the stack has.
    (where / ".python-version").unlink(missing_ok=True)
    more = where / "more"
    more.mkdir()
    build_go(more)
    with zipfile.ZipFile(more / "thing.jar", "w") as z:
        z.writestr("META-INF/maven/org.example/thing/pom.properties", "groupId=org.example\nartifactId=thing\nversion=1.2\n")
    (more / "Cargo.lock").write_text('[[package]]\nname = "serde"\nversion = "1.0.200"\n')
    # Not followed, not waited for, not believed.
    (more / "go.sum").symlink_to("/etc/shadow")
    (more / "composer.lock").write_text("[" * 100000)
    p.commit(where, "more")
    p.create(name, where)
    p.push(where)
    told = p.cli("releases:sbom", "-a", name).out
    bill = json.loads(told)
    (tmp_path / "bill.spdx.json").write_text(told)
    validator(tmp_path / "bill.spdx.json")

    release = p.releases(name)[0]
    assert bill["name"] == f"{name} v{release['version']}" and bill["creationInfo"]["created"] == release["created_at"]
    assert release["id"] in bill["documentNamespace"]
    found = {r["referenceLocator"]: x for x in bill["packages"] for r in x.get("externalRefs", [])}
    # As the stack has them, and as the requirements pin them.
    listed = dict(line.split("=", 1) for line in (p.state / "stacks" / release["twelve"]["stack"] / "packages").read_text().splitlines())
    debs = {x["name"]: x["versionInfo"] for x in found.values() if x["SPDXID"].startswith("SPDXRef-deb-")}
    assert debs == listed and "libc6" in debs
    (libc,) = [x for x in found.values() if x["name"] == "libc6"]
    assert libc["sourceInfo"].endswith(" glibc")
    assert {u for u in found if u.startswith("pkg:pypi/flask@")}, sorted(found)
    assert {"pkg:maven/org.example/thing@1.2", "pkg:cargo/serde@1.0.200"} <= set(found)
    assert [u for u in found if u.startswith("pkg:golang/stdlib@")]
    assert "root" not in told.replace("SPDXRef", "")

    # The same release gives the same bytes, by any of its names; another release another document.
    for which in ("current", f"v{release['version']}", release["id"]):
        assert p.api("GET", f"/apps/{name}/releases/{which}/sbom") == (200, bill)
    p.cli("config:set", "A=1", "-a", name)
    other = p.api("GET", f"/apps/{name}/releases/current/sbom")[1]
    assert other["documentNamespace"] != bill["documentNamespace"] and other["packages"][2:] == bill["packages"][2:]

    r = p.cli("releases:sbom", "v1", "-a", name, check=False)
    assert r.code == 1 and "Nothing was deployed in v1" in r.err
    r = p.cli("releases:sbom", "v99", "-a", name, check=False)
    assert r.code == 1 and "Couldn't find that release" in r.err
