"""Alerts that the gateway raises about its devices and itself, without a rule of the configuration."""

from __future__ import annotations

from typing import Any

from gateway.alerts.inputs import Suppression
from gateway.alerts.verdicts import Occurrence
from gateway.model.alert import Concern, Priority
from gateway.model.catalogue import own_rule, shipped
from gateway.model.clock import Instant
from gateway.settings.models import Settings


class Own:
    """Puts them into words: what, where, what to do; technical, or high where calls may go unheard."""

    def __init__(self, settings: Settings) -> None:
        """Read labels, words and policies of one configuration."""
        self._settings = settings
        self._words = shipped().overlaid(settings.wording)

    def occurrence(
        self,
        kind: str,
        subject: str,
        *,
        unheard: bool = False,
        rule: str | None = None,
        policy: str | None = None,
        device: str | None = None,
        place: str | None = None,
        latching: bool = False,
        auto_resolve: bool = True,
        held_back: tuple[Suppression | None, Instant | None] = (None, None),
        reading: str | None = None,
        detail: str = "",
        **known: Any,
    ) -> Occurrence:
        """Raise one of our kinds about a subject; a kind that nobody has words for is a technical fault.

        `unheard`: calls or falls may go unheard because of it. `known` as in `Catalogue.short`.
        """
        named = kind if self._words.knows(kind) else "trouble"
        name = rule or own_rule(named)
        supervision = self._settings.alerts.supervision
        label = self._settings.label(place)
        do = self._words.what_to_do(named)
        assert do is not None, "every kind has a line what to do"
        return Occurrence(
            key=f"{name}/{subject}",
            rule=name,
            kind=named,
            concern=Concern.TECHNICAL,
            priority=Priority.HIGH if unheard else Priority.TECHNICAL,
            policy=policy or (supervision.policy_unheard if unheard else supervision.policy),
            device=device,
            place=place,
            label=label,
            title=self._words.title(named, label, device_label=device, subject=subject, **known),
            do=do,
            latching=latching,
            auto_resolve=auto_resolve and not latching,
            suppressed=held_back[0],
            suppressed_until=held_back[1],
            reading=reading,
            detail=detail,
        )
