# SPDX-License-Identifier: Apache-2.0
"""A git repository behind HTTP on loopback, by git's own http-backend; and paths that answer what an attacker would."""
import http.server
import os
import pathlib
import subprocess
import threading
import urllib.parse


class GitServer:
    """Serves the bare repositories of a folder as /NAME.git; `answers` holds (status, headers) for other paths, by their
    beginning, and `by_agent` for programs."""

    def __init__(self, folder, address=("127.0.0.1", 0), context=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.asked, self.answers, self.by_agent = [], {}, {}
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                server.asked.append(self.path)
                for path, answer in server.answers.items():
                    if self.path.startswith(path):
                        return self.head(answer, self.path[len(path):])
                for agent, answer in server.by_agent.items():
                    if self.headers.get("User-Agent", "").startswith(agent):
                        return self.head(answer, "")
                self.git()

            def head(self, answer, rest):
                self.send_response(answer[0])
                for name, value in answer[1].items():
                    self.send_header(name, value.replace("REST", rest))
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = answer

            def git(self):
                url = urllib.parse.urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
                    while n := int(self.rfile.readline(), 16):
                        body += self.rfile.read(n)
                        self.rfile.readline()
                env = dict(os.environ, GIT_PROJECT_ROOT=str(server.folder), GIT_HTTP_EXPORT_ALL="1", PATH_INFO=url.path, QUERY_STRING=url.query,
                           REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type") or "", CONTENT_LENGTH=str(len(body)),
                           HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding") or "", GIT_PROTOCOL=self.headers.get("Git-Protocol") or "",
                           GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
                out = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True).stdout
                head, _, body = out.partition(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
                self.send_response(int(headers.pop("Status", "200").split()[0]))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(address, Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://{address[0]}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, name, files, message="files"):
        """A commit with these files (path: text, bytes, or ("link", target)) in repository `name`: its id."""
        bare, tree = self.folder / f"{name}.git", self.folder / f"{name}.tree"
        env = dict(os.environ, GIT_AUTHOR_NAME="Ada", GIT_AUTHOR_EMAIL="a@example.com", GIT_COMMITTER_NAME="Ada", GIT_COMMITTER_EMAIL="a@example.com")

        def git(*args):
            return subprocess.run(["git", *args], cwd=tree, env=env, check=True, capture_output=True, text=True).stdout.strip()

        if not bare.exists():
            subprocess.run(["git", "init", "-q", "--bare", "-b", "main", bare], check=True)
            tree.mkdir()
            git("init", "-q", "-b", "main")
            git("remote", "add", "origin", str(bare))
        for path, content in files.items():
            where = tree / path
            where.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, tuple):
                where.symlink_to(content[1])
                continue
            where.write_bytes(content.encode() if isinstance(content, str) else content)
            where.chmod(0o755)
        git("add", "-A")
        git("commit", "-q", "-m", message)
        git("push", "-q", "origin", "main")
        return git("rev-parse", "HEAD")

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def buildpack(compile_script="true", **more):
    """The files of a buildpack."""
    return {"bin/detect": "#!/bin/sh\necho Fetched\n", "bin/compile": f"#!/bin/bash\n{compile_script}\n", "bin/release": "#!/bin/sh\necho '--- {}'\n", **more}
