"""Zigbee devices as Zigbee2MQTT shows them on a broker: each message repeats the whole state."""

from __future__ import annotations

from typing import Any

from firmware_sim.devices.base import Action, Device, Place, Spec
from firmware_sim.devices.climate import CEL, PERCENT, Walk
from firmware_sim.formats import zigbee2mqtt


class ZigbeeDevice(Device):
    """A device behind Zigbee2MQTT. Subclasses keep its state in `state`."""

    driver = "zigbee2mqtt"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Take a topic."""
        super().__init__(spec, place)
        self.topic = spec.topic or f"zigbee2mqtt/{spec.name}"
        self.state: dict[str, Any] = {}
        self._linkquality = self.random.randint(60, 220)

    def _message(self, action: str | None = None) -> bytes:
        state = {**zigbee2mqtt.battery(self.battery), **self.state}
        return zigbee2mqtt.message(state, action=action, linkquality=self._linkquality)

    def beat(self) -> None:
        """Report the state."""
        self.publisher.post(self.topic, self._message())

    async def report(self, action: str | None = None) -> None:
        """Publish now, and return when it was sent. Raises SimProblem if there is no broker."""
        await self.publisher.publish(self.topic, self._message(action))

    def remembered(self, name: str, *, first: bool) -> bool:
        """Return one part of the state as it was before the simulator was started anew."""
        return bool(self.memory.state(f"{self.name}/{name}", first))

    def becoming(self, name: str, value: bool, did: str) -> Action:
        """Return an action that sets one part of the state."""

        async def become(_value: str | None) -> str:
            self.state[name] = value
            self.memory.keep(f"{self.name}/{name}", value)
            await self.report()
            return did

        return become

    async def _battery(self, value: str | None) -> str:
        self.set_battery(value)
        await self.report()
        return f"its battery is at {self.battery} %"


class LeakSensor(ZigbeeDevice):
    """A water sensor on a bathroom floor."""

    profile: str | None = "water-leak"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Begin dry."""
        super().__init__(spec, place)
        self.state = {"water_leak": self.remembered("water_leak", first=False), "tamper": False}
        self.actions["leak"] = self.becoming("water_leak", True, "stands in water")
        self.actions["dry"] = self.becoming("water_leak", False, "is dry")


class ContactSensor(ZigbeeDevice):
    """A contact on a door or window; Zigbee2MQTT says `contact` true while it is closed."""

    profile: str | None = "door"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Begin closed."""
        super().__init__(spec, place)
        self.state = {"contact": self.remembered("contact", first=True)}
        self.actions["open"] = self.becoming("contact", False, "is open")
        self.actions["close"] = self.becoming("contact", True, "is closed")


class MotionSensor(ZigbeeDevice):
    """A motion sensor; Zigbee2MQTT calls motion `occupancy`."""

    profile: str | None = "motion"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Begin still."""
        super().__init__(spec, place)
        self.state = {
            "occupancy": self.remembered("occupancy", first=False),
            "illuminance": self.random.randint(5, 300),
        }
        self.actions["motion"] = self.becoming("occupancy", True, "sees motion")
        self.actions["still"] = self.becoming("occupancy", False, "sees nothing move")


class RoomClimate(ZigbeeDevice):
    """Temperature and humidity of a room."""

    profile: str | None = "climate"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Choose a room climate."""
        super().__init__(spec, place)
        self._temperature = Walk(self.random, CEL, 0.1)
        self._humidity = Walk(self.random, PERCENT, 0.4)
        self._sense()
        self.actions["measure"] = self._measure

    def _sense(self) -> None:
        self.state = {
            "temperature": round(self._temperature.next(), 1),
            "humidity": round(self._humidity.next(), 1),
        }

    def beat(self) -> None:
        """Measure and report."""
        self._sense()
        super().beat()

    async def _measure(self, value: str | None) -> str:
        if value is not None:
            self._temperature.value = self.number(value, what="measure", low=-40, high=80)
        self._sense()
        await self.report()
        return f"measured {self.state['temperature']} °C"


class SosButton(ZigbeeDevice):
    """A panic button: a press can mean nothing but a call for help."""

    profile: str | None = "sos-button"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Know how to press it."""
        super().__init__(spec, place)
        self.actions["press"] = self._press

    async def _press(self, _value: str | None) -> str:
        await self.report(zigbee2mqtt.SOS)
        return f"sent {zigbee2mqtt.SOS}"


class ZigbeeButton(ZigbeeDevice):
    """A plain button; what a press means is for the home to say."""

    profile: str | None = "call-button"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Know the ways to press it."""
        super().__init__(spec, place)
        for word, action in zigbee2mqtt.ACTIONS.items():
            self.actions[word] = self._pressing(action)

    def _pressing(self, action: str) -> Action:
        async def press(_value: str | None) -> str:
            await self.report(action)
            return f"sent {action}"

        return press
