import gzip
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli
import pytest
import zstandard
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from transforms.fetch import FetchRequest, FetchResult, fetch_all
from transforms.settings import NetworkSettings

LOCAL = NetworkSettings(allow_private=True, retries=0, timeout_s=2, total_timeout_s=4)
BODY = b"<rss version='2.0'/>"


def fetch(url: str, limits: NetworkSettings = LOCAL, **request: Any) -> FetchResult:
    (result,) = fetch_all([FetchRequest(url, **request)], limits)
    assert result.url == url
    return result


def limits(**changes: Any) -> NetworkSettings:
    return LOCAL.model_copy(update=changes)


def test_a_body_with_its_headers(httpserver: HTTPServer) -> None:
    headers = {"ETag": '"1"', "Last-Modified": "Sun, 11 May 2025 08:30:00 GMT"}
    httpserver.expect_request("/feed").respond_with_data(
        BODY, content_type="text/xml; charset=x", headers=headers
    )
    result = fetch(httpserver.url_for("/feed"))
    assert (result.reason, result.status, result.body) == (None, 200, BODY)
    assert (result.etag, result.last_modified) == (headers["ETag"], headers["Last-Modified"])
    assert result.content_type == "text/xml; charset=x"
    assert result.permanent_url is None


def test_who_asks_and_what_for(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(BODY)
    fetch(
        httpserver.url_for("/feed"),
        limits(user_agent="newsalign/9", contact="https://desk.example"),
        etag='"1"',
        last_modified="Sun, 11 May 2025 08:30:00 GMT",
    )
    headers = httpserver.log[0][0].headers
    assert headers["User-Agent"] == "newsalign/9 (+https://desk.example)"
    assert headers["If-None-Match"] == '"1"'
    assert headers["If-Modified-Since"] == "Sun, 11 May 2025 08:30:00 GMT"
    assert "application/rss+xml" in headers["Accept"]


def test_not_modified_keeps_the_validators(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(b"", status=304)
    result = fetch(httpserver.url_for("/feed"), etag='"1"', last_modified="x")
    assert (result.reason, result.not_modified) == (None, True)
    assert (result.etag, result.last_modified) == ('"1"', "x")


@pytest.mark.parametrize("status", [200, 304])
def test_a_connection_serves_many_requests(status: int) -> None:
    connections: list[Any] = []

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            connections.append(self.client_address)
            super().setup()

        def do_GET(self) -> None:
            self.send_response(status)
            if status == 200:
                self.send_header("Content-Length", "1")
            self.end_headers()
            self.wfile.write(b"x" if status == 200 else b"")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        urls = [f"http://127.0.0.1:{server.server_port}/{number}" for number in range(6)]
        results = list(fetch_all(map(FetchRequest, urls), limits(concurrency=1)))
        server.shutdown()
    assert [one.status for one in results] == [status] * 6
    assert len(connections) == 1


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("br", brotli.compress(BODY)),
        ("zstd", zstandard.compress(BODY)),
        ("br, gzip", gzip.compress(brotli.compress(BODY), mtime=0)),
    ],
)
def test_compressed_bodies(httpserver: HTTPServer, coding: str, body: bytes) -> None:
    httpserver.expect_request("/feed").respond_with_data(body, headers={"Content-Encoding": coding})
    assert fetch(httpserver.url_for("/feed")).body == BODY


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("br", brotli.compress(BODY)),
        ("zstd", zstandard.compress(BODY)),
        ("br, zstd", zstandard.compress(brotli.compress(BODY)[:-1])),
    ],
)
def test_a_body_cut_short_before_it_was_sent_is_a_failure(
    httpserver: HTTPServer, coding: str, body: bytes
) -> None:
    cuts = range(1, len(body), 5)
    for cut in cuts:
        httpserver.expect_request(f"/{cut}").respond_with_data(
            body[:cut], headers={"Content-Encoding": coding}
        )
    requests = [FetchRequest(httpserver.url_for(f"/{cut}")) for cut in cuts]
    found = list(fetch_all(requests, LOCAL))
    assert [(one.reason, one.body) for one in found] == [("bad_compression", b"")] * len(cuts)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451, 500])
def test_error_statuses(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/feed").respond_with_data(b"<html>no</html>", status=status)
    result = fetch(httpserver.url_for("/feed"))
    assert (result.reason, result.status, result.body) == (f"http_{status}", status, b"")


def redirect(server: HTTPServer, path: str, target: str | None, status: int = 301) -> None:
    headers = {"Location": target} if target is not None else {}
    server.expect_request(path).respond_with_data(b"", status=status, headers=headers)


def test_permanent_redirects_are_reported_up_to_the_first_temporary_one(
    httpserver: HTTPServer,
) -> None:
    redirect(httpserver, "/a", "/b", 301)
    redirect(httpserver, "/b", "/c", 308)
    redirect(httpserver, "/c", "/d", 302)
    redirect(httpserver, "/d", "/e", 301)
    httpserver.expect_request("/e").respond_with_data(BODY)
    result = fetch(httpserver.url_for("/a"))
    assert result.body == BODY
    assert result.final_url == httpserver.url_for("/e")
    assert result.permanent_url == httpserver.url_for("/c")
    assert fetch(httpserver.url_for("/c")).permanent_url is None


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/loop", "redirect_loop"),
        (None, "redirect_without_location"),
        ("ftp://files.example/feed", "bad_redirect"),
        ("file:///etc/hosts", "bad_redirect"),
    ],
)
def test_redirects_that_lead_nowhere(
    httpserver: HTTPServer, target: str | None, reason: str
) -> None:
    redirect(httpserver, "/loop", target)
    assert fetch(httpserver.url_for("/loop")).reason == reason


def test_a_chain_of_redirects_has_an_end(httpserver: HTTPServer) -> None:
    for hop in range(8):
        redirect(httpserver, f"/{hop}", f"/{hop + 1}")
    result = fetch(httpserver.url_for("/0"), limits(max_redirects=3))
    assert result.reason == "too_many_redirects"
    assert len(httpserver.log) == 4


def test_private_addresses_are_refused_also_after_a_redirect(httpserver: HTTPServer) -> None:
    redirect(httpserver, "/meta", "http://169.254.169.254/latest")
    strict = limits(allow_private=False)
    assert fetch(httpserver.url_for("/meta"), strict).reason == "private_address"
    assert httpserver.log == []
    for url in ("http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1/"):
        assert fetch(url, strict).reason == "private_address"


@pytest.mark.parametrize("url", ["", "ftp://a.example/", "http://", "http://[::1", "not a url"])
def test_what_is_no_url(url: str) -> None:
    assert fetch(url).reason == "bad_url"


def test_a_name_that_doesn_t_resolve() -> None:
    assert fetch("http://no-such-host.invalid/").reason == "dns_error"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert fetch(f"http://127.0.0.1:{port}/").reason == "connection_error"


@contextmanager
def raw_server(*sends: bytes, pause: float = 0.0, close: bool = True) -> Iterator[str]:
    """Serve bytes as given, over and over, to whoever connects."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65_536)
                for part in sends:
                    connection.sendall(part)
                    done.wait(pause)
                if not close:
                    done.wait(30)
            except OSError:
                pass

    def serve() -> None:
        while not done.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        done.set()
        listener.close()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("sends", "reason"),
    [
        ([b"not http at all\r\n\r\n"], "connection_lost"),
        ([b""], "connection_lost"),
        ([b"HTTP/1.1 301 Moved\r\nLocation: http://[::1\r\n\r\n"], "bad_redirect"),
        ([OK + b"Content-Length: 100\r\n\r\nshort"], "connection_lost"),
        ([OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nx"], "connection_lost"),
        ([OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"], "bad_compression"),
        ([OK + b"Content-Encoding: lzw\r\nContent-Length: 3\r\n\r\nabc"], "bad_compression"),
        ([OK + b"X: " + b"y" * 200_000 + b"\r\n\r\n"], "connection_lost"),
    ],
)
def test_broken_answers(sends: list[bytes], reason: str) -> None:
    with raw_server(*sends) as url:
        assert fetch(url).reason == reason


def test_a_server_that_speaks_no_tls(httpserver: HTTPServer) -> None:
    url = httpserver.url_for("/").replace("http://", "https://")
    assert fetch(url).reason == "tls_error"


@pytest.mark.parametrize("packed", [True, False])
def test_bodies_without_end(httpserver: HTTPServer, packed: bool) -> None:
    zeros = bytes(3_000_000)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    httpserver.expect_request("/big").respond_with_data(
        gzip.compress(zeros, mtime=0) if packed else zeros, headers=headers
    )
    assert fetch(httpserver.url_for("/big"), limits(max_bytes=1_000_000)).reason == "too_large"


def test_a_server_that_drips_is_given_up_after_the_total_time() -> None:
    drops = [OK + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 100]
    with raw_server(*drops, pause=0.1) as url:
        started = time.monotonic()
        result = fetch(url, limits(total_timeout_s=0.6, retries=2))
    assert result.reason == "timeout"
    assert time.monotonic() - started < 5


def test_a_silent_server_is_given_up_after_the_read_time() -> None:
    with raw_server(close=False) as url:
        assert fetch(url, limits(timeout_s=0.3)).reason == "timeout"


def answers(*responses: Response) -> Any:
    waiting = list(responses)

    def answer(_: Request) -> Response:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return answer


def test_passing_failures_are_retried(httpserver: HTTPServer, monkeypatch: Any) -> None:
    monkeypatch.setattr("transforms.fetch.BACKOFF_S", 0.01)
    httpserver.expect_request("/feed").respond_with_handler(
        answers(
            Response(status=503),
            Response(status=429, headers={"Retry-After": "0"}),
            Response(BODY),
        )
    )
    assert fetch(httpserver.url_for("/feed"), limits(retries=2)).body == BODY
    assert len(httpserver.log) == 3


def test_lasting_failures_are_not(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/gone").respond_with_data(b"", status=410)
    assert fetch(httpserver.url_for("/gone"), limits(retries=3)).reason == "http_410"
    assert len(httpserver.log) == 1


def test_a_host_that_asks_for_a_pause_gets_it_for_all_its_feeds(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(
        b"", status=429, headers={"Retry-After": "120"}
    )
    urls = [httpserver.url_for(path) for path in ("/a", "/b", "/c")]
    found = list(fetch_all(map(FetchRequest, urls), limits(retries=3, per_host=1)))
    assert [one.reason for one in found] == ["http_429", "host_paused", "host_paused"]
    assert found[0].retry_after_s == 120.0
    assert all(110 < (one.retry_after_s or 0) <= 120 for one in found[1:])
    assert len(httpserver.log) == 1


def test_no_host_gets_more_requests_at_a_time_than_allowed() -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def answer(_: Request) -> Response:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return Response(BODY)

    with HTTPServer(threaded=True) as server:
        server.expect_request("/feed").respond_with_handler(answer)
        urls = [server.url_for(f"/feed?{n}") for n in range(20)]
        found = list(fetch_all(map(FetchRequest, urls), limits(concurrency=16, per_host=3)))
    assert {one.url for one in found if one.body == BODY} == set(urls)
    assert 1 < most[0] <= 3


def test_a_host_that_many_redirect_to_gets_no_more_at_a_time() -> None:
    busy, most = 0, 0
    lock = threading.Lock()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal busy, most
            port = self.server.server_address[1]
            if self.headers["Host"].startswith("127.0.0.1:"):
                with lock:
                    busy += 1
                    most = max(most, busy)
                time.sleep(0.05)
                with lock:
                    busy -= 1
                self.send_response(200)
            else:
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{port}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *parts: Any) -> None:
            pass

    with ThreadingHTTPServer(("", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        urls = [f"http://127.0.0.{n}:{server.server_port}/{n}" for n in range(2, 14)]
        found = list(fetch_all(map(FetchRequest, urls), limits(concurrency=12)))
        server.shutdown()
    assert [one.status for one in found] == [200] * 12
    assert most == LOCAL.per_host


def test_one_hostile_server_leaves_the_others_unharmed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(BODY)
    good = httpserver.url_for("/feed")
    drops = [OK + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 200]
    with raw_server(*drops, pause=0.1) as slow, raw_server(b"junk\r\n\r\n") as broken:
        urls = [slow, broken, "http://no-such-host.invalid/", good]
        found = list(fetch_all(map(FetchRequest, urls), limits(total_timeout_s=1)))
    assert {one.url: one.reason for one in found} == {
        slow: "timeout",
        broken: "connection_lost",
        "http://no-such-host.invalid/": "dns_error",
        good: None,
    }


def test_a_caller_that_stops_early_stops_the_fetching() -> None:
    with raw_server(close=False) as url:
        results = fetch_all([FetchRequest(""), FetchRequest(url)], limits(timeout_s=60))
        assert next(iter(results)).reason == "bad_url"
        started = time.monotonic()
        results.close()  # type: ignore[attr-defined]
        assert time.monotonic() - started < 10
