"""Serves `seeds/` over real HTTP: feeds at /feeds/…, pages at /pages/…, with validators.

Import `seed_server` in a conftest to make the fixture available.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.http import http_date, parse_date
from werkzeug.wrappers import Request, Response

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
CONTENT_TYPES = {
    ".atom": "application/atom+xml; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/feed+json",
    ".jsonl": "application/x-ndjson",
    ".rdf": "application/rdf+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/rss+xml; charset=utf-8",
}
FIRST_MODIFIED = datetime(2026, 11, 20, 12, tzinfo=UTC)


class SeedServer:
    """A file server over `seeds/` whose answers a test may replace while it runs.

    `requests` lists (path, status) in order, so that a test can count conditional answers.
    """

    def __init__(self, http: HTTPServer, root: Path = SEEDS) -> None:
        self._http = http
        self._root = root
        self._bodies: dict[str, bytes] = {}
        self._modified: dict[str, datetime] = {}
        self._statuses: dict[str, int] = {}
        self.requests: list[tuple[str, int]] = []
        for folder in ("feeds", "pages", "files", "broken"):
            for path in (root / folder).iterdir():
                http.expect_request(f"/{folder}/{path.name}").respond_with_handler(self._answer)

    def url(self, path: str) -> str:
        """Return the URL of a path relative to `seeds/`."""
        return self._http.url_for("/" + path.lstrip("/"))

    @property
    def feeds(self) -> list[str]:
        """Return the URLs of all well-formed feeds, in the order of their names."""
        return [self.url(f"feeds/{path.name}") for path in sorted((self._root / "feeds").iterdir())]

    def replace(self, path: str, body: bytes, modified: datetime) -> None:
        """Serve `body` at `path` from now on, with new validators."""
        key = "/" + path.lstrip("/")
        if not (self._root / path.lstrip("/")).exists() and key not in self._bodies:
            self._http.expect_request(key).respond_with_handler(self._answer)
        self._bodies[key] = body
        self._modified[key] = modified

    def fail(self, path: str, status: int) -> None:
        """Answer `path` with `status` and an empty body from now on."""
        self._statuses["/" + path.lstrip("/")] = status

    def _answer(self, request: Request) -> Response:
        response = self._respond(request)
        self.requests.append((request.path, response.status_code))
        return response

    def _respond(self, request: Request) -> Response:
        key = request.path
        if key in self._statuses:
            return Response(status=self._statuses[key])
        body = self._bodies.get(key)
        if body is None:
            body = (self._root / key.lstrip("/")).read_bytes()
        modified = self._modified.get(key, FIRST_MODIFIED)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Last-Modified": http_date(modified)}
        if _unchanged(request, etag, modified):
            return Response(status=304, headers=headers)
        kind = CONTENT_TYPES.get(Path(key).suffix, "application/octet-stream")
        return Response(body, headers=headers, content_type=kind)


def _unchanged(request: Request, etag: str, modified: datetime) -> bool:
    tags = request.headers.get("If-None-Match")
    if tags is not None:  # RFC 9110 13.1.3: If-Modified-Since is ignored beside If-None-Match
        return etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
    since = parse_date(request.headers.get("If-Modified-Since"))
    return since is not None and modified <= since


@pytest.fixture
def seed_server() -> Iterator[SeedServer]:
    """Serve `seeds/` on a free local port for one test; other paths answer 404."""
    http = HTTPServer(host="127.0.0.1", port=0)
    http.no_handler_status_code = 404
    http.start()
    try:
        yield SeedServer(http)
    finally:
        http.clear()
        if http.is_running():
            http.stop()
