"""The rows of devices: available means heard within its time, and unknown is null."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.alerts.watched import Watched
from gateway.app.devices import PUBLISHED, device_rows, published
from gateway.intake.memory import FramesRefused, Heard
from gateway.settings.models import Settings
from support.outlet_house import alert
from support.records import instant

SETTINGS = Settings.model_validate(
    {
        "site": {"municipality": "a", "home": "b", "gateway": "c"},
        "place": {"room-12": {"label": "Bolig 12"}},
        "device": {"bed-12": {"address": "A4:C1:38:00:00:01", "place": "room-12", "profile": "bed"}},
        "profiles": {"bed": {"title": {"da": "Sengesensor", "en": "Bed sensor"}}},
    }
)


def watched(every_s: float | None = 30) -> Watched:
    return Watched(
        device="bed-12",
        place="room-12",
        driver="bthome",
        source="radio",
        heard_every=None if every_s is None else timedelta(seconds=every_s),
        calls=False,
        says=frozenset(),
        battery_type="CR2032",
        battery_low=15,
        maintenance_until_ns=None,
    )


def heard(at_s: float | None = 0, **changes: Any) -> Heard:
    values: dict[str, Any] = {
        "last": None if at_s is None else instant(at_s),
        "signal": -61,
        "battery": 63.0,
        "refused": None,
        "available": None,
    }
    return Heard(**values | changes)


def row(
    device: Watched, what: Heard | None, now_s: float, *, silent: bool = False, before_ns: int | None = None
) -> dict[str, Any]:
    alerts = [alert(device="bed-12", kind="device.silent")] if silent else []
    seen = {"bed-12": before_ns} if before_ns else {}
    known = {"bed-12": what} if what else {}
    (made,) = device_rows(SETTINGS, {"bed-12": device}, known, seen, alerts, instant(now_s))
    return made


@pytest.mark.parametrize(
    ("device", "what", "now_s", "available"),
    [
        (watched(), heard(), 60, True),
        (watched(), heard(), 91, False),
        (watched(10), heard(), 59, True),  # never judged in under a minute
        (watched(), None, 600, None),
        (watched(), heard(None), 600, None),
        (watched(None), heard(), 86_400, None),  # speaks only when pressed: nobody knows
        (watched(), heard(available=False), 1, False),
        (watched(), heard(refused=FramesRefused("replayed", instant(), instant(), 1)), 1, False),
    ],
)
def test_available_means_heard_within_its_time(
    device: Watched, what: Heard | None, now_s: float, available: bool | None
) -> None:
    """Three intervals, a minute at least; another system's word and refused frames weigh more."""
    assert row(device, what, now_s)["available"] is available


def test_what_supervision_has_told_shows_in_the_row() -> None:
    """A device that is told as silent is not available, whatever else is known."""
    made = row(watched(None), heard(), 5, silent=True)
    assert (made["available"], made["silent"]) == (False, True)


def test_last_seen_survives_a_restart() -> None:
    """What the journal knows stands until the device is heard anew."""
    assert row(watched(), None, 5, before_ns=instant().wall_ns)["last_seen"] is not None
    assert row(watched(), None, 5)["last_seen"] is None


def test_other_programs_see_the_contracts_fields_alone() -> None:
    """No label leaves on MQTT that is not asked for, and no address at all."""
    made = row(watched(), heard(battery=12.0), 5)
    assert made["battery_low"] is True
    assert made["title"] == {"da": "Sengesensor", "en": "Bed sensor"}
    assert list(published(made)) == list(PUBLISHED)
    assert "A4:C1" not in str(made)
