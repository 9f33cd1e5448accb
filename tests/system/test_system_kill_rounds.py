"""A share of the kill campaign (`make kills`): killed under load, with broker and browser looking on."""

from __future__ import annotations

from pathlib import Path

from kills.campaign import PATIENCE_S, Round, campaign

ROUNDS = 6
SEED = 20261125


async def test_killed_again_and_again_nothing_is_lost_nothing_doubled_and_escalation_goes_on(
    tmp_path: Path,
) -> None:
    """By id in journal, broker and page, and by what was pressed; a failure names seed and round."""
    done: list[Round] = []
    async with campaign(tmp_path, SEED, grace_s=PATIENCE_S) as run:
        await run.run(ROUNDS, done.append)
    assert len(done) == ROUNDS
    assert run.books.events
    assert any(each.late_s is not None for each in done), "nothing came due while it was dead"
