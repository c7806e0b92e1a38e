"""Polls many feeds on a slow local server: time against latency ÷ concurrency, and memory.

The server, a process of its own, waits 100 ms before each answer. The bound is feeds × latency ÷
concurrency: no poller with that many requests in flight can be faster. The second poll sends the
validators of the first and gets "304 Not Modified" without a body for every feed. "fetch" is the
first poll without parsing what it brings, which one process does at the pace of feedparser; a run
has as many as there are cores. Each size is polled in a process of its own, whose peak memory is
its whole cost, imports included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

LATENCY_S = 0.1
ENTRIES = 20
ITEM = (
    "<item><title>Report {number} of feed {feed}</title><link>/{feed}/{number}</link>"
    "<guid>{feed}-{number}</guid><pubDate>Fri, 20 Nov 2026 10:{number:02d}:00 GMT</pubDate>"
    "<description>The minister of Valdoria praised the harbour of Ostrava.</description></item>"
)


def serve(port_to: Connection) -> None:
    """Answer every path with a feed after the latency, or with 304 to its ETag; never ends."""
    asyncio.run(_serve(port_to))


async def _serve(port_to: Connection) -> None:
    counts = {"requests": 0, "not_modified": 0, "body_bytes": 0, "connections": 0}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts["connections"] += 1
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                path = request.split(b" ", 2)[1].decode()
                if path == "/counts":
                    writer.write(_response("200 OK", json.dumps(counts).encode(), ""))
                    continue
                counts["requests"] += 1
                await asyncio.sleep(LATENCY_S)
                tag = f'"{path}"'
                if f"if-none-match: {tag}".encode() in request.lower():
                    counts["not_modified"] += 1
                    writer.write(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode())
                else:
                    body = _feed(path)
                    counts["body_bytes"] += len(body)
                    writer.write(_response("200 OK", body, f"ETag: {tag}\r\n"))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1_024)
    port_to.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _response(status: str, body: bytes, headers: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _feed(path: str) -> bytes:
    items = "".join(ITEM.format(number=number, feed=path[1:]) for number in range(ENTRIES))
    head = "<link>https://daily.example.net/</link><title>Daily</title>"
    return f'<rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


def poll(port: int, feeds: int, concurrency: int) -> dict[str, object]:
    """Fetch all feeds, then poll them twice; returns seconds, counts and the peak memory in MB."""
    from transforms.fetch import FetchRequest, fetch_all
    from transforms.read_feeds import FeedPoll, FeedSource, poll_feeds
    from transforms.records import RawItem, Reject
    from transforms.settings import NetworkSettings, ReadSettings

    # Connections to one address count as one host's; the limit for a host is not what is measured.
    network = NetworkSettings(concurrency=concurrency, per_host=concurrency, allow_private=True)
    sources = [FeedSource(f"http://127.0.0.1:{port}/f{number}") for number in range(feeds)]
    started = time.perf_counter()
    fetched = sum(
        one.status == 200
        for one in fetch_all([FetchRequest(source.url) for source in sources], network)
    )
    seconds, items, rejects = [time.perf_counter() - started], 0, 0
    for _ in range(2):
        started = time.perf_counter()
        polls: list[FeedPoll] = []
        for found in poll_feeds(sources, network, ReadSettings()):
            if isinstance(found, FeedPoll):
                polls.append(found)
            items += isinstance(found, RawItem)
            rejects += isinstance(found, Reject)
        seconds.append(time.perf_counter() - started)
        sources = [FeedSource(one.url, etag=one.etag) for one in polls]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "fetched": fetched,
        "items": items,
        "rejects": rejects,
        "not_modified": sum(one.status == 304 for one in polls),
        "peak_mb": peak,
    }


def measure(feeds: int, concurrency: int) -> dict[str, object]:
    """Run server and poller in processes of their own; returns what `poll` does and more."""
    import httpx

    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        port = ours.recv()
        command = [sys.executable, "-m", "benchmarks.poll_feeds", "--port", str(port)]
        command += ["--feeds", str(feeds), "--concurrency", str(concurrency)]
        root = Path(__file__).resolve().parent.parent
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)
        found: dict[str, object] = json.loads(done.stdout)
        counts = httpx.get(f"http://127.0.0.1:{port}/counts").json()
    finally:
        server.kill()
    assert counts["requests"] == 3 * feeds, counts
    assert found["fetched"] == feeds, found
    assert counts["not_modified"] == found["not_modified"] == feeds, (counts, found)
    assert counts["body_bytes"] == 2 * sum(len(_feed(f"/f{number}")) for number in range(feeds))
    assert (found["items"], found["rejects"]) == (feeds * ENTRIES, 0), found
    return {**found, "connections": counts["connections"]}


def main() -> None:
    """Print times against the bound and the growth of memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.port:
        found = poll(arguments.port, arguments.feeds[0], arguments.concurrency)
        print(json.dumps(found))
        return
    print(
        f"{LATENCY_S * 1000:g} ms latency, {arguments.concurrency} requests at a time, "
        f"{ENTRIES} entries a feed; bound = feeds x latency / concurrency"
    )
    print(
        f"{'feeds':>7}{'bound':>9}{'fetch':>9}{'ratio':>7}{'first':>9}{'ratio':>7}{'second':>9}{'ratio':>7}"
        f"{'304s':>8}{'connections':>13}{'peak MB':>9}"
    )
    peaks = []
    for feeds in arguments.feeds:
        found = measure(feeds, arguments.concurrency)
        bound = feeds * LATENCY_S / arguments.concurrency
        fetch, first, second = found["seconds"]
        peaks.append(found["peak_mb"])
        print(
            f"{feeds:>7,}{bound:>8.2f}s{fetch:>8.2f}s{fetch / bound:>7.2f}"
            f"{first:>8.2f}s{first / bound:>7.2f}{second:>8.2f}s{second / bound:>7.2f}"
            f"{found['not_modified']:>8,}{found['connections']:>13,}"
            f"{found['peak_mb']:>9.0f}",
            flush=True,
        )
    if len(peaks) > 1:
        print(f"peak memory, most feeds to fewest: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
