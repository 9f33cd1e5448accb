"""Drawing HTML: one environment, the words and looks of who asks."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import orjson
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from gateway.board import state
from gateway.board.assets_store import digest, url
from gateway.board.callers import LANGUAGE_COOKIE, LIGHT_COOKIE
from gateway.board.endpoint import Call
from gateway.board.words import Words, language
from gateway.model.clock import NS

TEMPLATES = Path(__file__).parent.parent / "templates"
LIGHTS = ("day", "night")


@cache
def environment() -> jinja2.Environment:
    """Make the environment: everything is escaped, and a name that is missing is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = url
    made.filters["data"] = embed
    return made


def embed(document: Any) -> Markup:
    """Write JSON that may stand inside a `script` element of type `application/json`."""
    text = orjson.dumps(document).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def words_of(call: Call) -> Words:
    """Give the words in the language of who asks: chosen on this device, else the person's, else Danish."""
    person = call.caller.settings
    chosen = call.request.cookies.get(LANGUAGE_COOKIE)
    return call.board.words(language(chosen, person.language if person else None))


def light_of(call: Call) -> tuple[str, str]:
    """Give the light the page is drawn in, and the choice it comes from (`auto`, `day`, `night`).

    A choice by hand is kept with the time until which it holds: `night|1767225600`.
    """
    choice, _, until = call.request.cookies.get(LIGHT_COOKIE, "").partition("|")
    now_s = call.board.house.clock.now().wall_ns / NS
    if choice in LIGHTS and until.isascii() and until.isdigit() and int(until[:12]) > now_s:
        return choice, choice
    return ("night" if state.night_now(call.board) else "day"), "auto"


def page(call: Call, template: str, status: int = 200, **values: Any) -> Response:
    """Draw a page. With `fragment=1` in the query only its inside, for the script that swaps views."""
    settings = call.board.house.settings()
    words = words_of(call)
    light, choice = light_of(call)
    context = {
        "t": words.t,
        "w": words,
        "lang": words.language,
        "light": light,
        "light_choice": choice,
        "site_title": settings.site.title or settings.site.home,
        "phone": settings.site.phone,
        "caller": call.caller,
        "screen": call.caller.screen,
        "digest": digest(),
        "fragment": call.query("fragment") == "1",
        "now_ns": call.board.house.clock.now().wall_ns,
        "path": call.request.url.path,
        **values,
    }
    return HTMLResponse(environment().get_template(template).render(context), status)
