import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from transforms.addresses import names_private_address
from transforms.connections import proxy_parts
from transforms.fetch import FetchRequest, FetchResult, fetch_all
from transforms.settings import NetworkSettings

LIMITS = NetworkSettings(retries=0, timeout_s=2, total_timeout_s=4)


def fetch(url: str, **changes: Any) -> FetchResult:
    (found,) = fetch_all([FetchRequest(url)], LIMITS.model_copy(update=changes))
    return found


class Proxy(BaseHTTPRequestHandler):
    """Answers for any host itself, and refuses tunnels."""

    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Proxy-Authorization"]))
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"<rss>")

    def do_CONNECT(self) -> None:
        self.asked.append((self.path, None))
        self.send_error(407)

    def log_message(self, *parts: Any) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[ThreadingHTTPServer]:
    Proxy.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_proxy_is_used_though_it_is_at_a_private_address(proxy: ThreadingHTTPServer) -> None:
    url = f"http://desk:p%40ss@127.0.0.1:{proxy.server_port}"
    found = fetch("http://daily.example.net/feed", proxy=url)
    assert (found.reason, found.body) == (None, b"<rss>")
    login = "Basic " + base64.b64encode(b"desk:p@ss").decode()
    assert Proxy.asked == [("http://daily.example.net/feed", login)]


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "localhost", "[::1]", "10.1.2.3"])
def test_behind_a_proxy_private_addresses_in_urls_are_refused(
    proxy: ThreadingHTTPServer, host: str
) -> None:
    url, place = f"http://{host}:9/feed", f"http://127.0.0.1:{proxy.server_port}"
    assert fetch(url, proxy=place).reason == "private_address"
    assert Proxy.asked == []
    assert fetch(url, proxy=place, allow_private=True).reason is None


def test_a_proxy_that_refuses_or_isn_t_there(proxy: ThreadingHTTPServer) -> None:
    place = f"http://127.0.0.1:{proxy.server_port}"
    assert fetch("https://daily.example.net/feed", proxy=place).reason == "proxy_error"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    assert fetch("http://daily.example.net/feed", proxy=nobody).reason == "connection_error"


def test_the_environment_s_proxy_is_not_used(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    httpserver.expect_request("/feed").respond_with_data("<rss>")
    assert fetch(httpserver.url_for("/feed"), allow_private=True).status == 200


@pytest.mark.parametrize("url", ["127.0.0.1:3128", "ftp://a:1", "http://", "http://a:99999", "x"])
def test_what_is_no_proxy(url: str) -> None:
    with pytest.raises(ValidationError, match="proxy"):
        NetworkSettings(proxy=url)


def test_a_proxy_s_login_is_taken_out_of_its_url() -> None:
    assert proxy_parts("http://a.example:3128") == ("http://a.example:3128", None)
    assert proxy_parts("https://u@a.example") == ("https://a.example", ("u", ""))


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "017700000001", "a.localhost.", "::1", "0"])
def test_private_in_any_notation(host: str) -> None:
    assert names_private_address(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "daily.example.net", "1.news", "2606:4700::1111", ""])
def test_not_private_as_far_as_a_name_tells(host: str) -> None:
    assert not names_private_address(host)
