"""The four views and the detail of an alert, drawn by the server; the script brings them to life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from gateway.board import state
from gateway.board.api.alerts import detail
from gateway.board.callers import Needs
from gateway.board.cards import Looker, card, on_board, order, short, state_of
from gateway.board.documents import document
from gateway.board.endpoint import Call, Endpoint, json
from gateway.board.evidence import evidence
from gateway.board.pages.render import page, words_of
from gateway.board.pages.rows import device_rows
from gateway.board.shift import shift_view
from gateway.board.words import Words
from gateway.model.alert import Concern, Priority
from gateway.model.clock import NS, parse_iso
from gateway.model.refusal import Refused

EARLIER_NS = 24 * 3600 * NS
EARLIER_MAX = 200


def looker(call: Call) -> Looker:
    """Say who looks."""
    screen = call.caller.screen
    return Looker(
        person=call.caller.person, screen=screen.name if screen else None, public=call.caller.public
    )


def targets(call: Call, words: Words) -> Callable[[str], str]:
    """Give the function that names where an alert was sent."""
    return state.target_name(call.board, words)


async def calls(call: Call) -> Response:
    """`GET /`: the calls."""
    words, who = words_of(call), looker(call)
    standing = await state.board_state(call.board, call.caller)
    now_ns = parse_iso(standing["now"])
    shown = sorted(
        (alert for alert in [*standing["alerts"], *standing["closed"]] if on_board(alert)),
        key=lambda alert: order(alert, who),
    )
    cards = [
        card(
            alert,
            who,
            words,
            now_ns,
            target=targets(call, words),
            shown=standing["shown"].get(alert["id"], (0, 0)),
        )
        for alert in shown
    ]
    return shell(call, "calls.html", standing, view="calls", cards=cards, evidence=evidence(standing, words))


async def inside(call: Call, template: str, **values: Any) -> Response:
    """Draw a view: in its shell, or as the fragment that the script swaps in."""
    if call.query("fragment") == "1":
        return page(call, template, **values)
    return shell(call, template, await state.board_state(call.board, call.caller), **values)


def shell(call: Call, template: str, standing: dict[str, Any], **values: Any) -> Response:
    """Draw a whole page: header with who waits, tabs, and what the script starts from."""
    waiting = [a for a in standing["alerts"] if on_board(a) and a["handling"] == "unacknowledged"]
    now_ns = parse_iso(standing["now"])
    longest = max(((now_ns - parse_iso(a["raised"])) / NS for a in waiting), default=0)
    return page(
        call,
        template,
        waiting=len(waiting),
        longest_s=longest,
        technical=technical_count(standing["alerts"]),
        boot=_boot(call, standing, words_of(call)),
        **values,
    )


def technical_count(alerts: list[dict[str, Any]]) -> int:
    """Count what stands behind the chip."""
    return sum(a["priority"] == Priority.TECHNICAL.value and a["handling"] != "suppressed" for a in alerts)


def _boot(call: Call, standing: dict[str, Any], words: Words) -> dict[str, Any]:
    """What the script starts from."""
    settings = call.board.house.settings()
    return {
        "state": standing,
        "words": words.for_client(),
        "language": words.language,
        "labels": state.labels(call.board, words),
        "site": {
            "title": settings.site.title or settings.site.home,
            "phone": settings.site.phone,
            "zone": settings.site.zone,
            "night": [at.strftime("%H:%M") for at in settings.night],
        },
        "devices": len(settings.device),
        "version": call.board.house.version,
        "push": _push_key(call),
    }


def _push_key(call: Call) -> str | None:
    """Give what this page may subscribe to pushes with: only a person's own, signed in."""
    push = call.board.house.push
    return push.public_key if push and call.caller.session and not call.caller.screen else None


async def board_document(call: Call) -> Response:
    """`GET /api/v1/board`: everything that the page draws, for a page that lost contact."""
    return json(await state.board_state(call.board, call.caller))


async def devices(call: Call) -> Response:
    """`GET /devices`: trouble first, then all by place."""
    _inside(call)
    words, who = words_of(call), looker(call)
    house = call.board.house
    now = house.clock.now()
    rows = device_rows(house.devices(), house.settings(), words, now.wall_ns)
    alerts = [document(shown.alert, now, durable=shown.durable) for shown in house.engine.open()]
    technical = sorted(
        (a for a in alerts if a["concern"] == Concern.TECHNICAL.value), key=lambda a: order(a, who)
    )
    cards = [card(a, who, words, now.wall_ns, target=targets(call, words)) for a in technical]
    return await inside(
        call,
        "devices.html",
        view="devices",
        rows=rows,
        trouble=[row for row in rows if row.trouble],
        technical_cards=cards,
    )


async def shift(call: Call) -> Response:
    """`GET /shift`: what the next shift must know."""
    _inside(call)
    words, who = words_of(call), looker(call)
    view = await shift_view(call.board, call.time("since"))
    now_ns = parse_iso(view["now"])
    house = call.board.house
    lines = [
        (alert, card(alert, who, words, now_ns, target=targets(call, words)))
        for alert in sorted(view["open"], key=lambda alert: order(alert, who))
    ]
    return await inside(
        call,
        "shift.html",
        view="shift",
        shift=view,
        lines=lines,
        others=[a for a in view["open"] if state_of(a, who) == "other"],
        shelved=[(a, short(a, words.language)) for a in view["shelved"]],
        device_rows=device_rows(view["devices"], house.settings(), words, now_ns),
        place=house.settings().label,
        rule=lambda name: rule_name(call, name, words),
        parse=parse_iso,
    )


def rule_name(call: Call, name: str, words: Words) -> str:
    """Name a rule by the words of its kind."""
    rule = call.board.house.settings().alerts.rules.get(name)
    return words.known(f"alert.{rule.kind}.short", name) if rule else name


async def more(call: Call) -> Response:
    """`GET /more`: language, light, sound, what Velgate is not, signing out."""
    settings = call.board.house.settings()
    return await inside(
        call, "more.html", view="more", version=call.board.house.version, gateway=settings.site.gateway
    )


async def alert_detail(call: Call) -> Response:
    """`GET /alert/{id}`: every hop, the device, the rule, what else was here in 24 hours."""
    _inside(call)
    words, who = words_of(call), looker(call)
    house = call.board.house
    alert, durable, timeline = await detail(call)
    now = house.clock.now()
    whole = document(alert, now, durable=durable)
    since = now.wall_ns - EARLIER_NS
    near = await house.journal.alarms.read(lambda ledger: ledger.alerts(since_ns=since, limit=EARLIER_MAX))
    earlier = [document(other, now) for other in near if other.place == alert.place and other.id != alert.id]
    row = next((row for row in house.devices() if row["device"] == alert.device), None)
    rule = house.settings().alerts.rules.get(alert.rule)
    return await inside(
        call,
        "alert.html",
        view="calls",
        alert=whole,
        card=card(whole, who, words, now.wall_ns, target=targets(call, words)),
        timeline=timeline,
        target=targets(call, words),
        earlier=[(other, short(other, words.language)) for other in reversed(earlier)],
        device=device_rows([row], house.settings(), words, now.wall_ns)[0] if row else None,
        rule=rule,
        rule_name=rule_name(call, alert.rule, words),
        origin=house.origin(f"alerts.rules.{alert.rule}"),
        short=short,
        parse=parse_iso,
    )


def _inside(call: Call) -> None:
    if call.caller.public:
        raise Refused("not_allowed", "a screen that visitors can see shows place and urgency only")


def _endpoint(path: str, handler: Any, summary: str) -> Endpoint:
    return Endpoint(method="GET", path=path, needs=Needs.LOOK, handler=handler, summary=summary, page=True)


ENDPOINTS = (
    _endpoint("/", calls, "The calls"),
    _endpoint("/devices", devices, "The devices"),
    _endpoint("/shift", shift, "The hand-over"),
    _endpoint("/more", more, "More"),
    _endpoint("/alert/{id}", alert_detail, "One alert with every hop"),
    Endpoint(
        method="GET",
        path="/api/v1/board",
        needs=Needs.LOOK,
        handler=board_document,
        summary="Everything the staff page draws, in one document",
    ),
)
