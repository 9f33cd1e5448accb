"""The answer to Introspect, so that `busctl` and proxies made from it can look around."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dbus_fast import SignatureTree

from firmware_sim.bluez.names import (
    ADAPTER,
    CHARACTERISTIC,
    DESCRIPTOR,
    DEVICE,
    INTROSPECTABLE,
    OBJECT_MANAGER,
    PEER,
    PROPERTIES,
    SERVICE,
)

Method = tuple[str, str, str]  # name, signature in, signature out
Property = tuple[str, str, str]  # name, type, access

METHODS: Final[dict[str, tuple[Method, ...]]] = {
    OBJECT_MANAGER: (("GetManagedObjects", "", "a{oa{sa{sv}}}"),),
    INTROSPECTABLE: (("Introspect", "", "s"),),
    PEER: (("Ping", "", ""),),
    PROPERTIES: (("Get", "ss", "v"), ("GetAll", "s", "a{sv}"), ("Set", "ssv", "")),
    ADAPTER: (
        ("SetDiscoveryFilter", "a{sv}", ""),
        ("GetDiscoveryFilters", "", "as"),
        ("StartDiscovery", "", ""),
        ("StopDiscovery", "", ""),
        ("RemoveDevice", "o", ""),
    ),
    DEVICE: (("Connect", "", ""), ("Disconnect", "", ""), ("Pair", "", ""), ("CancelPairing", "", "")),
    SERVICE: (),
    CHARACTERISTIC: (
        ("ReadValue", "a{sv}", "ay"),
        ("WriteValue", "aya{sv}", ""),
        ("StartNotify", "", ""),
        ("StopNotify", "", ""),
        ("AcquireNotify", "a{sv}", "hq"),
    ),
    DESCRIPTOR: (("ReadValue", "a{sv}", "ay"), ("WriteValue", "aya{sv}", "")),
}
_SIGNALS: Final = {
    OBJECT_MANAGER: (("InterfacesAdded", "oa{sa{sv}}"), ("InterfacesRemoved", "oas")),
    PROPERTIES: (("PropertiesChanged", "sa{sv}as"),),
}
PROPERTIES_OF: Final[dict[str, tuple[Property, ...]]] = {
    ADAPTER: (
        ("Address", "s", "read"),
        ("AddressType", "s", "read"),
        ("Name", "s", "read"),
        ("Alias", "s", "read"),
        ("Class", "u", "read"),
        ("Powered", "b", "readwrite"),
        ("Discoverable", "b", "read"),
        ("DiscoverableTimeout", "u", "read"),
        ("Pairable", "b", "read"),
        ("PairableTimeout", "u", "read"),
        ("Discovering", "b", "read"),
        ("UUIDs", "as", "read"),
        ("Modalias", "s", "read"),
        ("Roles", "as", "read"),
    ),
    DEVICE: (
        ("Address", "s", "read"),
        ("AddressType", "s", "read"),
        ("Name", "s", "read"),
        ("Alias", "s", "read"),
        ("Paired", "b", "read"),
        ("Bonded", "b", "read"),
        ("Trusted", "b", "readwrite"),
        ("Blocked", "b", "read"),
        ("LegacyPairing", "b", "read"),
        ("RSSI", "n", "read"),
        ("TxPower", "n", "read"),
        ("Connected", "b", "read"),
        ("UUIDs", "as", "read"),
        ("Adapter", "o", "read"),
        ("ManufacturerData", "a{qv}", "read"),
        ("ServiceData", "a{sv}", "read"),
        ("ServicesResolved", "b", "read"),
    ),
    SERVICE: (
        ("UUID", "s", "read"),
        ("Device", "o", "read"),
        ("Primary", "b", "read"),
        ("Includes", "ao", "read"),
    ),
    CHARACTERISTIC: (
        ("UUID", "s", "read"),
        ("Service", "o", "read"),
        ("Value", "ay", "read"),
        ("Notifying", "b", "read"),
        ("Flags", "as", "read"),
        ("NotifyAcquired", "b", "read"),
        ("WriteAcquired", "b", "read"),
        ("MTU", "q", "read"),
    ),
    DESCRIPTOR: (("UUID", "s", "read"), ("Characteristic", "o", "read"), ("Value", "ay", "read")),
}


def _arguments(signature: str, direction: str = "") -> str:
    types = SignatureTree(signature).types if signature else []
    return "".join(f'<arg type="{each.signature}"{direction}/>' for each in types)


def describe(interfaces: Iterable[str], children: Iterable[str]) -> str:
    """Return the introspection document of an object with these interfaces and child nodes."""
    lines = ["<node>"]
    for interface in interfaces:
        lines.append(f' <interface name="{interface}">')
        for name, inward, outward in METHODS.get(interface, ()):
            arguments = _arguments(inward, ' direction="in"') + _arguments(outward, ' direction="out"')
            lines.append(f'  <method name="{name}">{arguments}</method>')
        lines += [
            f'  <property name="{name}" type="{kind}" access="{access}"/>'
            for name, kind, access in PROPERTIES_OF.get(interface, ())
        ]
        lines += [
            f'  <signal name="{name}">{_arguments(signature)}</signal>'
            for name, signature in _SIGNALS.get(interface, ())
        ]
        lines.append(" </interface>")
    lines += [f' <node name="{child}"/>' for child in children]
    return "\n".join([*lines, "</node>", ""])
