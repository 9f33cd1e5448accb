"""Messages over a real Mosquitto: nothing acknowledged is lost, whatever dies in between."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.health.clock import SystemClock
from gateway.model.frames import Frame
from gateway.radio.expects import OnFrame
from gateway.radio.mqtt_in import MqttIn
from gateway.settings.models import Settings
from support.children import die_with_parent, end
from support.eventually import eventually, eventually_blocking
from support.mosquitto import Mosquitto, mosquitto
from support.radio import Heard, over_mqtt, radio_of, settings

TOPIC = "zigbee2mqtt/kald-1"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path, persistence=True) as running:
        yield running


@asynccontextmanager
async def listening(
    settings: Settings, heard: Heard, on_frame: OnFrame | None = None, **options: Any
) -> AsyncIterator[MqttIn]:
    """Run a source for the length of the block; it has to end by cancellation alone."""
    source = MqttIn(
        settings,
        clock=SystemClock(),
        on_frame=on_frame or heard.frame,
        tell=heard.tell,
        instance="of-the-test",
        **options,
    )
    task = asyncio.create_task(source.run())
    try:
        yield source
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait((task,), timeout=60)
        assert task.done()


def client(broker: Mosquitto) -> aiomqtt.Client:
    return aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5)


async def publish(broker: Mosquitto, *payloads: str, topic: str = TOPIC, **options: Any) -> None:
    async with client(broker) as sender:
        for payload in payloads:
            await sender.publish(topic, payload, qos=1, **options)


async def test_messages_come_in_order_and_own_ones_do_not(broker: Mosquitto) -> None:
    """Each is heard once, in order, with topic, bytes and time; a gateway does not hear itself."""
    heard = Heard()
    async with listening(over_mqtt(broker.login(), {"kald-1": TOPIC}, subscribe=["#"]), heard) as source:
        await eventually(lambda: source.state == "up")
        await publish(broker, "own", topic="velgate/v1/kommune-a/solhjem/alert/1")
        await publish(broker, *map(str, range(200)))
        await publish(broker, '{"state":"offline"}', topic=f"{TOPIC}/availability")
        await eventually(lambda: len(heard.messages) >= 201)
    assert [m.payload for m in heard.messages[:200]] == [str(n).encode() for n in range(200)]
    assert heard.messages[200].topic == f"{TOPIC}/availability"
    first = heard.messages[0]
    assert (first.topic, first.retained, first.source) == (TOPIC, False, "mqtt-in")
    assert first.heard is not None


async def test_a_retained_message_says_so(broker: Mosquitto) -> None:
    """What the broker had kept is marked; the same topic live is not."""
    await publish(broker, "old", retain=True)
    heard = Heard()
    async with listening(over_mqtt(broker.login(), {"kald-1": TOPIC}), heard):
        await eventually(lambda: len(heard.messages) == 1)
        await publish(broker, "new", retain=True)
        await eventually(lambda: len(heard.messages) == 2)
    assert [(m.payload, m.retained) for m in heard.messages] == [(b"old", True), (b"new", False)]


async def test_nothing_is_acknowledged_before_it_is_taken(broker: Mosquitto) -> None:
    """A message whose take has not returned delays no other, and comes again with those after it."""
    heard = Heard()
    stuck = asyncio.Event()

    async def take(frame: Frame) -> None:
        await heard.frame(frame)
        if heard.messages[-1].payload == b"2":
            await asyncio.Event().wait()  # a commit that hangs
        if heard.messages[-1].payload == b"3":
            stuck.set()

    home = over_mqtt(broker.login(), {"kald-1": TOPIC})
    async with listening(home, heard, take) as source:
        await eventually(lambda: source.state == "up")
        await publish(broker, "1", "2", "3")
        await stuck.wait()
    again = Heard()
    async with listening(home, again):
        await eventually(lambda: len(again.messages) >= 2)
    assert [m.payload for m in heard.messages] == [b"1", b"2", b"3"]
    assert [m.payload for m in again.messages] == [b"2", b"3"]


CHILD = """
    import asyncio, sys
    sys.path.insert(0, sys.argv[1])
    from gateway.health.clock import SystemClock
    from support.radio import over_mqtt
    from gateway.radio.mqtt_in import MqttIn

    async def take(frame):
        print(frame.payload.decode(), flush=True)
        if frame.payload == b"press 2":
            await asyncio.Event().wait()  # the commit that never ends

    home = over_mqtt({"hostname": "127.0.0.1", "port": int(sys.argv[2]), "username": sys.argv[3],
                      "password": sys.argv[4]}, {"kald-1": sys.argv[5]})
    source = MqttIn(home, clock=SystemClock(), on_frame=take, tell=print, instance="of-the-test")
    asyncio.run(source.run())
"""


async def test_a_press_outlives_kill_9_before_its_commit(broker: Mosquitto) -> None:
    """The process dies between hearing and committing: the broker sends the press again."""
    login = broker.login()
    arguments = [
        str(Path(__file__).parents[1]),
        str(login["port"]),
        login["username"],
        login["password"],
        TOPIC,
    ]
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), *arguments],
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone)
    )
    try:
        await eventually(lambda: "velgate-in-of-the-test" in broker.log() and "SUBACK" in broker.log())
        await publish(broker, "press 1", "press 2", "press 3")
        assert child.stdout is not None
        said = [await asyncio.to_thread(child.stdout.readline) for _ in range(3)]
        child.kill()
    finally:
        end(child)
        child.communicate()
    assert said == [b"press 1\n", b"press 2\n", b"press 3\n"]
    await publish(broker, "press 4")  # while nobody listens
    heard = Heard()
    async with listening(over_mqtt(login, {"kald-1": TOPIC}), heard):
        await eventually(lambda: len(heard.messages) >= 3)
    assert [m.payload for m in heard.messages] == [b"press 2", b"press 3", b"press 4"]


async def test_a_callback_that_raises_ends_the_run_and_loses_nothing(broker: Mosquitto) -> None:
    """Raised twice, the message comes again; the third time it is set aside, so that it blocks nothing."""
    heard = Heard()

    async def take(frame: Frame) -> None:
        await heard.frame(frame)
        if heard.messages[-1].payload == b"bad":
            raise RuntimeError("cannot take this")

    source = MqttIn(
        over_mqtt(broker.login(), {"kald-1": TOPIC}),
        clock=SystemClock(),
        on_frame=take,
        tell=heard.tell,
        instance="of-the-test",
    )
    for _ in range(2):
        run = asyncio.create_task(source.run())
        await eventually(lambda run=run: source.state == "up" or run.done())
        if not heard.messages:
            await publish(broker, "good", "bad", "after")
        await asyncio.wait((run,), timeout=60)
        assert isinstance(run.exception(), RuntimeError)
    assert source.state == "down"
    run = asyncio.create_task(source.run())
    await eventually(lambda: source.set_aside == 1 and heard.messages[-1].payload == b"after")
    payloads = [m.payload for m in heard.messages]
    assert (payloads[:2], payloads.count(b"bad")) == ([b"good", b"bad"], 3)
    run.cancel()
    await asyncio.wait((run,))


async def test_the_broker_goes_and_comes_back(broker: Mosquitto) -> None:
    """Down is seen and told, back is seen and told; what QoS 1 senders sent meanwhile arrives."""
    heard = Heard()
    home = over_mqtt(broker.login(), {"kald-1": TOPIC})
    async with listening(home, heard, tell_after_s=0.3, calls=lambda: True) as source:
        await eventually(lambda: source.state == "up")
        await publish(broker, "before")
        await eventually(lambda: heard.messages)
        broker.stop()
        await eventually(lambda: source.state == "down")
        trouble = (await eventually(lambda: heard.standing("source.down")))[0]
        assert trouble.calls_unheard
        assert str(broker.port) in trouble.detail
        broker.start()
        await eventually(lambda: source.state == "up")
        await publish(broker, "after")
        # A broker that stopped before it had read the acknowledgement sends the first once more.
        wanted = [b"before", b"after"]
        await eventually(lambda: list(dict.fromkeys(m.payload for m in heard.messages)) == wanted)
        assert heard.standing("source.down") == []


async def test_a_wrong_password_is_said_and_the_right_one_taken(broker: Mosquitto) -> None:
    """The reason is there for the technician, without the password; new settings mend it at once."""
    heard = Heard()
    login = broker.login()
    wrong = over_mqtt(login | {"password": "not-it-at-all"}, {"kald-1": TOPIC})
    async with listening(wrong, heard, tell_after_s=0.0) as source:
        trouble = (await eventually(lambda: heard.standing("source.down")))[0]
        assert source.state == "down"
        assert "uthor" in trouble.detail or "password" in trouble.detail, trouble.detail
        assert "not-it-at-all" not in trouble.detail
        source.reload(over_mqtt(login, {"kald-1": TOPIC}))
        await eventually(lambda: source.state == "up")
        assert heard.standing("source.down") == []


async def test_new_settings_make_a_new_subscription(broker: Mosquitto) -> None:
    """A device added while it runs is heard; without any topic the source is off."""
    heard = Heard()
    async with listening(settings(mqtt={"host": broker.host, "port": broker.port}), heard) as source:
        await eventually(lambda: source.state == "off")
        source.reload(over_mqtt(broker.login(), {"kald-2": "zigbee2mqtt/kald-2"}))
        await eventually(lambda: source.state == "up")
        await publish(broker, "press", topic="zigbee2mqtt/kald-2")
        await eventually(lambda: heard.messages)


async def test_stopping_while_the_broker_hangs_takes_no_time(broker: Mosquitto) -> None:
    """A broker that neither answers nor closes holds nobody up: connected, or connecting."""
    heard = Heard()
    home = over_mqtt(broker.login(), {"kald-1": TOPIC})
    loop = asyncio.get_running_loop()
    async with listening(home, heard) as source:
        await eventually(lambda: source.state == "up")
        broker.pause()
        began = loop.time()
    async with listening(home, heard) as source:
        await asyncio.sleep(0.05)
        assert source.state != "up"
    assert loop.time() - began < 8
    broker.resume()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address, now = IPv4Address("127.0.0.1"), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return paths


async def test_tls_with_the_right_authority_and_with_a_wrong_one(tmp_path: Path) -> None:
    """A broker whose certificate nobody vouches for is not trusted, and the technician reads why."""
    cert, key = certificate(tmp_path)
    heard = Heard()
    with mosquitto(tmp_path, options=[f"certfile {cert}", f"keyfile {key}"]) as broker:
        topics = {"kald-1": TOPIC}
        wrong = over_mqtt(broker.login(), topics, tls=True)
        async with listening(wrong, heard, tell_after_s=0.0) as source:
            (trouble,) = await eventually(lambda: heard.standing("source.down"))
            assert "certificate" in trouble.detail
            source.reload(over_mqtt(broker.login(), topics, tls=True, ca_file=str(tmp_path / "none.pem")))
            await eventually(lambda: "No such file" in source.reason)
            source.reload(over_mqtt(broker.login(), topics, tls=True, ca_file=str(cert)))
            await eventually(lambda: source.state == "up")


async def test_a_crash_here_is_silence_nowhere_else(broker: Mosquitto) -> None:
    """The room of messages goes down and up again by itself; the radio's other rooms do not notice."""
    heard = Heard()
    first = []

    async def take(frame: Frame) -> None:
        if not first:
            first.append(frame)
            raise RuntimeError("cannot take this")
        await heard.frame(frame)

    home = over_mqtt(broker.login(), {"kald-1": TOPIC})
    home = home.model_copy(update={"radio": home.radio.model_copy(update={"enabled": False})})
    async with radio_of(home, heard, takes=False, may_crash=True) as radio:
        assert radio.sources()[0]["state"] == "off"
        radio.deliver_to(take)
        await eventually(lambda: radio.sources()[0]["state"] == "up")
        await publish(broker, "press")
        await eventually(lambda: [m.payload for m in heard.messages] == [b"press"])
        assert radio.sources()[0]["state"] == "up"


def test_the_broker_of_the_tests_keeps_what_it_promised(tmp_path: Path) -> None:
    """The tool of the tests itself: a killed broker is gone, a started one answers on the same port."""
    with mosquitto(tmp_path) as running:
        port = running.port
        running.kill()
        running.start()
        assert running.port == port
        assert eventually_blocking(lambda: "running" in running.log())
