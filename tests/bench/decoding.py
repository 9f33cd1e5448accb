"""How fast `velgate decode` is, as a whole process, beside a program that only reads and writes the JSON."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import orjson

from bench.figures import Figure
from bench.gateway import BIN
from firmware_sim.formats import bthome, ruuvi

FRAMES = 24_000
ROUNDS = 3
FLOOR = """
import sys, orjson
out = sys.stdout.buffer
for line in sys.stdin.buffer:
    out.write(orjson.dumps(orjson.loads(line)) + b"\\n")
"""


def corpus(file: Path) -> None:
    """Write advertisements of 200 devices: three in five BTHome, one RuuviTag, one that nobody knows."""
    draw = random.Random(20261124)
    with file.open("wb") as out:
        for number in range(FRAMES):
            device = draw.randrange(200)
            address = f"A4:C1:38:02:00:{device:02X}"
            frame = {
                "kind": "advertisement",
                "address": address,
                "rssi": draw.randrange(-95, -40),
                **_payload(address, device % 5, number, draw),
            }
            out.write(orjson.dumps(frame) + b"\n")


def _payload(address: str, kind: int, number: int, draw: random.Random) -> dict[str, object]:
    warm, damp = round(draw.uniform(15, 30), 2), round(draw.uniform(20, 70), 2)
    if kind == 3:
        data = ruuvi.format_5(
            address=address,
            temperature_cel=warm,
            humidity_percent=damp,
            pressure_pa=101_300,
            voltage_mv=2900,
            sequence=number,
        )
        return {"manufacturer_data": {"0x0499": data.hex()}}
    if kind == 4:
        return {"manufacturer_data": {"0x004c": draw.randbytes(20).hex()}}
    values = [(bthome.PACKET_ID, number % 256), (bthome.TEMPERATURE, warm), (bthome.HUMIDITY, damp)]
    return {"service_data": {"fcd2": bthome.plain([of.encode(value) for of, value in values]).hex()}}


def _per_second(command: list[str], file: Path) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        with file.open("rb") as frames:
            began = time.perf_counter()
            subprocess.run(command, stdin=frames, stdout=subprocess.DEVNULL, check=True)
            best = max(best, FRAMES / (time.perf_counter() - began))
    return best


def figures(folder: Path) -> list[Figure]:
    """Measure, in turn in one run."""
    file = folder / "corpus.jsonl"
    corpus(file)
    floor = _per_second([sys.executable, "-c", FLOOR], file)
    ours = _per_second([str(BIN / "velgate"), "decode", "-"], file)
    return [
        Figure(name="decode, whole process", value=ours, unit="frames/s", goal=50_000, better="higher"),
        Figure(
            name="decode, share of orjson alone",
            value=ours / floor * 100,
            unit="%",
            goal=None,
            better="higher",
        ),
    ]
