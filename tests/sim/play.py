"""Plays one seed to its end and judges it."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.checkers import violations
from sim.facts import Facts
from sim.loop import VirtualLoop
from sim.storm import storm
from sim.world import World, virtual

MEMORY = Path("/dev/shm")
FAULTS_FOR_S = (120.0, 420.0)
LAST_EVENTS = 50


@dataclass(frozen=True)
class Verdict:
    """What came of one seed."""

    seed: int
    wrong: tuple[str, ...]
    digest: str
    tail: str
    faults: Counter[str]
    happened: Counter[str]
    virtual_s: float

    def report(self) -> str:
        """Say what failed, and how to see it again."""
        wrong = "\n".join(f"  {each}" for each in self.wrong[:20])
        return f"{self.tail}\n\nseed {self.seed} fails:\n{wrong}\nSee it again:  make sim SEED={self.seed}"


def play(seed: int, *, faults: Sequence[str] | None = None) -> Verdict:
    """Play one seed, with the faults that it draws or with those that are named."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    wrong: list[str] = []
    with _folder() as folder, _quiet(), virtual(loop):
        world = World(seed, folder, loop)
        storming = partial(storm, only=faults)
        with world.disk.laid_under():
            try:
                loop.run_until_complete(world.run(world.draws("length").uniform(*FAULTS_FOR_S), storming))
            except Exception as error:  # noqa: BLE001  (whatever it is, the seed must be named with it)
                wrong.append(_said(error))
            finally:
                asyncio.set_event_loop(None)
                _finish(loop)
    trace = world.trace
    if not wrong:
        wrong = violations(Facts.of(world))
    return Verdict(
        seed,
        tuple(wrong),
        trace.digest(),
        trace.tail(LAST_EVENTS),
        trace.faults,
        Counter(event.what for event in trace.events),
        loop.time(),
    )


def _said(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_said(each) for each in error.exceptions)
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f" ({Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno})" if at else ""
    return f"{type(error).__name__}: {error}{where}"


def _finish(loop: VirtualLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=100))
    loop.close()


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="sim-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing meanwhile: what a fault makes the gateway log is no news here."""
    before, collects = logging.root.manager.disable, gc.isenabled()
    logging.disable(logging.CRITICAL)
    gc.disable()  # a world lasts half a second, and all of it goes at its end
    try:
        yield
    finally:
        logging.disable(before)
        if collects:
            gc.enable()
