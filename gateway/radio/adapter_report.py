"""When an adapter's failing is told, in which words, and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.trouble import TellTrouble, Trouble
from gateway.radio.silence import TELL_AT, Patience

State = Literal["up", "off", "gone", "deaf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an adapter beside its state."""

    scanning: bool
    idle_s: float
    """How long it has not been scanning, if it is not."""
    silent_s: float
    span_s: float | None
    """After how much silence something is wrong; None where that cannot be said of this house."""
    radio_calls: bool
    """Help calls or falls come in over Bluetooth."""
    bus_reached: bool
    bus_problem: str
    bluetoothd: bool
    problem: str
    """Why scanning could not be started."""


class Report:
    """Tells of one adapter: once when it fails or fails otherwise, once when it is well again."""

    def __init__(self, name: str, patience: Patience, tell: TellTrouble) -> None:
        """Begin with nothing told."""
        self._name, self._patience, self._tell = name, patience, tell
        self._down_since: float | None = None
        self._told: State | None = None

    def judge(self, state: State | None, now: float, facts: Facts) -> None:
        """Look once. A `state` of None means that it scans and nothing has proved yet that it hears."""
        proved = state == "up"
        if proved or (state is None and facts.scanning and facts.span_s is None):
            self._down_since = None
            if self._told is not None:
                self._told = None
                self._tell(Trouble(kind="adapter.down", subject=self._name, present=False))
        elif state is not None:
            if self._down_since is None:
                self._down_since = now
            if self._told != state and self._late(state, now - self._down_since, facts):
                self._told = state
                self._tell(
                    Trouble(
                        kind="adapter.down",
                        subject=self._name,
                        present=True,
                        calls_unheard=facts.radio_calls,
                        detail=self._detail(state, facts),
                    )
                )

    def _late(self, state: State, down_s: float, facts: Facts) -> bool:
        if state != "deaf":
            return down_s >= self._patience.tell_down_after_s
        stuck = not facts.scanning and facts.idle_s >= self._patience.tell_failing_after_s
        return stuck or (facts.span_s is not None and facts.silent_s >= facts.span_s * TELL_AT)

    def _detail(self, state: State, facts: Facts) -> str:
        name = self._name
        match state:
            case "off":
                return (
                    f"{name} is switched off. Switch it on with 'bluetoothctl power on'; if that is refused, "
                    "with 'rfkill unblock bluetooth'."
                )
            case "gone" if not facts.bus_reached:
                return f"bluetoothd cannot be reached over the system bus ({facts.bus_problem or 'not yet'})."
            case "gone" if not facts.bluetoothd:
                return "bluetoothd does not run. See 'systemctl status bluetooth'."
            case "gone":
                return f"{name} is not there. Plug it in again, or restart the gateway's machine."
            case _ if facts.problem and not facts.scanning:
                return f"{name} cannot be listened to: {facts.problem}."
            case _:
                return (
                    f"{name} has heard nothing for {facts.silent_s:.0f} s, which is unusual here; off and on "
                    "did not help. If it stays so, cut the gateway's power for 10 s."
                )
