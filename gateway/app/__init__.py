"""The composition root: builds the rooms, wires them, and runs them until somebody says stop."""

from __future__ import annotations

from pathlib import Path


def run(config: Path, state: Path, json: bool) -> int:
    """Run the gateway in the foreground; gives the exit code. Raises Problem where it cannot start."""
    from gateway.app.process import run_process

    return run_process(config, state, json=json)
