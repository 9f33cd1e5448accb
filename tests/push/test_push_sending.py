"""What a push service answers, and what becomes of it: by the sending process itself and by the outbox."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.alerts.channels.courier import Courier
from gateway.alerts.channels.push_book import Subscription
from gateway.alerts.channels.push_crypto import base64url
from gateway.alerts.channels.push_key import FILE, push_key
from gateway.alerts.channels.push_send import retry_after_s, send
from gateway.alerts.channels.push_services import is_public, permitted
from gateway.alerts.channels.task import NotSent, Sent, Task
from gateway.model.trouble import Trouble
from gateway.settings.push_services import PUSH_SERVICES
from support.eventually import eventually
from support.push_house import PushHouse, open_push_house
from support.push_service import Phone, PushService, check_vapid, push_service, sent

NOW_S = 1_780_000_000
KEY = base64url(ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big"))


def task(phone: Phone, service: PushService, *, timeout_s: float = 20.0, **message: Any) -> Task:
    """Make the task of one push."""
    subscription = phone.subscription()
    return Task(
        channel="push",
        config={
            "key": KEY,
            "contact": "mailto:teknik@example.org",
            "services": [service.origin],
            "now_s": NOW_S,
        },
        message={
            "endpoint": phone.endpoint,
            **subscription["keys"],
            "payload": '{"about":"alert","title":"Bolig 12: Nødkald","tag":"t"}',
            "ttl_s": 3600,
            "urgency": "high",
            "topic": "t",
            **message,
        },
        timeout_s=timeout_s,
    )


async def given(phone: Phone, service: PushService, **more: Any) -> Sent:
    """Send one, as the sending process does."""
    return await asyncio.to_thread(send, task(phone, service, **more))


async def test_a_push_is_taken_and_read() -> None:
    """201: encrypted, signed for this service, with its time to live, urgency and topic."""
    async with push_service() as service:
        phone = service.phone("ab")
        assert (await given(phone, service)).taken == "sent"
        headers, body = phone.requests[0]
        assert (headers["TTL"], headers["Urgency"], headers["Topic"]) == ("3600", "high", "t")
        said, public = check_vapid(headers["Authorization"], service.origin, NOW_S)
        assert said["sub"] == "mailto:teknik@example.org"
        assert len(public) == 87
        assert "Nødkald".encode() not in body
        assert phone.got[0]["title"] == "Bolig 12: Nødkald"


@pytest.mark.parametrize(
    ("status", "headers", "lasting", "data"),
    [
        (404, {}, True, {"ended": True}),
        (410, {}, True, {"ended": True}),
        (400, {}, True, {}),
        (401, {}, True, {}),
        (403, {}, True, {}),
        (413, {}, True, {}),
        (302, {"Location": "http://127.0.0.1:1/"}, True, {}),
        (429, {"Retry-After": "30"}, False, {"retry_after_s": 30}),
        (429, {}, False, {}),
        (500, {}, False, {}),
        (503, {"Retry-After": "7"}, False, {"retry_after_s": 7}),
    ],
)
async def test_what_an_answer_means(
    status: int, headers: dict[str, str], lasting: bool, data: dict[str, Any]
) -> None:
    """What will never work is told apart from what may work later, and from a phone that has gone."""
    async with push_service() as service:
        phone = service.phone("ab")
        phone.status, phone.headers = status, headers
        with pytest.raises(NotSent) as failed:
            await given(phone, service)
        assert failed.value.lasting is lasting
        assert failed.value.data == {"status": status, **data}
        assert "ab" not in failed.value.reason.split()
        assert len(phone.requests) == 1  # no redirect is followed


async def test_a_service_that_hangs_is_left() -> None:
    """It is no answer within its time, never one that holds a thread for ever."""
    async with push_service() as service:
        phone = service.phone("ab")
        phone.hangs = True
        with pytest.raises(NotSent, match=r"did not answer within 0\.5 s"):
            await given(phone, service, timeout_s=0.5)


async def test_nobody_listens() -> None:
    """A refused connection is no answer, to be tried again."""
    async with push_service() as service:
        phone = service.phone("ab")
    with pytest.raises(NotSent, match="no connection") as failed:
        await given(phone, service)
    assert not failed.value.lasting


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("5", 5),
        ("0", 1),
        ("999999999999", 600),
        ("Thu, 28 May 2026 20:27:10 GMT", 30),
        ("yesterday", None),
        ("", None),
        ("-3", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: int | None) -> None:
    """RFC 9110, bounded; what cannot be read says nothing."""
    assert retry_after_s(text, NOW_S) == seconds


# Where a push may go.


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://web.push.apple.com/QGuQyavXutnMH",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAD",
    ],
)
def test_the_services_of_the_browsers_are_known(endpoint: str) -> None:
    """Those of Chrome, Firefox, Safari and Edge."""
    assert permitted(endpoint, PUSH_SERVICES).port == 443


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com:8443/fcm/send/abc",
        "https://fcm.googleapis.com.example.org/x",
        "https://evil-push.apple.com.example.org/x",
        "https://push.apple.com@10.0.0.1/x",
        "https://user:secret@fcm.googleapis.com/x",
        "https://192.168.1.1/admin",
        "https://127.0.0.1/x",
        "http://127.0.0.1:8734/api/v1/session",
        "https://localhost/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://fcm.googleapis.com/x",
        "https:///x",
        "//fcm.googleapis.com/x",
        "https://fcm.googleapis.com/" + "x" * 2000,
        "https://fcm.googleapis.com/a b",
        "https://fcm.googleapis.com/\nHost: x",
        "https://fcm.googleapis.com:99999/x",
        "",
    ],
)
def test_no_phone_makes_the_gateway_ask_anybody_else(endpoint: str) -> None:
    """Whatever a phone names: another host, port or scheme is refused before anything is sent."""
    with pytest.raises(ValueError, match=r"."):
        permitted(endpoint, PUSH_SERVICES)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("142.250.74.10", True),
        ("2a00:1450:4001:830::200a", True),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("172.16.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::8efa:4a0a", True),
        ("2002:a00:1::", False),
    ],
)
def test_only_addresses_of_the_internet_are_connected_to(address: str, public: bool) -> None:
    """A name of the list that leads into the home's network leads nowhere."""
    assert is_public(address) is public


async def test_a_known_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that lies makes no request inside the home: the very address looked up is checked."""
    asked: list[str] = []

    def lookup(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    real = socket.getaddrinfo

    def only_of_the_list(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        return lookup(host, port) if host == "fcm.googleapis.com" else real(host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", only_of_the_list)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with push_service() as service:
        phone = service.phone("ab")
        inside = task(phone, service, endpoint="https://fcm.googleapis.com/fcm/send/x")
        inside.config["services"].append("fcm.googleapis.com")
        with pytest.raises(NotSent, match="not public") as failed:
            await asyncio.to_thread(send, inside)
        assert failed.value.lasting
        assert asked == ["fcm.googleapis.com"]
        assert phone.requests == []


# The key.


def test_the_key_is_made_once_and_kept_to_itself(tmp_path: Path) -> None:
    """Mode 0600, the same at each start; nothing is left beside it."""
    first = push_key(tmp_path)
    assert push_key(tmp_path) == first
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert first.scalar not in repr(first)


def test_a_key_that_is_none_is_said(tmp_path: Path) -> None:
    """A damaged file is an error, not another key: every phone would have to subscribe anew."""
    (tmp_path / FILE).write_text("damaged\n")
    with pytest.raises(ValueError, match=r"."):
        push_key(tmp_path)


# The channel, from a press to the phone.


async def subscribe(home: PushHouse, person: str, phone: Phone) -> None:
    """Let a phone take pushes for somebody."""
    keys = phone.subscription()["keys"]
    new = Subscription(person=person, endpoint=phone.endpoint, **keys)
    await home.push.book.put(new, home.clock.now(), instead_of=None, source="test")


async def test_a_call_reaches_every_phone_of_who_is_on_duty(tmp_path: Path) -> None:
    """Place and urgency, no kind, no name; a second call of the same alert takes the first one's place."""
    async with push_service() as service, open_push_house(tmp_path, service) as home:
        own, tablet, other = service.phone("own"), service.phone("tablet"), service.phone("other")
        for person, phone in (("AB", own), ("AB", tablet), ("CD", other)):
            await subscribe(home, person, phone)
        alert = await home.press("kald-02-bad")
        for phone in (own, tablet, other):
            said = await sent(phone, "alert", alert=alert.id)
            assert said["title"] == "Bad, bolig 2: Nødkald"
            assert (said["body"], said["lang"], said["alert"], said["urgent"]) == ("", "da", alert.id, True)

        async def kept() -> bool:
            rows = await home.journal.alarms.read(lambda ledger: ledger.notifications(alert.id))
            pushed = {(row.person, row.state) for row in rows if row.channel == "push"}
            return pushed == {("AB", "sent"), ("CD", "sent")}

        await eventually(kept)
        await home.does(alert, "acknowledge")
        assert (await sent(own, "taken", alert=alert.id))["title"] == "Bad, bolig 2: du har den"
        assert (await sent(other, "taken", alert=alert.id))["title"] == "Bad, bolig 2: AB har den"
        assert [each["about"] for each in other.waiting.values() if each["alert"] == alert.id] == ["taken"]


async def test_who_has_no_phone_is_not_pushed_to(tmp_path: Path) -> None:
    """No row that could only fail, and no trouble about a channel that works."""
    async with push_service() as service, open_push_house(tmp_path, service) as home:
        await subscribe(home, "AB", service.phone("ab"))
        alert = await home.press()
        rows = await home.journal.alarms.read(lambda ledger: ledger.notifications(alert.id))
        assert {r.person for r in rows if r.channel == "push"} == {"AB"}


async def test_a_phone_that_has_gone_is_forgotten_and_its_person_not_reached(tmp_path: Path) -> None:
    """410: the subscription is removed, the proof of reach ends; another phone that works keeps it."""
    async with push_service() as service, open_push_house(tmp_path, service) as home:
        gone, works, only = service.phone("gone"), service.phone("works"), service.phone("only")
        await subscribe(home, "AB", gone)
        await subscribe(home, "AB", works)
        await subscribe(home, "CD", only)
        gone.status = only.status = 410
        await home.engine.prove_reach("AB", reached=True)
        await home.engine.prove_reach("CD", reached=True)
        alert = await home.press()
        await sent(works, "alert", alert=alert.id)
        await eventually(lambda: home.push.book.of("CD") == () and len(home.push.book.of("AB")) == 1)
        await eventually(lambda: not home.engine.roster().proved("CD", home.clock.now()))
        assert home.engine.roster().proved("AB", home.clock.now())
        assert [what for what, _ in await home.audit()].count("push_ended") == 2


async def test_a_service_that_asks_to_wait_is_left_alone(tmp_path: Path) -> None:
    """429 with Retry-After: no further request before; afterwards it is told after all."""
    async with push_service() as service, open_push_house(tmp_path, service) as home:
        phone = service.phone("ab")
        phone.status, phone.headers = 429, {"Retry-After": "300"}
        await subscribe(home, "AB", phone)
        alert = await home.press()

        async def left_alone() -> bool:
            rows = await home.journal.alarms.read(lambda ledger: ledger.notifications(alert.id))
            return any("left alone" in (r.error or "") for r in rows if r.channel == "push")

        await eventually(left_alone)
        assert len(phone.requests) == 1
        phone.status = 201
        home.later(seconds=301)
        assert (await sent(phone, "alert", alert=alert.id))["rev"] >= 1


async def test_subscriptions_outlive_the_gateway_and_their_number_is_bounded(tmp_path: Path) -> None:
    """They are in the journal; a ninth phone of one person takes the place of the oldest."""
    async with push_service() as service:
        async with open_push_house(tmp_path, service) as home:
            phones = [service.phone(f"phone-{n}") for n in range(9)]
            for phone in phones:
                await subscribe(home, "AB", phone)
                home.later(seconds=1)
            key = home.push.public_key
        async with open_push_house(tmp_path, service) as home:
            assert {each.endpoint for each in home.push.book.of("ab")} == {p.endpoint for p in phones[1:]}
            assert home.push.public_key == key


async def test_a_subscription_changes_hands_with_the_phone(tmp_path: Path) -> None:
    """Who signs in next on a shared phone gets the pushes there, and the one before gets none."""
    async with push_service() as service, open_push_house(tmp_path, service) as home:
        phone = service.phone("shared")
        await subscribe(home, "AB", phone)
        await subscribe(home, "CD", phone)
        assert home.push.book.of("AB") == ()
        assert len(home.push.book.of("CD")) == 1


async def test_the_sending_process_sends_it(tmp_path: Path) -> None:
    """The real one: started, encrypts, posts; nothing of a phone stands in what it answers."""
    troubles: list[Trouble] = []
    courier = Courier(troubles.append)
    async with push_service() as service, open_push_house(tmp_path, service, courier=courier) as home:
        phone, gone = service.phone("ab"), service.phone("cd")
        gone.status = 410
        await subscribe(home, "AB", phone)
        await subscribe(home, "CD", gone)
        alert = await home.press()
        assert (await sent(phone, "alert", alert=alert.id))["rev"] >= 1
        await eventually(lambda: home.push.book.of("CD") == ())
        assert phone.endpoint not in repr(home.push.book.of("AB"))
    assert troubles == []
