"""`velgate decode` as a program: one line out for each line in, whatever comes, and as it comes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.cli.decode import LINE_MAX, decode_command, parse_key
from gateway.model.problem import Exit, Problem
from support.intake_room import ADDRESS, KEY, encrypted, press
from support.vectors import FOLDER, MODULES

VELGATE = Path(sys.executable).with_name("velgate")


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the program to its end."""
    return subprocess.run([VELGATE, "decode", *arguments], input=given, capture_output=True, check=False)


def lines(output: bytes) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [orjson.loads(line) for line in output.splitlines()]


def frame(**service_data: str) -> bytes:
    """Write one advertisement as a line."""
    return orjson.dumps({"kind": "advertisement", "address": ADDRESS, "service_data": service_data}) + b"\n"


def test_each_line_in_gives_one_line_out_and_nothing_stops_it() -> None:
    """Junk of every sort, between frames that are right."""
    junk: Sequence[bytes] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"kind": "sms"}',
        b'{"kind": 5}',
        b'{"kind": "advertisement"}',
        b'{"kind": "advertisement", "address": 5}',
        b'{"kind": "advertisement", "address": "A4:C1:38:10:20:30", "rssi": "loud"}',
        b'{"kind": "advertisement", "address": "A4:C1:38:10:20:30", "service_data": {"fcd2": 5}}',
        b'{"kind": "advertisement", "address": "A4:C1:38:10:20:30", "service_data": {"fcd2": "40 0132"}}',
        b'{"kind": "advertisement", "address": "A4:C1:38:10:20:30", "service_data": []}',
        b'{"kind": "advertisement", "address": "A4:C1:38:10:20:30", "manufacturer_data": {"ruuvi": "05"}}',
        b'{"kind": "advertisement", "address": "A4:C1:38:10:20:30", "time": "yesterday"}',
        b'{"kind": "gatt", "address": "A4:C1:38:10:20:30", "service": "180f", "value": "33"}',
        b'{"kind": "mqtt", "topic": 5, "payload": "{}"}',
        b'{"kind": "mqtt", "topic": "zigbee2mqtt/x", "payload": {"battery": 5}}',
        b'{"a":' * 2000,
        b'{"kind": "advertisement", "address": "A4:C1:38:10:20:30", "rssi": 1e999}',
        b'{"kind": "advertisement", "address": "A4:C1:38:10:20:30", "rssi": ' + b"9" * 400 + b"}",
    ]
    good = frame(fcd2="400132").rstrip()
    given = b"\n".join([good, *[part for bad in junk for part in (bad, good)]])
    done = run("-", given=given)
    assert done.returncode == 0, done.stderr
    answers = lines(done.stdout)
    assert [answer["frame"] for answer in answers] == list(range(1, 2 * len(junk) + 2))
    assert [(answer["error"] or {}).get("code") for answer in answers[1::2]] == ["malformed"] * len(junk)
    assert all(answer["readings"][0]["value"] == 50 for answer in answers[0::2])
    assert done.stderr == b""


def test_forms_of_ids_and_what_is_absent() -> None:
    """UUIDs short and long, companies in hex and decimal, null for absent, unknown keys passed over."""
    tag = "0512fc5394c37c0004fffc040cac364200cdcbb8334c884f"
    frames: list[dict[str, Any]] = [
        {"service_data": {"FCD2": "400132"}},
        {"service_data": {"0000FCD2-0000-1000-8000-00805F9B34FB": "400132"}, "colour": "blue"},
        {"manufacturer_data": {"1177": tag}, "name": None, "rssi": None, "tx_power": None},
        {"manufacturer_data": {"0X0499": tag}, "service_uuids": None, "service_data": None},
        {"time": "2026-11-24T14:00:00.000Z"},
    ]
    given = b"".join(
        orjson.dumps({"kind": "advertisement", "address": ADDRESS, **each}) + b"\n" for each in frames
    )
    drivers = [(answer["driver"], answer["error"]) for answer in lines(run(given=given).stdout)]
    assert drivers == [("bthome", None), ("bthome", None), ("ruuvi", None), ("ruuvi", None), (None, None)]


def test_vector_files_are_valid_input() -> None:
    """A line can be pasted from either side; what `decode` does not know it passes over."""
    for module in MODULES:
        path = FOLDER / f"{module}.jsonl"
        done = run(str(path))
        assert done.returncode == 0
        assert len(lines(done.stdout)) == len(path.read_bytes().splitlines())


def test_keys_open_frames_and_counters_are_judged_within_the_run(tmp_path: Path) -> None:
    """A replay is one in this run; the next run knows nothing of it. No output shows the key."""
    path = tmp_path / "frames.jsonl"
    path.write_bytes(
        b"".join(
            frame(fcd2=encrypted(press(n)[1:], counter).hex()) for n, counter in ((1, 9), (2, 10), (1, 9))
        )
    )
    given = f"{ADDRESS.lower()}={KEY.hex().upper()}"
    for _ in range(2):
        done = run(str(path), "--key", given)
        codes = [(answer["error"] or {}).get("code") for answer in lines(done.stdout)]
        assert codes == [None, None, "replayed"]
        assert KEY.hex().encode() not in done.stdout.lower() + done.stderr.lower()
    assert {answer["error"]["code"] for answer in lines(run(str(path)).stdout)} == {"key_missing"}


def test_lines_are_answered_as_they_come() -> None:
    """A pipe that stays open is no reason to wait."""
    process = subprocess.Popen([VELGATE, "decode"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for number in range(1, 4):
            process.stdin.write(frame(fcd2="400132"))
            process.stdin.flush()
            assert orjson.loads(process.stdout.readline())["frame"] == number
    finally:
        process.stdin.close()
        process.stdout.close()
        assert process.wait(timeout=30) == 0


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path) -> None:
    """`velgate decode … | head -1` complains about nothing."""
    path = tmp_path / "frames.jsonl"
    path.write_bytes(frame(fcd2="400132") * 50_000)
    script = f"{VELGATE} decode {path} | head -n 1"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=False)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""


def test_a_line_without_end_is_malformed_and_not_kept(tmp_path: Path) -> None:
    """What comes after it is decoded as ever; so is a last line without its end, and one with CR LF."""
    path = tmp_path / "frames.jsonl"
    good = frame(fcd2="400132")
    path.write_bytes(b"\xef\xbb\xbf" + good + b"x" * (LINE_MAX * 3) + b"\n" + good[:-1] + b"\r\n" + good[:-1])
    done = run(str(path))
    assert [(answer["error"] or {}).get("code") for answer in lines(done.stdout)] == [
        None,
        "malformed",
        None,
        None,
    ]
    assert b"1048576 bytes" in done.stdout


def test_nothing_in_gives_nothing_out() -> None:
    """An empty file has no frames."""
    done = run()
    assert (done.returncode, done.stdout) == (0, b"")


def test_one_driver_alone_and_figures() -> None:
    """`--driver` leaves the others out, and takes topics of any root; `--stats` speaks to people."""
    message = orjson.dumps({"kind": "mqtt", "topic": "z2m/kald", "payload": '{"battery": 5}'}) + b"\n"
    done = run("--driver", "zigbee2mqtt", "--stats", given=frame(fcd2="400132") + message)
    assert [answer["driver"] for answer in lines(done.stdout)] == [None, "zigbee2mqtt"]
    assert b"2 frames, 1 readings" in done.stderr
    assert b"zigbee2mqtt" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--driver", "acme"], 4, "velgate driver list"),
        (["/nowhere/frames.jsonl"], 2, "no such file"),
        (["--key", "A4:C1:38:10:20:30"], 2, "ADDRESS=HEX"),
        (["--key", "A4:C1:38:10:20=00"], 2, "ADDRESS=HEX"),
        (["--key", "A4:C1:38:10:20:30=xyz"], 2, "ADDRESS=HEX"),
        (["--nonsense"], 2, "nonsense"),
    ],
)
def test_wrong_usage_is_named(arguments: list[str], code: int, words: str) -> None:
    """Exit codes of the contract, and words that help; never a key."""
    done = run(*arguments)
    assert done.returncode == code
    assert words in done.stderr.decode()
    assert b"xyz" not in done.stderr
    assert done.stdout == b""


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """It cannot be read; the message says so."""
    done = run(str(tmp_path))
    assert done.returncode == 2
    assert b"is a directory" in done.stderr


def test_keys_are_read_in_every_common_form() -> None:
    """Hyphens or colons, any case; the problem does not repeat what it was given."""
    assert parse_key("a4-c1-38-10-20-30=0F1e") == (ADDRESS, b"\x0f\x1e")
    with pytest.raises(Problem) as wrong:
        parse_key("A4:C1:38:10:20:30=secretsecret")
    assert "secret" not in str(wrong.value)
    assert wrong.value.exit is Exit.USAGE


def test_it_loads_little() -> None:
    """Neither the command line's library nor the radio's nor the configuration's."""
    script = (
        "import sys; from gateway.cli.main import main; main(['decode', '/dev/null']); "
        "print(*[name for name in ('typer', 'rich', 'pydantic', 'bleak', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env={**os.environ})
    assert done.stdout.strip() == b""


def test_the_function_can_be_called_from_python(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """As the command table does."""
    path = tmp_path / "frames.jsonl"
    path.write_bytes(frame(fcd2="400132"))
    assert decode_command(str(path)) == 0
    assert lines(capfdbinary.readouterr().out)[0]["driver"] == "bthome"
