"""What people do: asked, judged in the journal's writer, answered after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.alerts import deeds
from gateway.alerts.basis import BasisBook
from gateway.alerts.book import Recorder
from gateway.alerts.clerk import Work
from gateway.alerts.desk import Desk, Handled
from gateway.alerts.effects import Refuse
from gateway.alerts.inputs import Assist, BasisChanged, Deed, HolderLeft, Presence, PresenceHow, Reopen
from gateway.alerts.notes import Note, keep_note
from gateway.alerts.office import Office
from gateway.alerts.transition import same_person
from gateway.alerts.verdicts import Occurrence
from gateway.journal.errors import NotDurable
from gateway.model.alert import Alert, Handling
from gateway.model.clock import Instant
from gateway.model.refusal import Refused

ASSIST_RETRY = timedelta(seconds=30)
"""A call for help by the same person within this, while nobody has answered it, is a retry."""

DETAILS = {
    "already_acknowledged": "somebody else has taken it",
    "presence_missing": "it is closed only by somebody who was there or has spoken with the resident",
    "wrong_state": "the alert is not in a state in which this can be done",
    "not_found": "there is no such alert",
    "invalid": "the request cannot be done as it is",
    "not_durable": "it cannot be kept, so it is not confirmed: the disk does not answer",
}


async def act(
    office: Office,
    alert: str,
    action: str,
    *,
    by: str,
    source: str,
    fields: Mapping[str, Any],
    rev: int | None,
) -> Alert:
    """Do what a person asked, and return the alert after the commit. Raises Refused."""
    now, desk = office.clock.now(), office.desk
    by = spelled(desk, by)
    asked = deeds.read(action, by, fields, now=now, settings=desk.settings)
    rules = office.rules.book
    if office.clerk.provisional(alert):
        raise Refused("not_durable", DETAILS["not_durable"])

    def run(book: Recorder) -> Handled:
        found = book.alert(alert)
        if found is None:
            return Handled(None, Refuse("not_found", "no_such_alert"))
        call = rules.assist(found.place, test=found.test)
        given = _completed(book, found, asked.deed, by, call, now)
        handled = desk.apply(book, found, given, now, source=source, rev=rev)
        if asked.note and handled.refusal is None and not handled.done_before:
            keep_note(book, Note(alert, action, by, now, asked.note))
        return handled

    try:
        handled = await office.keep(Work(run=run, tells=False))
    except NotDurable as refusal:
        raise Refused("not_durable", DETAILS["not_durable"]) from refusal
    if handled.refusal is not None:
        code = handled.refusal.code
        raise Refused(code, DETAILS[code], **handled.refusal.values)
    assert handled.alert is not None
    return handled.alert


async def object_to(
    office: Office,
    basis: BasisBook,
    alert: str,
    *,
    by: str,
    source: str,
    fields: Mapping[str, Any],
) -> Alert:
    """Record that the resident says no to what raised an alert; with `undo`, take that back within a minute.

    The alert itself stays until a person closes it. Raises Refused. In force once the bases are taken anew.
    """
    now, desk = office.clock.now(), office.desk
    by = spelled(desk, by)
    asked = deeds.read("object", by, fields, now=now, settings=desk.settings)
    found = office.clerk.kept.alert(alert)
    if found is None or found.place is None:
        raise Refused("not_found", "there is no open alert of that id at a place")
    place, concern, rule = found.place, found.concern, found.rule
    may_lift = "basis" in (desk.settings.person[by].rights if by in desk.settings.person else ())
    if asked.undo:
        row = basis.undo(place, concern, rule, by, now, may_lift=may_lift)
    else:
        row = basis.object(place, concern, rule, by, now)

    def run(book: Recorder) -> Alert:
        book.put_basis(row)
        what = "objection_lifted" if asked.undo else "objected"
        book.audit(what, by=by, source=source, alert=alert, detail={"rule": rule, "place": place})
        if not asked.undo:
            desk.occur(book, basis.objected(row), now, source=source)
        if asked.note:
            keep_note(book, Note(alert, "object", by, now, asked.note))
        current = book.alert(alert) or found
        desk.apply(book, current, BasisChanged(asked.undo, by), now, source=source)
        return current

    try:
        return await office.keep(Work(run=run, tells=False))
    except NotDurable as refusal:
        raise Refused("not_durable", DETAILS["not_durable"]) from refusal


async def holder_left(office: Office, person: str, source: str) -> None:
    """Give back what somebody has who ends the shift. Raises NotDurable; their timers give it back then."""
    now, desk = office.clock.now(), office.desk

    def run(book: Recorder) -> None:
        for alert in book.open_alerts():
            holder = alert.taken.by if alert.handling is Handling.ACKNOWLEDGED and alert.taken else None
            if any(same_person(name, person) for name in (holder, *alert.joined)):
                desk.apply(book, alert, HolderLeft(person), now, source=source)

    await office.keep(Work(run=run, tells=False))


async def present_at(office: Office, place: str, by: str, how: PresenceHow, source: str) -> list[Alert]:
    """Record that somebody is at a place, on each alert there that a person deals with. Raises NotDurable."""
    now, desk = office.clock.now(), office.desk
    places = {place, *(name for name, each in desk.settings.place.items() if each.within == place)}
    fits = {Handling.UNACKNOWLEDGED, Handling.ACKNOWLEDGED, Handling.SHELVED}

    def run(book: Recorder) -> list[Alert]:
        here = [alert for alert in book.open_alerts() if alert.place in places and alert.handling in fits]
        given = Presence(spelled(desk, by), how)
        handled = [desk.apply(book, alert, given, now, source=source).alert for alert in here]
        return [alert for alert in handled if alert is not None]

    return await office.keep(Work(run=run, tells=False))


def spelled(desk: Desk, by: str) -> str:
    """Give a pseudonym as the configuration spells it; persons are compared without case."""
    return next((person for person in desk.settings.person if same_person(person, by)), by)


def _completed(
    book: Recorder, found: Alert, deed: Deed | None, by: str, call: Occurrence, now: Instant
) -> Deed:
    """Add what only the book knows: whether a newer alert is open, whether help was called for already."""
    match deed:
        case Reopen(by):
            return Reopen(by, newer=book.open_by_key(found.key) is not None)
        case None:
            before = book.open_by_key(call.key)
            already = (
                before is not None
                and before.handling is Handling.UNACKNOWLEDGED
                and same_person(before.extra.get("called_by"), by)
                and now.since(before.last) <= ASSIST_RETRY
            )
            given = call.as_input("")
            return Assist(by, replace(given, extra={**given.extra, "called_by": by}), already)
        case _:
            return deed
