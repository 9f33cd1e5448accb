"""Setting a driver aside that fails again and again, and trying it again later.

A driver is set aside after `FAILURES_MAX` failures without a success between them, or when it takes more
than its share of the processor. After a while one frame is given to it: if that goes well, it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FAILURES_MAX = 5
WINDOW_S = 10.0
SHARE_MAX = 0.2  # of a window
ASIDE_FIRST_S, ASIDE_MAX_S = 60.0, 300.0  # calls may hang on it: never set aside for long without a trial


@dataclass(slots=True)
class Ward:
    """What is known of one driver's failures."""

    failures: int = 0
    spent_s: float = 0
    window: float = 0
    aside_until: float | None = None
    aside_s: float = ASIDE_FIRST_S
    reason: str = ""


class Quarantine:
    """The drivers that are set aside, by name."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        changed: Callable[[str, bool, str], None],
        share_max: float = SHARE_MAX,
    ) -> None:
        """`changed(driver, aside, reason)` is called when one is set aside and when it is back."""
        self._monotonic, self.changed, self._spent_max_s = monotonic, changed, share_max * WINDOW_S
        self._wards: dict[str, Ward] = {}

    def aside(self) -> dict[str, str]:
        """Give the drivers that are set aside, and why."""
        return {name: ward.reason for name, ward in self._wards.items() if ward.aside_until is not None}

    def admits(self, name: str) -> bool:
        """Tell whether a driver may be called: it is not set aside, or its trial is due."""
        ward = self._wards.get(name)
        if ward is None or ward.aside_until is None:
            return True
        now = self._monotonic()
        if now < ward.aside_until:
            return False
        ward.aside_until = now + ward.aside_s  # one frame; its outcome decides
        return True

    def went_well(self, name: str, took_s: float) -> None:
        """Note a call that ended by itself, with facts or with a decode error."""
        ward = self._wards.get(name)
        if ward is None:
            ward = self._wards[name] = Ward(window=self._monotonic())
        ward.failures = 0
        ward.spent_s += took_s
        if ward.aside_until is not None:
            self._wards[name] = Ward(window=self._monotonic())
            self.changed(name, False, "")
        elif ward.spent_s > self._spent_max_s:
            self._spent(name, ward)

    def failed(self, name: str, took_s: float, reason: str) -> None:
        """Note a call that raised what it may not, or had to be interrupted."""
        ward = self._wards.setdefault(name, Ward(window=self._monotonic()))
        ward.failures += 1
        ward.spent_s += took_s
        if ward.aside_until is not None:
            ward.aside_s = min(ward.aside_s * 2, ASIDE_MAX_S)
            ward.aside_until = self._monotonic() + ward.aside_s
        elif ward.failures >= FAILURES_MAX:
            self._set_aside(name, ward, reason)
        elif ward.spent_s > self._spent_max_s:
            self._spent(name, ward)

    def _spent(self, name: str, ward: Ward) -> None:
        """Look how long it took to spend the share of one window: a burst after hours of rest is none."""
        now = self._monotonic()
        if now - ward.window < WINDOW_S:
            self._set_aside(name, ward, f"it took {ward.spent_s:.1f} s of {WINDOW_S:.0f} s")
        ward.window, ward.spent_s = now, 0

    def _set_aside(self, name: str, ward: Ward, reason: str) -> None:
        ward.aside_until, ward.reason = self._monotonic() + ward.aside_s, reason
        self.changed(name, True, reason)
