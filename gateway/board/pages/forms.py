"""Forms that work without script: signing in and out, enrolling a screen, the actions, language."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from gateway.board.api import sessions
from gateway.board.bodies import ACTIONS, Action, EnrolScreen, SignIn, SignOut, fields_of
from gateway.board.callers import LANGUAGE_COOKIE, Needs
from gateway.board.endpoint import Call, Endpoint, read_bounded
from gateway.board.leavers import taken_by
from gateway.board.pages.render import page, words_of
from gateway.board.pages.views import inside
from gateway.board.pins import SlowDown
from gateway.board.problems import from_validation
from gateway.model.catalogue import LANGUAGES
from gateway.model.clock import NS
from gateway.model.refusal import Refused

YEAR_S = 365 * 86_400


async def form_of(call: Call) -> dict[str, str]:
    """Read a form (`application/x-www-form-urlencoded`). Raises Refused."""
    raw = await read_bounded(call.request)
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=20))
    except (UnicodeDecodeError, ValueError):
        raise Refused("invalid", "not a form", errors=[]) from None


def _made(model: type[Any], given: dict[str, Any]) -> Any:
    try:
        return model.model_validate({key: value for key, value in given.items() if value != ""})
    except ValidationError as failed:
        raise from_validation(failed) from None


async def show_sign_in(call: Call) -> Response:
    """`GET /signin`."""
    if call.caller.person is not None:
        return RedirectResponse("/", 303)
    return page(call, "signin.html", error=None, person="")


async def sign_in(call: Call) -> Response:
    """`POST /signin`."""
    given = await form_of(call)
    words = words_of(call)
    try:
        done = await sessions.sign_in(call, _made(SignIn, given))
    except Refused as refused:
        error, status = words.t("page.sign_in.wrong"), 422 if refused.code == "invalid" else 401
    except SlowDown as slow:
        wait = words.span(max(1, round(slow.retry_after_s)))
        error = words.t("page.sign_in.busy") if slow.busy else words.t("refusal.slow_down", wait=wait)
        status = 429
    else:
        return _moved("/", done)
    answer = page(call, "signin.html", status, error=error, person=given.get("person", "")[:20])
    if status == 429:
        answer.headers["Retry-After"] = "60"
    return answer


async def show_sign_out(call: Call) -> Response:
    """`GET /signout`: asks where something that is taken is not finished."""
    person = call.caller.person
    taken = taken_by(call.board.house, person) if person else []
    return await inside(call, "signout.html", taken=len(taken), view="more")


async def sign_out(call: Call) -> Response:
    """`POST /signout`: what the person has is given back."""
    if call.caller.session is None:
        return RedirectResponse("/signin", 303)
    return _moved("/signin", await sessions.sign_out(call, SignOut()))


async def show_enrol(call: Call) -> Response:
    """`GET /screen?code=…`: looking at it uses nothing up, or a preview of the address would."""
    offer = call.board.screens.find(call.query("code") or "")
    return page(call, "enrol.html", 200 if offer else 404, offer=offer)


async def enrol(call: Call) -> Response:
    """`POST /screen`: this browser becomes the wall screen."""
    board = call.board
    now_s = board.house.clock.now().mono_ns / NS
    given: EnrolScreen = _made(EnrolScreen, await form_of(call))
    board.pins.lockout.check("screen code", call.caller.client, now_s)
    offer = board.screens.find(given.code.get_secret_value())
    if offer is None:
        board.pins.lockout.wrong("screen code", call.caller.client, now_s)
        return page(call, "enrol.html", 404, offer=None)
    token = await board.screens.enrol(offer)
    await board.note("screen_enrolled", offer.by, call.caller, screen=offer.screen, public=offer.public)
    answer = RedirectResponse("/", 303)
    sessions.set_screen_cookie(call, answer, token)
    return answer


async def act(call: Call) -> Response:
    """`POST /act/{id}/{action}`: an action by a plain form; back to the board, or the reason why not."""
    action, words = call.path("action"), words_of(call)
    model = ACTIONS.get(action)
    if model is None:
        raise Refused("not_found", f"no action {action!r}")
    given: Action = _made(model, await form_of(call))
    try:
        acting = await call.person(given)
        assert acting.person is not None
        await call.board.house.engine.act(
            call.path("id"),
            action,
            by=acting.person,
            source=acting.source,
            fields=fields_of(given),
            rev=given.rev,
        )
    except Refused as refused:
        answer = await inside(call, "refused.html", said=refusal_words(words, refused), view="calls")
        answer.status_code = refused.status
        return answer
    return RedirectResponse("/", 303)


def refusal_words(words: Any, refused: Refused) -> str:
    """Say in words of people why something was refused."""
    reason = str(refused.values.get("reason") or refused.code)
    for key in (f"refusal.{reason}", f"refusal.{refused.code}"):
        if words.texts.has(key):
            try:
                said: str = words.t(key, **refused.values)
            except KeyError:
                continue
            return said
    return str(words.t("page.failed"))


async def set_language(call: Call) -> Response:
    """`GET /language/{language}`: on this device, from now on."""
    wanted = call.path("language")
    if wanted not in LANGUAGES:
        raise Refused("not_found", f"no language {wanted!r}; known: {', '.join(LANGUAGES)}")
    back = call.query("back") or "/"
    answer = RedirectResponse(
        back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/", 303
    )
    answer.set_cookie(LANGUAGE_COOKIE, wanted, max_age=YEAR_S, path="/", samesite="strict", httponly=False)
    return answer


def _moved(to: str, done: Response) -> Response:
    """Go to another page with the cookies of an answer."""
    answer = RedirectResponse(to, 303)
    for name, value in done.raw_headers:
        if name in {b"set-cookie", b"clear-site-data"}:
            answer.raw_headers.append((name, value))
    return answer


def _endpoint(method: str, path: str, needs: Needs, handler: Any, summary: str) -> Endpoint:
    return Endpoint(method=method, path=path, needs=needs, handler=handler, summary=summary, page=True)


ENDPOINTS = (
    _endpoint("GET", "/signin", Needs.NOTHING, show_sign_in, "The sign-in page"),
    _endpoint("POST", "/signin", Needs.NOTHING, sign_in, "Sign in by form"),
    _endpoint("GET", "/signout", Needs.LOOK, show_sign_out, "Before signing out"),
    _endpoint("POST", "/signout", Needs.LOOK, sign_out, "Sign out by form"),
    _endpoint("GET", "/screen", Needs.NOTHING, show_enrol, "Enrol this browser as a wall screen"),
    _endpoint("POST", "/screen", Needs.NOTHING, enrol, "Use up the one-time code"),
    _endpoint("POST", "/act/{id}/{action}", Needs.LOOK, act, "An action by form"),
    _endpoint("GET", "/language/{language}", Needs.NOTHING, set_language, "Choose the language"),
)
