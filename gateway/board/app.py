"""The Starlette app of the board: every endpoint as a route behind the gate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.board.api import (
    alerts,
    basis,
    channels,
    house,
    push,
    reach,
    roster,
    screens,
    sessions,
    shift,
    stream,
)
from gateway.board.board import Board
from gateway.board.callers import Caller, Needs
from gateway.board.endpoint import Call, Endpoint, answer, json
from gateway.board.gate import Gate
from gateway.board.house import House
from gateway.board.openapi import describe
from gateway.board.pages import files, forms, views
from gateway.board.problems import problem
from gateway.model.refusal import Refused


async def openapi(call: Call) -> Response:
    """`GET /openapi.json`."""
    return json(describe(ENDPOINTS, call.board.house.version))


ENDPOINTS: tuple[Endpoint, ...] = (
    *sessions.ENDPOINTS,
    *alerts.ENDPOINTS,
    *house.ENDPOINTS,
    *shift.ENDPOINTS,
    *screens.ENDPOINTS,
    *basis.ENDPOINTS,
    *channels.ENDPOINTS,
    *push.ENDPOINTS,
    *reach.ENDPOINTS,
    *roster.ENDPOINTS,
    *stream.ENDPOINTS,
    Endpoint(
        method="GET",
        path="/openapi.json",
        needs=Needs.LOOK,
        handler=openapi,
        summary="The description of this API",
    ),
    *files.ENDPOINTS,
    *forms.ENDPOINTS,
    *views.ENDPOINTS,
)


def create_app(house: House, board: Board | None = None) -> Starlette:
    """Make the app. `board` is made from `house` if it is not given; its `run` is the caller's to run.

    `serve` does all of this; use `create_app` where something else serves.
    """
    shared = board or Board(house)
    app = Starlette(
        routes=[_route(shared, endpoint) for endpoint in ENDPOINTS],
        middleware=[Middleware(Gate, board=shared)],
        exception_handlers={HTTPException: _not_there},
    )
    app.state.board = shared
    return app


def _route(board: Board, endpoint: Endpoint) -> Route:
    async def handle(request: Request) -> Response:
        caller: Caller = request.scope["velgate.caller"]
        if endpoint.page and endpoint.needs > Needs.NOTHING and not caller.may_look:
            return RedirectResponse("/signin", 303)
        return await answer(board, endpoint, request)

    named: Callable[[Request], Awaitable[Response]] = handle
    return Route(endpoint.path, named, methods=[endpoint.method])


async def _not_there(request: Request, failed: Exception) -> Response:
    """Say 404 and 405 as problems, and only to who may look: nobody else learns what there is."""
    assert isinstance(failed, HTTPException)
    caller: Caller = request.scope.get("velgate.caller") or Caller()
    if not caller.may_look:
        return problem(Refused("not_signed_in", "sign in first"))
    code = "method_not_allowed" if failed.status_code == HTTPStatus.METHOD_NOT_ALLOWED else "not_found"
    return problem(Refused(code, f"no {request.method} {request.url.path}"), headers=failed.headers)
