"""From a notification row to a service and back: what becomes of the row, with real sockets and processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import time
from random import Random
from typing import Any

from gateway.alerts.channels.base import Channel
from gateway.alerts.channels.configured import configured_channels
from gateway.alerts.channels.courier import Courier
from gateway.alerts.channels.digest import DigestChannel
from gateway.alerts.notices import row_for
from gateway.alerts.outbox import Outbox
from gateway.alerts.roster import Address
from gateway.health.clock import SystemClock
from gateway.model.alert import Alert, Concern, Handling
from gateway.model.catalogue import shipped
from gateway.model.clock import Clock
from gateway.model.rows import Notification, NotificationChanges
from gateway.model.trouble import Trouble
from support.courier import running
from support.eventually import eventually, holds
from support.rule_house import home_settings
from support.services import Web, mail_service, web_service
from support.telling import alert_to_tell


@dataclass
class Desk:
    """What stands around an outbox: the alerts, the rows, and who is told."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    rows: dict[str, Notification] = field(default_factory=dict)
    told: list[Trouble] = field(default_factory=list)
    failed_steps: list[str] = field(default_factory=list)

    def alert(self, name: str) -> Alert | None:
        """Give an alert."""
        return self.alerts.get(name)

    def notifications(self, alert: str | None = None) -> list[Notification]:
        """Give rows."""
        return [row for row in self.rows.values() if alert in (None, row.alert)]

    def note(self, row: str, changes: NotificationChanges) -> None:
        """Keep what has changed."""
        self.rows[row] = replace(self.rows[row], **changes)

    def step_failed(self, alert: str, _step: int, _cycle: int) -> None:
        """Note that a step failed."""
        self.failed_steps.append(alert)


@dataclass
class Room:
    """An outbox at work, on the real clock."""

    outbox: Outbox
    desk: Desk
    clock: Clock
    courier: Courier

    def tell(self, channel: str, *, alert: str = "0190-alert-1", **changes: Any) -> str:
        """Have an alert told by a channel; gives the row's id."""
        now = self.clock.now()
        self.desk.alerts[alert] = replace(alert_to_tell(), id=alert, raised=now, **changes)
        row = row_for(self.desk.alerts[alert], Address(f"channel:{channel}", channel), now)
        self.desk.rows[row.id] = row
        self.outbox.offer([row])
        return row.id

    async def becomes(self, row: str, state: str) -> Notification:
        """Wait until a row is in a state."""
        await eventually(lambda: self.desk.rows[row].state == state)
        return self.desk.rows[row]


@asynccontextmanager
async def room(channels: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[Room]:
    """Run an outbox with channels as configured, and their sending process."""
    clock, desk = SystemClock(), Desk()
    settings = home_settings({"channel": channels})
    async with running(Courier(desk.told.append)) as courier:
        made: dict[str, Channel] = configured_channels(settings, clock, None, courier)
        outbox = Outbox(
            view=lambda: desk,  # type: ignore[arg-type, return-value]
            notes=desk,
            tell=desk.told.append,
            clock=clock,
            random=Random(1),
            words=shipped,
            language=lambda _person: "da",
        )
        outbox.configure(made)
        task = asyncio.create_task(outbox.run())
        try:
            yield Room(outbox, desk, clock, courier)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def by_apprise(url: str, **more: Any) -> dict[str, Any]:
    """Configure a channel."""
    return {"kind": "apprise", "apprise_url": url, "timeout": "30s", **more}


async def test_a_row_that_is_taken_is_sent() -> None:
    """And says so to nobody else."""
    async with web_service() as web, room({"vagt": by_apprise(f"json://127.0.0.1:{web.port}/")}) as here:
        row = await here.becomes(here.tell("vagt"), "sent")
        assert (row.attempts, row.error) == (1, None)
        assert here.desk.told == []


async def test_a_row_that_cannot_be_sent_is_tried_again_until_it_can() -> None:
    """A wrong key is told to the technician at the first attempt; when it is mended the row goes out."""
    async with web_service() as web:
        web.status = 401
        async with room({"vagt": by_apprise(f"gotify://127.0.0.1:{web.port}/noegle")}) as here:
            name = here.tell("vagt", concern=Concern.TECHNICAL)
            row = await here.becomes(name, "failed")
            assert row.error == "answered with status 401"
            await eventually(lambda: here.desk.told)
            trouble = here.desk.told[0]
            assert (trouble.kind, trouble.subject, trouble.present) == ("channel.failing", "vagt", True)
            assert trouble.detail == "channel vagt: answered with status 401"
            web.status = 200
            row = await here.becomes(name, "sent")
            assert row.attempts >= 2
            assert not here.desk.told[-1].present


async def test_each_way_to_fail_leaves_the_row_failed_with_its_reason() -> None:
    """A status that lasts, one that does not, a server that hangs, one that is not there, a mail refused."""
    async with web_service() as busy, web_service() as wrong, web_service() as slow, mail_service() as mail:
        busy.status, wrong.status, slow.hangs = 503, 404, {"/"}
        mail.refuses = "550 5.1.1 nobody of that name"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            mailto = f"mailto://solhjem.example:{mail.port}?smtp=127.0.0.1&from=a@b.dk&to=c@b.dk"
            channels = {
                "busy": (by_apprise(f"json://127.0.0.1:{busy.port}/"), "answered with status 503"),
                "wrong": (by_apprise(f"json://127.0.0.1:{wrong.port}/"), "answered with status 404"),
                "slow": (
                    by_apprise(f"json://127.0.0.1:{slow.port}/", timeout="200ms"),
                    "no answer within 0.2 s",
                ),
                "nobody": (
                    by_apprise(f"json://127.0.0.1:{free.getsockname()[1]}/"),
                    "no connection: Connection refused",
                ),
                "mail": (by_apprise(mailto), "the mail server answered with code 550"),
                "broken": (by_apprise("tgram://hemmelig"), "its URL is not one of telegram"),
            }
            async with room({name: each for name, (each, _) in channels.items()}) as here:
                for name, (_, reason) in channels.items():
                    row = await here.becomes(here.tell(name, alert=f"alert-{name}"), "failed")
                    assert row.error == reason
                    assert row.next.since(row.changed).total_seconds() > 0
                await eventually(lambda: len(here.desk.failed_steps) == len(channels))


async def test_a_channel_that_hangs_delays_no_other() -> None:
    """Its server takes the connection and never answers; mail, another service and a webhook all deliver."""
    async with web_service() as slow, web_service() as quick, mail_service() as mail:
        slow.hangs = {"/"}
        mailto = f"mailto://solhjem.example:{mail.port}?smtp=127.0.0.1&from=a@b.dk&to=c@b.dk"
        channels = {
            "slow": by_apprise(f"ntfy://127.0.0.1:{slow.port}/nat", timeout="60s"),
            "quick": by_apprise(f"ntfy://127.0.0.1:{quick.port}/nat"),
            "mail": by_apprise(mailto),
            "hook": {"kind": "webhook", "url": f"http://127.0.0.1:{quick.port}/hook", "timeout": "30s"},
        }
        async with room(channels) as here:
            stuck = [here.tell("slow", alert=f"alert-{n}") for n in range(8)]
            await eventually(lambda: len(slow.got) == 4)
            for n in range(8):
                await here.becomes(here.tell("quick", alert=f"quick-{n}"), "sent")
                await here.becomes(here.tell("mail", alert=f"mail-{n}"), "sent")
                await here.becomes(here.tell("hook", alert=f"hook-{n}"), "delivered")
            assert all(here.desk.rows[row].state == "sending" for row in stuck)


async def test_a_sending_process_that_is_killed_fails_the_rows_in_hand_and_they_go_out_again() -> None:
    """Retryable: nothing has to be mended, and nobody waits for the channel's whole timeout."""
    async with web_service() as web:
        web.hangs = {"/"}
        async with room({"vagt": by_apprise(f"json://127.0.0.1:{web.port}/", timeout="10m")}) as here:
            names = [here.tell("vagt", alert=f"alert-{n}") for n in range(3)]
            await eventually(lambda: len(web.got) == 3)
            assert here.courier.pid is not None
            web.hangs.clear()
            os.kill(here.courier.pid, signal.SIGKILL)
            for name in names:
                row = await here.becomes(name, "sent")
                assert row.attempts == 2
            heard = [each for each in here.desk.told if each.present]
            assert all("the sending process ended" in each.detail for each in heard)
            assert heard, "a step of which nothing got through is told"
            assert not here.desk.told[-1].present, "and that it works again"


async def test_nothing_is_told_after_somebody_has_taken_the_alert() -> None:
    """A row that failed is not tried again."""
    async with web_service() as web:
        web.status = 503
        async with room({"vagt": by_apprise(f"json://127.0.0.1:{web.port}/")}) as here:
            name = here.tell("vagt")
            await here.becomes(name, "failed")
            alert = here.desk.alerts["0190-alert-1"]
            here.desk.alerts["0190-alert-1"] = replace(alert, handling=Handling.ACKNOWLEDGED)
            before = _settled(web)
            await holds(lambda: _settled(web) <= before + 1, for_s=1.5)
            assert here.outbox.waiting == 0


def _settled(web: Web) -> int:
    return len(web.got)


async def test_what_a_digest_gathers_waits() -> None:
    """Its rows are left alone; another channel's go out."""
    async with web_service() as web:
        url = f"json://127.0.0.1:{web.port}/"
        async with room({"digest": by_apprise(url, digest=time(7, 30)), "vagt": by_apprise(url)}) as here:
            waits = here.tell("digest", alert="alert-a")
            await here.becomes(here.tell("vagt", alert="alert-b"), "sent")
            assert here.desk.rows[waits].state == "sending"
            assert len(web.got) == 1
            assert isinstance(here.outbox._channels["digest"], DigestChannel)
