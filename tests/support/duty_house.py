"""A home with a configuration on disk, its gateway in this process, and the commands that speak with it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.main import main
from gateway.settings.loader import load
from support.board_client import Answer, client
from support.board_house import BoardHouse

CONFIG = """
site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}
board.port = 0

place.room-12 = {label = "Bolig 12", kind = "home"}
place.bath-12 = {label = "Bad 12", kind = "bath", within = "room-12"}
device.kald-12 = {address = "A4:C1:38:00:00:12", place = "room-12", profile = "call-button"}
device.kald-12-bad = {address = "A4:C1:38:00:00:13", place = "bath-12", profile = "call-button"}
device.seng-12 = {address = "A4:C1:38:00:00:14", place = "room-12", profile = "bed"}
device.fald-12 = {address = "A4:C1:38:00:00:15", place = "room-12", profile = "fall-pendant"}

person.KL = {roles = ["care"]}
person.AB = {roles = ["care"]}
person.CD = {roles = ["care"], rights = ["see_values"]}
person.LE = {roles = ["manager"], rights = ["audit", "basis"]}
person.DP = {roles = ["protection"], rights = ["audit"]}

[group.dag]
label = "Dag"
shifts = [
    {start = 07:00:00, end = 23:00:00, persons = ["AB"], holidays = "never"},
    {start = 07:00:00, end = 23:00:00, persons = ["CD"], holidays = "only"},
]
[group.nat]
label = "Nat øst"
shifts = [{start = 23:00:00, end = 07:00:00, persons = ["KL"]}]
"""


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one document."""
        return json.loads(self.out)


@dataclass
class DutyHouse(BoardHouse):
    """A home whose configuration lies on disk."""

    config: Path = Path()

    async def command(self, *words: str) -> Said:
        """Run a command as somebody on this machine would, in a thread: the gateway answers meanwhile."""
        return await asyncio.to_thread(self._run, words)

    async def document(self, *words: str) -> Any:
        """Run a command with `--json`, which must succeed, and give its document."""
        done = await self.command(*words, "--json")
        assert done.code == 0, done.err
        return done.json

    async def asks(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask over the Unix socket."""
        async with client(self, local=True) as socket:
            return await socket.ask(method, path, body)

    def _run(self, words: Sequence[str]) -> Said:
        out, err = io.StringIO(), io.StringIO()
        folders = ["--state", str(self.state)]
        if words[:3] in (("staff", "roster", "show"), ("staff", "roster", "import")):
            folders += ["--config", str(self.config)]
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*words, *folders])
        return Said(int(code), out.getvalue(), err.getvalue())


@asynccontextmanager
async def open_duty(tmp_path: Path, more: str = "") -> AsyncIterator[DutyHouse]:
    """Open the home; `more` stands at the end of its configuration."""
    config = tmp_path / "config"
    config.mkdir(exist_ok=True)
    (config / "home.toml").write_text(CONFIG + more, "utf-8")
    house = DutyHouse(tmp_path / "state", load(config).settings, config=config)
    await house.open()
    try:
        yield house
    finally:
        await house.close()
