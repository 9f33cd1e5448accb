"""Time-series servers of a test's own: InfluxDB 1.6 behind the path InfluxDB 1.8 has by itself,
VictoriaMetrics as it is, and a fake that answers what the others cannot be made to answer."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from line_protocol_parser import LineFormatError, parse_line

from support.children import die_with_parent, end, free_port
from support.eventually import eventually_blocking

USER, PASSWORD, DATABASE, RETENTION = "velgate", "a-password", "velgate", "care"


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve requests with a handler on a free port; gives the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Influx16:
    """Debian's influxd, and a shim that maps the v2 write path onto its own, as 1.8 does itself."""

    def __init__(self, folder: Path, *, max_body: int = 25_000_000) -> None:
        self.port, self._folder = free_port(), folder / "influx"
        self._folder.mkdir()
        self._config = self._folder / "influxd.conf"
        self._config.write_text(
            f"""reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
  dir = "{self._folder}/meta"
[data]
  dir = "{self._folder}/data"
  wal-dir = "{self._folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{self.port}"
  auth-enabled = true
  log-enabled = false
  max-body-size = {max_body}
"""
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            ["influxd", "run", "-config", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "log").open("wb"),
            preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
        )
        eventually_blocking(self._answers)

    def stop(self) -> None:
        """End it."""
        if self._process:
            end(self._process)
            self._process = None

    def _answers(self) -> bool:
        try:
            return bool(self.ask("/ping", auth=False)[0] == 204)
        except OSError:
            return False

    def ask(self, path: str, *, data: bytes | None = None, auth: bool = True) -> tuple[int, bytes]:
        """Send one request to influxd itself."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data)
        if auth:
            word = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            request.add_header("Authorization", f"Basic {word}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def prepare(self) -> None:
        """Make the user, the database and its retention."""
        for query, auth in (
            (f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES", False),
            (f"CREATE DATABASE {DATABASE} WITH NAME {RETENTION}", True),
        ):
            status, body = self.ask("/query", data=urllib.parse.urlencode({"q": query}).encode(), auth=auth)
            assert status == 200, body

    def rows(self, measurement: str) -> list[dict[str, Any]]:
        """Read a measurement back, times in nanoseconds."""
        query = urllib.parse.urlencode(
            {"db": DATABASE, "epoch": "ns", "q": f'SELECT * FROM {RETENTION}."{measurement}"'}  # noqa: S608  (a test's own names)
        )
        status, body = self.ask(f"/query?{query}")
        assert status == 200, body
        series = json.loads(body)["results"][0].get("series", [])
        return [dict(zip(one["columns"], values, strict=True)) for one in series for values in one["values"]]


@contextmanager
def influx16(folder: Path, *, max_body: int = 25_000_000) -> Iterator[tuple[Influx16, dict[str, str]]]:
    """Run influxd and its shim; gives the server and the settings of the outlet."""
    server = Influx16(folder, max_body=max_body)
    server.start()

    class Shim(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the base class's name
            split = urllib.parse.urlsplit(self.path)
            asked = urllib.parse.parse_qs(split.query)
            database, _, retention = asked["bucket"][0].partition("/")
            user, _, password = self.headers.get("Authorization", "").removeprefix("Token ").partition(":")
            query = {"db": database, "precision": "n"} | ({"rp": retention} if retention else {})
            request = urllib.request.Request(
                f"http://127.0.0.1:{server.port}/write?{urllib.parse.urlencode(query)}",
                data=self.rfile.read(int(self.headers["Content-Length"])),
            )
            word = base64.b64encode(f"{user}:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {word}")
            request.add_header("Content-Encoding", self.headers.get("Content-Encoding", "identity"))
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    status, body = answer.status, answer.read()
            except urllib.error.HTTPError as refused:
                status, body = refused.code, refused.read()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    try:
        server.prepare()
        with serving(Shim) as url:
            yield (
                server,
                {"url": url, "bucket": f"{DATABASE}/{RETENTION}", "token": f"{USER}:{PASSWORD}"},
            )
    finally:
        server.stop()


@contextmanager
def victoria(folder: Path) -> Iterator[tuple[str, Callable[[str], list[dict[str, Any]]]]]:
    """Run VictoriaMetrics; gives its URL and a reader of series by name."""
    port = free_port()
    process = subprocess.Popen(
        [
            "victoria-metrics",
            f"-storageDataPath={folder}/victoria",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=10y",
            "-search.latencyOffset=0s",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
    )
    url = f"http://127.0.0.1:{port}"

    def get(path: str) -> bytes:
        with urllib.request.urlopen(url + path, timeout=10) as answer:
            body: bytes = answer.read()
            return body

    def answers() -> bool:
        try:
            return get("/health") == b"OK"
        except OSError:
            return False

    def read(series: str) -> list[dict[str, Any]]:
        get("/internal/force_flush")
        match = urllib.parse.quote(f'{{__name__="{series}"}}')
        return [json.loads(text) for text in get(f"/api/v1/export?match[]={match}").splitlines()]

    try:
        eventually_blocking(answers)
        yield url, read
    finally:
        end(process)


class FakeV2:
    """A v2 server that answers as the test says, and keeps what it took."""

    def __init__(self) -> None:
        self.script: list[tuple[int, dict[str, str]]] = []
        """Answers to give first: status and headers; status 0 hangs until `release`."""
        self.taken: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.poison = ""
        self.max_lines = 10_000
        self.release = Event()

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve; gives the URL."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the base class's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                status, headers = fake.answer(body.decode())
                fake.statuses.append(status)
                if status == 0:
                    fake.release.wait(30)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with serving(Handler) as url:
            try:
                yield url
            finally:
                self.release.set()

    def answer(self, body: str) -> tuple[int, dict[str, str]]:
        if self.script:
            return self.script.pop(0)
        lines = body.splitlines()
        if len(lines) > self.max_lines:
            return 413, {}
        bad = False
        for text in lines:
            try:
                point = parse_line(text)
            except LineFormatError:
                bad = True
                continue
            if self.poison and self.poison in text:
                bad = True
            elif point not in self.taken:
                self.taken.append(point)
        return (400, {}) if bad else (204, {})
