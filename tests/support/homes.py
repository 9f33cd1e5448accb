"""Configuration folders for tests, written file by file."""

from __future__ import annotations

from pathlib import Path

SOLHJEM = """\
# Solhjem, the gateway in the east wing
site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}

# homes
place.room-12 = {label = "Bolig 12", kind = "home"}  # by the stairs
place.bath-12 = {label = "Bad 12", kind = "bath", within = "room-12"}

# devices
device.bed-12 = {address = "A4:C1:38:00:00:01", place = "room-12", driver = "bthome"}  # under the mattress
# the call button
device.kald-12 = {address = "A4:C1:38:00:00:02", place = "room-12", driver = "bthome"}

person.KL = {roles = ["care", "technician"]}
"""
"""A home without a mistake."""

KEY = "231d39c1d7cc1ab1aee224cd096db932"
"""A key as the BTHome documentation prints it (bthome.io/encryption)."""


def write_home(folder: Path, **files: str) -> Path:
    """Write `gateway.toml` (Solhjem, if not given) and others: `home="…"`, `secrets="…"`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"gateway": SOLHJEM, **files}.items():
        path = folder / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if name == "secrets":
            path.chmod(0o600)
    return folder


def write_base(folder: Path, **files: str) -> Path:
    """Write a base folder of its own: `base="…"`, `profiles__acme="…"` for `profiles/acme.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
