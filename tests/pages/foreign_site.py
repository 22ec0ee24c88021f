"""Somebody else's site: one page, on another host, with a policy of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def foreign_site(body: str, policy: str) -> Iterator[str]:
    """The address of a page with this body, at `localhost`: for browsers another site than 127.0.0.1."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = f"<!doctype html><html lang=fr><title>Le journal</title><body>{body}</body></html>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Site(ThreadingHTTPServer):
        daemon_threads = True  # browsers open connections that they may never use: nobody waits for those

    with Site(("localhost", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()
