"""Keeps fetching off private networks: the address that is connected to is the one checked."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpcore

# NAT64 (RFC 6052) carries an IPv4 address in its last 32 bits.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PrivateAddressError(httpcore.ConnectError):
    """A host that resolves to nothing but addresses that aren't public."""


class UnknownHostError(httpcore.ConnectError):
    """A host that doesn't resolve."""


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the public internet, embedded IPv4 included."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner: ipaddress.IPv4Address | None = None
    if isinstance(ip, ipaddress.IPv6Address):
        teredo = ip.teredo[1] if ip.teredo else None
        inner = ip.ipv4_mapped or ip.sixtofour or teredo
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def names_private_address(host: str) -> bool:
    """Say whether a URL's host is an address that isn't public, in any notation, or this machine.

    Needs no resolver, so that names which resolve to such an address aren't noticed.
    """
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        # `127.1`, `0x7f000001` and `2130706433` are addresses to whoever resolves them.
        address = socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError, ValueError):
        address = host
    try:
        ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return not is_public(address)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only.

    The check is on the resolved addresses and the connection goes to one of them, so a name that
    resolves differently a moment later (DNS rebinding) gains nothing.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection; raises PrivateAddressError, UnknownHostError or ConnectError."""
        addresses = await self._resolve(host, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or UnknownHostError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a feed has no business with local sockets."""
        raise PrivateAddressError(f"unix socket {path}")

    async def sleep(self, seconds: float) -> None:
        """Wait, as the pool asks for between its own attempts."""
        await asyncio.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UnknownHostError(f"{host}: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [one for one in addresses if self._allow_private or is_public(one)]
        if addresses and not allowed:
            raise PrivateAddressError(
                f"{host} is {addresses[0]}, which isn't public"
                "; network.allow_private = true allows it"
            )
        return allowed
