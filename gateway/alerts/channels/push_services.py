"""Where a push may go: the push services of the browsers, and none besides that the home has not named.

A phone gives the address to which its pushes go. Whoever could sign in could otherwise make the gateway send
requests anywhere inside the home's network. So a host must be one of a list, the address that its name leads
to must be one of the public Internet, and it is that very address which is connected to.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

ENDPOINT_MAX = 2000  # letters; real ones have some 200

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of a push service, taken apart."""

    secure: bool
    host: str
    port: int
    target: str
    """Path and query."""
    loopback: bool
    """Whether it is a service on this machine that the configuration names."""

    @property
    def origin(self) -> str:
        """What a signature is made out to."""
        scheme, usual = ("https", 443) if self.secure else ("http", 80)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}" + ("" if self.port == usual else f":{self.port}")


def permitted(endpoint: str, services: Sequence[str]) -> Endpoint:
    """Take an address apart. Raises ValueError, with what was expected, where none of `services` is meant.

    A service is a host (`fcm.googleapis.com`), all hosts below one (`*.push.apple.com`), or the origin of one
    on this machine (`http://127.0.0.1:8090`), which alone needs no TLS.
    """
    if len(endpoint) > ENDPOINT_MAX or not endpoint.isascii() or not endpoint.isprintable():
        raise ValueError(f"an address of at most {ENDPOINT_MAX} plain letters")
    parts = urlsplit(endpoint)
    host = (parts.hostname or "").casefold()
    if parts.username is not None or parts.password is not None or not host or " " in endpoint:
        raise ValueError("an https address without user and password")
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Endpoint(secure, host, parts.port or (443 if secure else 80), target, loopback=False)
    if secure and found.port == 443 and any(_names(service, host) for service in services):
        return found
    if parts.scheme in ("http", "https") and _is_loopback(host) and found.origin in services:
        return Endpoint(secure, host, found.port, target, loopback=True)
    raise ValueError(f"an https address of one of {', '.join(services)}")


def public_only(endpoint: Endpoint, addresses: Iterable[str]) -> list[str]:
    """Give those of the addresses of a name that may be connected to."""
    if endpoint.loopback:
        return [each for each in addresses if _is_loopback(each)]
    return [each for each in addresses if is_public(each)]


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public Internet, also behind what carries IPv4 in IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped
        if ip in _NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        elif ip in _SIX_TO_FOUR:
            inside = ip.sixtofour
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


def _names(service: str, host: str) -> bool:
    if service.startswith("*."):
        return host.endswith(service[1:].casefold())
    return host == service.casefold()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
