"""Alerts and rows as documents: what is written comes back, whichever version reads it."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal.alert_codec import decode_alert, encode_alert
from gateway.journal.documents import NEVER, decode, encode
from gateway.model.alert import Alert, Concern, Handling, Present, Priority, Taken
from gateway.model.clock import ClockQuality, Instant
from gateway.model.rows import Basis, Notification, Screen, Session
from support.journal import alert
from support.records import instant

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBER = st.integers(-(2**63), 2**63 - 1)
INSTANTS = st.builds(Instant, NUMBER, NUMBER, TEXT, st.sampled_from(ClockQuality))
JSON: Any = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
st.register_type_strategy(Instant, INSTANTS)
st.register_type_strategy(str, TEXT)
st.register_type_strategy(int, NUMBER)


@given(
    st.builds(
        Alert,
        id=TEXT.filter(bool),
        extra=st.dictionaries(TEXT, JSON, max_size=3),
        taken=st.none() | st.builds(Taken),
        present=st.none() | st.builds(Present),
    )
)
def test_every_field_of_an_alert_comes_back(given_alert: Alert) -> None:
    assert decode_alert(encode_alert(given_alert)) == given_alert


@given(st.builds(Notification) | st.builds(Basis, until=st.dates()) | st.builds(Session) | st.builds(Screen))
def test_every_row_comes_back(row: Any) -> None:
    assert decode(type(row), encode(row)) == row


def test_a_field_of_a_later_version_is_left_out() -> None:
    raw = orjson.loads(encode_alert(alert())) | {"mood": "calm"}
    assert decode_alert(orjson.dumps(raw)) == alert()


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(Alert) if each.name != "id"])
def test_a_field_that_an_earlier_version_did_not_write_gets_a_default(name: str) -> None:
    raw = orjson.loads(encode_alert(alert()))
    del raw[name]
    read = decode_alert(orjson.dumps(raw))
    assert dataclasses.replace(read, **{name: getattr(alert(), name)}) == alert()


def test_a_word_that_is_not_known_is_read_as_the_gravest() -> None:
    raw = orjson.loads(encode_alert(alert())) | {"priority": "dire", "handling": "pondered", "concern": "x"}
    read = decode_alert(orjson.dumps(raw))
    assert (read.priority, read.handling, read.concern) == (
        Priority.EMERGENCY,
        Handling.UNACKNOWLEDGED,
        Concern.SELF,
    )
    assert read.open


@pytest.mark.parametrize("document", [b"[]", b"{}", b"7", b"{", b'{"id": ""}', b'{"id": "a", "raised": 5}'])
def test_what_is_no_alert_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_alert(document)


def test_a_missing_moment_is_never() -> None:
    raw = orjson.loads(encode_alert(alert()))
    del raw["raised"]
    assert decode_alert(orjson.dumps(raw)).raised == NEVER


def test_equal_documents_are_equal_bytes() -> None:
    basis = Basis(
        place="room-12",
        concern="fall",
        kind="consent",
        until=date(2027, 1, 1),
        case=None,
        recorded=instant(),
        by="KL",
    )
    assert encode(basis) == encode(dataclasses.replace(basis))
