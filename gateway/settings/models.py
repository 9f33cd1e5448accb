"""What may be configured. An unknown key is an error; secrets stand in `secrets.toml` under the same keys."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from gateway.model.ids import SLUG
from gateway.settings.alerting import Alerts
from gateway.settings.channels import Channel
from gateway.settings.duty import Group, Holidays
from gateway.settings.retention import Retention
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
    """The municipality; part of every MQTT topic."""
    home: Slug
    """The home; part of every MQTT topic."""
    gateway: Slug
    """This gateway. No other on the same broker may have this name."""
    zone: str = "Europe/Copenhagen"
    """Its time zone, by which schedules, shifts and the night are meant."""
    phone: str = ""
    """What the staff page says to ring when it has lost contact."""
    title: str = ""
    """The home's name on the page; empty: its slug."""


class Place(Section):
    """A place; `label` is what staff read. Never a resident's name."""

    label: str = ""
    """What staff call it, such as `Bolig 12`; without one they read its slug."""
    kind: Literal["home", "bath", "shared"] = "home"
    """A resident's `home`, a `bath` (a call from there is an emergency), or a room that is `shared`."""
    within: Slug | None = None
    """The home that a bath belongs to: what holds there, holds for its bath."""


class Device(Section):
    """One device: by radio address or by MQTT topic."""

    address: Address | None = None
    """Its Bluetooth address, as on its label; in no topic and in no stored reading."""
    topic: str | None = None
    """The MQTT topic on which another system speaks of it, instead of an address."""
    place: Slug
    """Where it is."""
    driver: str | None = None
    """Which driver reads it; without one, whichever takes its frames."""
    profile: str | None = None
    """What product it is, where a profile says what a driver cannot know."""
    heard_every: Span | None = None
    """How often it speaks by itself, over what driver and profile say; `0s`: never, silence says nothing."""
    maintenance_until: str | None = None
    """RFC 3339 time; 4 h ahead at most."""
    key: SecretStr | None = None
    """Its key, 32 hexadecimal digits, where it encrypts."""


class Battery(Section):
    """What battery a product takes and at what percentage it is to be changed."""

    type: str = ""
    """What to buy, such as `CR2477`; stands on the staff page."""
    low: float = 15
    """In percent: at or under it, the battery is to be changed."""


class Words(Section):
    """A text in both languages of the house."""

    da: str
    """In Danish."""
    en: str
    """In English."""


def _means(means: dict[str, Any]) -> set[str]:
    """Name the quantities that a profile means."""
    words = (each.values() if isinstance(each, dict) else (each,) for each in means.values())
    return {str(word).partition(".")[0] for every in words for word in every}


class Profile(Section):
    """What a driver cannot know of a product."""

    means: dict[str, Any] = {}
    """quantity -> quantity, or quantity -> {word: "quantity.word"}; unnamed press words count as `press`."""
    heard_every: Span | None = None
    """How often it speaks by itself, over what its driver says; `0s`: never."""
    battery: Battery | None = None
    title: Words | None = None
    meets: str | None = None
    """The kind of device whose demands it meets, and their version: `call-button/1`."""

    @model_validator(mode="after")
    def _at_the_door_or_with_the_resident(self) -> Profile:
        kind = (self.meets or "").partition("/")[0]
        if kind == "presence-button" and {"help_call", "fall"} & _means(self.means):
            raise ValueError("no help_call or fall in a presence-button: staff press it, at the door")
        return self


class Mqtt(Section):
    """The broker. Without `host` the outlet is off."""

    host: str | None = None
    """Name or address of the broker."""
    port: int = 1883
    """Its port: 8883 is usual with TLS."""
    username: str | None = None
    """Whom to sign in as."""
    password: SecretStr | None = None
    """The password beside it."""
    tls: bool = False
    """Whether to encrypt; always outside this machine."""
    ca_file: str | None = None
    """The certificate that signed the broker's, where the system does not know it."""
    discovery: bool = False
    """Home Assistant discovery."""
    unsigned_commands: bool = False
    """Whether commands to alerts count without a signature. Only for a broker of the home's own."""
    subscribe: tuple[str, ...] = ()
    """Topics of other systems to listen to, e.g. `zigbee2mqtt/#`; a device's own topic is added by itself."""


class Influx(Section):
    """The time-series server. Without `url` the outlet is off."""

    url: str | None = None
    """Where the server is, such as `http://127.0.0.1:8086`."""
    org: str = "-"
    """The organisation; any text where the server has none."""
    bucket: str = "velgate"
    """The bucket, or the database of a server that has none."""
    token: SecretStr | None = None
    """The token that may write there."""
    wait_for_clock: Span = timedelta(minutes=10)
    """How long measurements wait for a clock that was never right since the start."""


class Board(Section):
    """Where the staff page listens."""

    host: str = "127.0.0.1"
    """The address to listen on; beyond this machine only with a certificate."""
    port: int = 8734
    """The port of the staff page."""
    certificate: str | None = None
    """A file: the certificate, and those that lead to its root, in PEM."""
    certificate_key: str | None = None
    """A file: its private key, in PEM."""
    session: Span = timedelta(hours=12)
    """How long somebody stays signed in."""


class Radio(Section):
    """The Bluetooth side."""

    adapter: str = "hci0"
    """Which Bluetooth adapter, as in `bluetoothctl list`."""
    enabled: bool = True
    """Whether to listen over Bluetooth at all."""
    silence: Span = timedelta(seconds=60)
    """Without any advertisement for this long although devices should speak: start the scanner anew."""
    connections: int = 3
    """GATT connections at once."""
    capture: str | None = None
    """A file of frames (JSON lines) to read beside the radio."""


class Heartbeat(Section):
    """A dead man's switch run by somebody else: this URL is called while the alarm path works."""

    url: str | None = None
    """What to call. Without it there is no heartbeat."""
    every: Span = timedelta(minutes=1)
    """How often."""


class Person(Section):
    """Somebody who may sign in: initials or another pseudonym, never a name."""

    roles: tuple[Literal["care", "technician", "manager", "protection"], ...] = ("care",)
    """What they are here. `protection` looks and does not act."""
    rights: tuple[Literal["see_values", "audit", "basis", "enrol"], ...] = ()
    """What they may beside that: see values, read the audit log, record a legal basis, enrol screens."""
    language: Literal["da", "en"] = "da"
    """The language of the staff page for them."""
    pin: SecretStr | None = None
    """A scrypt hash, written by `velgate staff pin`."""
    token: SecretStr | None = None
    """The SHA-256 of a bearer token, written by `velgate staff token`."""
    channels: tuple[str, ...] = ()
    """Channels that reach this person alone."""


class IntendedUse(Section):
    """Who answers for limits on vital signs, since when, on what grounds; without it they stay off."""

    responsible: str
    """Who answers for it: an office, not a name."""
    since: Day
    """Since when."""
    grounds: str
    """On what grounds."""


class Floor(Section):
    """A limit to what may be set; beyond it only with a reason and an end: a `deviation`."""

    key: str
    """The key whose value has a limit."""
    at_most: Any = None
    """The largest value that needs no reason."""
    at_least: Any = None
    """The smallest value that needs no reason."""
    why: str
    """Why."""


class Deviation(Section):
    """Why a value lies beyond its floor here, and until when."""

    key: str
    """The key of the floor."""
    why: str
    """Why."""
    by: str
    """Who decided it: an office, not a name."""
    until: Day
    """The last day on which it excuses."""


class Settings(Section):
    """The whole effective configuration."""

    site: Site
    place: dict[Slug, Place] = {}
    device: dict[Slug, Device] = {}
    profiles: dict[Slug, Profile] = {}
    alerts: Alerts = Field(default_factory=Alerts)
    group: dict[Slug, Group] = {}
    holidays: Holidays = Field(default_factory=Holidays)
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
