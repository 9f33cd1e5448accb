"""Each service against a server that stands in for it: what it got, to the letter, and what it did not get.

A request to a service's own host comes to this machine with that host in its path; nothing else of the way is
changed: the gateway's end, the sending process, the library, its plugin, the bytes.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.alerts.channels.apprise import AppriseChannel
from gateway.alerts.channels.courier import Courier
from gateway.model.alert import Priority
from support.courier import running
from support.services import Got, Web, web_service
from support.telling import FULL, NEVER, SHORT, telling

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHILD = Path(__file__).parents[1] / "support" / "patched_child.py"
Answers = Callable[[Got], Any]


@dataclass(frozen=True)
class Service:
    """One service: its URL, where the message must arrive, and what else must be in it."""

    url: str
    target: str
    """Beginning of the target, in which `{port}` of the URL is this machine."""
    says: Answers = lambda _got: {"ok": True}
    urgent: str = ""
    """A pattern in the bytes of an emergency that tells its urgency."""

    @property
    def name(self) -> str:
        """Its scheme."""
        return self.url.partition("://")[0]

    @property
    def at_home(self) -> bool:
        """Whether its host may be in the home."""
        return "{port}" in self.url


def _matrix(got: Got) -> Any:
    if "/login" in got.target:
        return {"access_token": "adgang", "home_server": "solhjem.local", "user_id": "@velgate:solhjem.local"}
    return {"event_id": "$1", "room_id": "!rum:solhjem.local", "joined_rooms": ["!rum:solhjem.local"]}


def _twilio(_got: Got) -> Any:
    return {"sid": "SM1", "status": "queued"}


HOST = "127.0.0.1:{port}"
AT_HOME = (
    Service(f"ntfy://{HOST}/velgate-nat", "/", urgent="x-priority: max"),
    Service(f"gotify://{HOST}/hemmelig-noegle", "/message", urgent='"priority": 10'),
    Service(f"matrix://velgate:hemmelig@{HOST}/!rum:solhjem.local", "/_matrix/client", _matrix),
    Service(f"mmost://{HOST}/hemmeligtoken123", "/hooks/hemmeligtoken123"),
    Service(f"rocket://hemmeligtokenaa/{'b' * 24}@{HOST}/#vagt", "/hooks/hemmeligtokenaa"),
    Service(f"json://{HOST}/kald", "/kald", urgent='"type": "failure"'),
    Service(f"xml://{HOST}/kald", "/kald", urgent="failure"),
    Service(f"form://{HOST}/kald", "/kald", urgent="type=failure"),
    Service(
        f"smseagle://hemmelig@{HOST}/4520202020",
        "/jsonrpc/sms",
        lambda _got: {"result": {"message_id": 748, "status": "ok"}},
        urgent='"highpriority": 1',
    ),
    Service(f"signal://{HOST}/4520202020/4530303030", "/v2/send"),
    Service(f"evolution://hemmelig@{HOST}/instans/4520202020", "/message/sendText/instans"),
    Service(f"hassio://{HOST}/hemmeligtoken", "/api/services/persistent_notification/create"),
    Service(f"nctalk://velgate:hemmelig@{HOST}/rum1", "/ocs/v2.php/apps/spreed/api/v1/chat/rum1"),
    Service(f"ncloud://velgate:hemmelig@{HOST}/AB", "/ocs/v2.php/apps/notifications/"),
    Service(f"synology://{HOST}/hemmelig", "/webapi/entry.cgi"),
    Service(f"apprise://{HOST}/hemmeligtoken", "/notify", urgent="type=failure"),
    Service(f"bark://{HOST}/hemmeligenhed", "/push", urgent='"level": "timeSensitive"'),
    Service(f"pushdeer://{HOST}/hemmelig", "/message/push"),
    Service(f"onebot://{HOST}/123", "/send_private_msg"),
)
ABROAD = (
    Service(
        "workflows://prod-1.westeurope.logic.azure.com:443/643e69f83c8944438d68119179a10a64/signatur",
        "/prod-1.westeurope.logic.azure.com/workflows/643e69f83c8944438d68119179a10a64/triggers/manual",
    ),
    Service(
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "/hooks.slack.com/services/T1JJ3T3L2",
        lambda _: "ok",
    ),
    Service(f"pover://{'u' * 30}@{'a' * 30}", "/api.pushover.net/1/messages.json", urgent="priority=1"),
    Service(
        "tgram://123456789:abcdefg_hijklmnop/12315544",
        "/api.telegram.org/bot123456789:abcdefg_hijklmnop/sendMessage",
    ),
    Service("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "/discord.com/api/webhooks/4174216298/"),
    Service(f"wxteams://{'a' * 80}", "/api.ciscospark.com/v1/webhooks/incoming/"),
    Service("gchat://rum/noegle/token", "/chat.googleapis.com/v1/spaces/rum/messages"),
    Service(f"zulip://velgate-bot@solhjem/{'a' * 32}", "/solhjem.zulipchat.com/api/v1/messages"),
    Service(
        f"twilio://AC{'0' * 32}:{'a' * 32}@14155550100/4530303030",
        f"/api.twilio.com/2010-04-01/Accounts/AC{'0' * 32}/Messages.json",
        _twilio,
    ),
    Service("vonage://aaaaaaaa:bbbbbbbbbbbbbbbb@4520202020/4530303030", "/rest.nexmo.com/sms/json"),
    Service(f"msgbird://{'a' * 25}/4520202020/4530303030", "/rest.messagebird.com/messages"),
    Service(
        "cm://Velgate@aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa/4530303030", "/gw.messaging.cm.com/v1.0/message"
    ),
    Service("clickatell://aaaaaaaaaaaaaaaa/4530303030", "/platform.clickatell.com/messages/http/send"),
    Service("46elks://user:hemmelig@4520202020/4530303030", "/api.46elks.com/a1/sms"),
    Service("seven://hemmelignoegle/4530303030", "/gateway.seven.io/api/sms"),
    Service("bulksms://tokenid:tokensecret@4530303030", "/api.bulksms.com/v1/messages"),
    Service(
        "infobip://hemmelignoegle@xxxx.api.infobip.com/4530303030", "/xxxx.api.infobip.com/sms/3/messages"
    ),
    Service("httpsms://hemmelignoegle@4520202020/4530303030", "/api.httpsms.com/v1/messages/send"),
    Service("threema://*THEGWID@hemmelig/4530303030", "/msgapi.threema.ch/send_simple"),
    Service("telnyx://hemmelignoegle@4520202020/4530303030", "/api.telnyx.com/v2/messages"),
    Service("whatsapp://hemmelig@1234567890/4530303030", "/graph.facebook.com/"),
    Service(
        f"pagerduty://{'a' * 20}@{'b' * 20}?region=eu",
        "/events.eu.pagerduty.com/v2/enqueue",
        urgent='"severity": "critical"',
    ),
    Service(
        "opsgenie://aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa?region=eu",
        "/api.eu.opsgenie.com/v2/alerts",
        lambda _: {"result": "Request will be processed", "requestId": "r-1"},
        urgent='"priority": "P1"',
    ),
    Service("signl4://hemmelig", "/connect.signl4.com/webhook/hemmelig/"),
    Service("ilert://hemmelig", "/api.ilert.com/api/events", urgent='"priority": "HIGH"'),
    Service("pbul://hemmelig", "/api.pushbullet.com/v2/pushes"),
    Service(f"prowl://{'a' * 40}", "/api.prowlapp.com/publicapi/add", urgent="priority=2"),
    Service(f"psafer://{'a' * 20}", "/www.pushsafer.com/api", lambda _: {"status": 1}, urgent="pr=1"),
    Service(
        f"join://{'a' * 32}/group.all", "/joinjoaomgcd.appspot.com/_ah/api/messaging", urgent="priority=2"
    ),
    Service("simplepush://hemmelig", "/api.simplepu.sh/v1/tasks/json", urgent='"priority": 5'),
    Service(
        "sendgrid://hemmelig:velgate@solhjem.example/vagt@solhjem.example", "/api.sendgrid.com/v3/mail/send"
    ),
    Service("brevo://hemmelig:velgate@solhjem.example/vagt@solhjem.example", "/api.brevo.com/v3/smtp/email"),
    Service(
        f"mailgun://velgate@solhjem.example/{'a' * 32}-bbbbbbbb-cccccccc/vagt@solhjem.example?region=eu",
        "/api.eu.mailgun.net/v3/solhjem.example/messages",
    ),
)
EVERY = (*AT_HOME, *ABROAD)


@dataclass
class World:
    """The sending process, and the one server that everything comes to."""

    web: Web
    courier: Courier

    def channel(self, url: str, *, timeout_s: float = 30) -> AppriseChannel:
        """Make a channel to a service."""
        return AppriseChannel(
            name="vagt",
            url=url.replace("{port}", str(self.web.port)),
            courier=self.courier,
            timeout=timedelta(seconds=timeout_s),
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    """Run both, once for all services."""
    async with web_service() as web:
        command = (sys.executable, str(CHILD), str(web.port))
        async with running(Courier(lambda _trouble: None, command=command)) as courier:
            yield World(web, courier)


def plain(text: str) -> str:
    """Take away what a service's own way of writing adds: entities, tags, escapes, hard spaces."""
    text = html.unescape(html.unescape(text)).replace("\xa0", " ").replace("\\", "")
    return re.sub(r"<[^>]*>", "", text)


def holds(got: Got, wanted: str) -> bool:
    """Tell whether a request holds a text, whole."""
    return any(wanted in plain(text) for text in _unpacked(got))


def _unpacked(got: Got) -> list[str]:
    """Give the texts of a request, and those of JSON in a form's field."""
    texts = list(got.texts())
    for text in tuple(texts):
        if text.startswith("{"):
            texts += Got("", "", {"content-type": "application/json"}, text.encode()).texts()
    return texts


@pytest.mark.parametrize("service", EVERY, ids=lambda each: each.name)
async def test_a_service_gets_the_text_and_nothing_else_of_the_house(world: World, service: Service) -> None:
    """Danish letters arrive as they are; ids, rules, devices and places by their slugs do not."""
    world.web.got.clear()
    world.web.answers = service.says
    message = telling(short=not service.at_home)
    assert await world.channel(service.url).send(message) == "sent"
    wanted = FULL if service.at_home else SHORT
    assert message.text == wanted
    told = [got for got in world.web.got if holds(got, wanted)]
    assert len(told) == 1, [(got.target, got.body) for got in world.web.got]
    assert told[0].target.startswith(service.target)
    for got in world.web.got:
        for never in NEVER:
            assert never.encode() not in got.every_byte
    assert re.search(service.urgent, told[0].every_byte.decode()), told[0].every_byte


@pytest.mark.parametrize("service", EVERY, ids=lambda each: each.name)
async def test_what_is_not_urgent_arrives_and_is_not_told_as_urgent(world: World, service: Service) -> None:
    """A technical alert has not an emergency's priority; and no plugin takes it for a mere note."""
    world.web.got.clear()
    world.web.answers = service.says
    await world.channel(service.url).send(telling(short=True, priority=Priority.TECHNICAL))
    told = [got for got in world.web.got if holds(got, SHORT.replace("Nødkald", "Teknik"))]
    assert len(told) == 1
    assert not service.urgent or not re.search(service.urgent, told[0].every_byte.decode())


async def test_the_table_is_as_broad_as_it_claims() -> None:
    """So many services, each once."""
    assert len({service.name for service in EVERY}) == len(EVERY) >= 50
    assert sum(bool(service.urgent) for service in EVERY) >= 14


async def test_one_that_says_its_own_urgency_keeps_it(world: World) -> None:
    """What stands in the URL is the technician's choice."""
    world.web.got.clear()
    world.web.answers = lambda _got: {"ok": True}
    await world.channel("ntfy://127.0.0.1:{port}/nat?priority=low").send(telling())
    assert world.web.got[0].headers["x-priority"] == "low"


async def test_a_heading_is_given_where_there_is_one_and_never_said_twice(world: World) -> None:
    """Place and urgency above the text; a short text is its own heading."""
    world.web.answers = lambda _got: {"ok": True}
    for short, title in ((False, SHORT), (True, "")):
        world.web.got.clear()
        await world.channel("gotify://127.0.0.1:{port}/noegle").send(telling(short=short))
        assert json.loads(world.web.got[0].body)["title"] == title


async def test_a_repeat_after_a_crash_says_that_it_may_be_one(world: World) -> None:
    """An SMS knows no key."""
    world.web.got.clear()
    await world.channel("json://127.0.0.1:{port}/kald").send(telling(repeated=True))
    assert holds(world.web.got[0], f"{FULL} (Gentaget: den kan være kommet før.)")


async def test_a_service_that_signs_in_does_so_once_for_many_messages(world: World) -> None:
    """A Matrix server counts sign-ins, and refuses who signs in for each message."""
    world.web.got.clear()
    world.web.answers = _matrix
    room = "matrix://velgate:hemmelig@127.0.0.1:{port}/!andet:solhjem.local"
    for _ in range(3):
        await world.channel(room).send(telling())
    assert sum("/login" in got.target for got in world.web.got) == 1
    assert sum("/send/m.room.message" in got.target for got in world.web.got) == 3
