"""One endpoint: where it stands, what it needs, what its body may hold, and how a request reaches it.

The table of endpoints is what the routes, the access rules and `/openapi.json` are all made from.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from gateway.board.bodies import ByPerson
from gateway.board.callers import Caller, Needs, find_person, find_token, require
from gateway.board.pins import SlowDown
from gateway.board.problems import from_validation, invalid, problem
from gateway.journal.errors import NotDurable
from gateway.model.clock import NS, parse_iso
from gateway.model.problem import Exit, Problem
from gateway.model.refusal import Refused

if TYPE_CHECKING:
    from gateway.board.board import Board

log = logging.getLogger(__name__)

BODY_MAX = 64 * 1024
LIMIT = 100
LIMIT_MAX = 1000

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and who makes it."""

    board: Board
    request: Request
    caller: Caller

    async def body(self, model: type[B], *, most: int = BODY_MAX) -> B:
        """Read the JSON body of at most `most` bytes. An empty one counts as `{}`. Raises Refused."""
        raw = await read_bounded(self.request, most)
        try:
            given = orjson.loads(raw) if raw.strip() else {}
        except orjson.JSONDecodeError:
            raise invalid(("", "something else", "a JSON object")) from None
        if not isinstance(given, dict):
            raise invalid(("", type(given).__name__, "a JSON object"))
        try:
            return model.model_validate(given)
        except ValidationError as failed:
            raise from_validation(failed) from None

    def query(self, name: str) -> str | None:
        """Give a query parameter, None where it is absent or empty."""
        return self.request.query_params.get(name) or None

    def time(self, name: str) -> int | None:
        """Give a query parameter that is an RFC 3339 time, in Unix nanoseconds. Raises Refused."""
        text = self.query(name)
        try:
            # A "+" that was not escaped arrives as a space.
            return None if text is None else parse_iso(text.replace(" ", "+"))
        except ValueError:
            raise invalid(
                (name, repr(text)[:60], "an RFC 3339 time with zone, 2026-11-24T14:00:00Z")
            ) from None

    def limit(self) -> int:
        """Give the query parameter `limit`. Raises Refused."""
        text = self.query("limit")
        if text is None:
            return LIMIT
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LIMIT_MAX:
            raise invalid(("limit", repr(text)[:60], f"a number from 1 to {LIMIT_MAX}"))
        return int(text)

    def path(self, name: str) -> str:
        """Give a part of the path."""
        return str(self.request.path_params[name])

    async def person(
        self, body: ByPerson | None, right: str | None = None, *, operator: bool = False
    ) -> Caller:
        """Give the caller with the person who does this: signed in, named on the socket, by PIN on a screen.

        With `operator` nobody need be named on the socket: what a technician or a script of this machine does
        there, who could name anybody, goes into the audit log without a person, rather than with a wrong one.
        Raises Refused: nobody named, unknown, wrong PIN, slowed, or without the right.
        """
        if operator and self.caller.door == "socket" and not (body and body.by):
            return self.caller
        acting = await self._acting(body)
        require(acting, Needs.PERSON, right)
        roles = acting.settings.roles if acting.settings else ()
        if set(roles) == {"protection"}:
            raise Refused(
                "not_allowed", f"{acting.person} has the role protection, which looks and does not act"
            )
        return acting

    async def _acting(self, body: ByPerson | None) -> Caller:
        settings = self.board.house.settings()
        if self.caller.door == "socket":
            if body is None or not body.by:
                raise invalid(("by", "nothing", "the person who does this"))
            known = find_person(settings, body.by)
            if known is None:
                raise Refused("not_found", f"no person {body.by!r}; see `velgate staff list`")
            return self.caller.as_person(*known)
        if self.caller.person is not None:
            return self.caller
        if self.caller.door == "screen" and body is not None:
            if body.key is not None:
                known = find_token(settings, body.key.get_secret_value().strip())
                if known is None:
                    raise Refused("not_signed_in", "no such key", reason="wrong_pin")
                return self.caller.as_person(*known)
            if body.person and body.pin is not None:
                person = await self.board.check_pin(body.person, body.pin.get_secret_value(), self.caller)
                return self.caller.as_person(*person)
        raise Refused("not_signed_in", "a screen may look; a person acts: name `person` and `pin`, or `key`")

    def looking(self, right: str | None = None) -> Caller:
        """Give the caller with the person who looks: on the socket the query's `by`, if it names one."""
        if self.caller.door == "socket" and (name := self.query("by")):
            known = find_person(self.board.house.settings(), name)
            if known is None:
                raise Refused("not_found", f"no person {name!r}; see `velgate staff list`")
            acting = self.caller.as_person(*known)
            require(acting, Needs.LOOK, right)
            return acting
        require(self.caller, Needs.LOOK, right)
        return self.caller

    @property
    def now_s(self) -> float:
        """The monotonic time in seconds."""
        return self.board.house.clock.now().mono_ns / NS


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of the API."""

    method: str
    path: str
    needs: Needs
    handler: Handler
    summary: str
    body: type[Any] | None = None
    right: str | None = None
    query: tuple[str, ...] = ()
    gives: str = "application/json"
    page: bool = False
    """A page for people: without sign-in it leads to the sign-in page, and it is no part of the API."""


def json(document: Any, status: int = 200) -> Response:
    """Answer with a JSON document."""
    return Response(orjson.dumps(document), status_code=status, media_type="application/json")


def nothing() -> Response:
    """Answer 204."""
    return Response(status_code=204)


async def read_bounded(request: Request, most: int = BODY_MAX) -> bytes:
    """Read a body of at most `most` bytes. Raises Refused."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refused("too_large", f"at most {most} bytes")
        parts.append(part)
    return b"".join(parts)


async def answer(board: Board, endpoint: Endpoint, request: Request) -> Response:
    """Let an endpoint answer; refusals become problems. What is no refusal is the server's to report."""
    caller: Caller = request.scope["velgate.caller"]
    try:
        require(caller, endpoint.needs)
        return await endpoint.handler(Call(board, request, caller))
    except Refused as refused:
        return problem(refused)
    except SlowDown as slow:
        wait = max(1, round(slow.retry_after_s))
        return problem(
            Refused("slow_down", f"too many tries; wait {wait} s", retry_after_s=wait, reason="slow_down")
        )
    except NotDurable as failed:
        return problem(Refused("not_durable", failed.reason))
    except TimeoutError:
        return problem(Refused("not_durable", "the disk does not answer"))
    except Problem as found:
        return problem(_from_problem(found))


def _from_problem(found: Problem) -> Refused:
    """Give the refusal for a problem that another room found, by what a command would end with."""
    rows = [
        {"key": each.key or each.where, "found": each.found, "expected": each.expected, "do": each.do}
        for each in found.findings
    ]
    code = {Exit.NOT_FOUND: "not_found", Exit.REFUSED: "not_allowed"}.get(found.exit, "invalid")
    return Refused(code, str(found), errors=rows)
