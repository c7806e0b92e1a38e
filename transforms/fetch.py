"""HTTP for feeds and pages: bounded in time, bytes and hops; a failure is a value with a reason."""

from __future__ import annotations

import asyncio
import queue
import random
import ssl
import sys
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import httpx

from transforms.addresses import PrivateAddressError, UnknownHostError
from transforms.compression import HTTP_ENCODINGS, BadCompression, TooLarge, unpack
from transforms.connections import Connections
from transforms.http_times import freshness_s, retry_after
from transforms.settings import NetworkSettings

FEED_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
# A wait that a server asks for is sat out up to this; beyond, the feed is left for a later poll.
MAX_WAIT_S = 5.0
BACKOFF_S = 0.5
MAX_CODINGS = 3
STOP_CHECK_S = 0.2
# How long a thread that parses keeps the interpreter from the one that fetches: Python's 5 ms, at
# each of the half dozen steps of a request, would add a third to a latency of 100 ms.
SWITCH_S = 0.0005

_PERMANENT = frozenset((301, 308))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_RETRIED_STATUS = frozenset((429, 500, 502, 503, 504))
_RETRIED_REASONS = frozenset(("connection_error", "connection_lost", "timeout"))


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One URL to get, with the validators of the last answer if there was one."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    accept: str = FEED_ACCEPT


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What came of a request. `reason` is None for 2xx and 304, else snake_case and stable:

    `http_<status>`, `timeout`, `too_large`, `redirect_loop`, `too_many_redirects`,
    `redirect_without_location`, `bad_redirect`, `bad_url`, `private_address`, `dns_error`,
    `tls_error`, `connection_error`, `connection_lost`, `proxy_error`, `bad_compression`,
    `host_paused` (its host asked for a pause), `robots` (where robots.txt is asked),
    `fetch_failed`. `permanent_url` is where 301s and 308s led. `fresh_s` is for how long the
    server says that the answer stays good.
    """

    url: str
    final_url: str
    status: int = 0
    body: bytes = b""
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    permanent_url: str | None = None
    retry_after_s: float | None = None
    fresh_s: float | None = None
    reason: str | None = None
    detail: str = ""

    @property
    def not_modified(self) -> bool:
        """Whether the server said that nothing changed since the validators."""
        return self.status == 304


# Returns why a URL may not be fetched, or None.
Allow = Callable[[str], Awaitable[str | None]]


class _FetchError(Exception):
    """Ends one attempt; becomes the result's reason."""

    def __init__(self, reason: str, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.retry_after_s = retry_after_s


class Fetcher:
    """One client for many requests; use as an async context manager."""

    def __init__(self, settings: NetworkSettings) -> None:
        self._settings = settings
        self._paused: dict[str, float] = {}
        # Redirects lead many hosts to one, which gets no more at a time than if it were asked.
        self._slots: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.per_host)
        )
        self._client = httpx.AsyncClient(
            transport=Connections(settings),
            follow_redirects=False,
            timeout=httpx.Timeout(settings.timeout_s),
            headers={"User-Agent": user_agent(settings), "Accept-Encoding": HTTP_ENCODINGS},
            # Feeds need no cookies, and a jar for thousands of hosts only grows.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def fetch(self, request: FetchRequest, allow: Allow | None = None) -> FetchResult:
        """Return what came of a request, retries included, within `total_timeout_s`.

        `allow` is asked before a redirect is followed; what it refuses has the reason `robots`.
        """
        result = FetchResult(request.url, request.url, reason="timeout")
        try:
            async with asyncio.timeout(self._settings.total_timeout_s):
                for attempt in range(self._settings.retries + 1):
                    result = await self._attempt(request, allow)
                    wait = self._wait_before_retry(result, attempt)
                    if wait is None or attempt == self._settings.retries:
                        break
                    await asyncio.sleep(wait)
        except TimeoutError:
            # In a wait between attempts the last failure says more than the time that it took.
            if result.reason == "timeout":
                detail = f"no answer within {self._settings.total_timeout_s:g} s"
                result = replace(result, reason="timeout", detail=detail)
        if result.retry_after_s and result.status in (429, 503):
            self._pause(result)
        return result

    async def _attempt(self, request: FetchRequest, allow: Allow | None) -> FetchResult:
        try:
            return await self._follow(request, allow)
        except _FetchError as error:
            return FetchResult(
                request.url,
                request.url,
                reason=error.reason,
                detail=error.detail[:200],
                retry_after_s=error.retry_after_s,
            )
        except Exception as error:
            reason = _reason(error)
            ours = isinstance(error, TooLarge | BadCompression | PrivateAddressError)
            detail = str(error) if ours else f"{type(error).__name__}: {error}"
            return FetchResult(request.url, request.url, reason=reason, detail=detail[:200])

    async def _follow(self, request: FetchRequest, allow: Allow | None) -> FetchResult:
        url, permanent = request.url, request.url
        only_permanent = True
        seen: set[str] = set()
        for _ in range(self._settings.max_redirects + 1):
            if url in seen:
                raise _FetchError("redirect_loop", f"came back to {url}")
            self._check(url)
            if seen and allow is not None and (refusal := await allow(url)) is not None:
                raise _FetchError("robots", refusal)
            seen.add(url)
            headers = _conditional(request)
            slot = self._slots[host_of(url)]
            async with slot, self._client.stream("GET", url, headers=headers) as response:
                if response.status_code not in _REDIRECTS:
                    result = await self._result(request, url, response)
                    moved = permanent if permanent != request.url else None
                    return replace(result, permanent_url=moved)
                target = response.headers.get("location", "").strip()
                if not target:
                    raise _FetchError(
                        "redirect_without_location", f"{response.status_code} at {url}"
                    )
                only_permanent = only_permanent and response.status_code in _PERMANENT
                url = _target(url, target)
                permanent = url if only_permanent else permanent
        raise _FetchError("too_many_redirects", f"more than {self._settings.max_redirects}")

    def _check(self, url: str) -> None:
        host = host_of(url)
        if not host or not url.lower().startswith(("http://", "https://")):
            raise _FetchError("bad_url", f"not an http(s) URL: {url[:120]}")
        left = self._paused.get(host, 0.0) - asyncio.get_running_loop().time()
        if left > 0:
            raise _FetchError("host_paused", f"{host} asked to be left alone", left)

    async def _result(
        self, request: FetchRequest, url: str, response: httpx.Response
    ) -> FetchResult:
        headers = response.headers
        result = FetchResult(
            url=request.url,
            final_url=url,
            status=response.status_code,
            content_type=headers.get("content-type"),
            etag=headers.get("etag") or None,
            last_modified=headers.get("last-modified") or None,
            retry_after_s=retry_after(headers.get("retry-after"), headers.get("date")),
            fresh_s=freshness_s(headers),
        )
        if response.status_code == 304:
            # It has no body, but the connection serves again only once its end has been read.
            async for _ in response.aiter_raw():
                break
            # RFC 9110, 15.4.5: a 304 need not repeat them.
            return replace(
                result,
                etag=result.etag or request.etag,
                last_modified=result.last_modified or request.last_modified,
            )
        if not 200 <= response.status_code < 300:
            reason = f"http_{response.status_code}"
            return replace(result, reason=reason, detail=response.reason_phrase[:200])
        return replace(result, body=await self._body(response))

    async def _body(self, response: httpx.Response) -> bytes:
        limit = self._settings.max_bytes
        packed = bytearray()
        async for piece in response.aiter_raw():
            packed += piece
            if len(packed) > limit:
                raise _FetchError("too_large", f"more than {limit} bytes")
        pieces: Iterator[bytes] = iter((bytes(packed),))
        codings = response.headers.get("content-encoding", "").split(",")
        if len(codings) > MAX_CODINGS:
            raise _FetchError("bad_compression", f"{len(codings)} content codings")
        for coding in reversed(codings):
            pieces = unpack(pieces, coding, limit)
        return b"".join(pieces)

    def _wait_before_retry(self, result: FetchResult, attempt: int) -> float | None:
        """Return the seconds to wait before another attempt, or None for none."""
        if result.status not in _RETRIED_STATUS and result.reason not in _RETRIED_REASONS:
            return None
        if result.retry_after_s is not None:
            return result.retry_after_s if result.retry_after_s <= MAX_WAIT_S else None
        # Jitter, lest all feeds of a host come back at once.
        jitter: float = random.uniform(0.5, 1.5)
        return BACKOFF_S * float(2**attempt) * jitter

    def _pause(self, result: FetchResult) -> None:
        host = host_of(result.final_url)
        if host and result.retry_after_s:
            until = asyncio.get_running_loop().time() + result.retry_after_s
            self._paused[host] = max(until, self._paused.get(host, 0.0))


Fetch = Callable[[FetchRequest], Awaitable[FetchResult]]


def plainly(fetcher: Fetcher) -> Fetch:
    """Put nothing between requests and fetcher."""
    return fetcher.fetch


def fetch_all(
    requests: Iterable[FetchRequest],
    settings: NetworkSettings,
    through: Callable[[Fetcher], Fetch] = plainly,
) -> Iterator[FetchResult]:
    """Yield the results of many requests as they arrive, each request exactly once.

    At most `concurrency` run at a time and `per_host` per host. Results wait in a queue as long
    as `concurrency`, so that memory doesn't grow with the number of requests; fetching goes on in
    a thread while the caller works on a result. `through` may put something between requests and
    fetcher, such as robots.txt.
    """
    results: queue.Queue[FetchResult | BaseException | None] = queue.Queue(settings.concurrency)
    stop = threading.Event()
    waiting = list(requests)

    def work() -> None:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(min(usual, SWITCH_S))
        try:
            asyncio.run(_pump(waiting, settings, through, results, stop))
            _put(results, None, stop)
        except BaseException as error:
            _put(results, error, stop)
        finally:
            sys.setswitchinterval(usual)

    thread = threading.Thread(target=work, name="fetch", daemon=True)
    thread.start()
    try:
        while (result := results.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        stop.set()
        thread.join()


def host_of(url: str) -> str:
    """Return a URL's host in lower case, "" where it has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def user_agent(settings: NetworkSettings) -> str:
    """Return the User-Agent: who asks, and where to complain."""
    contact = settings.contact.strip()
    return f"{settings.user_agent} (+{contact})" if contact else settings.user_agent


def _conditional(request: FetchRequest) -> dict[str, str]:
    headers = {"Accept": request.accept}
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    return headers


def _target(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        scheme = urlsplit(target).scheme
    except ValueError as error:
        raise _FetchError("bad_redirect", f"{error}: {location[:120]}") from None
    if scheme not in ("http", "https"):
        raise _FetchError("bad_redirect", f"to {location[:120]}")
    return target.partition("#")[0]


def _reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, PrivateAddressError):
            return "private_address"
        if isinstance(cause, UnknownHostError):
            return "dns_error"
        if isinstance(cause, ssl.SSLError):
            return "tls_error"
        if isinstance(cause, httpx.InvalidURL) and cause is not error:
            # httpx reads the Location itself, whether or not it is told to follow.
            return "bad_redirect"
    if isinstance(error, TooLarge):
        return "too_large"
    if isinstance(error, BadCompression):
        return "bad_compression"
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ProxyError):
        return "proxy_error"
    if isinstance(error, httpx.ConnectError):
        return "connection_error"
    if isinstance(error, httpx.RemoteProtocolError | httpx.NetworkError):
        return "connection_lost"
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | UnicodeError):
        return "bad_url"
    return "fetch_failed"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def _pump(
    requests: list[FetchRequest],
    settings: NetworkSettings,
    through: Callable[[Fetcher], Fetch],
    results: queue.Queue[FetchResult | BaseException | None],
    stop: threading.Event,
) -> None:
    """Fetch everything with a fixed number of workers, each on one host's queue at a time."""
    hosts: dict[str, deque[FetchRequest]] = {}
    for request in requests:
        hosts.setdefault(host_of(request.url), deque()).append(request)
    # Long queues first: a host's queue is served by few workers and would otherwise end last.
    queues = sorted(hosts.values(), key=len, reverse=True)
    turns = iter([one for one in queues for _ in range(min(settings.per_host, len(one)))])

    # Names are looked up in threads, of which asyncio has as few as there are cores, and a dead
    # name server holds one for half a minute.
    lookups = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="lookup")
    asyncio.get_running_loop().set_default_executor(lookups)
    async with Fetcher(settings) as fetcher:
        fetch = through(fetcher)

        async def work() -> None:
            async for request in _requests(turns):
                if stop.is_set():
                    return
                result = await fetch(request)
                while not stop.is_set():
                    try:
                        results.put_nowait(result)
                        break
                    except queue.Full:
                        await asyncio.sleep(0.01)

        workers = min(settings.concurrency, len(requests))
        await _all_or_stopped([asyncio.create_task(work()) for _ in range(workers)], stop)


async def _all_or_stopped(tasks: list[asyncio.Task[None]], stop: threading.Event) -> None:
    """Wait for the tasks, or cancel them soon after the caller has lost interest."""
    waiting: set[asyncio.Task[None]] = set(tasks)
    while waiting:
        done, waiting = await asyncio.wait(waiting, timeout=STOP_CHECK_S)
        if stop.is_set():
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            return
        for task in done:
            task.result()


async def _requests(turns: Iterator[deque[FetchRequest]]) -> AsyncIterator[FetchRequest]:
    for waiting in turns:
        while waiting:
            yield waiting.popleft()


def _put(
    results: queue.Queue[FetchResult | BaseException | None],
    value: BaseException | None,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            results.put(value, timeout=0.1)
            return
        except queue.Full:
            continue
