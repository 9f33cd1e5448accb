"""The event stream."""

from __future__ import annotations

import logging
import secrets

from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.board.api.house import LOOKED
from gateway.board.callers import Needs
from gateway.board.endpoint import Call, Endpoint
from gateway.board.problems import invalid
from gateway.board.viewers import Viewer
from gateway.model.refusal import Refused

log = logging.getLogger(__name__)

SEND_WITHIN_S = 10.0  # a client that takes nothing for this long is cut off
VIEWER_MAX = 40


class Stream(EventSourceResponse):
    """A stream whose slow client is cut off without a traceback."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the events or the client end."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("a client of the stream took nothing for %.0f s and was cut off", SEND_WITHIN_S)


async def stream(call: Call) -> Response:
    """`GET /api/v1/stream`: alerts, devices, health; with `readings=1` readings too."""
    return await _stream(call, readings=call.query("readings") == "1")


async def tail(call: Call) -> Response:
    """`GET /api/v1/tail`: the stream with readings."""
    return await _stream(call, readings=True)


async def _stream(call: Call, *, readings: bool) -> Response:
    board, looking = call.board, call.looking()
    if board.hub.viewers.closed:
        raise Refused("not_durable", "the gateway is stopping; come again")
    if readings and looking.public:
        raise Refused("not_allowed", "a screen that visitors can see shows no readings")
    personal = readings and looking.has("see_values")
    if personal:
        await board.note(LOOKED, looking.person, looking, places=["*"], quantities=["*"], live=True)
    name = call.query("viewer")
    if name is not None and not (4 <= len(name) <= VIEWER_MAX and name.isascii()):
        raise invalid(("viewer", repr(name)[:60], f"4 to {VIEWER_MAX} plain characters"))
    viewer = Viewer(
        id=name or secrets.token_hex(8),
        caller=looking,
        page=name is not None,
        readings=readings,
        personal=personal,
    )
    return Stream(
        board.hub.stream(viewer, _after(call)),
        ping=0,  # the beat is our own, and says the time
        sep="\n",
        send_timeout=SEND_WITHIN_S,
    )


def _after(call: Call) -> int | None:
    """The number after which to go on: the browser's own header, or `after` for the first time."""
    text = call.request.headers.get("last-event-id") or call.query("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return -1  # not a number of ours: everything anew
    return int(text)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/stream",
        needs=Needs.LOOK,
        handler=stream,
        summary="Server-sent events: alert, device, gateway, reading, shown, evidence, beat, reset",
        query=("readings", "viewer", "after"),
        gives="text/event-stream",
    ),
    Endpoint(
        method="GET",
        path="/api/v1/tail",
        needs=Needs.LOOK,
        handler=tail,
        summary="The stream with readings",
        query=("after",),
        gives="text/event-stream",
    ),
)
