"""Signing in and out over the API."""

from __future__ import annotations

from starlette.responses import Response

from gateway.board.bodies import SignIn, SignOut
from gateway.board.callers import SCREEN_COOKIE, SESSION_COOKIE, Caller, Needs, find_token
from gateway.board.endpoint import Call, Endpoint, nothing
from gateway.model.refusal import Refused
from gateway.model.rows import Session

SCREEN_LIFE_S = 10 * 365 * 86_400  # a wall screen is removed by a technician, not by time


async def sign_in(call: Call, given: SignIn) -> Response:
    """Check who it is, begin a session, and give a 204 with its cookie. Raises Refused or SlowDown."""
    board = call.board
    if given.key is not None:
        known = find_token(board.house.settings(), given.key.get_secret_value().strip())
        if known is None:
            # A key is long: guessing one is hopeless, and yet each try takes the time of a PIN.
            await board.check_pin("", given.key.get_secret_value()[:64], call.caller)
            raise Refused("not_signed_in", "no such key", reason="wrong_pin")
    else:
        assert given.person is not None
        assert given.pin is not None
        known = await board.check_pin(given.person, given.pin.get_secret_value(), call.caller)
    name = known[0]
    token, session = await board.register.open_session(name, call.caller.screen)
    board.leavers.came(session)
    await board.note(
        "sign_in", name, Caller(door="session", screen=call.caller.screen, client=call.caller.client)
    )
    response = nothing()
    lasts = board.house.settings().board.session
    set_cookie(call, response, SESSION_COOKIE, token, round(lasts.total_seconds()))
    return response


async def sign_out(call: Call, given: SignOut) -> Response:
    """End the session. What its person has taken is given back, unless another session of theirs is open."""
    board, session = call.board, call.caller.session
    if session is None:
        raise Refused("wrong_state", "there is no session to end")
    alone = not await board.register.others(session)
    if alone and given.give_back:
        await board.house.engine.holder_left(session.person, source=call.caller.source)
    await _phone_left(call, session, alone=alone)
    await board.register.end_session(session)
    board.leavers.left(session)
    board.hub.viewers.end_where(
        lambda c: c.session is not None and c.session.token_hash == session.token_hash
    )
    await board.note("sign_out", session.person, call.caller)
    response = nothing()
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict", secure=_secure(call))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def _phone_left(call: Call, session: Session, *, alone: bool) -> None:
    """Push no more to the phone that is signed out of; the proof of reach ends with it (R9)."""
    push = call.board.house.push
    if push is not None:
        await push.book.end(
            push.book.of_session(session.token_hash), why="signed out", source=call.caller.source
        )
    if alone and (push is None or not push.book.of(session.person)):
        await call.board.reach.left(session.person)


def set_cookie(call: Call, response: Response, name: str, token: str, life_s: int) -> None:
    """Set a cookie that no script can read and no other site's request carries."""
    response.set_cookie(
        name, token, max_age=life_s, path="/", httponly=True, samesite="strict", secure=_secure(call)
    )


def set_screen_cookie(call: Call, response: Response, token: str) -> None:
    """Set the cookie of an enrolled screen."""
    set_cookie(call, response, SCREEN_COOKIE, token, SCREEN_LIFE_S)


def _secure(call: Call) -> bool:
    return call.request.url.scheme == "https"


async def post_session(call: Call) -> Response:
    """`POST /api/v1/session`."""
    return await sign_in(call, await call.body(SignIn))


async def delete_session(call: Call) -> Response:
    """`DELETE /api/v1/session`."""
    return await sign_out(call, await call.body(SignOut))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/session",
        needs=Needs.NOTHING,
        handler=post_session,
        summary="Sign in: 204 and a cookie; 401 wrong, 429 with Retry-After when slowed",
        body=SignIn,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/session",
        needs=Needs.PERSON,
        handler=delete_session,
        summary="Sign out; what the person has taken is given back",
        body=SignOut,
    ),
)
