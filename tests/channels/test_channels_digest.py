"""The mail that gathers technical alerts: what stands in it, when it goes out, and that nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.alerts.channels.digest import ROWS_MAX, DigestChannel
from gateway.alerts.digests import LOOK_EVERY_S, Digests, Told, due
from gateway.alerts.notices import row_for
from gateway.alerts.roster import Address
from gateway.journal.journal import Journal
from gateway.journal.ledger import Ledger
from gateway.model.alert import Alert, Concern, Handling, Priority
from gateway.model.catalogue import shipped
from gateway.model.clock import ClockQuality
from gateway.model.trouble import Trouble
from support.alarm_cases import after, call
from support.alarm_house import FakeChannel, VirtualClock, open_house
from support.inline_threads import InlineThreads
from support.rule_house import home_settings

pytestmark = pytest.mark.looptime

DAY_S = 86_400.0
AT = time(16, 0)  # the virtual clock begins at 14:20 local time
BEFORE_S, AFTER_S = 3600.0, 7200.0


@dataclass
class Post:
    """A journal with technical alerts in it, and the room that sends digests; without the engine."""

    state: Path
    mail: FakeChannel
    clock: VirtualClock
    journal: Journal
    told: list[Trouble] = field(default_factory=list)
    _room: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin the room, as after a start of the gateway."""
        digests = Digests(
            store=self.journal.alarms,
            settings=home_settings,
            channels=lambda: {"digest": DigestChannel(channel=self.mail, at=AT), "other": self.mail},
            clock=self.clock,
            words=shipped,
            tell=self.told.append,
        )
        self._room = asyncio.create_task(digests.run())

    async def stop(self) -> None:
        """End the room, wherever it is."""
        if self._room is not None:
            self._room.cancel()
            with suppress(asyncio.CancelledError):
                await self._room

    async def restart(self) -> None:
        """Cut the power: what is on the disk comes into a new life."""
        await self.stop()
        after_cut = self.state.with_name(f"{self.state.name}+")
        shutil.copytree(self.state, after_cut)
        await self.journal.close()
        self.state, self.journal = after_cut, await opened(after_cut, self.clock)
        self.start()

    async def pass_by(self, seconds: float) -> None:
        """Let time pass on the wall, and the room look."""
        self.clock.ahead_s += seconds
        await asyncio.sleep(2 * LOOK_EVERY_S)

    async def raised(self, name: str, *, channel: str = "digest", **changes: Any) -> Alert:
        """Keep a new alert, and the row that tells a channel of it."""
        now = self.clock.now()
        made = replace(after(None, call()), id=name, key=name, rule="gateway", raised=now, changed=now)
        words = {"da": f"Data venter ({name})", "en": f"Data waiting ({name})"}
        made = replace(made, concern=Concern.TECHNICAL, priority=Priority.TECHNICAL, title=words, **changes)
        row = row_for(made, Address(f"channel:{channel}", channel), now)

        def keep(ledger: Ledger) -> None:
            ledger.put_alert(made)
            ledger.add_notification(row)

        await self.journal.alarms.write(keep)
        return made

    async def closed(self, alert: Alert) -> None:
        """Close it."""
        over = replace(alert, rev=alert.rev + 1, handling=Handling.RESOLVED, changed=self.clock.now())
        await self.journal.alarms.write(lambda ledger: ledger.put_alert(over))

    @property
    def texts(self) -> list[str]:
        """Give what went out, the Danish half."""
        return [message.texts["da"] for _, message in self.mail.sent]

    @property
    def parts(self) -> list[list[str]]:
        """Give the headings of the parts of each."""
        return [[line for line in text.splitlines() if line.endswith("):")] for text in self.texts]


async def opened(state: Path, clock: VirtualClock) -> Journal:
    """Open a journal in virtual time."""
    return await Journal.open(state, clock, lambda _trouble: None, threads=InlineThreads())


@asynccontextmanager
async def post(tmp_path: Path, *, started: bool = True) -> AsyncIterator[Post]:
    """Open a journal, and begin the room."""
    clock = VirtualClock()
    here = Post(tmp_path / "state", FakeChannel("digest"), clock, await opened(tmp_path / "state", clock))
    if started:
        here.start()
        await asyncio.sleep(1)
    try:
        yield here
    finally:
        await here.stop()
        await here.journal.close()


async def test_a_day_of_technical_alerts_is_one_mail(tmp_path: Path) -> None:
    """Danish first; what is closed already is told too; nothing goes out before the time."""
    async with post(tmp_path) as here:
        await here.raised("influx", count=3)
        await here.closed(await here.raised("mqtt"))
        await here.pass_by(BEFORE_S)
        assert here.mail.attempts == []
        await here.pass_by(BEFORE_S)
        ((_, message),) = here.mail.sent
        assert message.texts["da"].splitlines() == [
            "Solhjem, 24.11.: teknisk oversigt nr. 1",
            "",
            "Nyt siden sidst (2):",
            "- 24.11. 14.20  Data venter (influx). Gå til boligen × 3 (Ikke taget)",
            "- 24.11. 14.20  Data venter (mqtt). Gå til boligen (Afsluttet)",
        ]
        assert message.text == f"{message.texts['da']}\n\n{message.texts['en']}"
        assert "New since last time (2):" in message.texts["en"]
        assert message.subject == "Solhjem: teknisk oversigt nr. 1"
        assert message.key == "digest/digest/1"


async def test_what_stands_is_told_again_and_what_is_over_once(tmp_path: Path) -> None:
    """New, then still open, then closed, then nothing; and with nothing to tell no mail."""
    async with post(tmp_path) as here:
        alert = await here.raised("influx")
        await here.pass_by(AFTER_S)
        await here.pass_by(DAY_S)
        await here.closed(alert)
        for _ in range(4):
            await here.pass_by(DAY_S)
        await here.raised("mqtt")
        await here.pass_by(DAY_S)
        assert here.parts == [
            ["Nyt siden sidst (1):"],
            ["Stadig åbne (1):"],
            ["Afsluttet siden sidst (1):"],
            ["Nyt siden sidst (1):"],
        ]
        assert [text.splitlines()[0].rpartition(" ")[2] for text in here.texts] == ["1", "2", "3", "4"]


async def test_over_restarts_nothing_is_lost_and_nothing_new_twice(tmp_path: Path) -> None:
    """The power goes before and after each digest, and while things happen."""
    async with post(tmp_path) as here:
        await here.pass_by(AFTER_S)
        for n in range(6):
            await here.raised(f"before-{n}")
            await here.restart()
            await here.raised(f"after-{n}")
            await here.pass_by(DAY_S / 2)
            await here.restart()
            await here.pass_by(DAY_S / 2)
            await here.restart()
            await asyncio.sleep(60)
        new = [
            line.partition("(")[2].partition(")")[0]
            for text in here.texts
            for line in text.partition("Stadig åbne")[0].splitlines()
            if line.startswith("- ")
        ]
        assert new == [f"{when}-{n}" for n in range(6) for when in ("before", "after")]
        assert len(here.mail.sent) == 6
        assert not any("Sendt igen" in text for text in here.texts)


async def test_one_that_was_due_while_the_gateway_was_off_goes_out_at_the_start(tmp_path: Path) -> None:
    """Late beats never, and once."""
    async with post(tmp_path) as here:
        await here.raised("influx")
        await here.stop()
        await here.pass_by(AFTER_S)
        assert here.mail.sent == []
        await here.restart()
        await asyncio.sleep(60)
        await here.restart()
        await asyncio.sleep(60)
        assert len(here.mail.sent) == 1


async def test_a_crash_while_it_goes_out_sends_the_same_again_and_says_so(tmp_path: Path) -> None:
    """Whether it arrived nobody knows: same number, same content, marked."""
    async with post(tmp_path) as here:
        await here.raised("influx")
        here.mail.delay_s = 5.0
        here.clock.ahead_s += AFTER_S
        while not here.mail.attempts:
            await asyncio.sleep(1)
        await here.restart()
        here.mail.delay_s = 0.0
        await here.raised("mqtt")
        await here.pass_by(0)
        ((_, message),) = here.mail.sent
        assert message.key == here.mail.attempts[0][1].key
        assert "Sendt igen" in message.texts["da"]
        assert here.parts == [["Nyt siden sidst (1):"]], "what came after it is for the next one"
        await here.pass_by(DAY_S)
        assert here.parts[1] == ["Nyt siden sidst (1):", "Stadig åbne (1):"]
        assert "Sendt igen" not in here.texts[1]


@pytest.mark.parametrize("does", ["refuse", "hang"])
async def test_one_that_does_not_get_through_is_tried_again_and_told(tmp_path: Path, does: Any) -> None:
    """The technician hears of it by other ways; when it works it goes out, whole."""
    async with post(tmp_path) as here:
        await here.raised("influx")
        here.mail.does = does
        await here.pass_by(AFTER_S)
        await asyncio.sleep(3600)
        assert here.mail.sent == []
        assert len(here.mail.attempts) > 5
        assert [(each.kind, each.subject, each.present) for each in here.told] == [
            ("channel.failing", "digest", True)
        ]
        here.mail.does = "take"
        await asyncio.sleep(1200)
        assert len(here.mail.sent) == 1
        assert here.texts[0].splitlines()[0].endswith("nr. 1")
        assert "Sendt igen" not in here.texts[0], "it is known that it did not arrive"
        assert not here.told[-1].present


async def test_while_nobody_knows_the_time_it_waits(tmp_path: Path) -> None:
    """Nothing in it is urgent."""
    async with post(tmp_path) as here:
        await here.raised("influx")
        here.clock.quality = ClockQuality.UNSYNCED
        await here.pass_by(AFTER_S)
        assert here.mail.attempts == []
        here.clock.quality = ClockQuality.SYNCED
        await here.pass_by(0)
        assert len(here.mail.sent) == 1


async def test_a_clock_that_was_wrong_for_years_does_not_silence_it(tmp_path: Path) -> None:
    """Nor does one that goes back a little send a second one."""
    async with post(tmp_path) as here:
        await here.raised("influx")
        await here.pass_by(AFTER_S)
        await here.pass_by(-AFTER_S)
        await here.pass_by(AFTER_S)
        assert len(here.mail.sent) == 1
        await here.pass_by(4000 * DAY_S)
        assert len(here.mail.sent) == 2
        await here.pass_by(-3999 * DAY_S)
        assert len(here.mail.sent) == 3


async def test_only_technical_alerts_that_its_policy_tells_stand_in_it(tmp_path: Path) -> None:
    """Not a resident's, even where a policy slipped past the check; not those of other channels."""
    async with post(tmp_path) as here:
        await here.raised("call")
        grave = replace(await here.raised("grave"), priority=Priority.HIGH)
        await here.journal.alarms.write(lambda ledger: ledger.put_alert(grave))
        await here.raised("elsewhere", channel="other")
        await here.pass_by(AFTER_S)
        assert here.texts[0].count("\n- ") == 1
        assert "(call)" in here.texts[0]


async def test_a_channel_that_is_new_tells_what_happens_from_now_on(tmp_path: Path) -> None:
    """Not half a year of batteries; and nothing at all today, where its time is over."""
    async with post(tmp_path, started=False) as here:
        await here.raised("before")
        here.clock.ahead_s += AFTER_S
        here.start()
        await asyncio.sleep(60)
        await here.raised("since")
        await here.pass_by(0)
        assert here.mail.sent == []
        await here.pass_by(DAY_S)
        assert here.parts == [["Nyt siden sidst (1):"]]
        assert "(since)" in here.texts[0]


async def test_a_flood_is_counted_and_not_listed_without_end(tmp_path: Path) -> None:
    """A mail that somebody reads."""
    async with post(tmp_path) as here:
        for n in range(ROWS_MAX + 7):
            await here.raised(f"outlet-{n}")
        await here.pass_by(AFTER_S)
        assert f"Nyt siden sidst ({ROWS_MAX + 7}):" in here.texts[0]
        assert here.texts[0].count("\n- ") == ROWS_MAX
        assert here.texts[0].endswith("og 7 til; se personalesiden.")


async def test_one_outside_the_home_may_be_told_places_only(tmp_path: Path) -> None:
    """`detail = "short"` holds for a digest too."""
    async with post(tmp_path) as here:
        here.mail.short = True
        await here.raised("influx")
        await here.pass_by(AFTER_S)
        assert "influx" not in here.texts[0]
        assert "Bolig 12" in here.texts[0]


async def test_the_alerts_own_way_to_it(tmp_path: Path) -> None:
    """From a trouble by the technical policy to a row that waits, and into the mail."""
    steps = [{"targets": ["page", "channel:digest"], "after": "1d"}]
    mail = FakeChannel("digest")
    async with open_house(tmp_path, {"alerts": {"policies": {"technical": {"steps": steps}}}}) as house:
        channel = DigestChannel(channel=mail, at=AT)
        house.channels["digest"] = channel  # type: ignore[assignment]
        digests = Digests(
            store=house.journal.alarms,
            settings=lambda: house.settings,
            channels=lambda: {"digest": channel},
            clock=house.clock,
            words=shipped,
            tell=house.told,
        )
        await digests.look()
        house.engine.reload(house.settings)
        house.engine.trouble(Trouble(kind="outlet.behind", subject="influx", present=True, detail="behind"))
        await asyncio.sleep(60)
        (alert,) = [each.alert for each in house.engine.open()]
        assert [row.state for row in await house.rows(alert) if row.channel == "digest"] == ["sending"]
        assert mail.attempts == []
        house.clock.ahead_s += AFTER_S
        await digests.look()
        assert "Data venter" in mail.sent[0][1].text


@settings(deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
    st.times(),
    st.integers(-1, 40),
)
def test_it_is_due_once_a_day_whatever_the_time(at: datetime, hour: time, days_ago: int) -> None:
    """From its time of day on, and never again on the same day."""
    local = at.replace(tzinfo=UTC)
    channel = DigestChannel(channel=FakeChannel("digest"), at=hour)
    told = Told(day=(local.date() - timedelta(days=days_ago)).isoformat())
    assert due(told, channel, local) == (local.time() >= hour and days_ago > 0)
    assert not due(Told(day=local.date().isoformat()), channel, local)
