"""robots.txt (RFC 9309) before pages: what a site forbids isn't fetched, and its pace is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from protego import Protego

from transforms.encoding import decode
from transforms.fetch import Fetch, Fetcher, FetchRequest, FetchResult

# RFC 9309, section 2.5: a crawler must read at least 500 kibibytes.
MAX_ROBOTS_BYTES = 512_000
# A longer delay between two pages is a refusal for anyone who reads more than a few of them.
MAX_CRAWL_DELAY_S = 10.0
# What delays may add up to for one site in one run, which has to end.
MAX_PACED_S = 300.0


@dataclass(slots=True)
class _Site:
    """What one site allows; asked for once, by whoever comes first."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    known: bool = False
    rules: Protego | None = None
    refused: str | None = None
    next_at: float = 0.0
    paced_s: float = 0.0


class RobotsFetch:
    """Fetches what robots.txt allows; what it forbids is a result with reason `robots`.

    RFC 9309, section 2.3.1: a robots.txt that the server says isn't there (4xx) forbids nothing;
    one that can't be had now forbids everything.
    """

    def __init__(self, fetcher: Fetcher, product: str) -> None:
        self._fetcher = fetcher
        self._product = product
        self._sites: dict[str, _Site] = {}

    async def fetch(self, request: FetchRequest) -> FetchResult:
        """Return what came of the request; where it is redirected, that site is asked as well."""
        refusal = await self.allow(request.url)
        if refusal is not None:
            return FetchResult(request.url, request.url, reason="robots", detail=refusal)
        return await self._fetcher.fetch(request, self.allow)

    async def allow(self, url: str) -> str | None:
        """Wait as long as the URL's site wants, and return why it may not be fetched, or None."""
        origin = _origin(url)
        if origin is None or url == f"{origin}/robots.txt":
            return None
        site = self._sites.setdefault(origin, _Site())
        async with site.lock:
            if not site.known:
                await self._learn(site, origin)
            return self._refusal(site, url) or await self._keep_pace(site)

    async def _learn(self, site: _Site, origin: str) -> None:
        found = await self._fetcher.fetch(FetchRequest(f"{origin}/robots.txt", accept="text/plain"))
        site.known = True
        if found.reason is None:
            text = decode(found.body[:MAX_ROBOTS_BYTES]).text
            site.rules = Protego.parse(text)
        elif not 400 <= found.status < 500 or found.status == 429:
            site.refused = f"robots.txt: {found.reason}"

    def _refusal(self, site: _Site, url: str) -> str | None:
        if site.refused is not None:
            return site.refused
        if site.rules is None or site.rules.can_fetch(url, self._product):
            return None
        return "forbidden by robots.txt"

    async def _keep_pace(self, site: _Site) -> str | None:
        delay = site.rules.crawl_delay(self._product) if site.rules is not None else None
        if not delay:
            return None
        clock = asyncio.get_running_loop().time
        wait = site.next_at - clock()
        if wait > 0:
            if site.paced_s + wait > MAX_PACED_S:
                return f"robots.txt asks for {delay:g} s between two pages: no time for all"
            site.paced_s += wait
            await asyncio.sleep(wait)
        site.next_at = clock() + min(float(delay), MAX_CRAWL_DELAY_S)
        return None


def through_robots(user_agent: str) -> Callable[[Fetcher], Fetch]:
    """Return what `fetch_all` takes as `through`, for a User-Agent such as `newsalign/0.1`."""
    product = user_agent.partition("/")[0].strip()
    return lambda fetcher: RobotsFetch(fetcher, product).fetch


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None
