"""Every shipped driver against its vectors: values, faults, cut frames, and that nothing is left untried."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.intake.host import DriverHost
from gateway.intake.offline import OfflineDecoder
from support.vectors import FOLDER, MODULES, Vector, answer, host, plain, vectors

SHIPPED = 6
DECODE_CODES = {
    "truncated",
    "malformed",
    "unsupported",
    "key_missing",
    "key_wrong",
    "implausible",
    "replayed",
}
NEVER_RAISED = {  # codes that a driver's format has no place for
    "bthome": set(),
    "ruuvi": {"key_missing", "key_wrong", "replayed"},
    "gatt_battery": {"unsupported", "key_missing", "key_wrong", "replayed"},
    "gatt_heart_rate": {"malformed", "unsupported", "key_missing", "key_wrong", "replayed"},
    "gatt_thermometer": {"unsupported", "key_missing", "key_wrong", "replayed"},
    "zigbee2mqtt": {"truncated", "unsupported", "key_missing", "key_wrong", "replayed"},
}


@pytest.fixture(scope="module")
def loaded() -> Iterator[DriverHost]:
    """The drivers, loaded once."""
    drivers = host()
    yield drivers
    drivers.close()


def test_every_driver_loads_and_has_vectors(loaded: DriverHost) -> None:
    """All that the package holds is found by entry points, and each has a file of vectors beside it."""
    assert loaded.findings == []
    assert len(loaded.drivers) == len(MODULES) == SHIPPED
    assert {one.file for one in loaded.drivers.values()} == {str(FOLDER / f"{m}.py") for m in MODULES}
    assert all(one.shipped and one.driver.said for one in loaded.drivers.values())


@pytest.mark.parametrize("module", MODULES)
def test_vectors_come_out_right(loaded: DriverHost, module: str) -> None:
    """Each vector gives its readings and its fault, nothing less and nothing more."""
    visited = 0
    for vector in vectors(module):
        decoder = OfflineDecoder(loaded, vector.keys())
        for frame in vector.before:
            assert answer(decoder, frame)["error"] is None, vector
        given = answer(decoder, vector.frame)
        assert given["driver"] == module.replace("_", "-"), vector
        wanted = sorted(map(plain, vector.expect["readings"]), key=str)
        assert sorted(map(plain, given["readings"]), key=str) == wanted, (str(vector), vector.source)
        assert (given["error"] or {}).get("code") == vector.expect["error"], (str(vector), given["error"])
        visited += 1
    assert visited == len((FOLDER / f"{module}.jsonl").read_text().splitlines())


@pytest.mark.parametrize("module", MODULES)
def test_vectors_cover_every_quantity_and_every_code(loaded: DriverHost, module: str) -> None:
    """What a driver says it reports, a vector shows; and so is every code it can raise."""
    known = {one.driver.name: one for one in loaded.drivers.values()}[module.replace("_", "-")]
    shown = {(r["quantity"], r["kind"]) for v in vectors(module) for r in v.expect["readings"]}
    assert shown == {(quantity.name, quantity.kind.value) for quantity in known.driver.said}
    codes = {vector.expect["error"] for vector in vectors(module)} - {None}
    assert codes == DECODE_CODES - NEVER_RAISED[module]


def cuts(vector: Vector) -> Iterator[dict[str, Any]]:
    """Cut the payload of a frame at every length."""
    frame = vector.frame
    for part in ("service_data", "manufacturer_data"):
        for key, text in frame.get(part, {}).items():
            for end in range(0, len(text), 2):
                shorter = copy.deepcopy(frame)
                shorter[part][key] = text[:end]
                yield shorter
    for key in ("value", "payload"):
        for end in range(len(frame.get(key, ""))):
            yield {**frame, key: frame[key][:end]}


@pytest.mark.parametrize("module", MODULES)
def test_frames_cut_at_every_length_are_contained(loaded: DriverHost, module: str) -> None:
    """A cut frame gives readings or a fault of the contract, and never one that the whole frame lacks."""
    visited = 0
    for vector in vectors(module):
        whole = {plain(reading) for reading in vector.expect["readings"]}
        for frame in cuts(vector):
            given = answer(OfflineDecoder(loaded, vector.keys()), frame)
            assert given["driver"] == module.replace("_", "-")
            assert given["error"] is None or given["error"]["code"] in DECODE_CODES, (str(vector), given)
            if module in {"ruuvi", "gatt_heart_rate", "gatt_thermometer"} and given["error"]:
                kept = [] if given["error"]["code"] != "implausible" else given["readings"]
                assert given["readings"] == kept, "a fixed layout that is cut says nothing"
            if module == "bthome":
                # numbering may change with what is cut off; the values may not
                values = {(q, k, value) for q, k, value, _, _ in whole}
                texts = {str(value) for q, _, value, _, _ in whole if q in {"text", "raw"}}
                for q, k, value, _, _ in map(plain, given["readings"]):
                    assert (q, k, value) in values or any(str(value) in text for text in texts), str(vector)
            visited += 1
    assert visited >= len(vectors(module))


def test_keys_are_in_no_message(loaded: DriverHost) -> None:
    """No answer shows a key, whatever is wrong with it."""
    keyed = [vector for vector in vectors("bthome") if vector.key]
    assert len(keyed) > 10
    for vector in keyed:
        decoder = OfflineDecoder(loaded, vector.keys())
        assert vector.key is not None
        assert vector.key not in str(answer(decoder, vector.frame))
