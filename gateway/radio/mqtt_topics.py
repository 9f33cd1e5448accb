"""Which topics to subscribe to, from the configuration. Source: MQTT 5, section 4.7."""

from __future__ import annotations

from collections.abc import Iterable

OWN_ROOT = "velgate/"
"""What gateways publish themselves: never a frame, or a gateway would hear its own echo."""


def wanted(device_topics: Iterable[str], subscribe: Iterable[str]) -> list[str]:
    """Give the filters to subscribe to: each once, and none that a wider one covers.

    A device brings its own topic and `…/availability` (Zigbee2MQTT says there when it lost the device).
    """
    filters: dict[str, None] = {}
    for topic in device_topics:
        filters[topic] = None
        if not topic.endswith(("#", "/availability")):
            filters[f"{topic}/availability"] = None
    for topic in subscribe:
        filters[topic] = None
    return [one for one in filters if not any(other != one and covers(other, one) for other in filters)]


def covers(wide: str, narrow: str) -> bool:
    """Tell whether every topic that matches the filter `narrow` also matches the filter `wide`."""
    ours, theirs = wide.split("/"), narrow.split("/")
    for i, level in enumerate(ours):
        if level == "#":
            return True  # also matches its parent: `a/#` covers `a`
        if i >= len(theirs) or theirs[i] == "#":
            return False
        if level != "+" and level != theirs[i]:
            return False
    return len(ours) == len(theirs)


def is_own(topic: str) -> bool:
    """Tell whether a topic is one of a gateway's own publications, or of the broker itself."""
    return topic.startswith((OWN_ROOT, "$"))
