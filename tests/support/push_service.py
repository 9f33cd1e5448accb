"""A push service of the tests' own: takes pushes as RFC 8030 has it, and reads them as the phone would.

Written from RFC 8188, 8291 and 8292 beside the program, not from it: HKDF and the check of the signature are
the library's, so that the two agree only where both follow the standard.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.eventually import eventually

MAX_BYTES = 4096


def b64(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Phone:
    """A browser's half of a subscription: its keys, and what it has been sent."""

    name: str
    service: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    waiting: dict[str, Any] = field(default_factory=dict)
    """By topic: what the phone would fetch now; a later one has taken an earlier one's place."""
    got: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """Where it is pushed to."""
        return f"{self.service}/push/{self.name}"

    @property
    def point(self) -> bytes:
        """Its public key."""
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self) -> dict[str, Any]:
        """Write it as `PushSubscription.toJSON()` does."""
        keys = {"p256dh": b64(self.point), "auth": b64(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """Decrypt one message (RFC 8291, section 4; RFC 8188, section 2)."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender = body[21 : 21 + length]
        record = body[21 + length :]
        assert len(record) <= size
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.key.exchange(ec.ECDH(), theirs)
        info = b"WebPush: info\x00" + self.point + sender
        secret = HKDF(algorithm=SHA256(), length=32, salt=self.auth, info=info).derive(shared)

        def derived(what: bytes, octets: int) -> bytes:
            of = HKDF(
                algorithm=SHA256(), length=octets, salt=salt, info=b"Content-Encoding: " + what + b"\x00"
            )
            return of.derive(secret)

        plain = AESGCM(derived(b"aes128gcm", 16)).decrypt(derived(b"nonce", 12), record, None)
        text = plain.rstrip(b"\x00")
        assert text[-1:] == b"\x02", "the last record ends in its delimiter"
        return text[:-1]


def check_vapid(header: str, audience: str, now_s: float) -> tuple[dict[str, Any], str]:
    """Check a signature (RFC 8292). Gives its claims and the public key."""
    scheme, _, rest = header.partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signature = parts["t"].split(".")
    assert json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
    raw = unb64(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    said = json.loads(unb64(claims))
    assert said["aud"] == audience
    assert now_s < said["exp"] <= now_s + 24 * 3600
    return said, parts["k"]


class PushService:
    """The service. Each phone decides how it is answered."""

    def __init__(self) -> None:
        """Begin without phones."""
        self.phones: dict[str, Phone] = {}
        self.origin = ""
        self.refused: list[str] = []
        self.let_go = asyncio.Event()

    def phone(self, name: str) -> Phone:
        """Give a new phone."""
        self.phones[name] = Phone(name, self.origin)
        return self.phones[name]

    async def take(self, request: web.Request) -> web.Response:
        """Answer one push."""
        phone = self.phones[request.match_info["name"]]
        body = await request.read()
        phone.requests.append((dict(request.headers), body))
        if phone.hangs:
            await self.let_go.wait()
        if phone.status != 201:
            return web.Response(status=phone.status, headers=phone.headers)
        assert len(body) <= MAX_BYTES
        assert request.headers["Content-Encoding"] == "aes128gcm"
        assert request.headers["Urgency"] in ("very-low", "low", "normal", "high")
        assert int(request.headers["TTL"]) >= 0
        topic = request.headers["Topic"]
        assert len(topic) <= 32
        assert set(topic) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        said = json.loads(phone.read(body))
        phone.waiting.pop(topic, None)
        phone.waiting[topic] = said
        phone.got.append(said)
        return web.Response(status=201, headers={"Location": f"{self.origin}/message/{secrets.token_hex(8)}"})


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """Run a service on a free port of this machine."""
    service = PushService()
    app = web.Application()
    app.router.add_post("/push/{name}", service.take)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    service.origin = f"http://127.0.0.1:{port}"
    try:
        yield service
    finally:
        service.let_go.set()
        await runner.cleanup()


async def sent(phone: Phone, about: str, count: int = 1, *, alert: str | None = None) -> dict[str, Any]:
    """Wait until a phone has got so many pushes about something, and give the last.

    Name the alert that is meant: what follows from a test may raise others.
    """

    def found() -> dict[str, Any] | None:
        every = [
            each for each in phone.got if each["about"] == about and (alert is None or each["alert"] == alert)
        ]
        return every[count - 1] if len(every) >= count else None

    return await eventually(found)
