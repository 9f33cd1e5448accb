"""The vocabulary: every quantity that a driver may report, one row each.

Names, units and event words are those of BTHome v2 (bthome.io) where it has the quantity. LOINC and MDC
(IEEE 11073-10101) codes stand only where a public source agrees. A range holds what can be, not what is
healthy: beyond it the sensor is wrong, or is not where it should be.
"""

# ruff: noqa: E501  (a table reads by its rows: one quantity, one line)
from __future__ import annotations

from gateway.model.alert import Concern
from gateway.model.quantity import Conversion, Quantity
from gateway.model.readings import Kind

SELF, FALL, PRESENCE, VITAL = Concern.SELF, Concern.FALL, Concern.PRESENCE, Concern.VITAL
ROOM, TECHNICAL = Concern.ROOM, Concern.TECHNICAL
ANY = 2**53  # beyond it a number is no longer exact in JSON: no device counts that far
PRESSES = (
    "press", "double_press", "triple_press", "long_press", "long_double_press", "long_triple_press",
    "hold_press",
)  # fmt: skip
"""What a button may say when it is pressed; `release` is no press."""
MILLI = Conversion(per=1000)
FAHRENHEIT = {"[degF]": Conversion(times=5, per=9, plus=-160 / 9)}
POUNDS = {"[lb_av]": Conversion(times=0.45359237)}


def _number(
    name: str, unit: str, low: float, high: float, concern: Concern, da: str, en: str,
    accepts: dict[str, Conversion] | None = None, loinc: str | None = None, mdc: int | None = None,
) -> Quantity:  # fmt: skip
    return Quantity(
        name=name, kind=Kind.MEASUREMENT, unit=unit, low=low, high=high, concern=concern, da=da, en=en,
        accepts=accepts or {}, loinc=tuple(loinc.split()) if loinc else (), mdc=mdc,
    )  # fmt: skip


def _state(
    name: str, concern: Concern, da: str, en: str, words: tuple[str, ...] = (), mdc: int | None = None
) -> Quantity:
    return Quantity(name=name, kind=Kind.STATE, concern=concern, da=da, en=en, words=words, mdc=mdc)


def _event(
    name: str, concern: Concern, da: str, en: str, words: tuple[str, ...], mdc: int | None = None
) -> Quantity:
    return Quantity(name=name, kind=Kind.EVENT, concern=concern, da=da, en=en, words=words, mdc=mdc)


# fmt: off
# Calls and falls. MDC: the sensor types of ISO/IEEE 11073-10471 (partition 130).
help_call = _event("help_call", SELF, "kald", "help call", ("press", "long_press", "double_press", "triple_press", "cancelled"), mdc=8519682)
button = _event("button", SELF, "knap", "button", (*PRESSES, "release"))
fall = _event("fall", FALL, "fald", "fall", ("detected", "cancelled"), mdc=8519681)

# Presence: where somebody is, and whether.
bed_occupancy = _state("bed_occupancy", PRESENCE, "i sengen", "in bed")
door = _state("door", PRESENCE, "dør åben", "door open")
garage_door = _state("garage_door", PRESENCE, "port åben", "garage door open")
motion = _state("motion", PRESENCE, "bevægelse", "motion", mdc=8519687)
moving = _state("moving", PRESENCE, "bevæger sig", "moving")
occupancy = _state("occupancy", PRESENCE, "optaget", "occupied")
opening = _state("opening", PRESENCE, "åben", "open")
presence = _state("presence", PRESENCE, "til stede", "present")
sound = _state("sound", PRESENCE, "lyd", "sound")
vibration = _state("vibration", PRESENCE, "vibration", "vibration")

# Vital signs and body measures.
basal_metabolism = _number("basal_metabolism", "kJ", 1000, 30000, VITAL, "basalstofskifte", "basal metabolism")
bioimpedance = _number("bioimpedance", "Ohm", 50, 6553.5, VITAL, "bioimpedans", "bioimpedance")
blood_glucose = _number("blood_glucose", "mmol/L", 0.5, 50, VITAL, "blodsukker", "blood glucose", None, "15074-8", 160020)
blood_glucose_out_of_range = _event("blood_glucose_out_of_range", VITAL, "blodsukker uden for måleområdet", "blood glucose out of range", ("high", "low"))
body_fat = _number("body_fat", "%", 2, 75, VITAL, "kropsfedt", "body fat", None, None, 188748)
body_height = _number("body_height", "m", 0.5, 2.5, VITAL, "højde", "body height", None, "8302-2", 188740)
body_mass_index = _number("body_mass_index", "kg/m2", 8, 90, VITAL, "BMI", "body mass index", None, "39156-5", 188752)
body_temperature = _number("body_temperature", "Cel", 20, 45, VITAL, "kropstemperatur", "body temperature", FAHRENHEIT, "8310-5", 150364)
body_water = _number("body_water", "kg", 5, 200, VITAL, "kropsvand", "body water", None, None, 188764)
body_weight = _number("body_weight", "kg", 10, 350, VITAL, "vægt", "body weight", POUNDS, "29463-7", 188736)
diastolic_pressure = _number("diastolic_pressure", "mm[Hg]", 20, 200, VITAL, "diastolisk blodtryk", "diastolic pressure", None, "8462-4", 150022)
fat_free_mass = _number("fat_free_mass", "kg", 5, 200, VITAL, "fedtfri masse", "fat-free mass", None, None, 188756)
heart_rate = _number("heart_rate", "/min", 20, 300, VITAL, "puls", "heart rate", None, "8867-4", 147842)
interstitial_glucose = _number("interstitial_glucose", "mmol/L", 1.5, 30, VITAL, "vævsglukose", "interstitial glucose", None, "105272-9", 160212)
irregular_pulse = _state("irregular_pulse", VITAL, "uregelmæssig puls", "irregular pulse")
mean_arterial_pressure = _number("mean_arterial_pressure", "mm[Hg]", 25, 250, VITAL, "middelblodtryk", "mean arterial pressure", None, "8478-0", 150023)
measurement_quality = _state("measurement_quality", VITAL, "målekvalitet", "measurement quality", ("ok", "questionable"))
muscle_mass = _number("muscle_mass", "kg", 5, 200, VITAL, "muskelmasse", "muscle mass")
muscle_percentage = _number("muscle_percentage", "%", 2, 90, VITAL, "muskelandel", "muscle percentage")
perfusion_index = _number("perfusion_index", "%", 0, 100, VITAL, "perfusionsindeks", "perfusion index")
pulse_rate = _number("pulse_rate", "/min", 20, 300, VITAL, "puls (målt ved slag)", "pulse rate", None, "8867-4", 149530)
respiratory_rate = _number("respiratory_rate", "/min", 2, 80, VITAL, "åndedræt", "respiratory rate", None, "9279-1", 151562)
rr_interval = _number("rr_interval", "ms", 200, 3000, VITAL, "tid mellem hjerteslag", "RR interval", None, None, 147240)
soft_lean_mass = _number("soft_lean_mass", "kg", 5, 200, VITAL, "blød fedtfri masse", "soft lean mass", None, None, 188760)
spo2 = _number("spo2", "%", 35, 100, VITAL, "iltmætning", "oxygen saturation", None, "59408-5 2708-6", 150456)
systolic_pressure = _number("systolic_pressure", "mm[Hg]", 40, 300, VITAL, "systolisk blodtryk", "systolic pressure", None, "8480-6", 150021)

# The room: air, water, light, hazards.
carbon_monoxide = _state("carbon_monoxide", ROOM, "kulilte", "carbon monoxide", mdc=8519684)
co2 = _number("co2", "[ppm]", 0, 65535, ROOM, "CO₂", "CO₂")
cold = _state("cold", ROOM, "kulde", "cold")
conductivity = _number("conductivity", "uS/cm", 0, 65535, ROOM, "ledningsevne", "conductivity")
dewpoint = _number("dewpoint", "Cel", -100, 100, ROOM, "dugpunkt", "dew point", FAHRENHEIT)
formaldehyde = _number("formaldehyde", "mg/m3", 0, 100, ROOM, "formaldehyd", "formaldehyde")
gas_state = _state("gas", ROOM, "gas", "gas", mdc=8519686)
heat = _state("heat", ROOM, "varme", "heat")
humidity = _number("humidity", "%", 0, 100, ROOM, "luftfugtighed", "humidity")
illuminance = _number("illuminance", "lx", 0, 167_000, ROOM, "lysstyrke", "illuminance")
light = _state("light", ROOM, "lys", "light")
light_level = _number("light_level", "1", 0, 255, ROOM, "lysniveau", "light level")
lock = _state("lock", ROOM, "ulåst", "unlocked")
moisture = _number("moisture", "%", 0, 100, ROOM, "fugt", "moisture")
moisture_state = _state("moisture", ROOM, "vand på gulvet", "water leak", mdc=8519685)
nox_index = _number("nox_index", "1", 0, 511, ROOM, "NOx-indeks", "NOx index")
pm1 = _number("pm1", "ug/m3", 0, 5000, ROOM, "partikler PM1", "particles PM1")
pm2_5 = _number("pm2_5", "ug/m3", 0, 5000, ROOM, "partikler PM2,5", "particles PM2.5")
pm4 = _number("pm4", "ug/m3", 0, 5000, ROOM, "partikler PM4", "particles PM4")
pm10 = _number("pm10", "ug/m3", 0, 5000, ROOM, "partikler PM10", "particles PM10")
precipitation = _number("precipitation", "mm", 0, ANY, ROOM, "nedbør", "precipitation")
pressure = _number("pressure", "hPa", 300, 1100, ROOM, "lufttryk", "air pressure", {"Pa": Conversion(per=100), "kPa": Conversion(times=10)})
safety = _state("safety", ROOM, "sikker", "safe")
smoke = _state("smoke", ROOM, "røg", "smoke", mdc=8519683)
temperature = _number("temperature", "Cel", -60, 150, ROOM, "temperatur", "temperature", FAHRENHEIT, "60832-3", 188508)
tvoc = _number("tvoc", "ug/m3", 0, 65535, ROOM, "flygtige stoffer", "volatile compounds")
uv_index = _number("uv_index", "1", 0, 25.5, ROOM, "UV-indeks", "UV index")
voc_index = _number("voc_index", "1", 0, 511, ROOM, "VOC-indeks", "VOC index")
window = _state("window", ROOM, "vindue åbent", "window open")

# Things: movement, amounts, supply.
acceleration = _number("acceleration", "m/s2", -2200, 2200, ROOM, "acceleration", "acceleration")
channel = _number("channel", "1", 0, 255, ROOM, "kanal", "channel")
count = _number("count", "1", -ANY, ANY, ROOM, "antal", "count")
current = _number("current", "A", -100, 100, ROOM, "strøm", "current", {"mA": MILLI})
dimmer = _event("dimmer", ROOM, "drejeknap", "dimmer", ("rotate_left", "rotate_right"))
direction = _number("direction", "deg", 0, 655.35, ROOM, "retning", "direction")
distance = _number("distance", "m", 0, 6553.5, ROOM, "afstand", "distance", {"mm": MILLI})
duration = _number("duration", "s", 0, ANY, ROOM, "varighed", "duration")
energy = _number("energy", "kW.h", 0, ANY, ROOM, "energi", "energy", {"W.h": MILLI})
gas = _number("gas", "m3", 0, ANY, ROOM, "gasforbrug", "gas volume")
generic_boolean = _state("generic_boolean", ROOM, "til/fra", "on/off")
gyroscope = _number("gyroscope", "deg/s", -4000, 4000, ROOM, "drejning", "gyroscope")
mass = _number("mass", "kg", 0, 700, ROOM, "masse", "mass", POUNDS)
plug = _state("plug", ROOM, "stik i", "plugged in")
power = _number("power", "W", -ANY, ANY, ROOM, "effekt", "power")
power_state = _state("power", ROOM, "tændt", "power on")
rotation = _number("rotation", "deg", -3300, 3300, ROOM, "drejningsvinkel", "rotation")
rotational_speed = _number("rotational_speed", "/min", 0, ANY, ROOM, "omdrejninger", "rotational speed")
running = _state("running", ROOM, "kører", "running")
speed = _number("speed", "m/s", -2200, 2200, ROOM, "hastighed", "speed")
volume = _number("volume", "L", 0, ANY, ROOM, "rumfang", "volume", {"mL": MILLI})
volume_flow_rate = _number("volume_flow_rate", "m3/h", 0, ANY, ROOM, "flow", "volume flow rate")
volume_storage = _number("volume_storage", "L", 0, ANY, ROOM, "beholdning", "stored volume", {"mL": MILLI})
water = _number("water", "L", 0, ANY, ROOM, "vandforbrug", "water", {"mL": MILLI})

# The device itself.
battery = _number("battery", "%", 0, 100, TECHNICAL, "batteri", "battery")
battery_charging = _state("battery_charging", TECHNICAL, "lader", "battery charging")
battery_low = _state("battery_low", TECHNICAL, "lavt batteri", "battery low")
connectivity = _state("connectivity", TECHNICAL, "forbundet", "connected")
consumable = _number("consumable", "%", 0, 100, TECHNICAL, "forbrugsdel", "consumable")
problem = _state("problem", TECHNICAL, "problem", "problem")
raw = _event("raw", TECHNICAL, "rådata", "raw data", ())
signal_strength = _number("signal_strength", "dBm", -127, 20, TECHNICAL, "signalstyrke", "signal strength")
tamper = _state("tamper", TECHNICAL, "sabotage", "tamper")
text = _event("text", TECHNICAL, "tekst", "text", ())
timestamp = _number("timestamp", "s", 0, ANY, TECHNICAL, "enhedens ur", "the device's clock")
tx_power = _number("tx_power", "dBm", -127, 20, TECHNICAL, "sendestyrke", "transmit power")
voltage = _number("voltage", "V", 0, 500, TECHNICAL, "spænding", "voltage", {"mV": MILLI})
# fmt: on

ALL: dict[tuple[str, Kind], Quantity] = {
    (row.name, row.kind): row for row in list(globals().values()) if isinstance(row, Quantity)
}
"""Every quantity by name and kind."""
_BY_KEY = {row.key: row for row in ALL.values()}
_BY_NAME = {name: tuple(row for row in ALL.values() if row.name == name) for name, _ in ALL}


def find(name: str, kind: Kind) -> Quantity | None:
    """Give the quantity of this name and kind."""
    for row in _BY_NAME.get(name, ()):  # one, seldom two: quicker than hashing an Enum
        if row.kind is kind:
            return row
    return None


def by_key(key: str) -> Quantity | None:
    """Give a quantity by its unique name: `power` is the measurement, `power-state` the state."""
    return _BY_KEY.get(key)


def named(name: str) -> tuple[Quantity, ...]:
    """Give the quantities of a name: one, or a measurement and a state."""
    return _BY_NAME.get(name, ())
