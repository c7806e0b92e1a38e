"""A small HTTP server beside a long-lived process: /metrics, /health, /live."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

from pipeline.health import Health
from pipeline.metrics import Metrics

LOOPBACK = "127.0.0.1"
ANSWER_S = 10.0


class ListenError(ValueError):
    """An address that can't be listened at; its text is one line."""


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of "9464", "0.0.0.0:9464" or "[::]:9464"; raises ListenError.

    A port alone is for this machine only.
    """
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ListenError(f"{text!r} is not a port, or an address like 0.0.0.0:9464")
    return (host if colon and host else LOOPBACK), int(port)


class MetricsServer:
    """Answers while the block lasts.

    /health is 200 or, with the reason, 503; /live is 200 as long as the process answers, for what
    would restart it otherwise.
    """

    def __init__(self, address: str, metrics: Metrics, health: Callable[[], Health]) -> None:
        """Listen at an address; raises ListenError."""
        host, port = parse_address(address)
        kind = type("_Server", (_Server,), {"address_family": _family(host)})
        try:
            self._server = kind((host, port), _handler(metrics, health))
        except OSError as error:
            raise ListenError(f"{address}: {error.strerror or error}") from None
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """Return the port, also where 0 left the choice to the system."""
        return int(self._server.server_address[1])

    def __enter__(self) -> MetricsServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is no news."""


def _family(host: str) -> int:
    import socket

    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _handler(metrics: Metrics, health: Callable[[], Health]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = ANSWER_S
        server_version = "newsalign"
        sys_version = ""

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                metrics.show_health(health())
                self._answer(200, CONTENT_TYPE_LATEST, metrics.text())
            elif path == "/health":
                found = health()
                self._say(200 if found.ok else 503, found.reason)
            elif path == "/live":
                self._say(200, "alive")
            else:
                self._say(404, "/metrics, /health or /live")

        def _say(self, code: int, text: str) -> None:
            self._answer(code, "text/plain; charset=utf-8", f"{text}\n".encode())

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: scrapes would drown what runs say."""

    return Handler
