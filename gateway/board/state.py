"""Everything a page needs to draw the board, in one document: at first, and after lost contact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

from gateway.board.board import Board
from gateway.board.callers import Caller
from gateway.board.cards import UNDO_S
from gateway.board.documents import document
from gateway.board.load import flood_of
from gateway.board.words import Words
from gateway.model.clock import NS, iso
from gateway.settings.alerting import DUTY, EVERYONE, PAGE

CLOSED_MAX = 20  # just closed ones that still have their line


async def board_state(board: Board, caller: Caller) -> dict[str, Any]:
    """Give the state of the board for who looks."""
    house = board.house
    now = house.clock.now()
    since = now.wall_ns - UNDO_S * NS
    # The number first, the alerts afterwards: what changes in between comes by the stream a second time.
    seq, closed = await house.journal.alarms.read(
        lambda ledger: (ledger.log_seq(), ledger.alerts(open=False, since_ns=since, limit=CLOSED_MAX))
    )
    public = caller.public
    alerts = [
        document(shown.alert, now, durable=shown.durable, public=public) for shown in house.engine.open()
    ]
    health = house.health()
    return {
        "seq": seq,
        "now": iso(now.wall_ns),
        "alerts": alerts,
        "closed": [document(alert, now, public=public) for alert in closed],
        "shown": {alert["id"]: board.hub.shown_on(alert["id"]) for alert in alerts},
        "pages": board.hub.viewers.pages,
        "health": {
            key: value
            for key, value in health.items()
            if not public or key in {"level", "clock", "adapters", "rooms", "alerts", "devices"}
        },
        "duty": [] if public else board.hub.duty(),
        "proved": None if public else await board.hub.proofs.read(),
        "no_basis": len(house.engine.no_basis()),
        "flood": None if public else flood_of(house),
        "me": me(board, caller),
    }


def me(board: Board, caller: Caller) -> dict[str, Any]:
    """Say who looks, and which targets mean them: those sound. A wall screen (None) sounds for all."""
    targets = None if caller.person is None or caller.screen is not None else _targets(board, caller)
    return {
        "person": caller.person,
        "screen": caller.screen.name if caller.screen else None,
        "public": caller.public,
        "rights": list(caller.settings.rights) if caller.settings else [],
        "targets": targets,
    }


def _targets(board: Board, caller: Caller) -> list[str]:
    own = str(caller.person).casefold()
    groups = board.house.engine.duty()
    mine = [each.group for each in groups if own in {person.casefold() for person in each.persons}]
    targets = [EVERYONE, f"person:{caller.person}", *(f"group:{group}" for group in mine)]
    if mine or not any(each.persons for each in groups):
        targets.append(DUTY)  # where nobody is on duty, everybody is
    rights = caller.settings.rights if caller.settings else ()
    return targets + [f"right:{right}" for right in rights]


def labels(board: Board, words: Words) -> dict[str, str]:
    """Name the targets that alerts are sent to."""
    settings = board.house.settings()
    fixed = {
        PAGE: words.t("page.staff_page"),
        DUTY: words.t("page.target_duty"),
        EVERYONE: words.t("page.target_everyone"),
    }
    groups = {f"group:{name}": group.label or name for name, group in settings.group.items()}
    rights = {
        f"right:{right}": words.t("page.target_right") for right in ("basis", "enrol", "audit", "see_values")
    }
    return fixed | groups | rights


def target_name(board: Board, words: Words) -> Callable[[str], str]:
    """Give the function that names a target."""
    named = labels(board, words)
    return lambda target: named.get(target, target.partition(":")[2] or target)


def night_now(board: Board) -> bool:
    """Tell whether it is night by the home's own hours."""
    begins, ends = board.house.settings().night
    local = board.words("da").local(board.house.clock.now().wall_ns).time()
    return _within(local, begins, ends)


def _within(at: time, begins: time, ends: time) -> bool:
    return begins <= at < ends if begins <= ends else at >= begins or at < ends
