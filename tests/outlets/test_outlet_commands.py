"""Commands by MQTT: an acknowledgement that was stuck, copied, forged or replayed must silence nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.clock import ClockQuality, iso
from gateway.outlets.mqtt_commands import Accepted, Command, judge
from support.records import instant

TOPIC = "velgate/v1/kommune-a/solhjem/alert/01999999-0000-7000-8000-00000000a1e7/command"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def command(**changes: Any) -> Command:
    body = {"action": "acknowledge", "by": "KL", "rev": 3, "issued": iso(instant().wall_ns), "note": "på vej"}
    return Command(TOPIC, orjson.dumps(body | changes), False, None, None)


def signed(one: Command, *, key: str = "centre-1") -> Command:
    return replace(one, key=key, signature=KEY.sign(one.topic.encode() + b"\n" + one.payload).hex())


def judged(one: Command, *, after_s: float = 5, synced: bool = True, allowed: bool = False) -> Accepted | str:
    quality = ClockQuality.SYNCED if synced else ClockQuality.UNSYNCED
    answer = judge(
        one, now=instant(after_s, quality=quality), keys={"centre-1": PUBLIC}, unsigned_allowed=allowed
    )
    return answer if isinstance(answer, Accepted) else str(answer[1]["code"])


def test_a_signed_and_fresh_command_is_accepted_with_its_fields() -> None:
    """What is beside action, by, rev and issued goes to the action."""
    accepted = judged(signed(command(by="kommune-a/nat:KL")))
    assert accepted == Accepted("acknowledge", "kommune-a/nat:KL", 3, {"note": "på vej"})


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (replace(signed(command()), retained=True), "wrong_state"),
        (command(), "not_allowed"),
        (signed(command(), key="unknown"), "not_allowed"),
        (replace(signed(command()), payload=command(action="resolve").payload), "not_allowed"),
        (replace(signed(command()), topic=TOPIC.replace("a1e7", "b000")), "not_allowed"),
        (replace(signed(command()), signature="not hex"), "not_allowed"),
        (replace(command(), payload=b"{"), "invalid"),
        (replace(command(), payload=b"[]"), "invalid"),
        (replace(command(), payload=b"x" * 9000), "too_large"),
        (signed(command(action="object")), "invalid"),
        (signed(command(rev="3")), "invalid"),
        (signed(command(rev=True)), "invalid"),
        (signed(command(issued="yesterday")), "invalid"),
        (signed(command(issued="2026-11-24T14:00:00")), "invalid"),
    ],
)
def test_what_is_refused_and_why(one: Command, code: str) -> None:
    """Retained, unsigned, forged, moved to another alert, or not well-formed."""
    assert judged(one) == code


def test_an_old_command_is_refused_where_the_clock_is_synced() -> None:
    """Elsewhere the revision alone says whether it is still about what its sender saw."""
    assert judged(signed(command()), after_s=31) == "wrong_state"
    assert isinstance(judged(signed(command()), after_s=31, synced=False), Accepted)


def test_unsigned_is_taken_only_where_the_home_allows_it_and_never_from_a_centre() -> None:
    """`mqtt.unsigned_commands` is for the home's own broker."""
    assert isinstance(judged(command(), allowed=True), Accepted)
    assert judged(command(by="kommune-a/nat:KL"), allowed=True) == "not_allowed"
    assert judged(replace(signed(command()), signature="00" * 64), allowed=True) == "not_allowed"


@given(st.binary(max_size=200))
def test_any_bytes_are_answered_and_never_accepted(payload: bytes) -> None:
    """Nothing that arrives on a topic may raise, and nothing unsigned may pass."""
    assert isinstance(judged(Command(TOPIC, payload, False, None, None)), str)
