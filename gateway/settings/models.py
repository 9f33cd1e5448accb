"""What may be configured. An unknown key is an error; secrets stand in `secrets.toml` under the same keys."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from gateway.model.ids import SLUG
from gateway.settings.alerting import Alerts, Channel, Group
from gateway.settings.span import Span

ADDRESS = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")
PERSON = re.compile(r"(?:[^\W_]|-){2,16}")
"""Initials or another pseudonym; compared without case."""


def _slug(text: str) -> str:
    if not SLUG.fullmatch(text):
        raise ValueError("lower-case letters, digits and hyphens, 1 to 63, beginning with a letter or digit")
    return text


def _address(text: str) -> str:
    upper = text.upper()
    if not ADDRESS.fullmatch(upper):
        raise ValueError("six pairs of hexadecimal digits with colons, such as A4:C1:38:00:00:01")
    return upper


def _time_of_day(value: object) -> time:
    """TOML's own local time, or a text; a bare number is no time of day."""
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value) if isinstance(value, str) else "")
    except ValueError:
        raise ValueError('a time of day such as "23:00"') from None


def _day(value: object) -> date:
    """TOML's own date, or a text; a bare number is no date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value) if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("a date such as 2027-06-30") from None


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Day = Annotated[date, BeforeValidator(_day)]
Slug = Annotated[str, AfterValidator(_slug)]
Address = Annotated[str, AfterValidator(_address)]


class Section(BaseModel):
    """A table of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Site(Section):
    """Where this gateway stands. `phone` is what the page shows when it has lost contact."""

    municipality: Slug
    home: Slug
    gateway: Slug
    zone: str = "Europe/Copenhagen"
    phone: str = ""
    title: str = ""
    """The home's name on the page; empty: its slug."""


class Place(Section):
    """A place; `label` is what staff read. Never a resident's name."""

    label: str = ""
    kind: Literal["home", "bath", "shared"] = "home"
    within: Slug | None = None


class Device(Section):
    """One device: by radio address or by MQTT topic."""

    address: Address | None = None
    topic: str | None = None
    place: Slug
    driver: str | None = None
    profile: str | None = None
    heard_every: Span | None = None
    maintenance_until: str | None = None
    """RFC 3339 time; 4 h ahead at most."""
    key: SecretStr | None = None


class Battery(Section):
    """What battery a product takes and at what percentage it is to be changed."""

    type: str = ""
    low: float = 15


class Words(Section):
    """A text in both languages of the house."""

    da: str
    en: str


class Profile(Section):
    """What a driver cannot know of a product."""

    means: dict[str, Any] = {}
    """quantity -> quantity, or quantity -> {word: "quantity.word"}; unnamed press words count as `press`."""
    heard_every: Span | None = None
    battery: Battery | None = None
    title: Words | None = None
    meets: str | None = None


class Mqtt(Section):
    """The broker. Without `host` the outlet is off."""

    host: str | None = None
    port: int = 1883
    username: str | None = None
    password: SecretStr | None = None
    tls: bool = False
    ca_file: str | None = None
    discovery: bool = False
    """Home Assistant discovery."""
    unsigned_commands: bool = False
    subscribe: tuple[str, ...] = ()
    """Topics of other systems to listen to, e.g. `zigbee2mqtt/#`; a device's own topic is added by itself."""


class Influx(Section):
    """The time-series server. Without `url` the outlet is off."""

    url: str | None = None
    org: str = "-"
    bucket: str = "velgate"
    token: SecretStr | None = None
    wait_for_clock: Span = timedelta(minutes=10)


class Board(Section):
    """Where the staff page listens."""

    host: str = "127.0.0.1"
    port: int = 8734
    certificate: str | None = None
    certificate_key: str | None = None
    session: Span = timedelta(hours=12)


class Radio(Section):
    """The Bluetooth side."""

    adapter: str = "hci0"
    enabled: bool = True
    silence: Span = timedelta(seconds=60)
    """Without any advertisement for this long although devices should speak: start the scanner anew."""
    connections: int = 3
    """GATT connections at once."""
    capture: str | None = None
    """A file of frames (JSON lines) to read beside the radio."""


class Retention(Section):
    """How long things are kept on this gateway."""

    personal: Span = timedelta(days=30)
    other: Span = timedelta(days=365)
    alerts: Span = timedelta(days=180)
    audit: Span = timedelta(days=180)
    readings_bytes: int = 4_000_000_000


class Heartbeat(Section):
    """A dead man's switch run by somebody else: this URL is called while the alarm path works."""

    url: str | None = None
    every: Span = timedelta(minutes=1)


class Person(Section):
    """Somebody who may sign in: initials or another pseudonym, never a name."""

    roles: tuple[Literal["care", "technician", "manager", "protection"], ...] = ("care",)
    rights: tuple[Literal["see_values", "audit", "basis", "enrol"], ...] = ()
    language: Literal["da", "en"] = "da"
    pin: SecretStr | None = None
    """A scrypt hash, written by `velgate staff pin`."""
    token: SecretStr | None = None
    """The SHA-256 of a bearer token, written by `velgate staff token`."""
    channels: tuple[str, ...] = ()


class IntendedUse(Section):
    """Who answers for limits on vital signs, since when, on what grounds; without it they stay off."""

    responsible: str
    since: Day
    grounds: str


class Floor(Section):
    """A value that may be undercut only with a reason (`Deviation`)."""

    key: str
    at_most: Any = None
    at_least: Any = None
    why: str


class Deviation(Section):
    """Why a floor is undercut here, and until when."""

    key: str
    why: str
    by: str
    until: Day


class Settings(Section):
    """The whole effective configuration."""

    site: Site
    place: dict[Slug, Place] = {}
    device: dict[Slug, Device] = {}
    profiles: dict[Slug, Profile] = {}
    alerts: Alerts = Field(default_factory=Alerts)
    group: dict[Slug, Group] = {}
    person: dict[str, Person] = {}
    channel: dict[Slug, Channel] = {}
    mqtt: Mqtt = Field(default_factory=Mqtt)
    influx: Influx = Field(default_factory=Influx)
    board: Board = Field(default_factory=Board)
    radio: Radio = Field(default_factory=Radio)
    retention: Retention = Field(default_factory=Retention)
    heartbeat: Heartbeat = Field(default_factory=Heartbeat)
    intended_use: IntendedUse | None = None
    floor: tuple[Floor, ...] = ()
    deviation: tuple[Deviation, ...] = ()
    night: tuple[TimeOfDay, TimeOfDay] = (time(23), time(7))
    """When night begins and ends, in the site's zone: night view, night rules."""
    wording: dict[Literal["da", "en"], dict[str, Any]] = {}
    """Words over those of the catalogue, by language and key: `wording.da.alert."bed.left".short = "…"`.
    Which keys and values there may be, the loader judges, each text with its line."""

    def label(self, place: str | None) -> str:
        """Give what staff read for a place: its label, or its slug."""
        if place is None:
            return self.site.title or self.site.home
        known = self.place.get(place)
        return (known.label if known else "") or place
