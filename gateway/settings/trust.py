"""Whose signatures count: `trust.toml`. Apart from the other settings: it says who may change what runs."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrustedKey(_Table):
    """A key that may sign, as what, and until when."""

    id: str
    """What it is called."""
    public: str
    """The public key: `ed25519:` and 64 hexadecimal digits, or base64."""
    roles: tuple[Literal["author", "tried", "reviewed", "withdrawn", "centre", "home"], ...]
    """What it may sign as; `centre` and `home` may command over MQTT."""
    until: date
    """The last day on which it counts."""


class DriverTrust(_Table):
    """What a driver needs before it is installed."""

    tried_by: int = 1
    """How many must have tried it."""
    unsigned: Literal["refuse", "warn"] = "refuse"
    """What becomes of one that nobody signed."""


class Registry(_Table):
    """Where signed files are fetched from."""

    urls: tuple[str, ...] = ()
    """Their addresses."""


class Trust(_Table):
    """The whole of `trust.toml`."""

    key: tuple[TrustedKey, ...] = ()
    driver: DriverTrust = DriverTrust()
    registry: Registry = Registry()
