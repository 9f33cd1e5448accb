"""What a service that does not take a message becomes: a reason without secrets, and whether it lasts."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.alerts.channels.apprise import AppriseChannel
from gateway.alerts.channels.base import ChannelDown
from gateway.alerts.channels.courier import Courier
from support.certificates import self_signed
from support.courier import running
from support.services import mail_service, web_service
from support.telling import FULL, SHORT, telling

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "hemmelig-noegle"
SERVICES = (
    "json://velgate:{secret}@127.0.0.1:{port}/",
    "gotify://127.0.0.1:{port}/{secret}",
    "ntfy://127.0.0.1:{port}/{secret}",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def courier() -> AsyncIterator[Courier]:
    """Run the sending process."""
    async with running(Courier(lambda _trouble: None)) as here:
        yield here


def channel(courier: Courier, url: str, port: int, *, timeout_s: float = 30) -> AppriseChannel:
    """Make a channel."""
    whole = url.format(port=port, secret=SECRET)
    return AppriseChannel(name="vagt", url=whole, courier=courier, timeout=timedelta(seconds=timeout_s))


async def failure(channel: AppriseChannel, *, short: bool = False) -> ChannelDown:
    """Send, and give how it failed."""
    with pytest.raises(ChannelDown) as failed:
        await channel.send(telling(short=short))
    assert SECRET not in failed.value.reason
    assert "127.0.0.1" not in failed.value.reason
    return failed.value


@pytest.mark.parametrize("url", SERVICES)
@pytest.mark.parametrize(
    ("status", "lasting"),
    [
        (400, True),
        (401, True),
        (403, True),
        (404, True),
        (410, True),
        (413, True),
        (408, False),
        (429, False),
        (500, False),
        (502, False),
        (503, False),
    ],
)
async def test_a_status_says_whether_somebody_has_to_mend_something(
    courier: Courier, url: str, status: int, lasting: bool
) -> None:
    """A wrong key stays wrong; a server that is busy does not stay busy."""
    async with web_service() as web:
        web.status = status
        down = await failure(channel(courier, url, web.port))
    assert down.reason == f"answered with status {status}"
    assert down.lasting is lasting


async def test_an_answer_of_success_that_says_failure_is_none(courier: Courier) -> None:
    """Slack, SMS gateways and others say `no` with a status of 200."""
    async with web_service() as web:
        web.answers = lambda _got: {"result": {"status": "error", "error_text": "no credit"}}
        down = await failure(channel(courier, "smseagle://{secret}@127.0.0.1:{port}/4520202020", web.port))
    assert down.reason == "answered with status 200, but what it said was no success"


async def test_nobody_there(courier: Courier) -> None:
    """A refused connection."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        for url in (*SERVICES, "mailto://solhjem.example:{port}?smtp=127.0.0.1&from=a@b.dk&to=c@b.dk"):
            down = await failure(channel(courier, url, free.getsockname()[1]))
            assert down.reason == "no connection: Connection refused"
            assert not down.lasting


@contextmanager
def silence() -> Iterator[int]:
    """Listen, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "url", [SERVICES[0], "mailto://solhjem.example:{port}?smtp=127.0.0.1&from=a@b.dk&to=c@b.dk"]
)
async def test_a_server_that_never_answers_is_left(courier: Courier, url: str) -> None:
    """After the channel's own time."""
    with silence() as port:
        down = await failure(channel(courier, url, port, timeout_s=0.2))
    assert down.reason == "no answer within 0.2 s"
    assert not down.lasting


async def test_a_name_that_is_nobodys(courier: Courier) -> None:
    """No address: no connection."""
    down = await failure(channel(courier, "json://no-such-host.invalid/", 0))
    assert down.reason.startswith("no connection")


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(courier: Courier, tmp_path: Path) -> None:
    """Unless the technician says in the URL that it is."""
    certificate, key = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with web_service(tls) as web:
        down = await failure(channel(courier, "jsons://127.0.0.1:{port}/", web.port))
        assert down.reason == "no connection: its certificate is not trusted"
        assert web.got == []
        assert (
            await channel(courier, "jsons://127.0.0.1:{port}/?verify=no", web.port).send(telling()) == "sent"
        )


async def test_a_url_that_is_not_whole_fails_and_says_whose(courier: Courier) -> None:
    """The URL itself is shown nowhere."""
    for url, module in (
        ("tgram://{secret}", "telegram"),
        ("slack://{secret}", "slack"),
        ("json://", "custom_json"),
    ):
        down = await failure(channel(courier, url, 0))
        assert module in down.reason
        assert down.lasting
    down = await failure(channel(courier, "nosuch://{secret}", 0))
    assert down.reason == "its URL is of a scheme that Apprise does not know"


MAIL = "mailto://velgate:{password}@solhjem.example:{port}?smtp=127.0.0.1&from=velgate@solhjem.example&to=vagt@solhjem.example"


async def test_a_mail_arrives_whole(courier: Courier) -> None:
    """Heading, text with Danish letters, and that it is important; signed in, and no password in it."""
    async with mail_service() as mail:
        url = MAIL.replace("{password}", mail.password.decode())
        assert await channel(courier, url, mail.port).send(telling()) == "sent"
        (got,) = mail.got
    import email
    from email import policy

    assert isinstance(got.content, bytes)
    read = email.message_from_bytes(got.content, policy=policy.default)
    assert got.rcpt_tos == ["vagt@solhjem.example"]
    assert read["subject"] == SHORT
    assert read.get_content().strip() == FULL
    assert read["importance"] == "High"
    assert mail.password not in got.content


async def test_a_mail_server_says_never_or_later(courier: Courier) -> None:
    """Codes of the 500s last, those of the 400s do not; a wrong password lasts."""
    async with mail_service() as mail:
        right = MAIL.replace("{password}", mail.password.decode())
        for says, lasting in (("552 5.2.2 full", True), ("451 4.3.0 later", False)):
            mail.refuses = says
            down = await failure(channel(courier, right, mail.port))
            assert down.reason == f"the mail server answered with code {says[:3]}"
            assert down.lasting is lasting
        mail.refuses = None
        down = await failure(channel(courier, MAIL.replace("{password}", "forkert"), mail.port))
        assert (down.reason, down.lasting) == ("the mail server answered with code 535", True)
        assert mail.got == []


async def test_a_broker_takes_what_apprise_publishes_or_it_failed(courier: Courier) -> None:
    """A service that is no web service: nothing is known but that it did not take it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down = await failure(
            channel(courier, "mqtt://127.0.0.1:{port}/vagt", free.getsockname()[1], timeout_s=10)
        )
    assert down.reason


async def test_many_at_once_are_all_answered(courier: Courier) -> None:
    """Each by its own thread, none mixed up with another."""
    async with web_service() as web:
        channels = [channel(courier, f"json://127.0.0.1:{{port}}/{n}", web.port) for n in range(40)]
        assert await asyncio.gather(*(each.send(telling()) for each in channels)) == ["sent"] * 40
        assert sorted(int(got.target[1:]) for got in web.got) == list(range(40))
