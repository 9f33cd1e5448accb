"""Drivers that behave badly, and packages that bring them, for the tests of the driver host."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from importlib.metadata import Distribution, EntryPoint, PathDistribution
from pathlib import Path

from gateway.driver import Advertisement, AdvertisementDriver, Fact, Match
from gateway.intake.index import Loaded
from gateway.model import frames


def guest(
    decode: Callable[[Advertisement], Iterable[Fact]],
    name: str = "guest",
    match: Match | None = None,
    *,
    file: str = "guest.py",
) -> Loaded:
    """Make a driver of this process out of a function."""
    driver = AdvertisementDriver(
        name=name,
        version="1.0.0",
        models=("a guest",),
        match=match or Match.company(0xFFFF),
        heard_every=None,
        decode=decode,
    )
    return Loaded(driver=driver, file=file, distribution="velgate", shipped=True)


def frame(data: bytes = b"\x01", company: int = 0xFFFF, **more: object) -> frames.Advertisement:
    """Make an advertisement with manufacturer data."""
    return frames.Advertisement(
        address="D0:4E:00:00:00:01",
        manufacturer_data={company: data},
        **more,  # type: ignore[arg-type]
    )


def package(folder: Path, name: str, code: str) -> EntryPoint:
    """Install a package with one driver into a folder, as a wheel would lie there, and give its entry point.

    `code` makes `driver`; it stands in a module named like the package, with `-` as `_`.
    """
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(HEAD + textwrap.dedent(code))
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: velgate-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[velgate.drivers]\n{name} = {module}:driver\n")
    found: Distribution = PathDistribution(info)
    return next(iter(found.entry_points))


HEAD = """
import os, time
from datetime import timedelta
from gateway.driver import *
from gateway.driver import quantities as q

def made(name, decode, company=0xFFFF, **more):
    return AdvertisementDriver(
        name=name, version="1.0.0", models=("a guest",), match=Match.company(company),
        heard_every=timedelta(seconds=60), decode=decode, **more)
"""
