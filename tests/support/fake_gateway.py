"""A gateway's socket that answers what a test says, so that a command's side of the conversation is seen."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class FakeGateway:
    """What it was asked, and what it answers: `answers["GET /api/v1/health"] = (200, {...})`."""

    state: Path
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path with query, and body of each request."""

    def refuse(self, request: str, status: int, code: str, **more: Any) -> None:
        """Answer a request with an RFC 9457 problem."""
        self.answers[request] = (status, {"type": "about:blank", "status": status, "code": code, **more})


class _Server(ThreadingHTTPServer):
    address_family = socket.AF_UNIX
    daemon_threads = True
    fake: FakeGateway

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        fake = self.server.fake
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        fake.asked.append((self.command, self.path, body))
        missing = (404, {"status": 404, "code": "not_found", "detail": "nothing"})
        status, document = fake.answers.get(f"{self.command} {self.path.partition('?')[0]}", missing)
        raw = isinstance(document, bytes)
        data = document if raw else b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream" if raw else "application/json")
        if not raw:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  (the standard library's names)

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def fake_gateway() -> Iterator[FakeGateway]:
    """Answer on `{state}/velgate.sock` for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="velgate-") as folder:  # short: a socket's path has 107 bytes
        fake = FakeGateway(Path(folder))
        server = _Server(str(fake.state / "velgate.sock"), _Handler)  # type: ignore[arg-type]
        server.fake = fake
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
