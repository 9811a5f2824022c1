# SPDX-License-Identifier: Apache-2.0
"""
What other tools' files ask for, as pip reads it:

    sources.py requirements FILE      of Pipfile, Pipfile.lock, pdm.lock, pylock.toml or pyproject.toml
    sources.py asks                   which Python the project's files ask for: "FILE<tab>SPECIFIERS", or nothing
    sources.py fits SPECIFIERS VERSION   exit code 0: yes; 1: the version is too new; 2: it is too old, or none fits

It runs by the Python of the stack, which has pip.
"""
import json
import os
import re
import sys
import tomllib

try:
    from pip._vendor.packaging.specifiers import SpecifierSet
except ImportError:
    from packaging.specifiers import SpecifierSet

MARKERS = ("os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release", "platform_system",
           "platform_version", "python_version", "python_full_version", "implementation_name", "implementation_version")
PYPI = re.compile(r"^https?://(www\.)?pypi\.(org|python\.org)/simple/?$")


def load(path):
    if path.endswith(".lock") and path.startswith("Pipfile"):
        with open(path, encoding="utf-8-sig") as f:
            return json.load(f)
    with open(path, "rb") as f:
        return tomllib.loads(f.read().decode("utf-8-sig").replace("\r\n", "\n"))


def extras_of(entry):
    return f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""


def line(name, extras, version, marker, hashes):
    """Of a package of the index."""
    text = f"{name}{extras}{version}"
    if marker:
        text += f" ; {marker}"
    return text + "".join(f" --hash={h}" for h in hashes)


def at(name, extras, url, marker="", subdirectory=None):
    """Of a package that is elsewhere."""
    fragment = f"#subdirectory={subdirectory}" if subdirectory else ""
    return f"{name}{extras} @ {url}{fragment}" + (f" ; {marker}" if marker else "")


def git_url(url, ref):
    url = re.sub(r"^(?:git@|ssh://git@)([^:/]+)[:/]", r"ssh://git@\1/", url)
    return "git+" + url + (f"@{ref}" if ref else "")


# --- Pipenv


def of_pipfile(name, entry):
    if isinstance(entry, str):
        entry = {"version": entry}
    extras, marker = extras_of(entry), entry.get("markers", "")
    own = [f"{key} {entry[key]}" for key in MARKERS if key in entry]
    marker = " and ".join(([f"({marker})"] if marker and own else [marker] if marker else []) + own)
    if "git" in entry:
        return at(name, extras, git_url(entry["git"], entry.get("ref")), marker, entry.get("subdirectory"))
    if "path" in entry:
        return ("-e " if entry.get("editable") else "") + (entry["path"] if entry["path"].startswith((".", "/")) else f"./{entry['path']}") + extras
    if "file" in entry or "url" in entry:
        return at(name, extras, entry.get("file") or entry["url"], marker)
    version = entry.get("version", "*")
    return line(name, extras, "" if version == "*" else version, marker, entry.get("hashes", []))


def indexes(sources):
    """The platform's own setting stands for PyPI."""
    urls = [s["url"] for s in sources if "url" in s]
    private = [u for u in urls if not PYPI.match(u)]
    if not private:
        return []
    return [f"{'--index-url' if i == 0 and u == urls[0] else '--extra-index-url'} {u}" for i, u in enumerate(private)]


def pipfile(data):
    return indexes(data.get("source", [])) + [of_pipfile(n, e) for n, e in sorted(data.get("packages", {}).items())]


def pipfile_lock(data):
    return indexes(data.get("_meta", {}).get("sources", [])) + [of_pipfile(n, e) for n, e in sorted(data.get("default", {}).items())]


# --- PDM and pylock.toml


def of_pdm(p):
    name, extras, marker = p["name"], extras_of(p), p.get("marker", "")
    if "git" in p:
        return at(name, extras, git_url(p["git"], p.get("revision") or p.get("ref")), marker, p.get("subdirectory"))
    if "url" in p:
        return at(name, extras, p["url"], marker)
    if "path" in p:
        return ("-e " if p.get("editable") else "") + p["path"] + extras
    return line(name, extras, f"=={p['version']}", marker, sorted({f["hash"] for f in p.get("files", []) if "hash" in f}))


def pdm_lock(data):
    if "inherit_metadata" not in data.get("metadata", {}).get("strategy", []):
        sys.exit("pdm.lock does not say which package is for what (strategy inherit_metadata): run \"pdm lock\" with a PDM of 2.11 or later and commit the result.")
    return [of_pdm(p) for p in data.get("package", []) if "default" in p.get("groups", ["default"])]


def of_pylock(p):
    name, marker = p["name"], p.get("marker", "")
    if "vcs" in p:
        return at(name, "", git_url(p["vcs"].get("url") or p["vcs"]["path"], p["vcs"].get("commit-id")), marker, p["vcs"].get("subdirectory"))
    if "directory" in p:
        return ("-e " if p["directory"].get("editable") else "") + "./" + p["directory"]["path"].removeprefix("./")
    if "archive" in p:
        return at(name, "", p["archive"].get("url") or p["archive"]["path"], marker)
    files = p.get("wheels", []) + ([p["sdist"]] if "sdist" in p else [])
    return line(name, "", f"=={p['version']}", marker, sorted({f"sha256:{f['hashes']['sha256']}" for f in files if "sha256" in f.get("hashes", {})}))


def pylock(data):
    # What its markers ask of groups and extras is answered with: none.
    return [of_pylock(p) for p in data.get("packages", []) if "in dependency_groups" not in p.get("marker", "") and "in extras" not in p.get("marker", "")]


# --- pyproject.toml


def pyproject(data):
    project = data.get("project", {})
    if "dependencies" in project.get("dynamic", []):
        return ["."]
    return list(project.get("dependencies", []))


READERS = {"Pipfile": pipfile, "Pipfile.lock": pipfile_lock, "pdm.lock": pdm_lock, "pylock.toml": pylock, "pyproject.toml": pyproject}


# --- which Python


def poetry_range(text):
    """Poetry's ^ and ~ in the words of others; alternatives come apart."""
    alternatives = []
    for part in re.split(r"\|\|?", text):
        out = []
        for word in re.findall(r"[^\s,]+(?:\s+(?=\d)\S+)?", part.strip()):
            word = word.replace(" ", "")
            m = re.match(r"^([\^~])=?(\d+)(?:\.(\d+))?(?:\.(\d+))?", word)
            if word.startswith("~=") or not m:
                out.append(word if not re.match(r"^\d", word) else "==" + (word if word.count(".") > 1 or "*" in word else word + ".*"))
                continue
            lower = ".".join(g for g in m.groups()[1:] if g)
            upper = int(m[2]) + 1 if m[1] == "^" or not m[3] else f"{m[2]}.{int(m[3]) + 1}"
            out += [f">={lower}", f"<{upper}"]
        alternatives.append(",".join(w for w in out if w != "*"))
    return "||".join(alternatives)


def asks():
    if os.path.exists("Pipfile.lock") or os.path.exists("Pipfile"):
        name = "Pipfile.lock" if os.path.exists("Pipfile.lock") else "Pipfile"
        data = load(name)
        wants = data.get("_meta", {}).get("requires", {}) if name == "Pipfile.lock" else data.get("requires", {})
        full, minor = wants.get("python_full_version"), wants.get("python_version")
        if full and full != "*":
            return name, "==" + full
        if minor and minor != "*":
            return name, f"=={minor}.*" if re.match(r"^[\d.]+$", minor) else minor
    if not os.path.exists("pyproject.toml"):
        return None
    data = load("pyproject.toml")
    if data.get("project", {}).get("requires-python"):
        return "pyproject.toml", data["project"]["requires-python"]
    wanted = data.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python")
    return ("pyproject.toml", poetry_range(wanted)) if isinstance(wanted, str) and wanted.strip() not in ("", "*") else None


def fits(text, version):
    sets = [SpecifierSet(s) for s in text.split("||")]

    def has(v):
        return any(s.contains(v, prereleases=True) for s in sets)
    if has(version):
        return 0
    minor = int(version.split(".")[1])
    some = {m for m in range(40) for patch in range(31) if has(f"3.{m}.{patch}")}
    # What asks for another patch of the same minor gets the stack's.
    if minor in some:
        return 0
    return 1 if some and max(some) < minor else 2


def main():
    word = sys.argv[1]
    try:
        if word == "requirements":
            print("\n".join(READERS[sys.argv[2]](load(sys.argv[2]))))
        elif word == "asks":
            print("\t".join(asks() or ()))
        else:
            sys.exit(fits(sys.argv[2], sys.argv[3]))
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        if word == "requirements":
            sys.exit(f"{sys.argv[2]} cannot be read: {type(e).__name__}: {e}")
        sys.exit(0 if word == "asks" else 2)


main()
