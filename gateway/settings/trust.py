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
    public: str
    roles: tuple[Literal["author", "tried", "reviewed", "withdrawn", "centre", "home"], ...]
    until: date


class DriverTrust(_Table):
    """What a driver needs before it is installed."""

    tried_by: int = 1
    unsigned: Literal["refuse", "warn"] = "refuse"


class Registry(_Table):
    """Where signed files are fetched from."""

    urls: tuple[str, ...] = ()


class Trust(_Table):
    """The whole of `trust.toml`."""

    key: tuple[TrustedKey, ...] = ()
    driver: DriverTrust = DriverTrust()
    registry: Registry = Registry()
