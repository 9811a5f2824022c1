# SPDX-License-Identifier: Apache-2.0
"""
What classic buildpacks of others take for given, by a pack that checks what Heroku's own check (their code can't be had everywhere): the stack's
name, python3 and jq for JSON, the three folders, `export` for the packs behind it, .profile.d, and bin/release with defaults.
"""
import pytest

from test_build import archive, bare, said, slugs  # noqa: F401 (bare is a fixture)

DETECT = '[ -f "$1/lang.json" ] || exit 1\necho Lang\n'
COMPILE = r"""set -euo pipefail
BUILD_DIR=$1 CACHE_DIR=$2 ENV_DIR=$3
case "$STACK" in
heroku-22 | heroku-24 | heroku-26) ;;
*) echo " !     The $STACK stack isn't supported" >&2; exit 1 ;;
esac
python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$BUILD_DIR/lang.json"
version=$(jq -r .version "$BUILD_DIR/lang.json")
echo "-----> Lang $version on $STACK, $(cat "$ENV_DIR/GREETING"), cached: $(cat "$CACHE_DIR/lang" 2>/dev/null || echo nothing)"
echo "$version" >"$CACHE_DIR/lang"
for tool in curl git tar gzip xz unzip make gcc sha256sum; do command -v "$tool" >/dev/null || { echo "no $tool" >&2; exit 1; }; done
mkdir -p "$BUILD_DIR/.lang/bin" "$BUILD_DIR/.profile.d"
printf '#!/bin/sh\necho lang %s\n' "$version" >"$BUILD_DIR/.lang/bin/lang"
chmod +x "$BUILD_DIR/.lang/bin/lang"
echo 'export PATH="$HOME/.lang/bin:$PATH" LANG_HOME="$HOME/.lang"' >"$BUILD_DIR/.profile.d/lang.sh"
echo "export PATH=\"$BUILD_DIR/.lang/bin:\$PATH\"" >"$(dirname "$0")/../export"
"""
RELEASE = "cat <<'Y'\n---\naddons: []\nconfig_vars:\n  LANG_ENV: production\ndefault_process_types:\n  worker: lang && sleep 1000\nY\n"


def pack(where, detect, compile, release):
    (where / "bin").mkdir(parents=True)
    for name, text in (("detect", detect), ("compile", compile), ("release", release)):
        (where / "bin" / name).write_text("#!/usr/bin/env bash\n" + text)
        (where / "bin" / name).chmod(0o755)
    return str(where)


@pytest.mark.parametrize("stack, theirs", (("debian-13", "heroku-24"), ("debian-12", "heroku-22")))
def test_a_pack_that_checks_what_herokus_check(bare, tmp_path, stack, theirs):
    platform, name, deploy = bare
    platform.cli("stack:set", stack, "-a", name)
    platform.api("PATCH", f"/apps/{name}/config-vars", {"GREETING": "salve"})
    # The second finds what the first has made, and its programs by the first one's export; the last one says what runs.
    first = pack(tmp_path / "first", DETECT, COMPILE, "echo '--- {}'\n")
    second = pack(tmp_path / "second", 'test -x "$1/.lang/bin/lang" && echo After\n', 'echo "-----> behind it: $(lang)"\n', RELEASE)
    for p in (first, second):
        platform.cli("buildpacks:add", p, "-a", name)
    r = deploy(archive(tmp_path / "1.tgz", ("lang.json", b'{"version": "1.2"}')), check=True)
    assert f"Lang 1.2 on {theirs}, salve, cached: nothing" in said(r) and "behind it: lang 1.2" in said(r), said(r)
    r = deploy(archive(tmp_path / "2.tgz", ("lang.json", b'{"version": "1.3"}')), check=True)
    assert "cached: 1.2" in said(r)
    assert platform.releases(name)[0]["twelve"]["processes"] == {"worker": "lang && sleep 1000"}
    assert platform.cli("run", "-a", name, "--", "sh", "-c", "lang; echo $LANG_HOME").out.split("\n")[:2] == ["lang 1.3", "/app/.lang"]
    # What is no JSON is called so, by a python3 that is there.
    r = deploy(archive(tmp_path / "3.tgz", ("lang.json", b"{")), check=False)
    assert "JSONDecodeError" in said(r)
