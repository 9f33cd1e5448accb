"""How long to wait before trying again: doubling, with jitter, starting over after success."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

JITTER = 0.25  # a quarter up or down, so that many gateways do not come back in step


@dataclass(slots=True)
class Backoff:
    """Waits of one thing that fails. Seconds."""

    first_s: float
    most_s: float
    random: Random = field(default_factory=Random)
    failures: int = 0

    def next_s(self) -> float:
        """Count a failure and give the wait that follows it; never more than `most_s`."""
        wait = min(self.first_s * 2.0 ** min(self.failures, 32), self.most_s)
        self.failures += 1
        return min(wait * self.random.uniform(1 - JITTER, 1 + JITTER), self.most_s)

    def reset(self) -> None:
        """Start over: it worked."""
        self.failures = 0
