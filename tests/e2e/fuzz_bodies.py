# SPDX-License-Identifier: Apache-2.0
"""
Bodies by Heroku's published schema (api_schema.py), for the endpoints that our table has in common with it: such that are valid, made of its
examples and of what the server has, and such that are not: with members of the wrong type, missing, huge, twice, deep, beyond 64 bits, and with
bytes that are no UTF-8. Everything comes from the one random generator that is given, so a seed makes them again.
"""
import copy
import json
import re
import uuid

HUGE = "a" * 70000
VALUES = [None, True, False, 0, -1, 1, 2**31, 2**63 - 1, -2**63, 0.5, 1e300, "", " ", "x", "..", "../../etc/passwd", "/", "a\nb", "%s%n%s", "\u202e",
          "💩", "a" * 255, HUGE, [], {}, [[]], [None], [{}], [1, "x", None], {"id": 1}, {"id": "x"}, {"name": None}, {"url": "x"}, {"": ""},
          "-1", "+1", "1e9", "https://127.0.0.1:9/", "http://[::1", "syslog://127.0.0.1:1", "file:///etc/passwd", "web", "standard-1x", "fuzz-app",
          "tw@example.com", "view", ["view", 1], [{"type": "web", "quantity": "x"}], [{"type": 3}], {"FOO": 1}, {"web": None}, str(uuid.UUID(int=7)),
          "SHA256:" + "0" * 64, [{}] * 3000, {f"k{i}": i for i in range(2000)}]
# What JSON has no value for in Python: they stand in the text.
RAW = [b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xc0\x80"', b'"\\ud800"', b'"\\u0000"', b"9" * 400, b"9223372036854775808", b"-9223372036854775809",
       b"1e999", b"-0", b"00", b"1.", b"NaN", b"nul", b"[" * 1500 + b"]" * 1500, b'{"a":' * 1500 + b"1" + b"}" * 1500, b'{"id":1,"id":2}', b'"\x01"', b"\x00", b""]
# What is not a JSON object, as bytes.
BODIES = [b"", b"{", b"[]", b"1", b"null", b'"x"', b"\xff\xfe{}", b'{"name": "\xff"}', b'{"name": "\xc3"}', b'{"a": 1, "a": 2}', b'{"name": "\\u0000"}',
          b'{"name": "\\ud800"}', b'{"x": 1e999}', b'{"x": 99999999999999999999999}', b"[" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
          b'{"name":' + b"[" * 2000 + b"]" * 2000 + b"}", b"{}" * 10, b"{}\n", b"\xef\xbb\xbf{}", b'{"name": NaN}', b"a=b&c=d", b'{"name": "' + b"x" * 900000 + b'"}',
          b'{"name": "' + b"x" * 1100000 + b'"}', b"\x00" * 100, b"{'name': 'x'}"]


def shape(path):
    """A path with the names of its parameters taken out."""
    return re.sub(r"\{[^}]*\}", "{}", path)


class Bodies:
    def __init__(self, root, random, things):
        """root: the published schema, or None where it can't be had. things(): {resource: names of such that are there}."""
        self.root, self.random, self.things = root, random, things
        self.schemas = {}
        for resource in (root or {"definitions": {}})["definitions"].values():
            for link in resource.get("links", []):
                if "schema" in link and "method" in link:
                    self.schemas.setdefault((link["method"], shape(link["href"])), []).append(link["schema"])

    def schema(self, method, path):
        """That of a link; there may be several with one path. None for what is not in the published schema."""
        found = self.schemas.get((method, shape(path)))
        return self.random.choice(found) if found else None

    # -- valid ones

    def valid(self, schema, where=""):
        r = self.random
        if "$ref" in schema:
            where = schema["$ref"]
            # {"$ref": "#/definitions/app/definitions/identity"}: what is there is worth more than an example.
            known = self.things().get(where.split("/")[2]) if where.endswith(("/identity", "/id")) else None
            if known and r.random() < 0.9:
                return r.choice(known)
            schema = {**self._at(where), **{k: v for k, v in schema.items() if k != "$ref"}}
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.valid(r.choice(schema[several]), where)
        kinds = schema.get("type", ["object"])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        kind = r.choice(kinds)
        if kind == "object":
            return self._object(schema, where)
        if kind == "array":
            return [self.valid(schema.get("items", {"type": ["string"]}), where) for _ in range(r.randrange(4))]
        return None if kind == "null" else self._plain(schema, kind)

    def _at(self, ref):
        found = self.root
        for part in ref.split("/")[1:]:
            found = found[part]
        return found

    def _object(self, schema, where):
        r, body = self.random, {}
        for name, member in schema.get("properties", {}).items():
            if name in schema.get("required", []) or r.random() < 0.6:
                body[name] = self.valid(member, where)
        if not schema.get("properties"):
            body = dict(schema.get("example") or {}) if r.random() < 0.5 else {}
        if "patternProperties" in schema:
            kind = next(iter(schema["patternProperties"].values()))
            body = {r.choice(["FOO", "A", "x_1"]): self.valid(kind, where) if "$ref" not in kind else "v"}
        return body

    def _plain(self, schema, kind):
        r = self.random
        if "enum" in schema:
            return r.choice(schema["enum"])
        example = schema.get("example")
        if kind == "integer":
            return r.choice([0, 1, 2, 5, 100, example if isinstance(example, int) else 3])
        if kind == "number":
            return r.choice([0, 1.5])
        if kind == "boolean":
            return r.choice([True, False])
        by_format = {"uuid": str(uuid.UUID(int=r.getrandbits(128))), "email": "root@localhost", "uri": "https://127.0.0.1:9/x", "date-time": "2026-01-01T12:00:00Z"}
        if schema.get("format") in by_format:
            return by_format[schema["format"]]
        if isinstance(example, str) and (r.random() < 0.7 or "pattern" in schema):
            return re.sub(r"(https?|syslog)://[^/ ]*", r"\1://127.0.0.1:9", example)  # nothing asks the world
        return r.choice(["x", "web", "fuzz-app", "example", "v1"])

    # -- others

    def value(self, depth=0):
        r = self.random
        if depth < 3 and r.random() < 0.1:
            return {r.choice(["id", "name", "type", "url", "x" * 300]): self.value(depth + 1) for _ in range(2)}
        return copy.deepcopy(r.choice(VALUES))

    def _places(self, value, found):
        """(container, key) of everything in a body."""
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
        for key, inner in list(pairs)[:50]:
            found.append((value, key))
            self._places(inner, found)
        return found

    def mutated(self, body):
        """The text of a body of which one to three things are wrong."""
        r, raw = self.random, []
        body = json.loads(json.dumps(body))
        for _ in range(r.randrange(1, 4)):
            places = self._places(body, [])
            if not places:
                body["x"] = self.value()
                continue
            container, key = r.choice(places)
            how = r.random()
            if how < 0.2:
                del container[key]
            elif how < 0.4:
                raw.append(r.choice(RAW))
                container[key] = f"@raw{len(raw) - 1}@"
            elif how < 0.5 and isinstance(container, dict):
                container[r.choice(["name", "id", "", "x" * 3000, "ключ", "a b"])] = self.value()
            else:
                container[key] = self.value()
        text = json.dumps(body, ensure_ascii=r.random() < 0.5).encode("utf-8", "surrogatepass")
        for i, instead in enumerate(raw):
            text = text.replace(b'"@raw%d@"' % i, instead)
        if r.random() < 0.05 and text.startswith(b"{") and len(text) > 2:
            text = text[:-1] + b", " + text[1:]  # each member twice
        if r.random() < 0.05:
            at = r.randrange(len(text) + 1)
            text = text[:at] + bytes([r.randrange(256)]) + text[at + 1:]
        return text
