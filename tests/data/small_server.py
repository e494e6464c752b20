"""A web server of one file, on this machine, that can be told to misbehave."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.data.listening import listening


class Served:
    """What is served, and what was asked: `requests` holds each request's Range, or None."""

    def __init__(self, files):
        self.files = files
        self.requests = []
        self.knows_ranges = True
        self.breaks_off_at = None


@contextmanager
def serving(files):
    """(address, Served) while files, path -> bytes, are to be had."""
    served = Served(files)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._head(200, len(served.files[self.path]))

        def do_GET(self):
            content, wanted = served.files.get(self.path), self.headers["Range"]
            served.requests.append(wanted)
            if content is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            if wanted and served.knows_ranges and start >= len(content):
                self.send_error(416)
                return
            if not served.knows_ranges:
                start = 0
            self._head(206 if start else 200, len(content) - start)
            self.wfile.write(content[start : served.breaks_off_at])

        def _head(self, status, length):
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def log_message(self, *_):
            pass

    with listening(Handler) as address:
        yield address, served
