# SPDX-License-Identifier: Apache-2.0
"""
Real receivers of logs, for the tests of drains: rsyslog and syslog-ng from
Debian's packages (unpacked, since they conflict), the forward server of npm's
@fluent-org/logger, an OpenTelemetry Collector and Heroku's decoder of Logplex
frames, built from tests/receivers, and OpenSearch from Maven's jars.

Each has .port, start(), stop(), kill9() and records(): what arrived, in order.
"""
import atexit
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import types
import urllib.error
import urllib.parse
import urllib.request

import kept
from conftest import ROOT, free_port, wait_for

SOURCES = ROOT / "tests" / "receivers"


class Unavailable(Exception):
    """A receiver that this machine can't have; says why."""


def run(argv, what, **options):
    p = subprocess.run(argv, capture_output=True, text=True, **options)
    if p.returncode:
        raise Unavailable(f"{what}: {(p.stderr or p.stdout).strip()[-300:]}")
    return p.stdout


def made(name, make):
    return kept.made("receivers", name, make)


def digest(*paths):
    return hashlib.sha256(b"".join(p.read_bytes() for p in paths)).hexdigest()[:16]


def debian(name, packages):
    """Packages, unpacked beside each other."""
    def make(folder):
        if not any(pathlib.Path("/var/lib/apt/lists").glob("*_Packages*")):
            run(["apt-get", "update"], "apt-get update")
        run(["apt-get", "download", *packages], f"apt-get download {name}", cwd=folder)
        for deb in folder.glob("*.deb"):
            run(["dpkg", "-x", str(deb), str(folder)], f"unpacking {deb.name}")
            deb.unlink()
    return made(f"{name}-{hashlib.sha256(' '.join(packages).encode()).hexdigest()[:16]}", make)


def certificates(folder):
    """A CA, a server's certificate for 127.0.0.1, one for another name, and a CA that signed neither."""
    folder = pathlib.Path(folder)
    c = types.SimpleNamespace(**{n.replace("-", "_"): folder / f"{n}.pem" for n in ("ca", "other-ca", "server", "wrong")})
    c.server_key, c.wrong_key = folder / "server.key", folder / "wrong.key"

    def authority(path):
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-subj", f"/CN={path.stem}", "-keyout", str(path.with_suffix(".key")), "-out", str(path)], "openssl")

    def signed(path, names):
        request, ext = path.with_suffix(".csr"), path.with_suffix(".ext")
        ext.write_text(f"subjectAltName={names}\n")
        run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={path.stem}",
             "-keyout", str(path.with_suffix(".key")), "-out", str(request)], "openssl")
        run(["openssl", "x509", "-req", "-in", str(request), "-CA", str(c.ca), "-CAkey", str(c.ca.with_suffix(".key")),
             "-CAcreateserial", "-days", "30", "-extfile", str(ext), "-out", str(path)], "openssl")

    authority(c.ca)
    authority(c.other_ca)
    signed(c.server, "DNS:localhost,IP:127.0.0.1")
    signed(c.wrong, "DNS:wrong.example")
    return c


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Receiver:
    name = "?"

    def __init__(self, folder, tls=None):
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True)
        self.out = self.folder / "out"
        self.tls = tls
        self.port = free_port()
        self.process = None

    def argv(self):
        raise NotImplementedError

    def env(self):
        return dict(os.environ)

    def ports(self):
        return [self.port]

    def start(self):
        argv = self.argv()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(argv, env=self.env(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        # A test that fails stops nothing: then it ends with us.
        atexit.register(self.kill9)
        wait_for(self.is_up, f"{self.name} to listen", 60)
        return self

    def is_up(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        return all(listens(p) for p in self.ports())

    def stop(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(20)

    def kill9(self):
        self.stop(signal.SIGKILL)

    def lines(self):
        return self.out.read_bytes().split(b"\n")[:-1] if self.out.exists() else []

    def records(self):
        return [json.loads(line) for line in self.lines()]


class Rsyslog(Receiver):
    name = "rsyslog"

    def argv(self):
        self.root = debian("rsyslog", ["rsyslog", "rsyslog-openssl", "libestr0", "libfastjson4", "liblognorm5"])
        driver = ""
        if self.tls:
            driver = (f'global(defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{self.tls.ca}"\n'
                      f'  defaultNetstreamDriverCertFile="{self.tls.server}" defaultNetstreamDriverKeyFile="{self.tls.server_key}")\n')
        mode = 'StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"' if self.tls else ""
        fields = ["hostname", "app-name", "procid", "msgid", "structured-data", "timereported", "pri", "msg"]
        template = ",".join(f'\\"{f}\\":\\"%{f}:::{"date-rfc3339," if f == "timereported" else ""}json%\\"' for f in fields)
        config = self.folder / "rsyslog.conf"
        config.write_text(f"""
global(maxMessageSize="64k" workDirectory="{self.folder}" parser.escapeControlCharactersOnReceive="off")
{driver}
module(load="imtcp" {mode})
template(name="out" type="string" string="{{{template}}}\\n")
input(type="imtcp" address="127.0.0.1" port="{self.port}" ruleset="out")
ruleset(name="out") {{ action(type="omfile" file="{self.out}" template="out") }}
""")
        return [str(self.root / "usr/sbin/rsyslogd"), "-n", "-f", str(config), "-i", str(self.folder / "pid"),
                "-M", str(self.root / "usr/lib/x86_64-linux-gnu/rsyslog")]

    def env(self):
        return dict(os.environ, LD_LIBRARY_PATH=str(self.root / "usr/lib/x86_64-linux-gnu"))


class SyslogNg(Receiver):
    name = "syslog-ng"

    def argv(self):
        self.root = debian("syslog-ng", ["syslog-ng-core", "libivykis0", "libesmtp6", "libnet1", "libpcre3"])
        transport = "transport(tcp)"
        if self.tls:
            transport = (f'transport(tls) tls(key-file("{self.tls.server_key}") cert-file("{self.tls.server}") '
                         'peer-verify(optional-untrusted))')
        config = self.folder / "syslog-ng.conf"
        config.write_text(f"""@version: 3.38
options {{ log-msg-size(65536); keep-hostname(yes); ts-format(iso); frac-digits(6); stats-freq(0); }};
source s {{ syslog(ip(127.0.0.1) port({self.port}) {transport}); }};
destination d {{ file("{self.out}" template("$(format-json hostname=$HOST app-name=$PROGRAM procid=$PID msg=$MSG sdata=$SDATA pri=$PRI timereported=$ISODATE)\\n")); }};
log {{ source(s); destination(d); }};
""")
        lib = self.root / "usr/lib/syslog-ng"
        return [str(self.root / "usr/sbin/syslog-ng"), "-F", "--no-caps", "-f", str(config), "-R", str(self.folder / "persist"),
                "-p", str(self.folder / "pid"), "-c", str(self.folder / "ctl"), "--module-path", str(lib / "3.38")]

    def env(self):
        lib = self.root / "usr/lib"
        return dict(os.environ, LD_LIBRARY_PATH=f"{lib / 'syslog-ng'}:{lib / 'x86_64-linux-gnu'}:{self.root / 'lib/x86_64-linux-gnu'}")


class Forward(Receiver):
    name = "forward"

    def __init__(self, folder, tls=None, shared_key=None, users=None):
        super().__init__(folder, tls)
        self.shared_key, self.users = shared_key, users

    def argv(self):
        source = SOURCES / "forward"
        node = shutil.which("node")
        if not node or not shutil.which("npm"):
            raise Unavailable("there is no node and npm on the PATH")

        def make(folder):
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder)
            run(["npm", "ci", "--no-audit", "--no-fund"], "npm ci", cwd=folder)

        modules = made(f"forward-{digest(source / 'package-lock.json')}", make)
        options = {"port": self.port}
        if self.tls:
            options |= {"cert": str(self.tls.server), "key": str(self.tls.server_key)}
        if self.shared_key:
            options |= {"sharedKey": self.shared_key, "users": self.users}
        return [node, str(source / "server.js"), str(modules), str(self.out), json.dumps(options)]


def go_program(name, package="."):
    """Built from its module in tests/receivers, once for each state of it; from main.go, or a package that the module names."""
    source, go = SOURCES / name, shutil.which("go")
    files = [source / f for f in ("go.mod", "go.sum", *(["main.go"] if package == "." else []))]

    def make(folder):
        if not go:
            raise Unavailable(f"there is no go on the PATH to build {name} with")
        run([go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(folder / name), package], f"building {name}",
            cwd=source, env=dict(os.environ, CGO_ENABLED="0", GOFLAGS="-mod=readonly"))

    return made(f"{name}-{digest(*files)}", make) / name


class Logplex(Receiver):
    """Heroku's own decoder, behind HTTP or HTTPS."""
    name = "logplex"

    def argv(self):
        pair = [str(self.tls.server), str(self.tls.server_key)] if self.tls else []
        return [str(go_program(self.name)), f"127.0.0.1:{self.port}", str(self.out), *pair]

    def env(self):
        return dict(os.environ, USER_AND_PASSWORD="user:pa ss")


class OpenSearch(Receiver):
    """One node, which has Elasticsearch's bulk API and data streams."""
    name = "opensearch"

    def argv(self):
        source = SOURCES / self.name
        java, mvn = shutil.which("java"), shutil.which("mvn")
        if not java or not mvn:
            raise Unavailable("there is no java and mvn on the PATH")

        def make(folder):
            shutil.copy(source / "pom.xml", folder)
            run([mvn, "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={folder / 'lib'}"], "mvn", cwd=folder)

        jars = made(f"{self.name}-{digest(source / 'pom.xml')}", make) / "lib"
        return [java, "-Xmx512m", "-cp", f"{jars}/*", str(source / "Receiver.java"), str(self.folder), str(self.port), str(free_port())]

    def is_up(self):
        try:
            return super().is_up() and self.ask("GET", "/")["version"]["distribution"] == "opensearch"
        except OSError:
            return False

    def ask(self, method, path, body=None):
        r = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, data=json.dumps(body).encode() if body else None,
                                   headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(r, timeout=30) as answer:
            return json.load(answer)

    def records(self, index):
        """The documents of an index or data stream, in the order of their numbers."""
        try:
            self.ask("POST", f"/{index}/_refresh")
        except urllib.error.HTTPError as e:
            if e.code == 404:
                return []
            raise
        hits = self.ask("POST", f"/{index}/_search", {"size": 10000})["hits"]["hits"]
        return sorted((h["_source"] for h in hits), key=lambda d: d["twelve"]["seq"])


class Door(Receiver):
    """What stands before a program that has no TLS and no passwords of its own: HAProxy, which asks for a password or an API key."""
    name = "door"

    def __init__(self, folder, tls, inner):
        super().__init__(folder, tls)
        self.inner = inner

    def argv(self):
        pair, config = self.folder / "pair.pem", self.folder / "haproxy.cfg"
        pair.write_bytes(self.tls.server.read_bytes() + self.tls.server_key.read_bytes())
        config.write_text(f"""
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
userlist people
  user ada insecure-password pw
listen door
  bind 127.0.0.1:{self.port} ssl crt {pair}
  http-request auth realm logs unless {{ req.hdr(Authorization) -m str "ApiKey a2V5OnZhbHVl" }} || {{ http_auth(people) }}
  server inner 127.0.0.1:{self.inner.port}
""")
        return ["haproxy", "-db", "-f", str(config)]


class VictoriaLogs(Receiver):
    """A database of logs that takes several systems' protocols."""
    name = "victorialogs"

    def __init__(self, folder, tls=None):
        super().__init__(folder, tls)
        self.syslog_port = free_port()

    def ports(self):
        return [self.port, self.syslog_port]

    def argv(self):
        return [str(go_program(self.name, "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs")), f"-httpListenAddr=127.0.0.1:{self.port}",
                f"-storageDataPath={self.folder / 'data'}", f"-syslog.listenAddr.tcp=127.0.0.1:{self.syslog_port}", "-retentionPeriod=100y",
                "-memory.allowedBytes=64MB"]

    def find(self, query):
        url = f"http://127.0.0.1:{self.port}/select/logsql/query?query={urllib.parse.quote(query)}&limit=10000"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return [json.loads(line) for line in answer]


class Collector(Receiver):
    """The OpenTelemetry Collector: a receiver of each kind, each with a file of its own; those of HTTP with TLS ask who sends."""
    name = "otelcol"
    kinds = ("otlp", "otlp-tls", "forward", "syslog", "syslog-tls", "splunk", "splunk-tls", "loki", "loki-tls")

    def __init__(self, folder, tls):
        super().__init__(folder, tls)
        self.port_of = {kind: free_port() for kind in self.kinds}

    def ports(self):
        return self.port_of.values()

    def argv(self):
        p = self.port_of
        tls = {"cert_file": str(self.tls.server), "key_file": str(self.tls.server_key)}
        # It trims a message before it looks whether as much came as was counted: our LF is counted.
        tcp = {"preserve_trailing_whitespaces": True}
        syslog = {"protocol": "rfc5424", "enable_octet_counting": True, "max_octets": 65536}
        hec = {"access_token_passthrough": True, "ack": {"extension": "ack", "path": "/services/collector/ack"}}

        def http(kind, who=None):
            return {"endpoint": f"127.0.0.1:{p[kind]}", **({"tls": tls, "auth": {"authenticator": who}} if who else {})}

        receiver_of = {
            "otlp": ("otlp", {"protocols": {"http": http("otlp")}}),
            "otlp-tls": ("otlp/tls", {"protocols": {"http": http("otlp-tls", "basicauth")}}),
            "forward": ("fluentforward", {"endpoint": f"127.0.0.1:{p['forward']}"}),
            "syslog": ("syslog", {"tcp": {"listen_address": f"127.0.0.1:{p['syslog']}", **tcp}, **syslog}),
            # The token goes along, so that a test can look at it.
            "splunk": ("splunk_hec", {**http("splunk"), **hec}),
            "splunk-tls": ("splunk_hec/tls", {**http("splunk-tls", "bearertokenauth"), **hec}),
            "loki": ("loki", {"protocols": {"http": http("loki")}, "use_incoming_timestamp": True}),
            "loki-tls": ("loki/tls", {"protocols": {"http": http("loki-tls", "basicauth")}, "use_incoming_timestamp": True}),
            "syslog-tls": ("syslog/tls", {"tcp": {"listen_address": f"127.0.0.1:{p['syslog-tls']}", "tls": tls, **tcp}, **syslog}),
        }

        extensions = {"ack": {}, "bearertokenauth": {"scheme": "Splunk", "token": "s3cret"},
                      "basicauth": {"htpasswd": {"inline": "ada:pw"}}}
        config = {
            "receivers": dict(receiver_of.values()),
            "exporters": {f"file/{kind}": {"path": str(self.folder / kind), "flush_interval": "50ms", "append": True} for kind in self.kinds},
            "extensions": extensions,
            "service": {"telemetry": {"metrics": {"level": "none"}}, "extensions": list(extensions), "pipelines": {
                f"logs/{kind}": {"receivers": [receiver], "exporters": [f"file/{kind}"]}
                for kind, (receiver, _) in receiver_of.items()}},
        }
        path = self.folder / "config.yaml"
        path.write_text(json.dumps(config))
        return [str(go_program(self.name)), "--config", f"file:{path}"]

    def records(self, kind):
        """Each as {body, attributes, resource, time_ns}."""
        found, path = [], self.folder / kind
        for document in documents(path.read_text() if path.exists() else ""):
            for resource in document["resourceLogs"]:
                of = attributes(resource.get("resource", {}))
                for scope in resource["scopeLogs"]:
                    found += [{"body": value(r.get("body", {})), "attributes": attributes(r), "resource": of,
                               "time_ns": int(r.get("timeUnixNano", 0))} for r in scope["logRecords"]]
        return found


def documents(text):
    """One after another; a collector that was killed leaves the last one without its newline."""
    at = 0
    while at < len(text):
        try:
            document, at = json.JSONDecoder().raw_decode(text, at)
        except json.JSONDecodeError:
            return
        yield document
        at += len(text[at:]) - len(text[at:].lstrip())


def attributes(o):
    return {a["key"]: value(a["value"]) for a in o.get("attributes", [])}


def value(v):
    """An OTLP AnyValue as Python has it."""
    for kind, of in v.items():
        if kind == "intValue":
            return int(of)
        if kind == "arrayValue":
            return [value(item) for item in of.get("values", [])]
        if kind == "kvlistValue":
            return {pair.get("key", ""): value(pair["value"]) for pair in of.get("values", [])}
        return of
    return None
