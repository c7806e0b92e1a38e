"""A server of feeds that waits before each answer, in a process of its own.

It answers on all of 127.0.0.0/8, so that each feed can have a host of its own (Linux).
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

LATENCY_S = 0.1
ENTRIES = 20
FEEDS_PER_HOST = 2
HEAD = b'<rss version="2.0"><channel><link>https://daily.example.net/</link><title>Daily</title>'
ITEM = (
    "<item><title>Report {number} of feed {feed}</title><link>/{feed}/{number}</link>"
    "<guid>{feed}-{number}</guid><pubDate>Fri, 20 Nov 2026 10:{number:02d}:00 GMT</pubDate>"
    "<description>The minister of Valdoria praised the harbour of Ostrava.</description></item>"
)


class SlowFeeds:
    """The server as its user sees it."""

    def __init__(self, port: int, control: Connection, pid: int) -> None:
        self.pid = pid
        self._port = port
        self._control = control

    def url(self, number: int) -> str:
        """Return a feed's URL; two feeds share a host."""
        host = number // FEEDS_PER_HOST + 1
        return f"http://127.{host >> 16}.{host >> 8 & 255}.{host & 255}:{self._port}/f{number}"

    def counts(self) -> dict[str, Any]:
        """Return what was answered since the last call: requests, 304s, body bytes, times."""
        self._control.send("counts")
        found: dict[str, Any] = json.loads(self._control.recv())
        return found


@contextmanager
def slow_feeds() -> Iterator[SlowFeeds]:
    """Run the server."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs,), daemon=True
    )
    process.start()
    try:
        yield SlowFeeds(ours.recv(), ours, process.pid or 0)
    finally:
        process.kill()


def body_of(path: str) -> bytes:
    """Return the feed at a path."""
    items = "".join(ITEM.format(number=number, feed=path[1:]) for number in range(ENTRIES))
    return HEAD + items.encode() + b"</channel></rss>"


class _Counts:
    def __init__(self) -> None:
        self.requests = self.not_modified = self.body_bytes = self.connections = 0
        self.first_at = self.last_at = 0.0

    def take(self) -> str:
        taken = json.dumps(vars(self))
        self.__init__()  # type: ignore[misc]
        return taken


class _Feeds(asyncio.Protocol):
    def __init__(self, counts: _Counts) -> None:
        self._counts = counts
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._counts.connections += 1

    def data_received(self, data: bytes) -> None:
        self._held += data
        while b"\r\n\r\n" in self._held:
            request, _, self._held = self._held.partition(b"\r\n\r\n")
            self._counts.first_at = self._counts.first_at or time.time()
            asyncio.get_running_loop().call_later(LATENCY_S, self._answer, request)

    def _answer(self, request: bytes) -> None:
        counts, path = self._counts, request.split(b" ", 2)[1].decode()
        counts.requests += 1
        counts.last_at = time.time()
        tag = f'"{path}"'
        if f"if-none-match: {tag}".encode() in request.lower():
            counts.not_modified += 1
            answer = f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode()
        else:
            body = body_of(path)
            counts.body_bytes += len(body)
            head = f"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {len(body)}\r\n\r\n"
            answer = head.encode() + body
        self._transport.write(answer)


def _serve(control: Connection) -> None:
    asyncio.run(_serve_for_ever(control))


async def _serve_for_ever(control: Connection) -> None:
    counts = _Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Feeds(counts), "0.0.0.0", 0, backlog=1_024)
    loop.add_reader(control.fileno(), lambda: (control.recv(), control.send(counts.take())))
    control.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
