"""Everything that a transition of an alert causes, as data. `gateway.alerts.desk` carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from gateway.alerts.inputs import Occurred, TimerKind
from gateway.model.clock import Instant

TellAbout: TypeAlias = Literal["dispatch", "taken_over", "return"]


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the targets of this step of the alert's policy; steps count from 1."""

    step: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell one target something that is no step of the escalation."""

    to: str
    """`person:NAME` or `group:NAME`."""
    about: TellAbout
    by: str | None = None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Set the alert's timer of this kind, at the alert's new revision."""

    kind: TimerKind
    due: Instant


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Remove the alert's timer of this kind."""

    kind: TimerKind


@dataclass(frozen=True, slots=True)
class Publish:
    """Show the new state on every screen, stream and outlet."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Add a line to the audit log. `by` is None where the gateway itself acted."""

    what: str
    by: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refuse:
    """The input does not fit the state; nothing has changed.

    `code` is one of `gateway.model.refusal.STATUS`, `reason` a key that each face says in its language.
    """

    code: str
    reason: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raise:
    """Let another alert occur, in the same transaction."""

    given: Occurred


Effect: TypeAlias = Notify | Tell | SetTimer | CancelTimer | Publish | Audit | Refuse | Raise
