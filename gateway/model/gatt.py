"""What to do with a device that must be connected to, as plain data: made from its drivers by the app."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class GattWrite:
    """One value to write after each connection, before anything is read or listened to."""

    characteristic: str
    """UUID, short where it has a short form (`ffe9`)."""
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GattPlan:
    """What one device's drivers want of it. UUIDs as in `Advertisement.service_data`."""

    address: str
    """Upper case with colons."""
    device: str
    """Its slug, for logs: they never name an address."""
    listen: tuple[str, ...] = ()
    """Characteristics to be notified of. One that cannot notify is read instead."""
    read: tuple[str, ...] = ()
    """Characteristics to read after connecting, and again every `poll_every`."""
    setup: tuple[GattWrite, ...] = ()
    poll_every: timedelta | None = None
    """None: what is to be read is read once a connection (without `listen`: once an hour)."""
    keep: bool = False
    """It carries help calls or falls: its connection is never lent to another device."""
    brief: bool = False
    """It is on the air only at times (a thermometer after a measurement): connected to at once."""


def merged(plans: Iterable[GattPlan]) -> dict[str, GattPlan]:
    """Join the plans of all drivers into one a device, by address; of two intervals the shorter holds."""
    out: dict[str, GattPlan] = {}
    for plan in plans:
        known = out.get(plan.address)
        if known is None:
            out[plan.address] = plan
            continue
        polls = [p for p in (known.poll_every, plan.poll_every) if p is not None]
        out[plan.address] = GattPlan(
            address=plan.address,
            device=known.device,
            listen=tuple(dict.fromkeys(known.listen + plan.listen)),
            read=tuple(dict.fromkeys(known.read + plan.read)),
            setup=tuple(dict.fromkeys(known.setup + plan.setup)),
            poll_every=min(polls) if polls else None,
            keep=known.keep or plan.keep,
            brief=known.brief or plan.brief,
        )
    return out
