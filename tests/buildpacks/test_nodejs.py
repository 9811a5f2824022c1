# SPDX-License-Identifier: Apache-2.0
"""The Node.js buildpack's decisions: what an app runs, which Node.js, which package manager; without a network."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from test_buildpacks import BUILDPACKS, run, tree

PACK = BUILDPACKS / "nodejs"


def package(**fields):
    """A package.json; dependencies and devDependencies may be lists of names."""
    for key in ("dependencies", "devDependencies"):
        if isinstance(fields.get(key), list):
            fields[key] = {name: "*" for name in fields[key]}
    return json.dumps(fields)


def app(scripts=None, deps=(), dev=(), /, **files):
    fields = {k: v for k, v in files.pop("package", {}).items()}
    return {"package.json": package(scripts=scripts or {}, dependencies=list(deps), devDependencies=list(dev), **fields), **files.pop("files", {}), **files}


BUILD = {"build": "make it"}
LISTENS = "require('http').createServer(f).listen(process.env.PORT)"

STARTS = [
    # A start script is run as it is.
    (app({"start": "node server.js"}), "run npm start"),
    (app({"start": "nodemon server.js"}, ["express"], ["nodemon"]), "run npm start"),
    (app({"start": "next start", **BUILD}, ["next"]), "run npm start"),
    (app({"start": "next start -p 3000", **BUILD}, ["next"]), "run next start -p $PORT"),
    (app({"start": "serve -s build", **BUILD}, ["serve"]), "run npm start"),
    (app({"start": "serve -s build -l 3000", **BUILD}, ["serve"]), "static build spa"),
    ({**app({"start": "node ."}), ".pnp.cjs": ""}, "run yarn start"),
    # One that is for the desk is not.
    (app({"start": "vite", **BUILD}, [], ["vite"]), "static dist spa"),
    (app({"start": "npm run dev", "dev": "vite --open", **BUILD}, [], ["vite"]), "static dist spa"),
    (app({"start": "cross-env NODE_ENV=development PORT=3000 react-scripts start", **BUILD}, ["react-scripts"]), "static build spa"),
    (app({"start": "next dev", **BUILD}, ["next"]), "run next start -p $PORT"),
    (app({"start": "ng serve", **BUILD}, ["@angular/core"], files={"angular.json": '{"projects": {"shop": {"architect": {"build": {"options": {}}}}}}'}), "static dist/shop/browser spa"),
    (app({"start": "nest start", "start:prod": "node dist/main", **BUILD}, ["@nestjs/core"]), "run npm run start:prod"),
    (app({"start": "nest start", **BUILD}, ["@nestjs/core"]), "run node dist/main"),
    (app({"start": "docusaurus start", **BUILD}, ["@docusaurus/core"]), "static build site"),
    (app({"start": "eleventy --serve", **BUILD}, [], ["@11ty/eleventy"]), "static _site site"),
    (app({"start": "gatsby develop", **BUILD}, ["gatsby"]), "static public site"),
    (app({"start": "astro dev", **BUILD}, ["astro"]), "static dist site"),
    # None: what the framework wants.
    (app(BUILD, ["next"]), "run next start -p $PORT"),
    (app(BUILD, ["next"], files={"next.config.mjs": "export default { output: 'export' }"}), "static out site"),
    (app(BUILD, ["next"], files={"next.config.ts": "const c = {\n  // output: 'export',\n  output: \"standalone\" }"}), "run HOSTNAME=0.0.0.0 node .next/standalone/server.js"),
    (app(BUILD, ["nuxt"]), "run HOST=0.0.0.0 node .output/server/index.mjs"),
    (app({"build": "nuxt generate"}, ["nuxt"]), "static .output/public site"),
    (app(BUILD, [], ["@sveltejs/kit", "@sveltejs/adapter-auto", "vite"]), "run node build"),
    (app(BUILD, [], ["@sveltejs/kit", "@sveltejs/adapter-static"], files={"svelte.config.js": "import a from '@sveltejs/adapter-static'; a({ fallback: 'index.html' })"}), "static build spa"),
    (app(BUILD, ["astro", "@astrojs/node"], files={"astro.config.mjs": "import node from '@astrojs/node';"}), "run HOST=0.0.0.0 node ./dist/server/entry.mjs"),
    (app(BUILD, ["@react-router/serve"], ["@react-router/dev"]), "run react-router-serve ./build/server/index.js"),
    (app(BUILD, ["@react-router/serve"], ["@react-router/dev"], files={"react-router.config.ts": "export default { ssr: false }"}), "static build/client spa"),
    (app(BUILD, ["@remix-run/serve"], ["@remix-run/dev", "vite"]), "run remix-serve ./build/server/index.js"),
    (app(BUILD, ["vue"], ["vite"], files={"vite.config.js": "export default { build: { outDir: './public_html/' } }"}), "static public_html spa"),
    (app({"docs:build": "vitepress build docs", **BUILD}, [], ["vitepress"]), "static docs/.vitepress/dist site"),
    (app(BUILD, ["@solidjs/start", "vinxi"]), "run HOST=0.0.0.0 node .output/server/index.mjs"),
    # None, and no framework: a file that answers requests.
    (app(files={"server.js": ""}), "run npm start"),
    (app(files={"index.js": LISTENS}), "run node index.js"),
    (app({}, ["express"], files={"app.js": ""}), "run node app.js"),
    (app({}, ["express"], files={"bin/www": LISTENS, "app.js": ""}), "run node bin/www"),
    (app({}, ["koa"], package={"main": "./lib/run.js"}, files={"lib/run.js": "", "index.js": ""}), "run node lib/run.js"),
    (app({"build": "tsc"}, ["express"], ["typescript"], files={"src/index.ts": "", "tsconfig.json": '{\n  "outDir": "./out",\n}'}), "run node out/index.js"),
    (app({}, ["hono"], files={"src/index.ts": "export default app", "bun.lock": ""}), "run bun src/index.ts"),
    # Pages that nobody builds; and a library.
    (app({}, [], ["prettier"], files={"index.html": ""}), "static  site"),
    (app({}, [], ["prettier"], files={"public/index.html": ""}), "static public site"),
    (app({"test": "x"}, ["left-pad"], files={"index.js": "module.exports = 1"}), ""),
    (app(), ""),
]


@pytest.mark.parametrize("files,answer", STARTS, ids=[f"{n}-{a}" for n, (_, a) in enumerate(STARTS)])
def test_what_an_app_runs(tmp_path, files, answer):
    tree(tmp_path, files)
    done = subprocess.run(["perl", PACK / "start", tmp_path], capture_output=True, text=True, check=True)
    words = done.stdout.rstrip("\n").split("\t")
    assert " ".join(words[:-1]) == answer and done.stderr == ""
    release = run("nodejs", "release", tmp_path).stdout
    assert release == ("--- {}\n" if not answer else "---\ndefault_process_types:\n  web: %s\n" % (".twelve/static/serve" if answer.startswith("static") else words[1]))
    packages = run("nodejs", "packages", tmp_path, "run")
    assert ("nginx\n" in packages.stdout) == answer.startswith("static") and packages.returncode == 0
    # Where a Procfile has a web process, or another language runs the app, there is none to serve pages.
    assert run("nodejs", "packages", tmp_path, "run", TWELVE_LAST_PACK="python").stdout == ""
    (tmp_path / "Procfile").write_text("web: x\n")
    assert run("nodejs", "packages", tmp_path, "run").stdout == ""


@pytest.mark.parametrize("files,sentence", [
    (app(BUILD, [], ["@sveltejs/kit", "@sveltejs/adapter-vercel"], files={"svelte.config.js": "import adapter from '@sveltejs/adapter-vercel'"}),
     'svelte.config.js uses @sveltejs/adapter-vercel, which builds for another host: "npm install -D @sveltejs/adapter-node", and import @sveltejs/adapter-node there.'),
    (app({"dev": "astro dev", **BUILD}, ["astro", "@astrojs/netlify"], files={"astro.config.ts": "import n from '@astrojs/netlify'"}), "astro.config.ts uses @astrojs/netlify, which builds for another host"),
    (app({"start": "qwik dev", **BUILD}, [], ["@builder.io/qwik-city"]), None),
    (app(BUILD, [], ["@builder.io/qwik-city"]), 'run "npm run qwik add express"'),
])
def test_an_app_that_builds_for_another_host(tmp_path, files, sentence):
    tree(tmp_path, files)
    done = run("nodejs", "check", tmp_path, "early")
    assert (done.returncode, done.stderr) == (1 if sentence else 0, "") and (sentence or "") in done.stdout
    (tmp_path / "Procfile").write_text("web: x\n")
    assert run("nodejs", "check", tmp_path, "early").returncode == 0


VERSIONS = "0.2.3 0.2.9 0.3.0 18.0.0 18.9.1 20.1.0 20.9.0 22.3.0 22.3.1 22.9.0 24.0.0 26.1.0".split()


@pytest.mark.parametrize("wanted,found", [
    ("22", "22.3.0 22.3.1 22.9.0"), ("22.x", "22.3.0 22.3.1 22.9.0"), ("22.3", "22.3.0 22.3.1"), ("^22.3.1", "22.3.1 22.9.0"), ("~22.3.1", "22.3.1"), ("~22", "22.3.0 22.3.1 22.9.0"),
    (">=18 <22", "18.0.0 18.9.1 20.1.0 20.9.0"), (">= 22.3.1 < 26", "22.3.1 22.9.0 24.0.0"), ("18 - 20", "18.0.0 18.9.1 20.1.0 20.9.0"), ("18 || >=26", "18.0.0 18.9.1 26.1.0"),
    (">22", "24.0.0 26.1.0"), ("<=18", "0.2.3 0.2.9 0.3.0 18.0.0 18.9.1"), ("^0.2.3", "0.2.3 0.2.9"), ("v20.1.0", "20.1.0"), ("=20.9.0", "20.9.0"), ("*", " ".join(VERSIONS)), ("", " ".join(VERSIONS)),
    ("^20.9.0-rc.1", "20.9.0"), ("30", ""), ("new", None), ("20.x.y", None), (">=", None), ("22 || new", None),
])
def test_ranges(wanted, found):
    done = subprocess.run([PACK / "lib/semver", wanted], input="\n".join(VERSIONS) + "\n", capture_output=True, text=True)
    assert done.stderr == ""
    assert (done.returncode, done.stdout.split()) == ((2, []) if found is None else (0, found.split()))


def decide(tmp_path, files, script):
    """Functions of compile in an app's folder, up to where the network begins."""
    tree(tmp_path / "app", files)
    (tmp_path / "cache").mkdir(exist_ok=True)
    text = (PACK / "bin/compile").read_text().split("\n# ---\n\nuse_scratch_home")[0].replace('"$(dirname "$0")/.."', f'"{PACK}"')
    done = subprocess.run(["bash", "-c", text + f"\ncd '{tmp_path}/app'; registry=http://127.0.0.1:9; read_package_json\n{script}", "compile", tmp_path / "app", tmp_path / "cache", tmp_path / "env"],
                          capture_output=True, text=True, env={"PATH": os.environ["PATH"], "TWELVE_STACK": "test"}, timeout=180)
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("files,range_,said", [
    ({}, "", ""),
    ({".nvmrc": "v20\n"}, "v20", ""),
    ({".nvmrc": "\ufeff# ours\r\nlts/iron\r\n"}, "20", ""),
    ({".nvmrc": "lts/*"}, "24", ""),
    ({".nvmrc": "lts/-1"}, "22", ""),
    ({".node-version": "node"}, "*", ""),
    ({".tool-versions": "ruby 3.3.0\nnodejs 20.11.1\n"}, "20.11.1", ""),
    ({"package.json": package(volta={"node": "18.20.0"}), ".nvmrc": "18.20.0"}, "18.20.0", ""),
    # The range of engines is narrowed by a file that lies within it, and goes before one that does not.
    ({"package.json": package(engines={"node": ">=18.17"}), ".nvmrc": "20"}, "20", ""),
    ({"package.json": package(engines={"node": ">=18.17"}), ".nvmrc": "18"}, "18", ""),
    ({"package.json": package(engines={"node": "22.x"}), ".nvmrc": "18"}, "22.x", '.nvmrc asks for Node.js "18", engines.node in package.json for "22.x": the latter goes first'),
    ({"package.json": package(devEngines={"runtime": {"name": "node", "version": "^22"}})}, "^22", ""),
])
def test_which_node(tmp_path, files, range_, said):
    out = decide(tmp_path, {"package.json": "{}", **files}, 'find_node_wish; echo "[$node_range]"')
    assert out.splitlines()[-1] == f"[{range_}]" and (said in out if said else out.count("\n") == 1)


BERRY = "__metadata:\n  version: 8\n\n"


@pytest.mark.parametrize("files,answer", [
    ({}, "npm none 11"),
    ({"package-lock.json": "{}"}, "npm package-lock.json 11"),
    ({"npm-shrinkwrap.json": "{}"}, "npm npm-shrinkwrap.json 11"),
    ({"pnpm-lock.yaml": "lockfileVersion: 5.4\n"}, "pnpm pnpm-lock.yaml 7"),
    ({"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"}, "pnpm pnpm-lock.yaml 8"),
    ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, "pnpm pnpm-lock.yaml 10"),
    ({"yarn.lock": "# yarn lockfile v1\n"}, "yarn yarn.lock 1"),
    ({"yarn.lock": BERRY}, "berry yarn.lock 4"),
    ({"yarn.lock": BERRY.replace("8", "6")}, "berry yarn.lock 3"),
    ({"bun.lock": "{}"}, "bun bun.lock 1"),
    ({"bun.lockb": ""}, "bun bun.lockb 1"),
    # A name in package.json, with and without its lock.
    ({"package.json": package(packageManager="pnpm@9.1.0+sha512.00")}, "pnpm none 9"),
    ({"package.json": package(packageManager="pnpm@9.1.0"), "pnpm-lock.yaml": "", "package-lock.json": "{}"}, "pnpm pnpm-lock.yaml 9"),
    ({"package.json": package(packageManager="pnpm@9.1.0"), "package-lock.json": "{}"}, "npm package-lock.json 11"),
    ({"package.json": package(packageManager="yarn@4.1.0"), "yarn.lock": ""}, "berry yarn.lock 4"),
    ({"package.json": package(packageManager="yarn@1.22.19"), "yarn.lock": ""}, "yarn yarn.lock 1"),
    ({"package.json": package(devEngines={"packageManager": {"name": "bun", "version": "1.2.0"}})}, "bun none 1"),
    # Several locks: the one that has all that is asked for.
    ({"package.json": package(dependencies=["a", "new"]), "package-lock.json": '"a"', "yarn.lock": "a@1\nnew@1\n"}, "yarn yarn.lock 1"),
    ({"package.json": package(dependencies=["a"]), "package-lock.json": '"a"', "yarn.lock": "a@1\n"}, "npm package-lock.json 11"),
])
def test_which_manager(tmp_path, files, answer):
    out = decide(tmp_path, {"package.json": "{}", **files}, 'node_version=$DEFAULT_NODE; find_manager; choose_manager_version; echo "$manager ${lock:-none} ${manager_version%%.*}"')
    assert out.splitlines()[-1] == answer
    assert ("There are several locks" in out) == (sum(n.endswith(("lock.json", ".lock", "lock.yaml")) for n in files) > 1 and "packageManager" not in files["package.json"])


@pytest.mark.parametrize("manager,log,sentence", [
    ("pnpm", "ERR_PNPM_OUTDATED_LOCKFILE  Cannot install", 'pnpm-lock.yaml does not match package.json: run "pnpm install" and commit pnpm-lock.yaml.'),
    ("yarn", "error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.", 'yarn.lock does not match package.json: run "yarn install"'),
    ("berry", "YN0028: The lockfile would have been modified by this install, which is explicitly forbidden.", 'yarn.lock does not match package.json: run "yarn install"'),
    ("bun", "error: lockfile had changes, but lockfile is frozen", 'bun.lock does not match package.json: run "bun install"'),
    ("yarn", 'error Couldn\'t find any versions for "express" that matches "99"', "package.json asks for express, which the registry does not have"),
    ("pnpm", "ERR_PNPM_NO_MATCHING_VERSION  No matching version found for express@99", "package.json asks for express@99, which the registry does not have"),
    ("bun", 'error: No version matching "99" found for specifier "express" (but package exists)', "the registry does not have"),
    ("yarn", 'error a@1.0.0: The engine "node" is incompatible with this module. Expected version ">=30". Got "24.0.0"', "a@1.0.0 asks for Node.js >=30, and this is 24.0.0"),
    ("npm", "npm error path /app/node_modules/prisma\nError: getaddrinfo ENOTFOUND binaries.prisma.sh", "The package prisma could not be installed: it downloads from binaries.prisma.sh, which cannot be reached from the build."),
    ("yarn", "error /app/node_modules/bcrypt: Command failed.", "The package bcrypt could not be installed: its own words above say why."),
])
def test_why_it_failed(tmp_path, manager, log, sentence):
    lock = {"pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "berry": "yarn.lock", "bun": "bun.lock", "npm": "package-lock.json"}[manager]
    out = decide(tmp_path, {"package.json": "{}", "log": log + "\n"}, f'manager={manager} manager_name={manager} lock={lock} node_version=24.0.0; (explain_failure log) 2>&1 || true')
    assert sentence in out, out


@pytest.mark.parametrize("files,command", [
    ({"deno.json": '{"tasks": {"start": "deno run -A main.ts"}}', "main.ts": ""}, "deno task start"),
    ({"deno.jsonc": '{\n  // "start": "no",\n  "tasks": {"build": {"command": "x", "dependencies": []}, "start": "x https://a//b"}\n}'}, "deno task start"),
    ({"deno.json": '{"tasks": {"start": "deno run --watch main.ts"}}', "main.ts": "Deno.serve(f)"}, "deno run -A main.ts"),
    ({"deno.json": "{}", "main.ts": "export default { fetch }"}, "deno serve -A main.ts"),
    ({"deno.json": "{}", "src/server.tsx": "Deno.serve(f)"}, "deno run -A src/server.tsx"),
    ({"deno.json": '{"imports": {"fresh": "jsr:@fresh/core@2", "vite": "npm:vite"}, "tasks": {"dev": "vite"}}', "main.ts": ""}, "deno serve -A _fresh/server.js"),
    ({"deno.json": "{}", "package.json": '{"scripts": {"start": "deno run -A x.ts"}}'}, "deno task start"),
    ({"deno.json": "{}"}, None),
])
def test_what_a_deno_app_runs(tmp_path, files, command):
    done = run("deno", "release", tree(tmp_path, files))
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"---\ndefault_process_types:\n  web: {command}\n" if command else "--- {}\n")
