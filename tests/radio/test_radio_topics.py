"""Which topics are subscribed to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from gateway.radio.mqtt_topics import covers, is_own, wanted

levels = st.sampled_from(["a", "b", "c"])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join)
filters = st.tuples(
    st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=4), st.sampled_from(["", "/#"])
).map(lambda parts: "/".join(parts[0]) + parts[1]) | st.just("#")


@given(filters, filters, topics)
def test_what_covers_hears_all_that_the_covered_hears(wide: str, narrow: str, topic: str) -> None:
    """Checked against another implementation of matching (paho's)."""
    if covers(wide, narrow) and topic_matches_sub(narrow, topic):
        assert topic_matches_sub(wide, topic)


@given(filters, topics)
def test_a_filter_covers_a_topic_as_it_matches_it(wide: str, topic: str) -> None:
    """A topic without wildcards is covered exactly where it matches."""
    assert covers(wide, topic) == topic_matches_sub(wide, topic)


@given(st.lists(topics, max_size=4), st.lists(filters, max_size=4), topics)
def test_leaving_out_what_is_covered_loses_nothing(
    devices: list[str], subscribe: list[str], topic: str
) -> None:
    """What one of the configured filters hears is heard."""
    asked = [*devices, *(f"{device}/availability" for device in devices), *subscribe]
    out = wanted(devices, subscribe)
    heard = any(topic_matches_sub(one, topic) for one in asked)
    assert any(topic_matches_sub(one, topic) for one in out) == heard
    assert len(out) == len(set(out))


def test_devices_bring_their_availability() -> None:
    """Unless the filter has it anyway."""
    assert wanted(["zigbee2mqtt/kald-1"], []) == ["zigbee2mqtt/kald-1", "zigbee2mqtt/kald-1/availability"]
    assert wanted(["zigbee2mqtt/kald-1"], ["zigbee2mqtt/#"]) == ["zigbee2mqtt/#"]
    assert wanted([], []) == []


def test_what_gateways_say_is_their_own() -> None:
    """Their publications and the broker's statistics are never frames."""
    assert is_own("velgate/v1/a/b/alert/1")
    assert is_own("$SYS/broker/uptime")
    assert not is_own("zigbee2mqtt/velgate")
