"""Alerts over the API: list, one with its timeline, and what people do about them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gateway.board.bodies import ACTIONS, Device, ShownBy, fields_of
from gateway.board.callers import Needs
from gateway.board.chain import prove
from gateway.board.documents import document
from gateway.board.endpoint import Call, Endpoint, json, nothing
from gateway.board.problems import invalid
from gateway.journal.ledger import Ledger
from gateway.model.alert import Alert
from gateway.model.refusal import Refused

STATES = {"open": True, "resolved": False, None: None}
TAIL_MIN = 3  # characters of an id that may stand for it, on the socket


async def list_alerts(call: Call) -> Response:
    """`GET /api/v1/alerts`, by last change, the oldest change first."""
    state = call.query("state")
    if state not in STATES:
        raise invalid(("state", repr(state)[:60], "`open` or `resolved`"))
    if call.caller.public and state != "open":
        raise Refused("not_allowed", "a screen that visitors can see shows what is open, and no history")
    since_ns, limit, after = call.time("since"), call.limit(), call.query("after")
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise invalid(("after", repr(after)[:60], "the `next` of the page before"))

    def page(ledger: Ledger) -> tuple[list[Alert], str | None]:
        rows = ledger.alerts(open=STATES[state], since_ns=since_ns, after=after, limit=limit)
        return rows, ledger.alert_mark(rows[-1].id) if len(rows) == limit else None

    rows, following = await call.board.house.journal.alarms.read(page)
    now, public = call.board.house.clock.now(), call.caller.public
    alerts = [document(alert, now, public=public) for alert in rows]
    if state != "resolved" and after is None:
        # What the disk has not confirmed stands on no page of the journal; it comes first.
        unkept = [shown.alert for shown in call.board.house.engine.open() if not shown.durable]
        new = {alert.id for alert in unkept}
        alerts = [document(alert, now, durable=False, public=public) for alert in unkept] + [
            each for each in alerts if each["id"] not in new
        ]
    return json({"alerts": alerts, "next": following})


async def show_alert(call: Call) -> Response:
    """`GET /api/v1/alerts/{id}`."""
    alert, durable, timeline = await detail(call)
    now = call.board.house.clock.now()
    shown = document(alert, now, durable=durable, public=call.caller.public)
    return json({**shown, "timeline": timeline})


async def detail(call: Call) -> tuple[Alert, bool, list[dict[str, Any]]]:
    """Give an alert, whether it is kept, and its timeline as the caller may see it. Raises Refused."""
    house = call.board.house
    wanted = await whole_id(call)
    unkept = next((s for s in house.engine.open() if s.alert.id == wanted and not s.durable), None)
    alarms = house.journal.alarms
    alert, timeline = await alarms.read(lambda ledger: (ledger.alert(wanted), ledger.timeline(wanted)))
    if unkept is not None:
        alert = unkept.alert
    if alert is None:
        raise Refused("not_found", f"no alert {wanted}")
    if call.caller.public:
        return alert, unkept is None, []
    if alert.nameless(house.clock.now()):
        timeline = [{**entry, "by": None, "to": _nobody(entry["to"])} for entry in timeline]
    return alert, unkept is None, timeline


def _nobody(to: str | None) -> str | None:
    return to if to is None or to.startswith(("group:", "channel:")) or to == "page" else None


async def whole_id(call: Call) -> str:
    """Give the id that is meant; on the socket its last characters will do. Raises Refused."""
    wanted = call.path("id")
    if call.caller.door != "socket" or not TAIL_MIN <= len(wanted) < 36:
        return wanted
    found = await call.board.house.journal.alarms.read(lambda ledger: ledger.ids_ending(wanted))
    if len(found) > 1:
        raise Refused("not_found", f"several alerts end in {wanted}; give more characters")
    return found[0] if found else wanted


async def act(call: Call) -> Response:
    """`POST /api/v1/alerts/{id}/{action}`: 200 with the alert, after the commit."""
    action = call.path("action")
    model = ACTIONS.get(action)
    if model is None:
        raise Refused("not_found", f"no action {action!r}; known: {', '.join(ACTIONS)}")
    given = await call.body(model)
    acting = await call.person(given)
    assert acting.person is not None
    if acting.session is not None:
        await call.board.register.seen(acting.session)
    alert = await call.board.house.engine.act(
        await whole_id(call),
        action,
        by=acting.person,
        source=acting.source,
        fields=fields_of(given),
        rev=given.rev,
    )
    return json(document(alert, call.board.house.clock.now()))


async def drawn(call: Call) -> Response:
    """`POST /api/v1/alerts/{id}/shown`: a page says that it has drawn the alert."""
    given = await call.body(ShownBy)
    viewers = call.board.hub.viewers
    wanted = call.path("id")
    viewer = viewers.find(given.viewer)
    house = call.board.house
    alert = next((shown.alert for shown in house.engine.open() if shown.alert.id == wanted), None)
    if viewer is None or alert is None:
        return nothing()
    who = call.caller.person or (call.caller.screen.name if call.caller.screen else None)
    if who:
        house.engine.page_shown(wanted, who)
    if viewers.drew(wanted, viewer.id):
        await call.board.hub.proofs.by_alert(alert)
    return nothing()


async def test(call: Call) -> Response:
    """`POST /api/v1/alerts/test`: a test press through the real path, with the time of each hop."""
    given = await call.body(Device)
    acting = await call.person(given, operator=True)
    by = acting.person or acting.source
    return json(await prove(call.board, given.device, by=by))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/alerts",
        needs=Needs.LOOK,
        handler=list_alerts,
        summary="Alerts by last change, paged",
        query=("state", "since", "limit", "after"),
    ),
    Endpoint(
        method="POST",
        path="/api/v1/alerts/test",
        needs=Needs.PERSON,
        handler=test,
        summary="Send a test alert through the real path; the time of each hop",
        body=Device,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/alerts/{id}",
        needs=Needs.LOOK,
        handler=show_alert,
        summary="One alert with its timeline",
    ),
    Endpoint(
        method="POST",
        path="/api/v1/alerts/{id}/shown",
        needs=Needs.LOOK,
        handler=drawn,
        summary="A staff page has drawn the alert",
        body=ShownBy,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/alerts/{id}/{action}",
        needs=Needs.LOOK,
        handler=act,
        summary="Do something about an alert; answered after the commit",
        body=ACTIONS["resolve"],
    ),
)
