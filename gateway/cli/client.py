"""The running gateway, asked over its Unix socket `{state}/velgate.sock`."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias
from urllib.parse import quote, urlencode

from gateway.model.problem import Exit, Finding, Problem

SOCKET = "velgate.sock"
ANSWER_S = 30.0  # an answer waits for the disk at most; a chain test takes longer and says so
BEAT_S = 15.0  # three beats of the stream
BODY_MAX = 16 * 1024 * 1024  # bytes of one answer; a page of 1000 alerts is about 2 MB

EXIT_OF = {401: Exit.REFUSED, 403: Exit.REFUSED, 404: Exit.NOT_FOUND, 409: Exit.REFUSED}
EXIT_OF |= {400: Exit.USAGE, 405: Exit.USAGE, 413: Exit.USAGE, 422: Exit.USAGE}
EXIT_OF |= {429: Exit.REFUSED, 503: Exit.UNREACHABLE}
"""HTTP status -> exit code; any other is `Exit.FAILED`."""

_DO = {
    "not_signed_in": "name a person of  velgate staff list",
    "not_found": "see what there is:  velgate alert list, velgate device list, velgate staff list",
    "not_allowed": "ask somebody who has the right, or add it in the configuration; see  velgate staff list",
    "already_acknowledged": "join instead, or take it over with  --take-over",
    "wrong_state": "look at it again:  velgate alert show",
    "presence_missing": "go there first (velgate alert presence), or say that you have --spoken",
    "not_durable": "the disk does not answer; see  velgate status, and act on paper until it does",
    "slow_down": "wait, then try again",
}

_EXPECTED = {
    "not_found": "something that is there",
    "not_signed_in": "a person",
    "not_allowed": "a person who may do this",
    "already_acknowledged": "an alert that nobody else has taken",
    "wrong_state": "an alert in a state in which this can be done",
    "presence_missing": "somebody who was with the resident, or has spoken with them",
    "not_durable": "a disk that takes it",
}

Body: TypeAlias = Mapping[str, object]
"""The JSON body of a request."""


class Event(NamedTuple):
    """One server-sent event."""

    name: str
    id: str | None
    data: Any


class Gateway:
    """The API of the gateway that runs on a state folder. Every method raises `Problem`."""

    def __init__(self, state: Path) -> None:
        """Name the state folder; nothing is opened yet."""
        self.path = state / SOCKET

    def __enter__(self) -> Self:
        """Use it in a `with` block, as one would a connection."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left open between calls."""

    def get(self, path: str, **query: object) -> Any:
        """Ask for a document. Query values of None are left out."""
        return self._call("GET", path + _query(query))

    def post(self, path: str, body: Body | None = None, *, timeout_s: float = ANSWER_S) -> Any:
        """Do something. Values of None in the body are left out."""
        return self._call("POST", path, body or {}, timeout_s)

    def delete(self, path: str, body: Body | None = None) -> Any:
        """Take something away. Values of None in the body are left out."""
        return self._call("DELETE", path, body or {})

    def stream(self, path: str = "/api/v1/stream", **query: object) -> Iterator[Event]:
        """Give events as they come, until the gateway ends or falls silent (then `Problem`, exit 5)."""
        connection = _Connection(self.path, BEAT_S)
        try:
            response = self._request(connection, "GET", path + _query(query), None)
            if response.status >= 400:
                raise _refusal(response.status, _document(response))
            yield from _events(response)
        except (TimeoutError, HTTPException, ConnectionError) as error:
            raise self._silent("a gateway that goes on speaking", str(error) or "silence") from error
        finally:
            connection.close()

    def _call(self, method: str, path: str, body: Body | None = None, timeout_s: float = ANSWER_S) -> Any:
        connection = _Connection(self.path, timeout_s)
        try:
            response = self._request(connection, method, path, body)
            document = _document(response)
        except (TimeoutError, HTTPException, ConnectionError) as error:
            raise self._silent(f"an answer within {timeout_s:.0f} s", str(error) or "none") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise _refusal(response.status, document)
        return document

    def _request(self, connection: HTTPConnection, method: str, path: str, body: Body | None) -> HTTPResponse:
        given = None if body is None else {key: value for key, value in body.items() if value is not None}
        data = None if given is None else json.dumps(given).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        try:
            connection.connect()
        except PermissionError as error:
            do = "join the group velgate (sudo usermod -aG velgate NAME, then sign in again), or use sudo"
            raise Problem(
                str(self.path), expected="leave to use the socket", found="none", do=do, exit=Exit.REFUSED
            ) from error
        except OSError as error:
            found = "no socket" if isinstance(error, FileNotFoundError) else f"nobody answers ({error})"
            raise self._silent("a running gateway", found) from error
        connection.request(method, path, data, headers)
        return connection.getresponse()

    def _silent(self, expected: str, found: str) -> Problem:
        do = "sudo systemctl start velgate  (or velgate run), or name its state folder with --state"
        return Problem(str(self.path), expected=expected, found=found, do=do, exit=Exit.UNREACHABLE)


def segment(text: str) -> str:
    """Write a text so that it can stand between two slashes of a path."""
    return quote(text, safe="")


class _Connection(HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("velgate", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _query(query: dict[str, object]) -> str:
    given = {key: value for key, value in query.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def _document(response: HTTPResponse) -> Any:
    data = response.read(BODY_MAX)
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return {"detail": data[:200].decode(errors="replace")}


def _refusal(status: int, document: Any) -> Problem:
    """Make a problem of an RFC 9457 answer: what the gateway said, and what to do about it."""
    said = document if isinstance(document, dict) else {}
    code = str(said.get("code") or status)
    detail = str(said.get("detail") or said.get("title") or f"status {status}")
    exit_ = EXIT_OF.get(status, Exit.FAILED)
    do = _DO.get(code, "see  velgate status" if exit_ is Exit.FAILED else "correct it and try again")
    detail, named, command = detail.partition("; see `")
    if named:
        do = f"see what there is:  {command.rstrip('`')}"
    if code == "already_acknowledged" and said.get("by"):
        detail += f" (by {said['by']}, since {said.get('since')})"
    errors = said.get("errors")
    findings = tuple(_error(error, do) for error in errors if isinstance(error, dict)) if errors else ()
    return Problem(
        "the gateway",
        expected=_EXPECTED.get(code, "something it can do"),
        found=f"{code.replace('_', ' ')}: {detail}",
        do=do,
        exit=exit_,
        code=code,
        findings=findings,
    )


def _error(error: dict[str, Any], do: str) -> Finding:
    where, key = error.get("where"), error.get("key")
    return Finding(
        where=str(where or key or "the gateway"),
        key=str(key) if where and key != where else None,
        expected=str(error.get("expected")),
        found=str(error.get("found")),
        do=str(error.get("do") or do),
    )


def _events(response: HTTPResponse) -> Iterator[Event]:
    """Read server-sent events (HTML standard, section 9.2)."""
    name, id_ = "message", None
    data: list[str] = []
    for raw in response:
        line = raw.decode(errors="replace").rstrip("\r\n")
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                text = "\n".join(data)
                yield Event(name, id_, json.loads(text) if text[:1] in '{["' else text)
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "id":
            id_ = value
        elif field == "data":
            data.append(value)
