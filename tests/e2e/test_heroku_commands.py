# SPDX-License-Identifier: Apache-2.0
"""
The table of the heroku CLI's commands: each that works against a compatible server, with what
the tests run of it, or why it can't work here. What is run is read from the tests' own text, so
that a command that nothing runs any longer is seen.
"""
import ast
import pathlib

HERE = pathlib.Path(__file__).parent


class No(str):
    """Why a command is not among those that work."""


# What is run: words that one call of heroku(...) has, the first of them first. "..." stands for a word that is made up at run time.
COMMANDS = {
    "auth:whoami": "auth:whoami",
    "auth:token": "auth:token",
    "auth:logout": "logout",
    "login -i": "login -i",
    "login": "login",
    "apps": "apps",
    "apps -A": "apps -A",
    "apps -t": "apps -t",
    "apps:create": "apps:create heroku-made",
    "apps:create (no name)": "apps:create --no-remote --json",
    "apps:create all flags": "apps:create --region --stack --buildpack --addons",
    "apps:create --team": "apps:create --team",
    "apps:info": "apps:info",
    "apps:info --shell": "apps:info --shell",
    "apps:destroy": "apps:destroy --confirm",
    "apps:rename": "apps:rename",
    "apps:open": "apps:open",
    "apps:stacks": "apps:stacks",
    "stack": "stack",
    "stack:set": "stack:set",
    "config": "config",
    "config --json": "config --json",
    "config --shell": "config --shell",
    "config:set": "config:set",
    "config:get": "config:get",
    "config:unset": "config:unset",
    "releases": "releases",
    "releases -n 1": "releases -n 1",
    "releases:info": "releases:info",
    "releases:info v2": "releases:info v2",
    "releases:output": "releases:output",
    "releases:rollback": "releases:rollback",
    "releases:rollback v1": "rollback",
    "ps": "ps",
    "ps web": "ps web",
    "ps --json": "ps --json",
    "ps:scale (show)": "ps:scale",
    "ps:scale": "ps:scale web-1 worker+1:Standard-2X",
    "ps:restart": "ps:restart",
    "ps:restart dyno": "ps:restart -d",
    "ps:restart type": "ps:restart -p",
    "ps:stop": "ps:stop -d",
    "ps:stop type": "ps:stop -p",
    "ps:type": "ps:type",
    "ps:type web=": "ps:type web=standard-2x",
    "ps:autoscale:enable": "ps:autoscale:enable --min --max",
    "ps:autoscale:disable": "ps:autoscale:disable",
    "ps:exec --status": No("needs Heroku's exec manager, and sshd in the dyno; `heroku run` gives the same release, `twelve run --attach` the session"),
    "run": "run",
    "run --exit-code": "run -x",
    "run:detached": "run:detached",
    "run:inside": "run:inside web.1",
    "logs": "logs",
    "logs --tail": "logs --tail",
    "logs filters": "logs -n -s -d",
    "drains": "drains",
    "drains:add": "drains:add",
    "drains:remove": "drains:remove",
    "addons (app)": "addons",
    "addons --all": "addons --all",
    "addons:create": "addons:create --as --name",
    "addons:create confirm": "addons:create --confirm",
    "addons:create async": "addons:create",
    "addons:info": "addons:info my-redis",
    "addons:info -a": "addons:info CACHE -a",
    "addons:attach": "addons:attach --as",
    "addons:detach": "addons:detach",
    "addons:destroy": "addons:destroy --confirm",
    "addons:upgrade": "addons:upgrade",
    "addons:open": "addons:open --show-url",
    "addons:wait": "addons:wait",
    "addons:services": "addons:services",
    "addons:plans": "addons:plans",
    "domains": "domains",
    "domains:add": "domains:add",
    "domains:add --wait": "domains:add --wait",
    "domains:remove": "domains:remove",
    "domains:info": "domains:info",
    "certs": "certs",
    "certs:add": "certs:add",
    "certs:info": "certs:info",
    "certs:remove": "certs:remove --confirm",
    "certs:auto": "certs:auto",
    "certs:auto:enable": "certs:auto:enable",
    "maintenance": "maintenance",
    "maintenance:on": "maintenance:on",
    "maintenance:off": "maintenance:off",
    "pipelines": "pipelines",
    "pipelines:create": "pipelines:create",
    "pipelines:add": "pipelines:add",
    "pipelines:info": "pipelines:info",
    "pipelines:promote": "pipelines:promote",
    "pipelines:promote --to": "pipelines:promote --to",
    "pipelines:diff": "pipelines:diff",
    "pipelines:remove": "pipelines:remove",
    "pipelines:destroy": "pipelines:destroy",
    "buildpacks": "buildpacks",
    "buildpacks:set url": "buildpacks:set",
    "buildpacks:set name": "buildpacks:set heroku/nodejs",
    "buildpacks:add": "buildpacks:add",
    "buildpacks:remove": "buildpacks:remove",
    "buildpacks:clear": "buildpacks:clear",
    "keys": "keys",
    "keys:add": "keys:add",
    "keys:remove": "keys:remove",
    "access": "access",
    "access:add": "access:add",
    "access:remove": "access:remove",
    "labs": "labs",
    "labs:enable": "labs:enable",
    "labs:disable": "labs:disable",
    "features": "features",
    "features:enable": "features:enable",
    "features:info": "features:info",
    "git:remote": "git:remote",
    "git:clone": "git:clone",
    "webhooks": "webhooks",
    "webhooks:add": "webhooks:add",
    "webhooks:remove": "webhooks:remove",
    "webhooks:info": "webhooks:info",
    "redis:info": "redis:info",
    "redis:cli": "redis:cli",
    "pg:info": "pg:info",
    "pg:psql": "pg:psql",
    "pg:credentials:url": "pg:credentials:url",
    "pg:backups": "pg:backups",
    "regions": "regions",
    "authorizations": "authorizations",
    "authorizations:create": "authorizations:create -d",
}


def words(node):
    """A call's or a list's words; what is not written out is "..."."""
    return [a.value if isinstance(a, ast.Constant) and isinstance(a.value, str) else "..." for a in node]


def run_by_the_tests():
    """The word lists of all calls heroku(...), heroku.json(...), heroku.popen("heroku", ...) and the like, and of lists in loops over such."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        if path.name == pathlib.Path(__file__).name:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.List):
                found.append(words(node.elts))
            if not isinstance(node, ast.Call):
                continue
            f = node.func
            name = f.id if isinstance(f, ast.Name) else f.value.id if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name) else ""
            if name not in ("heroku", "heroku_on_terminal"):
                continue
            argv = words(node.args[1:] if name == "heroku_on_terminal" else node.args)
            found.append(argv[1:] if isinstance(f, ast.Attribute) and f.attr == "popen" else argv)
    return [argv for argv in found if argv]


def test_each_command_is_run_or_has_a_reason():
    runs = run_by_the_tests()
    missing = []
    for command, what in COMMANDS.items():
        if isinstance(what, No):
            continue
        first, *rest = what.split()
        if not any(argv[0] == first and set(rest) <= set(argv[1:]) for argv in runs):
            missing.append(f"{command} (looked for: heroku {what})")
    assert not missing, "commands of the table that no test runs:\n" + "\n".join(missing)


def test_the_table_has_all_commands_of_the_reference():
    """The reference is no part of this repository; where it stands beside it, its headings are compared."""
    reference = HERE.parents[2] / "shared" / "heroku-api.md"
    assert len(COMMANDS) >= 126
    if reference.exists():
        section = reference.read_text().split("\n## 12. ", 1)[1].split("\n## ", 1)[0]
        headings = [line[4:].strip() for line in section.splitlines() if line.startswith("### ")]
        same = {"logout": "auth:logout", "releases:rollback + release phase": "releases:rollback"}
        assert len(headings) > 100
        assert [h for h in headings if same.get(h, h) not in COMMANDS] == []
