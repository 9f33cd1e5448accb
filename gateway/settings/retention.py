"""How long things are kept on this gateway, and who answers for each and why."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from gateway.settings.span import Span
from gateway.settings.values import Table

AUDIT_MOST = timedelta(days=5 * 366)
"""The longest that an access log may be kept, where there is special need."""


class Because(Table):
    """Who answers for how long something is kept, and why it is so long."""

    owner: str = Field(min_length=1, max_length=80)
    """An office, not a name."""
    reason: str = Field(min_length=1, max_length=280)
    """Why so long, in one sentence."""


class Reasons(Table):
    """For each kind of data. Whoever keeps something longer than is usual writes both anew."""

    personal: Because = Because(
        owner="hjemmets leder", reason="så længe et forløb kan følges op; så slettes det"
    )
    """Of readings of bed, door, movement and the body."""
    other: Because = Because(owner="hjemmets leder", reason="et år viser årstidernes gang; handler om ingen")
    """Of all other readings."""
    alerts: Because = Because(
        owner="hjemmets leder", reason="klager og opfølgning kan komme et halvt år efter; så kun antal"
    )
    """Of closed alerts."""
    audit: Because = Because(
        owner="databeskyttelsesrådgiveren", reason="hvem der så og gjorde hvad skal kunne undersøges"
    )
    """Of the audit log, looks at values included."""


class Retention(Table):
    """How long things are kept on this gateway. Notes are kept for 48 hours, always."""

    personal: Span = timedelta(days=30)
    """Readings of bed, door, movement and the body."""
    other: Span = timedelta(days=365)
    """All other readings."""
    alerts: Span = timedelta(days=180)
    """Alerts that are closed, with their timeline; then only their number is left."""
    audit: Span = timedelta(days=180)
    """The audit log; five years at most, where there is special need."""
    because: Reasons = Field(default_factory=Reasons)
    """Who answers for each, and why so long; what is kept longer than is usual needs a reason of its own."""
    readings_bytes: int = 4_000_000_000
    """The most that readings may take on disk; beyond it the oldest go."""
