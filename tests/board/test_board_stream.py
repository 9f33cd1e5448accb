"""The event stream: nothing missed, nothing doubled, slow clients cut off, and a clean end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.board.callers import Caller
from gateway.board.hub import BEAT_S, MISSED_MAX
from gateway.board.viewers import QUEUE_MAX, Viewer, encode
from gateway.model.clock import NS, parse_iso
from support.board_client import BoardClient, Event, Events, client
from support.board_house import BoardHouse
from support.eventually import eventually


async def test_an_alert_is_told_whole_with_its_number(house: BoardHouse, signed_in: BoardClient) -> None:
    """`event: alert` carries the whole object, and `id:` counts up within the journal."""
    async with signed_in.stream() as events:
        first = await events.next("beat")
        alert = await house.press()
        told = await events.next("alert")
        assert told.data["id"] == alert.id
        assert told.data["durable"]
        assert told.id is not None
        assert first.id is not None
        assert told.id > first.id
        await house.does(alert, "acknowledge")
        taken = await events.next("alert")
        assert taken.data["handling"] == "acknowledged"
        assert taken.id is not None
        assert taken.id > told.id


async def test_who_comes_back_gets_what_was_missed_once(house: BoardHouse, signed_in: BoardClient) -> None:
    """`Last-Event-ID` goes on where it was, in order, also over a restart; and then live."""
    async with signed_in.stream() as events:
        seen = (await events.next("beat")).id
    ids = [(await house.press(f"kald-{n:02d}")).id for n in (1, 3, 4)]
    await house.stop_serving()
    await house.start_serving()
    async with signed_in.stream(Last_Event_ID=str(seen)) as events:
        missed = [await events.next("alert") for _ in ids]
        assert [event.data["id"] for event in missed] == ids
        fresh = await house.press("kald-05")
        assert (await events.next("alert")).data["id"] == fresh.id
    async with signed_in.stream(f"?after={missed[-1].id}") as events:
        assert (await events.next("alert")).data["id"] == fresh.id


@pytest.mark.parametrize("known", ["999999", "-3", "yesterday", "99999999999999999999"])
async def test_a_number_that_is_not_ours_fetches_everything_anew(
    house: BoardHouse, signed_in: BoardClient, known: str
) -> None:
    """`event: reset`, with the number to go on from."""
    await house.press()
    async with signed_in.stream(Last_Event_ID=known) as events:
        event = await events.next("alert", "reset")
        assert (event.name, event.id) == ("reset", event.data["seq"])


async def test_far_behind_is_a_reset_too(
    house: BoardHouse, signed_in: BoardClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a bounded number of transitions are not replayed one by one."""
    assert MISSED_MAX >= 1000
    monkeypatch.setattr("gateway.board.hub.MISSED_MAX", 2)
    for n in (1, 3, 4):
        await house.press(f"kald-{n:02d}")
    async with signed_in.stream("?after=0") as events:
        assert (await events.next("alert", "reset")).name == "reset"


async def test_nothing_falls_between_snapshot_and_stream(house: BoardHouse, signed_in: BoardClient) -> None:
    """Presses while clients connect: each client has every alert, by replay or live, and none twice."""
    after = (await signed_in.get("/api/v1/board")).json["seq"]
    rounds = 12

    async def press_all() -> None:
        for n in range(3, 3 + rounds):
            await house.press(f"kald-{n:02d}")

    async def listen(delay_s: float) -> list[int]:
        await asyncio.sleep(delay_s)
        async with signed_in.stream(f"?after={after}") as events:
            got = [await events.next("alert") for _ in range(rounds)]
            return [event.id or 0 for event in got]

    pressing = asyncio.create_task(press_all())
    heard = await asyncio.gather(*(listen(n * 0.005) for n in range(10)))
    await pressing
    for ids in heard:
        assert ids == sorted(set(ids))
        assert len(ids) == rounds


async def test_beat_device_gateway_and_shown(house: BoardHouse, signed_in: BoardClient) -> None:
    """A beat every 5 s; devices and health where they changed; on how many pages an alert is shown."""
    async with signed_in.stream("?viewer=page-of-ab") as events:
        beat = await events.next("beat")
        assert beat.data["time"].endswith("Z")
        await asyncio.sleep(0.1)
        house.health = {**house.health, "level": "error", "adapters": [{"name": "hci0", "state": "gone"}]}
        assert (await events.next("gateway")).data["adapters"][0]["state"] == "gone"
        row = next(row for row in house.rows if row["device"] == "kald-12")
        house.rows[house.rows.index(row)] = {**row, "battery": 9, "battery_low": True}
        assert (await events.next("device")).data["battery"] == 9
        alert = await house.press()
        await events.next("alert")
        await signed_in.post(f"/api/v1/alerts/{alert.id}/shown", {"viewer": "page-of-ab"})
        shown = (await events.next("shown")).data
        assert shown == {"alert": alert.id, "shown": 1, "of": 2}  # AB of AB and CD, who were asked
        earlier, later = [parse_iso((await events.next("beat")).data["time"]) for _ in range(2)]
        assert later - earlier >= BEAT_S * NS
    rows = await house.journal.alarms.read(lambda ledger: ledger.notifications(alert.id))
    assert {row.person: row.state for row in rows if row.person}["AB"] == "delivered"


async def test_readings_only_for_who_asks_and_may(house: BoardHouse, local: BoardClient) -> None:
    """`readings=1`: measurements and events; values of presence and vital only with `see_values`."""

    async def some(query: str) -> list[str]:
        async with local.stream(query, path="/api/v1/tail") as events:
            await events.next("beat")
            house.journal.readings.append([house.record("seng-12", "bed_occupancy", value=True)])
            house.journal.readings.append([house.record("kald-12", "temperature", 21.5)])
            found: list[str] = []
            while "temperature" not in found:
                found.append((await events.next("reading")).data["quantity"])
            await house.press("kald-12")
            found.append((await events.next("reading")).data["quantity"])
            return found

    assert await some("?by=AB") == ["bed_occupancy", "temperature", "help_call"]
    assert await some("?by=CD") == ["temperature", "help_call"]
    assert await some("") == ["temperature", "help_call"]
    assert ("looked_at_values", "AB") in await house.audit()


async def test_an_alert_the_disk_has_not_kept_is_told_and_cannot_be_taken(
    house: BoardHouse, signed_in: BoardClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V12: after 250 ms it stands on the page as not durable, without a number; taking it is refused."""
    release = asyncio.Event()
    real = house.journal.alarms.write

    async def hang(*args: object, **more: object) -> object:
        await release.wait()
        return await real(*args, **more)  # type: ignore[arg-type]

    async with signed_in.stream() as events:
        await events.next("beat")
        monkeypatch.setattr(house.journal.alarms, "write", hang)
        record = house.record("kald-12", "help_call", "press")
        pressing = asyncio.create_task(house.engine.event([record], []))
        told = await events.next("alert")
        assert (told.data["durable"], told.id) == (False, None)
        listed = (await signed_in.get("/api/v1/alerts?state=open")).json["alerts"]
        assert [(alert["id"], alert["durable"]) for alert in listed] == [(told.data["id"], False)]
        answer = await signed_in.post(f"/api/v1/alerts/{told.data['id']}/acknowledge")
        assert (answer.status, answer.code) == (503, "not_durable")
        async with signed_in.stream("?after=0") as late:
            assert not (await late.next("alert")).data["durable"]
        release.set()
        await pressing
        kept = await events.next("alert")
        assert (kept.data["id"], kept.data["durable"]) == (told.data["id"], True)
        assert kept.id is not None


async def test_a_slow_client_is_cut_off_and_nobody_waits_for_it() -> None:
    """V26: a full queue ends that stream; what it had not taken is dropped, for it comes back and asks."""
    viewer = Viewer(id="slow", caller=Caller(door="session"))
    for number in range(QUEUE_MAX):
        viewer.offer(encode("alert", {"n": number}, number))
    assert not viewer.cut
    viewer.offer(encode("alert", {"n": QUEUE_MAX}, QUEUE_MAX))
    assert viewer.cut
    assert await viewer.queue.get() is None
    assert viewer.queue.empty()


async def test_a_client_that_reads_nothing_is_dropped_while_others_hear(
    house: BoardHouse, signed_in: BoardClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stalled one's buffers fill, and it is cut off; the other gets everything all the same."""
    monkeypatch.setattr("gateway.board.hub.TICK_S", 0.01)
    monkeypatch.setattr("gateway.board.api.stream.SEND_WITHIN_S", 0.5)
    reader, writer = await asyncio.open_unix_connection(str(house.socket), limit=1024)
    writer.write(b"GET /api/v1/stream HTTP/1.1\r\nHost: velgate\r\n\r\n")
    await writer.drain()
    await reader.readuntil(b"beat")  # from now on it reads nothing more
    async with signed_in.stream() as events:
        await events.next("beat")
        assert await _streams(house, signed_in, 2)

        async def chatter() -> None:
            for number in range(10_000):
                house.rows = [{**row, "battery": number % 100, "filler": "x" * 10_000} for row in house.rows]
                await asyncio.sleep(0.05)

        async def listen() -> Event:
            return await events.next("alert")

        chattering, listening = asyncio.create_task(chatter()), asyncio.create_task(listen())
        await eventually(lambda: _streams(house, signed_in, 1))
        chattering.cancel()
        alert = await house.press()
        assert (await listening).data["id"] == alert.id
    writer.close()


async def _streams(house: BoardHouse, signed_in: BoardClient, wanted: int) -> bool:
    return f"velgate_board_streams {wanted}.0" in (await signed_in.get("/metrics")).text


async def test_fifty_streams_end_without_waiting_for_their_clients(
    house: BoardHouse, signed_in: BoardClient
) -> None:
    """The streams are ended first, each with a clean end of its response; then the servers stop."""
    async with AsyncExitStack() as open_streams:
        streams: list[Events] = []
        for _ in range(50):
            events = await open_streams.enter_async_context(signed_in.stream())
            await events.next("beat")
            streams.append(events)
        await house.stop_serving()
        for events in streams:
            async for _ in events:
                pass
    assert not house.socket.exists()


async def test_the_hub_begins_anew_when_the_alerts_do(house: BoardHouse, signed_in: BoardClient) -> None:
    """Its subscription ends (the room began anew, or it was too slow): everybody is told to look again."""
    async with signed_in.stream() as events:
        await events.next("beat")
        house.engine._bulletin.end()
        assert (await events.next("reset")).data["seq"] >= 0
        alert = await eventually(house.press)
        assert (await events.next("alert")).data["id"] == alert.id


async def test_a_stream_ends_with_the_right_to_look(house: BoardHouse, local: BoardClient) -> None:
    """Signed out, run out, or gone from the configuration: what was open shows nothing more."""

    async def ended(events: Events) -> bool:
        async for _ in events:
            pass
        return True

    async with client(house) as page:
        await page.sign_in("CD")
        async with page.stream() as events:
            await events.next("beat")
            await page.ask("DELETE", "/api/v1/session")
            assert await ended(events)
        await page.sign_in("CD")
        async with page.stream() as events:
            await events.next("beat")
            house.later(hours=12, seconds=1)
            assert await ended(events)
        await page.sign_in("CD")
        async with page.stream() as events:
            await events.next("beat")
            people = {name: person for name, person in house.settings.person.items() if name != "CD"}
            house.settings = house.settings.model_copy(update={"person": people})
            assert await ended(events)
    async with local.stream() as events:  # a program of this machine stays
        await events.next("beat")


async def test_the_same_page_come_back_gives_way_to_itself(house: BoardHouse) -> None:
    """A page that reconnects before its old stream was noticed dead counts once."""
    async with client(house) as page:
        await page.sign_in()
        async with page.stream("?viewer=the-same-page") as old, page.stream("?viewer=the-same-page") as new:
            await new.next("beat")
            async for _ in old:
                pass
            assert (await page.get("/api/v1/board")).json["pages"] == 1
