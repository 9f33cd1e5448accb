"""`velgate demo`: the whole thing on simulated devices, without configuration, root or hardware."""

from __future__ import annotations

from pathlib import Path


def demo(*, seconds: float | None, quiet: bool, state: Path | None, scenario: str | None, json: bool) -> int:
    """Run the demo in the foreground; gives the exit code. Raises Problem where it cannot start."""
    from gateway.demo.run import run_demo

    return run_demo(seconds=seconds, quiet=quiet, state=state, scenario=scenario, json=json)
