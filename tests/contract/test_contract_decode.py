"""The contract, "velgate decode": one line out for each line in, whatever comes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.whole_house import BIN, velgate

WARM = {
    "kind": "advertisement", "address": "A4:C1:38:00:00:01", "rssi": -61, "name": None, "tx_power": None,
    "service_uuids": ["fcd2"], "service_data": {"fcd2": "4002c409"}, "manufacturer_data": {"0x0499": "05"},
    "time": "2026-11-24T14:00:00.000Z",
}  # fmt: skip
TEMPERATURE = {"quantity": "temperature", "kind": "measurement", "value": 25.0, "unit": "Cel"}
CODES = {
    "truncated", "malformed", "unsupported", "key_missing", "key_wrong", "replayed", "implausible",
    "driver_failed",
}  # fmt: skip
# An encrypted frame and its key, as the BTHome specification prints them (bthome.io/encryption).
ADDRESS, KEY = "54:48:E6:8F:80:A5", "231d39c1d7cc1ab1aee224cd096db932"
OTHER, OTHER_KEY = "A4:C1:38:10:20:30", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
COUNTED = ("4126ff06ef5b000000d6790895", "419ef122f35a000000e108f4ec")
"""Of this key, counters 0x5b and 0x5a."""
SEALED = {
    "kind": "advertisement",
    "address": ADDRESS,
    "service_data": {"fcd2": "41a47266c95f730011223378237214"},
}


def decode(lines: list[Any], *options: str) -> list[dict[str, Any]]:
    """Give what comes out for lines, each a frame or a text; the run itself always succeeds."""
    text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines)
    done = velgate("decode", "-", *options, input=text)
    assert done.returncode == 0, done.stderr
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in out] == list(range(1, len(lines) + 1))
    assert all(line.keys() == {"frame", "driver", "readings", "error"} for line in out)
    return out


def test_a_frame_in_readings_out() -> None:
    """The example of the contract, to the letter."""
    assert decode([WARM]) == [{"frame": 1, "driver": "bthome", "readings": [TEMPERATURE], "error": None}]


def test_the_three_kinds_and_the_forms_of_their_ids() -> None:
    """Short and whole UUIDs, company ids in hex and decimal, missing keys absent, unknown ones ignored."""
    ruuvi = "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"
    address = {"kind": "advertisement", "address": "A4:C1:38:00:00:01"}
    out = decode(
        [
            {
                **address,
                "service_data": {"0000fcd2-0000-1000-8000-00805f9b34fb": "4002c409"},
                "colour": "red",
            },
            {**address, "manufacturer_data": {"0x0499": ruuvi}},
            {**address, "manufacturer_data": {"1177": ruuvi}},
            {
                "kind": "gatt",
                "address": ADDRESS,
                "service": "180d",
                "characteristic": "2a37",
                "value": "0048",
            },
            {"kind": "mqtt", "topic": "zigbee2mqtt/toilet-12", "payload": '{"water_leak": true}'},
            {**address, "service_data": {"ffff": "00"}},
        ]
    )
    assert out[0]["readings"] == [TEMPERATURE]
    assert out[1]["readings"] == out[2]["readings"]
    assert [each.get("channel") for each in out[1]["readings"] if each["quantity"] == "acceleration"] == [
        1,
        2,
        3,
    ]
    assert out[3]["readings"] == [
        {"quantity": "heart_rate", "kind": "measurement", "value": 72, "unit": "/min"}
    ]
    assert [(each["quantity"], each["kind"], each["value"]) for each in out[4]["readings"]] == [
        ("moisture", "state", True)
    ]
    assert (out[5]["driver"], out[5]["readings"], out[5]["error"]) == (None, [], None)


BAD: list[tuple[Any, str]] = [
    ("no json", "malformed"),
    ("", "malformed"),
    ("[]", "malformed"),
    ('{"kind": "telegram"}', "malformed"),
    ({**WARM, "address": 5}, "malformed"),
    ({**WARM, "service_data": {"fcd2": "40zz"}}, "malformed"),
    ({**WARM, "service_data": {"fcd2": "4002c4"}}, "truncated"),
    ({**WARM, "service_data": {"fcd2": "40fe00"}}, "unsupported"),
    (SEALED, "key_missing"),
    ({"kind": "mqtt", "topic": "zigbee2mqtt/x", "payload": "no json"}, "malformed"),
]


def test_bad_input_is_a_line_with_an_error() -> None:
    """It never stops the run; the code is one of the eight."""
    *bad, last = decode([*(line for line, _ in BAD), WARM])
    for found, (line, code) in zip(bad, BAD, strict=True):
        assert found["error"].keys() == {"code", "message"}, line
        assert found["error"]["code"] == code in CODES, line
        assert found["error"]["message"]
        assert found["readings"] == []
    assert last["readings"] == [TEMPERATURE]


def test_keys_open_frames_and_counters_are_judged_within_the_run() -> None:
    """A counter that falls is replayed; a run begins without memory; a wrong key is said, never shown."""
    (out,) = decode([SEALED], "--key", f"{ADDRESS}={KEY}")
    assert {each["quantity"] for each in out["readings"]} == {"temperature", "humidity"}
    later, earlier = (
        {"kind": "advertisement", "address": OTHER, "service_data": {"fcd2": data}} for data in COUNTED
    )
    rising = decode([earlier, later], "--key", f"{OTHER}={OTHER_KEY}")
    assert [line["error"] for line in rising] == [None, None]
    falling = decode([later, earlier], "--key", f"{OTHER}={OTHER_KEY}")
    assert [line["error"] and line["error"]["code"] for line in falling] == [None, "replayed"]
    wrong = "00" * 16
    (out,) = decode([SEALED], "--key", f"{ADDRESS}={wrong}")
    assert out["error"]["code"] == "key_wrong"
    assert wrong not in json.dumps(out)


def test_equal_frames_are_decoded_again() -> None:
    """Dropping repeats is intake's business."""
    packet = {**WARM, "service_data": {"fcd2": "4000093a01"}}
    assert [line["readings"] for line in decode([packet, packet])] == [decode([packet])[0]["readings"]] * 2


def test_a_file_a_pipe_one_driver_and_figures(tmp_path: Path) -> None:
    """`FILE`, `-` or nothing; `--driver` asks one alone; `--stats` speaks to people."""
    file = tmp_path / "frames.jsonl"
    file.write_text(json.dumps(WARM) + "\n")
    whole = velgate("decode", str(file))
    assert velgate("decode", input=file.read_text()).stdout == whole.stdout
    assert decode([{**WARM, "manufacturer_data": {}}], "--driver", "ruuvi")[0]["driver"] is None
    figures = velgate("decode", str(file), "--stats")
    assert figures.stdout == whole.stdout
    assert "frames/s" in figures.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--nonsense"], 2), (["--key", "nonsense"], 2), (["--driver", "nobody"], 4), (["/no/such/file"], 2)],
)
def test_wrong_usage_and_unknown_drivers(words: list[str], code: int) -> None:
    """Exit 2, and 4 for a driver that is not installed."""
    assert velgate("decode", *words, input="").returncode == code


def test_it_reads_no_configuration_and_touches_no_network(tmp_path: Path) -> None:
    """It says the same where no configuration can be read, no bus and no network is."""
    command = ["unshare", "-n"] if os.getuid() == 0 else []
    done = subprocess.run(
        [
            *command,
            "env",
            "-i",
            f"PATH={os.environ['PATH']}",
            f"HOME={tmp_path}",
            str(BIN / "velgate"),
            "decode",
        ],
        input=json.dumps(WARM),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
        check=False,
    )
    assert json.loads(done.stdout)["readings"] == [TEMPERATURE], done.stderr
    assert list(tmp_path.iterdir()) == []
