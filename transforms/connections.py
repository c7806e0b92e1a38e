"""The connections of one HTTP client: guarded, spread over small pools, or through a proxy."""

from __future__ import annotations

import functools
import ssl
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from transforms.addresses import GuardedBackend, PrivateAddressError, names_private_address
from transforms.ids import stable_int
from transforms.settings import NetworkSettings

# httpcore looks through all connections of a pool, and asks the kernel for the state of the idle
# ones, for every request that begins or ends: pools of 64 took four times a request's other costs.
CONNECTIONS_PER_POOL = 8
# Feeds of a host are asked one after another; then their connection has no more to do.
KEEPALIVE_S = 5.0


class Connections(httpx.AsyncBaseTransport):
    """A transport whose requests go to one of several pools, all those of a host to the same.

    Without a proxy it connects to public addresses only, unless `allow_private`. A proxy resolves
    names itself, so that behind one nothing but an address that stands in the URL can be refused.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        self._refuse_private = bool(settings.proxy) and not settings.allow_private
        pools = -(-settings.concurrency // CONNECTIONS_PER_POOL)
        self._pools = [_pool(settings, pools) for _ in range(pools)]

    async def __aenter__(self) -> Connections:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request; raises as httpx's own transport does."""
        host = request.url.host
        if self._refuse_private and names_private_address(host):
            raise PrivateAddressError(
                f"{host} isn't public; network.allow_private = true allows it"
            )
        pool = self._pools[stable_int(host) % len(self._pools)]
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.aclose()


def _pool(settings: NetworkSettings, pools: int) -> httpx.AsyncHTTPTransport:
    context = _tls()
    # Any pool may get all requests at once; what it keeps open is its share.
    limits: dict[str, Any] = {
        "max_connections": settings.concurrency,
        "max_keepalive_connections": max(settings.concurrency // pools, settings.per_host),
        "keepalive_expiry": KEEPALIVE_S,
        "http1": True,
        "http2": True,
        "ssl_context": context,
    }
    transport = httpx.AsyncHTTPTransport(verify=context)
    # httpx has no public way to say how connections are made; httpcore, which it is built on, has.
    if settings.proxy:
        place, login = proxy_parts(settings.proxy)
        transport._pool = httpcore.AsyncHTTPProxy(place, proxy_auth=login, **limits)
    else:
        backend = GuardedBackend(allow_private=settings.allow_private)
        transport._pool = httpcore.AsyncConnectionPool(network_backend=backend, **limits)
    return transport


def proxy_parts(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return a proxy's URL without its login, and the login if it has one."""
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return place, None
    return place, (unquote(parts.username), unquote(parts.password or ""))


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes a tenth of a second.
    return ssl.create_default_context()
