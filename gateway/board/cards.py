"""What stands on the card of an alert, from its published form. `assets/card.js` says the same.

A test draws every state with and without script and compares the words: the two must not part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.board.words import Words
from gateway.model.clock import NS, parse_iso

SHAPES = {"emergency": "▲▲", "high": "▲", "medium": "●", "technical": "◆"}
TAKEN = "✓"
UNDO_S = 60
PERSONAL = ("fall", "presence", "vital")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Who looks: a person, a screen, or both (a person signed in on a shared screen)."""

    person: str | None = None
    screen: str | None = None
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One alert as it is drawn."""

    id: str
    rev: int
    tone: str
    state: str
    """`new`, `escalated`, `returned`, `again`, `gone`, `mine`, `other`, `shelved`, `closed`."""
    shape: str
    head: str
    waited_s: float | None
    label: str
    count: str
    what: str
    lines: tuple[str, ...]
    primary: tuple[str, ...]
    """The actions with a button of their own."""
    menu: tuple[str, ...]
    """The actions behind `⋯`."""
    test: bool
    durable: bool
    unanswered: bool


def card(
    alert: Mapping[str, Any],
    looker: Looker,
    words: Words,
    now_ns: int,
    *,
    target: Callable[[str], str],
    shown: tuple[int, int] = (0, 0),
) -> Card:
    """Give the card of an alert.

    `target` names where it was sent (`group:nat-oest` → `Nat øst`); `shown`: on how many of how many pages.
    """
    state = state_of(alert, looker)
    unanswered = alert["handling"] == "unacknowledged"
    return Card(
        id=alert["id"],
        rev=alert["rev"],
        tone=alert["priority"],
        state=state,
        shape=TAKEN if state in {"mine", "other"} else SHAPES[alert["priority"]],
        head=words.t(f"priority.{alert['priority']}"),
        waited_s=(now_ns - parse_iso(alert["raised"])) / NS if unanswered else None,
        label=alert["label"],
        count=words.t("card.count", count=alert["count"]) if alert["count"] > 1 else "",
        what=what(alert, words),
        lines=tuple(_lines(alert, state, words, now_ns, target, shown)),
        primary=_primary(alert, state, looker),
        menu=_menu(alert, state, looker),
        test=alert["test"],
        durable=alert["durable"],
        unanswered=unanswered,
    )


def state_of(alert: Mapping[str, Any], looker: Looker) -> str:
    """Give the look of an alert for who looks."""
    match alert["handling"]:
        case "acknowledged":
            taker = (alert["taken"] or {}).get("by")
            return (
                "mine"
                if taker and looker.person and taker.casefold() == looker.person.casefold()
                else "other"
            )
        case "shelved":
            return "shelved"
        case "suppressed":
            return "suppressed"
        case "resolved":
            return "closed"
        case _:
            if alert["condition"] == "gone":
                return "gone"
            if alert["helper"]:
                return "again"
            if alert["returned"]:
                return "returned"
            return "escalated" if alert["step"] > 1 else "new"


def short(alert: Mapping[str, Any], language: str) -> str:
    """Give what happened without where: the title without the label of the place."""
    title: str = alert["title"][language]
    return title if title == alert["label"] else title.replace(f" – {alert['label']}", "", 1)


def what(alert: Mapping[str, Any], words: Words) -> str:
    """Give what happened, and what to do."""
    happened = short(alert, words.language)
    do: str = alert["do"].get(words.language, "")
    if happened == alert["label"]:
        return do
    return f"{happened} · {do}" if do else happened


def _lines(
    alert: Mapping[str, Any],
    state: str,
    words: Words,
    now_ns: int,
    target: Callable[[str], str],
    shown: tuple[int, int],
) -> list[str]:
    lines: list[str] = []
    taken = alert["taken"]
    if not alert["durable"]:
        lines.append(f"{words.t('card.not_durable')}. {words.t('page.not_kept_do')}")
    if state == "mine":
        left = (parse_iso(taken["return_at"]) - now_ns) / NS
        lines.append(words.t("card.mine", left=words.short(left)))
        if alert["present"]:
            lines.append(words.t("page.mine_present"))
    elif state == "other":
        since = (now_ns - parse_iso(taken["time"])) / NS
        by = taken["by"] or "–"
        lines.append(words.t("card.theirs", by=by, ago=words.short(since)))
        if alert["present"] and alert["present"]["by"]:
            lines.append(words.t("card.present", by=alert["present"]["by"]))
    elif state == "shelved":
        lines.append(words.t("card.shelved", until=words.clock(parse_iso(alert["shelved_until"]))))
    elif state == "closed":
        outcome = alert["outcome"]
        lines.append(
            words.t("card.closed", outcome=words.t(f"outcome.{outcome}"))
            if outcome
            else words.t("page.closed")
        )
    else:
        lines.extend(_waiting(alert, words, target, shown))
    lines.extend(words.t("card.joined", by=by) for by in alert["joined"] if state != "closed")
    if alert["cancelled_at"] and state != "closed":
        lines.append(words.t("card.cancelled"))
    return lines


def _waiting(
    alert: Mapping[str, Any], words: Words, target: Callable[[str], str], shown: tuple[int, int]
) -> list[str]:
    """The lines of an alert that nobody has."""
    lines: list[str] = []
    # That the page was told goes without saying where it says on how many it was shown.
    asked: Sequence[str] = [to for to in alert["asked"] if to != "page"] or alert["asked"]
    if alert["condition"] == "gone":
        own = f"card.gone.{alert['kind']}"
        lines.append(words.known(own, words.t("card.gone")))
    if alert["helper"]:
        lines.append(words.t("card.again_taken", by=alert["helper"]))
    if alert["returned"]:
        lines.append(words.t("card.returned"))
    if alert["step"] > 1 and asked:
        lines.append(words.t("card.passed_on", to=target(asked[-1])))
    elif asked:
        to = ", ".join(dict.fromkeys(target(each) for each in asked))
        if shown[1]:
            lines.append(words.t("card.sent_shown", to=to, shown=shown[0], screens=shown[1]))
        else:
            lines.append(words.t("card.sent", to=to))
    return lines


def _primary(alert: Mapping[str, Any], state: str, looker: Looker) -> tuple[str, ...]:
    match state:
        case "mine":
            return ("resolve",) if alert["present"] else ("presence", "resolve")
        case "other":
            return () if looker.person in alert["joined"] else ("join",)
        case "shelved" | "suppressed":
            return ()
        case "closed":
            return ("reopen",)
        case _:
            return ("acknowledge",)


def _menu(alert: Mapping[str, Any], state: str, looker: Looker) -> tuple[str, ...]:
    """What else may be done, always in one order; a screen that visitors see offers nothing."""
    if looker.public or state == "closed":
        return ()
    personal = ("object",) if alert["concern"] in PERSONAL else ()
    match state:
        case "mine":
            return ("extend", "release", "assist", "shelve", *personal, "detail")
        case "other":
            return ("take_over", "assist", *personal, "detail")
        case "shelved" | "suppressed":
            return ("acknowledge", *personal, "detail")
        case _:
            return ("assist", "resolve", "shelve", *personal, "detail")


def order(alert: Mapping[str, Any], looker: Looker) -> tuple[int, int, int]:
    """Give the place of an alert on the board: smaller stands higher."""
    raised = parse_iso(alert["raised"])
    if alert["handling"] == "unacknowledged":
        group = {"emergency": 0, "high": 1}.get(alert["priority"], 4)
        first = alert["returned"] or alert["step"] > 1 or bool(alert["helper"])
        return group, 0 if first else 1, raised
    if alert["handling"] == "acknowledged":
        return 2 if state_of(alert, looker) == "mine" else 3, 0, parse_iso(alert["taken"]["time"])
    if alert["handling"] == "shelved":
        return 5, 0, parse_iso(alert["shelved_until"])
    return 6, 0, -parse_iso(alert["closed"]) if alert["closed"] else raised


def on_board(alert: Mapping[str, Any]) -> bool:
    """Tell whether an alert stands among the calls: technical ones do only where calls go unheard."""
    return bool(alert["priority"] != "technical" and alert["handling"] != "suppressed")
