"""No radio address, key, PIN or password in anything that leaves the gateway or stays on its disk.

A home with telling addresses and keys is put to use, with faults: a wrong key, a stranger, wrong PINs, an
adapter that goes and comes back. Every byte on MQTT, HTTP, the stream, the webhook, the log (at its most
talkative) and in the state folder is looked through. `GET /api/v1/air` alone shows addresses: it is what a
technician chooses a new device by.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import aiomqtt

from gateway.board.pins import hash_pin
from support.eventually import eventually
from support.gateway_process import PERSON, ROOT, TOKEN, Gateway, Home, Simulated, button, home
from support.gateway_process import merged as over
from support.mosquitto import PASSWORD
from support.webhook import SECRET, Receiver, channel, receiver

PIN, WRONG_PIN = "918273645546", "647382910382"  # so long that no number happens to hold them
OWN_KEY, CLIMATE_KEY = "7f3ac95e10b24d6886f0a1c2d3e4b5a6", "0b1d7e90c4f8423fa6b5c4d3e2f1a098"
RIGHT_KEY, WRONG_KEY = "e1c3a5978b6d4f20123c5e7f90a1b2c3", "99aabbccdd0e4f7184a5b6c7d8e9f0a1"
ADDRESSES = [f"C0:FF:EE:51:7D:{n:02X}" for n in range(1, 8)]
OPENS_NOTHING = {"/api/v1/air", "/api/v1/stream", "/api/v1/tail"}

DEVICES = [
    Simulated(name="kald-01", kind="call-button", address=ADDRESSES[0], place="room-01", interval=2),
    Simulated(name="kald-02", kind="call-button", address=ADDRESSES[1], key=OWN_KEY, place="room-02"),
    Simulated(name="klima-03", kind="climate", address=ADDRESSES[2], key=CLIMATE_KEY, place="room-03"),
    Simulated(name="kald-04", kind="call-button", address=ADDRESSES[3], key=RIGHT_KEY, place="room-04"),
    Simulated(name="hjerte-05", kind="heart-rate-strap", address=ADDRESSES[4], place="room-05"),
    Simulated(name="termo-06", kind="thermometer", address=ADDRESSES[5], place="room-06"),
    button(7, unknown=True, interval=1),
    Simulated(name="sos-08", kind="zigbee-sos", place="room-08"),
]
STRANGER = DEVICES[6].address or ""


def forms(address: str) -> Iterator[bytes]:
    """Write an address in every way that programs write one."""
    octets = address.split(":")
    for each in (octets, octets[::-1]):
        for between in (":", "_", "-", ""):
            yield between.join(each).lower().encode()


def guarded() -> dict[str, bytes]:
    """Give what must not be found, in lower case, with what it is."""
    wanted: dict[str, bytes] = {}
    for address in (*ADDRESSES, STRANGER):
        for number, form in enumerate(forms(address)):
            wanted[f"address {address} ({number})"] = form
    for key in (OWN_KEY, CLIMATE_KEY, RIGHT_KEY, WRONG_KEY):
        wanted[f"key {key[:4]}…"] = key.encode()
        wanted[f"key {key[:4]}… in base64"] = base64.b64encode(bytes.fromhex(key)).lower()
    for name, secret in (("PIN", PIN), ("wrong PIN", WRONG_PIN), ("token", TOKEN)):
        wanted[name] = secret.encode().lower()
    return wanted | {"broker password": PASSWORD.encode(), "webhook secret": SECRET.encode()}


class Sweep:
    """Everything that left, by where it was seen."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.seen: dict[str, bytes] = {}

    def add(self, where: str, *what: object) -> None:
        """Take something down."""
        whole = b"\n".join(each if isinstance(each, bytes) else str(each).encode() for each in what)
        self.seen[where] = self.seen.get(where, b"") + b"\n" + whole

    def findings(self) -> list[str]:
        """Give what was found where."""
        wanted = guarded()
        return [
            f"{what} in {where}: …{_around(text.lower(), form)}…"
            for where, text in self.seen.items()
            for what, form in wanted.items()
            if form in text.lower()
        ]


def _around(text: bytes, form: bytes) -> str:
    at = text.index(form)
    return text[max(0, at - 60) : at + len(form) + 20].decode(errors="replace")


async def overhear(client: aiomqtt.Client, sweep: Sweep) -> None:
    """Take down every message, its topic and its properties."""
    async for message in client.messages:
        sweep.add("MQTT", message.topic, message.payload, message.properties)


async def look_at_everything(gateway: Gateway, sweep: Sweep, alert: str) -> None:
    """Ask for every page and document there is, as a signed-in person and over the socket."""
    board = gateway.ready["board"].rstrip("/")
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser, gateway.client() as local:
        for pin in (WRONG_PIN, PIN):
            async with browser.post(f"{board}/api/v1/session", json={"person": PERSON, "pin": pin}) as answer:
                assert answer.status == (204 if pin == PIN else 401)
                sweep.add("HTTP sign-in", await answer.read(), answer.headers)
        async with browser.get(f"{board}/openapi.json") as answer:
            described = json.loads(await answer.read())
        paths = [p for p, does in described["paths"].items() if "get" in does and "{" not in p]
        assert len(paths) > 10
        paths += [f"/api/v1/alerts/{alert}", "/info/room-01", "/commission", "/", "/?view=devices"]
        for path in sorted({*paths} - OPENS_NOTHING):
            async with browser.get(f"{board}{path}") as answer:
                sweep.add(f"HTTP {path}", await answer.read(), answer.headers)
            async with local.get(f"http://gateway{path}") as answer:
                sweep.add(f"socket {path}", await answer.read(), answer.headers)
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for path in ("/api/v1/alerts?limit=zero", "/api/v1/readings?device=nobody", "/api/v1/nothing"):
            async with browser.get(f"{board}{path}", headers=bearer) as answer:
                sweep.add(f"HTTP {path}", await answer.read(), answer.headers)
        async with local.get("http://gateway/api/v1/air") as answer:
            assert ADDRESSES[0] in await answer.text(), "what a technician chooses by is shown there alone"


async def use(house: Home, gateway: Gateway) -> str:
    """Put the home to use; gives an alert."""
    for device in ("kald-01", "kald-02", "kald-04", "kald-07", "sos-08"):
        house.do(device, "press")
    house.do("kald-02", "battery", "3")
    house.do("termo-06", "measure")
    first = (await gateway.alert_of("kald-01"))["id"]
    await gateway.alert_of("kald-02")
    await gateway.alert_of("sos-08")

    async def all_speak() -> bool:
        rows = (await gateway.get("/api/v1/devices"))["devices"]
        seen = {row["device"] for row in rows if row["last_seen"]}
        refused = {row["device"]: row["refused"] for row in rows if row["refused"]}
        assert refused == {"kald-04": "key_wrong"}
        return seen >= {"kald-01", "kald-02", "klima-03", "hjerte-05", "termo-06", "sos-08"}

    await eventually(all_speak)
    status, answer = await gateway.act(first, "acknowledge", note="kommer")
    assert status == 200, answer
    for fault, cure in (("off", "on"), ("restart", None)):
        house.do("adapter", fault)
        if cure:
            await gateway.adapter_is("off")
            house.do("adapter", cure)
        else:
            await eventually(lambda: "bluetoothd is gone" in gateway.log())
        await gateway.adapter_is("up")
    return str(first)


async def test_nothing_that_leaves_tells_who_or_by_what_key(tmp_path: Path) -> None:
    """Every byte, from every door."""
    probe = Sweep()
    probe.add("a probe", ADDRESSES[0].replace(":", "_"), OWN_KEY.upper())
    assert len(probe.findings()) == 2, "the sweep finds what is there"
    sweep = Sweep()
    async with receiver() as hook:
        settings = over(
            channel(hook),
            {
                "secrets": {
                    "person": {PERSON: {"pin": hash_pin(PIN)}},
                    "device": {"kald-04": {"key": WRONG_KEY}},
                },
                "alerts": {
                    "policies": {"call": {"steps": [{"targets": ["page", "channel:hook"], "after": "60s"}]}}
                },
            },
        )
        with home(tmp_path, DEVICES, settings=settings) as house:
            gateway = house.start(env={"VELGATE_LOG_LEVEL": "DEBUG"})
            await _allow(house, gateway)
            async with house.mqtt() as client, gateway.stream("/api/v1/stream?readings=1") as stream:
                await client.subscribe([(f"{ROOT}/#", 1), ("homeassistant/#", 1)])
                hearing = asyncio.create_task(overhear(client, sweep))
                alert = await use(house, gateway)
                await look_at_everything(gateway, sweep, alert)
                await eventually(lambda: b"help_call" in sweep.seen.get("MQTT", b""))
                await eventually(lambda: hook.received)
                hearing.cancel()
                sweep.add("stream", stream.raw)
            assert gateway.stop() == 0
            _take_down_what_stays(gateway, hook, sweep)
    assert len(sweep.seen["MQTT"]) > 5000
    assert len(sweep.seen["log"]) > 200
    assert sweep.findings() == []


async def _allow(house: Home, gateway: Gateway) -> None:
    """Record a basis, so that what a strap and a thermometer say is kept."""
    async with gateway.client() as client:
        for place in ("room-05", "room-06"):
            body = {
                "by": PERSON, "place": place, "concern": "vital", "kind": "consent", "until": "2099-01-01",
            }  # fmt: skip
            async with client.post("http://gateway/api/v1/basis", json=body) as answer:
                assert answer.status in (200, 201, 204), await answer.text()


def _take_down_what_stays(gateway: Gateway, hook: Receiver, sweep: Sweep) -> None:
    for each in hook.received:
        sweep.add("webhook", each.body)
    sweep.add("log", gateway.log(), (gateway.folder / "stdout").read_bytes())
    for file in gateway.state.iterdir():
        if file.is_file():
            kept = file.read_bytes()
            sweep.add(f"state/{file.name}", kept)
            for address in (*ADDRESSES, STRANGER):
                octets = bytes.fromhex(address.replace(":", ""))
                assert octets not in kept, file.name
                assert octets[::-1] not in kept, file.name
