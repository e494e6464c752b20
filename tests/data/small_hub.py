"""A hub of one dataset on this machine: what `huggingface_hub` asks of it, and no more."""

import hashlib
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.data.listening import listening

COMMIT = "a" * 40


@contextmanager
def hub_of(files):
    """(address, fetched) of a hub that holds `files`, path -> bytes; fetched: paths it sent."""
    fetched = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._send_head(self._path(), 0)

        def do_GET(self):
            path = self.path.partition("?")[0]
            if "/tree/" in path:
                self._send_json([_described(name, content) for name, content in files.items()])
            elif "/revision/" in path:
                named = [{"rfilename": name} for name in files]
                self._send_json({"id": "org/set", "sha": COMMIT, "siblings": named})
            elif "/resolve/" in path:
                wanted = (self.headers["Range"] or "bytes=0-").removeprefix("bytes=")
                start = int(wanted.partition("-")[0])
                fetched.append((self._path(), start))
                self._send_head(self._path(), start)
                self.wfile.write(files[self._path()][start:])
            else:
                self.send_error(404)

        def _path(self):
            return self.path.partition("?")[0].partition("/resolve/")[2].partition("/")[2]

        def _send_head(self, path, start):
            content = files[path]
            self.send_response(206 if start else 200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()

        def _send_json(self, content):
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with listening(Handler) as address:
        yield address, fetched


def _described(name, content):
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    large = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    entry = {"type": "file", "path": name, "size": len(content), "oid": blob}
    return entry | ({"lfs": large} if name.endswith((".tar", ".parquet")) else {})
