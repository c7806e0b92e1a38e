"""Full text: where a feed gives a teaser, the page itself, as far as its site allows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam

from transforms.encoding import charset_of, decode, is_binary
from transforms.fetch import FetchRequest, FetchResult, fetch_all
from transforms.markup import has_tags, html_to_text
from transforms.read_feeds import shard_of
from transforms.records import RawItem
from transforms.robots import through_robots
from transforms.settings import NetworkSettings
from transforms.urls import is_site_root

PAGE_ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
# As in `transforms.clean`: teasers are shorter, and what is longer is taken for the whole text.
TEASER_WORDS = 80

# Nine tenths of a page's bytes; JSON-LD stays, since it dates the page and names its author.
_BALLAST = re.compile(
    r"<script\b(?![^>]{0,1000}ld\+json)[^>]{0,2000}>.*?(?:</script\s*>|\Z)"
    r"|<style\b[^>]{0,2000}>.*?(?:</style\s*>|\Z)|<svg\b[^>]{0,2000}>.*?(?:</svg\s*>|\Z)"
    r"|<!--.*?(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_INLINE_DATA = re.compile(r"""(["'(])data:[^"')\s]{200,}""")


def wants_page(item: RawItem) -> bool:
    """Say whether an item is a teaser whose page may hold more."""
    if item.is_page or not item.url or item.feed_url is None or "url_shared" in item.flags:
        return False
    text = item.body or item.summary or ""
    if has_tags(text):
        text = html_to_text(text)
    return len(text.split(None, TEASER_WORDS)) <= TEASER_WORDS


def fetch_pages(items: Iterable[RawItem], network: NetworkSettings) -> Iterator[RawItem]:
    """Yield every item, with its page for a body where one was wanted and could be had.

    An item whose page couldn't be had goes on as it was, with a flag `page_<reason>`.
    """
    waiting: dict[str, list[RawItem]] = defaultdict(list)
    for item in items:
        if item.url and wants_page(item):
            waiting[item.url].append(item)
        else:
            yield item
    requests = [FetchRequest(url, accept=PAGE_ACCEPT) for url in waiting]
    if not requests:
        return
    for result in fetch_all(requests, network, through_robots(network.user_agent)):
        for item in waiting.pop(result.url):
            yield with_page(item, result)


def with_page(item: RawItem, result: FetchResult) -> RawItem:
    """Return the item with the fetched page for its body, or flagged with why it has none."""
    problem = _problem(item, result)
    if problem is not None:
        return replace(item, flags=(*item.flags, f"page_{problem}"))
    decoded = decode(result.body, charset_of(result.content_type))
    return replace(
        item,
        url=result.final_url,
        base_url=result.final_url,
        summary=item.body or item.summary,
        body=slim_html(decoded.text),
        body_is_html=True,
        is_page=True,
        flags=(*item.flags, *decoded.flags),
    )


def slim_html(markup: str) -> str:
    """Return a page without scripts, styles, drawings and inlined files."""
    return _INLINE_DATA.sub(r"\1", _BALLAST.sub("", markup))


class FetchPagesFn(beam.DoFn):
    """Fetches the pages of one shard's items."""

    def __init__(self, network: NetworkSettings) -> None:
        self._network = network

    def process(self, shard: tuple[int, Iterable[RawItem]]) -> Iterator[RawItem]:
        """Yield the shard's items."""
        yield from fetch_pages(shard[1], self._network)


class FetchPages(beam.PTransform):
    """RawItem -> RawItem: teasers get their pages. Hosts are sharded as in `ReadFeeds`."""

    def __init__(self, network: NetworkSettings, shards: int = 1) -> None:
        super().__init__()
        self._shards = max(1, min(shards, network.concurrency))
        share = network.concurrency // self._shards
        self._network = network.model_copy(update={"concurrency": share})

    def expand(self, items: Any) -> Any:
        """Apply the fetching to a collection of raw items."""
        shards = self._shards
        return (
            items
            | "Shard by site" >> beam.Map(lambda item: (shard_of(item.url or "", shards), item))
            | "Group sites" >> beam.GroupByKey()
            | "Fetch pages" >> beam.ParDo(FetchPagesFn(self._network))
        )


def _problem(item: RawItem, result: FetchResult) -> str | None:
    if result.reason is not None:
        return result.reason
    if is_site_root(result.final_url) and not is_site_root(item.url or ""):
        # Dead links are often sent to the front page, whose text is of other articles.
        return "front_page"
    kind = (result.content_type or "text/html").lower()
    if "html" not in kind or is_binary(result.body[:4096]) or not result.body.strip():
        return "not_html"
    return None
