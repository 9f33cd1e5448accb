"""What leaves for broker and database: all of it, in order, and at the end nothing stands behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import orjson

from gateway.model.readings import Record
from sim.facts import Facts


def broker_gets_every_reading_in_order(facts: Facts) -> Iterator[str]:
    """Each topic gets its readings in order and all of them; what was refused for good alone is missing."""
    arrived: dict[str, list[str]] = defaultdict(list)
    for each in facts.broker.taken:
        if "/device/" in each.topic and each.body and not each.topic.endswith("/status"):
            arrived[each.topic].append(orjson.loads(each.body)["id"])
    refused = {orjson.loads(each.body)["id"] for each in facts.broker.refused}
    first = {topic: list(dict.fromkeys(ids)) for topic, ids in arrived.items()}
    known = {record.id for record in (*facts.ended.readings, *facts.ended.events)}
    for topic, ids in first.items():
        for name in ids:
            if name not in known:
                yield f"{topic} got {name}, which the journal does not know"
    by_topic = {name: topic for topic, ids in first.items() for name in ids}
    yield from _in_order(facts.ended.readings, by_topic, first, refused, "broker")
    yield from _in_order(facts.ended.events, by_topic, first, refused, "broker")


def database_gets_every_reading_in_order(facts: Facts) -> Iterator[str]:
    """Each series gets its points in order and all of them."""
    first = list(dict.fromkeys(_point(line) for line in facts.database.lines))
    place = {point: at for at, point in enumerate(first)}
    refused = {_point(line) for line in facts.database.refused}
    last: dict[tuple[str, str], int] = {}
    for records in (facts.ended.readings, facts.ended.events):
        for record in records:
            point = (record.quantity, record.device, record.time_ns)
            at = place.get(point)
            if at is None:
                if point not in refused:
                    yield f"the database never got {record.quantity} of {record.device} at {record.time_ns}"
                continue
            series = (record.quantity, record.device)
            if at < last.get(series, -1):
                yield f"the database got {record.quantity} of {record.device} out of order"
            last[series] = max(last.get(series, -1), at)


def everything_recovers(facts: Facts) -> Iterator[str]:
    """Within an hour without faults everything answers, is delivered, and whoever calls is answered."""
    if facts.ended.unrecovered:
        yield facts.ended.unrecovered


def nothing_stands_behind(facts: Facts) -> Iterator[str]:
    """At the end every cursor is where the journal is."""
    for row in facts.ended.health.get("outlets", []):
        if row["lag"] or row["state"] != "up":
            yield f"outlet {row['name']} is {row['state']} and {row['lag']} behind"


def broker_retains_what_is_open(facts: Facts) -> Iterator[str]:
    """The alerts that the broker retains are those that are open, each in its last state."""
    retained = {
        topic.rpartition("/")[2]: orjson.loads(body)
        for topic, body in facts.ended.retained.items()
        if "/alert/" in topic
    }
    opened = {alert["id"]: alert for alert in facts.ended.open_alerts}
    for name in retained.keys() - opened.keys():
        yield f"the broker retains {name}, which is not open"
    for name in opened.keys() - retained.keys():
        yield f"the broker does not retain {name}, which is open"
    for name in opened.keys() & retained.keys():
        if retained[name] != opened[name]:
            keys = [key for key in opened[name] if retained[name].get(key) != opened[name][key]]
            yield f"the broker retains another state of {name}: {', '.join(keys)}"


def _in_order(
    records: Iterable[Record],
    by_topic: dict[str, str],
    first: dict[str, list[str]],
    refused: set[str],
    where: str,
) -> Iterator[str]:
    wanted: dict[str, list[str]] = defaultdict(list)
    for record in records:
        topic = by_topic.get(record.id)
        if topic is not None:
            wanted[topic].append(record.id)
        elif record.id not in refused:
            yield f"the {where} never got {record.quantity} of {record.device} ({record.id})"
    for topic, ids in wanted.items():
        mine = set(ids)
        if [name for name in first[topic] if name in mine] != ids:
            yield f"{topic} came out of order"


def _point(line: str) -> tuple[str, str, int]:
    series, _, rest = line.partition(" ")
    measurement, *tags = series.split(",")
    device = next(tag.partition("=")[2] for tag in tags if tag.startswith("device="))
    return measurement, device, int(rest.rpartition(" ")[2])
