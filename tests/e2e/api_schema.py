# SPDX-License-Identifier: Apache-2.0
"""
Heroku's published schema of its API as a judge of answers. It comes from a published Go
module (heroku/schema/go.mod; its digest in go.sum), or from a copy beside this repository; we
do not ship it. What our answers are allowed to differ in stands here, with reasons, and nowhere else.
"""
import datetime
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import uuid

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULE = "github.com/heroku/heroku-go/v6"

# Members that we add to what the schema has: (resource that the link is of, member's path): reason.
EXPANDED = "Accept-Expansion asks for it; it is always there"
INCLUDED = "Accept-Inclusion asks for it; it is always there"
SDK = "in the variant 3.sdk of the schema, which the heroku CLI reads"
EXTRA = {
    ("*", "twelve"): "what we know besides stands in this member, everywhere",
    ("app", "create_status"): "the heroku CLI reads it, Heroku sends it",
    **{("account", member): SDK
       for member in ("acknowledged_msa", "acknowledged_msa_at", "italian_customer_terms", "italian_partner_terms")},
    **{(name, "oci_image"): SDK for name in ("release", "pipeline-release", "pipeline-deployment")},
    ("plan", "price.metered"): SDK,
    ("add-on", "billed_price.metered"): SDK,
    ("add-on", "plan.price"): EXPANDED,
    ("add-on", "addon_service.human_name"): EXPANDED,
    ("add-on-attachment", "addon.plan"): INCLUDED,
    ("add-on-attachment", "config_vars"): INCLUDED,
    **{("log-drain", member): "what twelve's own CLI shows of a drain"
       for member in ("display_url", "format", "on_full", "own_ca", "status")},
}

# Members that need not look as the schema says: (resource, member): reason.
OTHER = {
    ("app", "git_url"): "the schema's pattern names Heroku's own host",
    ("app", "web_url"): "the schema's pattern names Heroku's own domain",
    ("team-app", "git_url"): "as of app",
    ("team-app", "web_url"): "as of app",
    ("add-on", "state"): "the schema lacks deprovisioning, which the heroku CLI knows",
    ("domain", "hostname"): "the schema says uri; host names are none, Heroku's neither",
}

# Requests that the schema has no link for: (method, pattern of the path): (resource whose shape the answer has, reason).
OURS = "no such thing at Heroku"
UNLISTED = {
    ("GET", "/log-streams/.*"): (None, "the URL of a log session; no JSON"),
    ("(GET|POST)", "/[^/]+[.]git/.*"): (None, "git's own protocol"),
    ("GET", "/streams/.*"): (None, "an output stream; no JSON"),
    ("PUT", "/sources/.*"): (None, "where a source is uploaded to; no JSON"),
    ("POST", "/oauth/token"): (None, "OAuth's own shape (RFC 6749, section 5.1)"),
    ("GET", "/apps/[^/]+/dynos/[^/]+/attach"): (None, "a session; no JSON"),
    ("POST", "/apps/[^/]+/dynos/[^/]+"): ("dyno", "`heroku run:inside`, by the variant 3.run-inside; the schema has it not"),
    ("GET", "/buildpacks(/[^/]+)?"): (None, "of Heroku's registry of buildpacks, which is another service"),
    ("GET", "/backups/[^/]+/content"): (None, "a file; no JSON"),
    ("(GET|PUT)", "/apps/[^/]+/slugs/[^/]+/content"): (None, "a file; no JSON"),
    ("GET", "/apps/[^/]+/acm"): (None, "not in the schema: how certificates of the app's domains stand"),
    ("GET", "/downloads/.*"): (None, "a file; no JSON"),
    **{(method, f"/{service}/.*"): (None, "Heroku's data services have no published schema")
       for method in ("GET", "POST", "PUT", "DELETE") for service in ("client/v11", "postgres/v0", "redis/v0")},
    ("(GET|POST|PATCH)", "/apps/[^/]+/formation/[^/]+/monitors.*"): (None, "of Heroku's metrics service, which has no published schema"),
    ("GET", "/oauth/sessions"): (None, "not in the schema; the heroku CLI asks"),
    ("DELETE", "/oauth/sessions/[^/]+"): (None, "not in the schema; the heroku CLI's logout asks, and wants a 404"),
    ("POST", "/account/keys"): ("key", "Heroku has it; the schema has lost it"),
    ("DELETE", "/account/keys/[^/]+"): ("key", "Heroku has it; the schema has lost it"),
    ("PATCH", "/apps/[^/]+/collaborators/[^/]+"): ("collaborator", "Heroku has it for apps of teams alone"),
    ("PUT", "/addons/[^/]+/config"): (None, "of the add-on partners' API, whose schema is another"),
    ("PUT", "/apps/[^/]+/log-drains/[^/]+"): ("log-drain", "Heroku has it for drains of add-ons alone"),
    ("POST", "/apps/[^/]+/log-drains/[^/]+/actions/test"): (None, OURS),
    ("(POST|DELETE)", "/apps/[^/]+/buildpack-key"): (None, OURS),
    ("(GET|PATCH)", "/apps/[^/]+/egress"): (None, OURS),
    ("POST", "/apps/[^/]+/addon-attachments/[^/]+/actions/(swap|rotate)"): ("add-on-attachment", OURS),
    ("POST", "/apps/[^/]+/addon-attachments/[^/]+/dynos"): ("dyno", OURS),
    ("POST", "/addon-services"): ("add-on-service", OURS),
    ("DELETE", "/addon-services/[^/]+"): (None, OURS),
    ("(GET|POST)", "/addons/[^/]+/backups"): (None, OURS),
    ("GET", "/apps/[^/]+/(backups|audit)"): (None, OURS),
    ("GET", "/apps/[^/]+/releases/[^/]+/sbom"): (None, OURS),
    ("(GET|POST|DELETE)", "/backups(/.*)?"): (None, OURS),
    ("(GET|PUT|DELETE)", "/addons/[^/]+/backup-schedule"): (None, OURS),
    ("(GET|POST|PATCH|DELETE)", "/twelve/.*"): (None, OURS),
    ("POST", "/auth"): (None, "the login service, which is none of the published API"),
    ("(GET|POST)", "/auth/.*"): (None, "the same"),
}

# Of every error (https://devcenter.heroku.com/articles/platform-api-reference#errors); resource and app are read by the CLI.
ERROR = {"type": "object", "required": ["id", "message"],
         "properties": {"id": {"type": "string", "pattern": "^[a-z_]+$"}, "message": {"type": "string", "pattern": "^[^\n]{4,}$"},
                        "url": {"type": ["string", "null"]}, "resource": {"type": "string"}, "app": {"type": "object"}}}


def read():
    """The schema's text."""
    if shutil.which("go"):
        p = subprocess.run(["go", "mod", "download", "-json", MODULE], cwd=ROOT / "tests/e2e/heroku/schema",
                           env=dict(os.environ, GOFLAGS="-mod=readonly", GOWORK="off", GOTOOLCHAIN="local"), capture_output=True, text=True)
        if p.returncode == 0:
            with open(json.loads(p.stdout)["Dir"] + "/schema.json") as f:
                return f.read()
        why = p.stdout + p.stderr
    else:
        why = "there is no go program"
    beside = ROOT.parent / "shared" / "heroku-schema.json"
    if not beside.exists():
        raise RuntimeError(f"Heroku's schema could not be had from the Go module {MODULE} ({why.strip()}), and {beside} is not there")
    return beside.read_text()


def _is(test):
    def check(value):
        try:
            return not isinstance(value, str) or bool(test(value))
        except ValueError:
            return False
    return check


def _formats():
    checker = jsonschema.FormatChecker(formats=())
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    for name, test in {
        "uuid": lambda s: str(uuid.UUID(s)) == s,
        "date-time": lambda s: re.fullmatch(stamp, s) and datetime.datetime.fromisoformat(s),
        "email": lambda s: re.fullmatch(r"[^@\s]+@[^@\s]+", s),
        "uri": lambda s: re.match(r"[a-z][a-z0-9+.-]*:[^\s]+$", s),
        "ipv4": lambda s: re.fullmatch(r"\d+(\.\d+){3}", s),
        "date": lambda s: datetime.date.fromisoformat(s),
    }.items():
        checker.checks(name)(_is(test))
    return checker


def _surplus(instance, schema):
    """Members that the schema does not have; each as an error that says which."""
    for name in instance:
        if name not in schema.get("properties", {}) and not any(re.search(p, name) for p in schema.get("patternProperties", {})):
            error = jsonschema.ValidationError(f"{name} is not in the schema")
            error.surplus = name
            yield error


def _strict(validator, strict, instance, schema):
    """Heroku's word for: all of the properties, and no others."""
    if not strict or not isinstance(instance, dict) or "properties" not in schema:
        return
    for name in schema["properties"]:
        if name not in instance:
            yield jsonschema.ValidationError(f"{name} is missing")
    yield from _surplus(instance, schema)


def _additional(validator, allowed, instance, schema):
    if allowed is False and isinstance(instance, dict):
        # What is strict too has said it already.
        if not schema.get("strictProperties"):
            yield from _surplus(instance, schema)
    else:
        yield from jsonschema.Draft4Validator.VALIDATORS["additionalProperties"](validator, allowed, instance, schema)


def _stated(resource, error):
    """Whether an error is one of the exceptions."""
    name = getattr(error, "surplus", None)
    path = ".".join([str(p) for p in error.absolute_path if isinstance(p, str)] + [name or ""])
    return name and ((resource, path) in EXTRA or ("*", name) in EXTRA)


class Schema:
    def __init__(self, text=None):
        self.root = json.loads(text or read())
        self.root.pop("$schema", None)
        for name, resource in self.root["definitions"].items():
            resource.pop("$schema", None)
            for member in resource.get("properties", {}):
                if (name, member) in OTHER:
                    resource["properties"][member] = {"type": ["string", "null"]}
        kind = jsonschema.validators.extend(jsonschema.Draft4Validator, {"strictProperties": _strict, "additionalProperties": _additional})
        # One for all answers: it keeps what it has looked up in half a megabyte of schema.
        resolver, formats = jsonschema.RefResolver("", self.root), _formats()
        self.validator = lambda schema: kind(schema, resolver=resolver, format_checker=formats)
        self.links = [self._link(name, link) for name, resource in self.root["definitions"].items()
                      for link in resource.get("links", []) if "method" in link]
        # The most literal path first: /users/~ is not any user.
        self.links.sort(key=lambda link: link[2].count("[^/]+"))

    def _link(self, name, link):
        pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", link["href"]))
        target = link.get("targetSchema", {"$ref": f"#/definitions/{name}"} if link.get("rel") != "instances" else {})
        if link.get("rel") == "instances" and "array" not in target.get("type", []) and target.get("$ref") == f"#/definitions/{name}":
            target = {"type": "array", "items": target}
        return name, link["method"], pattern, target

    def link(self, method, path):
        for name, m, pattern, target in self.links:
            if m == method and re.fullmatch(pattern, path):
                return name, target
        return None

    def target(self, e):
        """(resource, schema of the answer), or None; the schema is None when there is none to hold to."""
        if e.status >= 400:
            return "error", ERROR
        for (method, pattern), (resource, _) in UNLISTED.items():
            if re.fullmatch(method, e.method) and re.fullmatch(pattern, e.path):
                return resource, {"$ref": f"#/definitions/{resource}"} if resource else None
        return self.link(e.method, e.path)

    def faults(self, e):
        """What is wrong with an answer: sentences, none when nothing is."""
        link = self.target(e)
        if not link:
            return ["the schema has no link for it, and it is not among the exceptions"]
        resource, target = link
        if target is None or e.status in (204, 304) or e.method == "HEAD":
            return []
        if not e.whole:
            return ["the answer was cut off"]
        try:
            answer = e.answer
        except ValueError as error:
            return [f"the answer is not JSON: {error}"]
        if answer is None:
            return [f"the answer is {e.answer_headers.get('content-type')}, not JSON"]
        return [f"{'/'.join(map(str, f.absolute_path)) or 'the answer'}: {f.message}"
                for f in self.validator(target).iter_errors(answer) if not _stated(resource, f)]


@functools.cache
def shared():
    """The schema, read once."""
    return Schema()
