# SPDX-License-Identifier: Apache-2.0
"""
Let's Encrypt's test authority on loopback, with the name server that it asks: each host name is this
machine, and a challenge is looked for at the port that is given. Built from tests/receivers/pebble once.
"""
import json
import os
import shutil
import ssl
import urllib.request

from conftest import free_port
from receivers import SOURCES, Receiver, Unavailable, certificates, digest, made, run



def build():
    source = SOURCES / "pebble"
    files = [source / name for name in ("go.mod", "go.sum")]

    def make(folder):
        go = shutil.which("go")
        if not go:
            raise Unavailable("there is no go on the PATH to build Pebble with")
        for program in ("pebble", "pebble-challtestsrv"):
            run([go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(folder / program),
                 f"github.com/letsencrypt/pebble/v2/cmd/{program}"], f"building {program}", cwd=source,
                env=dict(os.environ, CGO_ENABLED="0", GOFLAGS="-mod=readonly"))

    return made(f"pebble-{digest(*files)}", make)


class Names(Receiver):
    """A name server."""
    name = "challtestsrv"

    def __init__(self, folder):
        super().__init__(folder)
        self.management = free_port()

    def argv(self):
        return [str(build() / "pebble-challtestsrv"), "-dnsserver", f"127.0.0.1:{self.port}", "-management",
                f"127.0.0.1:{self.management}", "-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""]

    def ports(self):
        return [self.management]

    def point(self, host, addresses):
        """To these IPv4 addresses; None: as all others."""
        what = "clear-a" if addresses is None else "add-a"
        body = {"host": host + ".", **({"addresses": addresses} if addresses is not None else {})}
        urllib.request.urlopen(f"http://127.0.0.1:{self.management}/{what}", json.dumps(body).encode()).read()


class Pebble(Receiver):
    name = "pebble"

    def __init__(self, folder, http_port, validity=None):
        super().__init__(folder)
        self.names = Names(folder)
        self.tls = certificates(self.folder)
        self.management = free_port()
        self.http_port = http_port
        self.validity = validity

    @property
    def directory(self):
        return f"https://localhost:{self.port}/dir"

    @property
    def ca(self):
        """What its own port is trusted by; what it signs is another thing: roots()."""
        return self.tls.ca

    def ports(self):
        return [self.port, self.management]

    def argv(self):
        config = {"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.tls.server), "privateKey": str(self.tls.server_key), "httpPort": self.http_port,
            "tlsPort": free_port(), "ocspResponderURL": "", "externalAccountBindingRequired": False,
            "retryAfter": {"authz": 1, "order": 1},
            "profiles": {"default": {"description": "of the tests", "validityPeriod": self.validity or 90 * 86400}}}}
        path = self.folder / "config.json"
        path.write_text(json.dumps(config))
        return [str(build() / "pebble"), "-config", str(path), "-dnsserver", f"127.0.0.1:{self.names.port}"]

    def env(self):
        # Nonces are refused now and then, as real authorities do; validation happens at once.
        return dict(os.environ, PEBBLE_VA_NOSLEEP="1")

    def start(self):
        self.names.start()
        return super().start()

    def stop(self, *args):
        super().stop(*args)
        self.names.stop(*args)

    def roots(self, path):
        """The root that signs, in a file."""
        context = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(f"https://localhost:{self.management}/roots/0", context=context) as r:
            path.write_bytes(r.read())
        return path

    def said(self):
        return (self.folder / "log").read_text()
