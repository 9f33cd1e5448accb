"""The resident says no, past any alert: recorded, told to the person responsible, taken back.

All of it in one transaction: an objection that is in force and that nobody has heard of does not happen.
"""

from __future__ import annotations

from gateway.alerts.basis import BasisBook
from gateway.alerts.book import Recorder
from gateway.alerts.clerk import Work
from gateway.alerts.office import Office
from gateway.alerts.people import DETAILS, spelled
from gateway.journal.errors import NotDurable
from gateway.model.alert import Concern
from gateway.model.refusal import Refused
from gateway.model.rows import Basis


async def withdraw(
    office: Office,
    basis: BasisBook,
    place: str,
    concern: Concern,
    rule: str | None,
    *,
    by: str | None,
    source: str,
) -> Basis:
    """Record an objection to a concern at a place, or to one rule there. Raises Refused.

    `by` is None where a program of this machine asks. In force once the bases are taken anew.
    """
    now, desk = office.clock.now(), office.desk
    person = spelled(desk, by) if by else ""
    row = basis.object(place, concern, rule, person, now)

    def run(book: Recorder) -> None:
        book.put_basis(row)
        detail = {"place": place, "concern": row.concern, "rule": rule}
        book.audit("basis_withdrawn", by=person or None, source=source, detail=detail)
        desk.occur(book, basis.objected(row), now, source=source)

    await _kept(office, Work(run=run, tells=False))
    return row


async def take_back(
    office: Office,
    basis: BasisBook,
    place: str,
    concern: Concern,
    rule: str | None,
    *,
    by: str,
    source: str,
) -> Basis:
    """Take an objection back: by who made it within a minute, or by the right `basis`. Raises Refused."""
    now, desk = office.clock.now(), office.desk
    person = spelled(desk, by)
    known = desk.settings.person.get(person)
    row = basis.undo(
        place, concern, rule, person, now, may_lift=known is not None and "basis" in known.rights
    )

    def run(book: Recorder) -> None:
        book.put_basis(row)
        detail = {"place": place, "concern": row.concern, "rule": rule}
        book.audit("objection_lifted", by=person, source=source, detail=detail)

    await _kept(office, Work(run=run, tells=False))
    return row


async def _kept(office: Office, work: Work[None]) -> None:
    try:
        await office.keep(work)
    except NotDurable as refusal:
        raise Refused("not_durable", DETAILS["not_durable"]) from refusal
