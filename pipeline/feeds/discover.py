"""The feeds of a site: those that its page links, those at usual places, and its news sitemaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from lxml import etree, html  # type: ignore[import-untyped]
from protego import Protego

from pipeline.feeds.place import FeedsError
from transforms.dates import parse_date
from transforms.encoding import charset_of, decode
from transforms.feed_parser import FeedError, parse_feed, unzipped
from transforms.feed_xml import repair_xml, root_name
from transforms.fetch import FEED_ACCEPT, FetchRequest, FetchResult, fetch_all
from transforms.json_feed import FeedHead
from transforms.news_sitemap import sitemap_links
from transforms.records import RawItem
from transforms.robots import through_robots
from transforms.settings import FeedSettings, NetworkSettings
from transforms.urls import absolute_url

PAGE_ACCEPT = f"text/html, application/xhtml+xml;q=0.9, {FEED_ACCEPT}"
MAX_LINKS = 20  # of one page
MAX_SITEMAPS = 10  # of one site
_FEED_TYPES = frozenset(
    f"application/{name}" for name in ("rss+xml", "atom+xml", "rdf+xml", "feed+json", "json")
)


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed of a site; `how` it was found: `itself`, `link`, `path` or `sitemap`."""

    url: str
    how: str
    kind: str | None
    title: str | None
    items: int
    newest_at: datetime | None


def discover(
    site: str, network: NetworkSettings, settings: FeedSettings, now: datetime
) -> list[FoundFeed]:
    """Return a site's feeds, each read once and proved to be one; the best first.

    A page that is a feed is the answer. Usual places are tried only where the page links no
    feed; news sitemaps always. robots.txt is kept to. Raises FeedsError where the site can't be
    had at all.
    """
    page = next(
        fetch_all(
            [FetchRequest(site, accept=PAGE_ACCEPT)], network, through_robots(network.user_agent)
        )
    )
    if page.reason is not None and not page.status:
        raise FeedsError(f"{site}: {page.reason}: {page.detail}")
    itself = _as_feed(page, "itself", now)
    if itself is not None:
        return [itself]
    root = urljoin(page.final_url, "/")
    found = _feeds_at(linked_feeds(page), "link", network, now)
    if not found:
        paths = [urljoin(root, path) for path in settings.common_paths]
        found = _feeds_at(paths, "path", network, now)
    return found + _news_sitemaps(root, network, settings, now)


def linked_feeds(page: FetchResult) -> list[str]:
    """Return the URLs that a page's `<link rel="alternate">` name as feeds, in its order."""
    if page.reason is not None or not page.body.strip():
        return []
    markup = decode(page.body, charset_of(page.content_type)).text
    try:
        parser = html.HTMLParser(encoding="utf-8", no_network=True)
        tree = html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return []
    base = next((one.get("href") for one in tree.iter("base") if one.get("href")), None)
    base = absolute_url(base, page.final_url) or page.final_url
    links = []
    for link in tree.iter("link"):
        relations = (link.get("rel") or "").lower().split()
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        if "feed" in relations or ("alternate" in relations and kind in _FEED_TYPES):
            links.append(absolute_url(link.get("href"), base))
    return list(dict.fromkeys(filter(None, links)))[:MAX_LINKS]


def _feeds_at(
    urls: Iterable[str], how: str, network: NetworkSettings, now: datetime
) -> list[FoundFeed]:
    """Return the feeds among some URLs, in their order; of two that lead to one, the first."""
    found: dict[str, FoundFeed] = {}
    for result in _fetched(urls, network):
        feed = _as_feed(result, how, now)
        if feed is not None:
            found.setdefault(result.final_url, feed)
    return list(found.values())


def _news_sitemaps(
    root: str, network: NetworkSettings, settings: FeedSettings, now: datetime
) -> list[FoundFeed]:
    robots = _fetched([urljoin(root, "/robots.txt")], network)[0]
    stated: list[str] = []
    if robots.reason is None:
        stated = [str(url) for url in Protego.parse(decode(robots.body).text).sitemaps]
    places = [url for one in stated if (url := absolute_url(one, root))]
    # Those that say news first, since only so many are looked at.
    places.sort(key=lambda url: "news" not in url.lower())
    places += [urljoin(root, path) for path in settings.sitemap_paths]
    fetched = _fetched(list(dict.fromkeys(places))[:MAX_SITEMAPS], network)
    inner = [url for result in fetched for url in _index(result) if "news" in url.lower()]
    fetched += _fetched(list(dict.fromkeys(inner))[:MAX_SITEMAPS], network)
    found = {
        result.final_url: feed
        for result in fetched
        if (feed := _as_feed(result, "sitemap", now)) is not None
    }
    return list(found.values())


def _index(result: FetchResult) -> list[str]:
    if result.reason is not None:
        return []
    try:
        text = decode(unzipped(result.body)).text.lstrip()
    except FeedError:
        return []
    if root_name(text) != "sitemapindex":
        return []
    links = sitemap_links(repair_xml(text)[0])
    return [url for link in links if (url := absolute_url(link, result.final_url))]


def _fetched(urls: Iterable[str], network: NetworkSettings) -> list[FetchResult]:
    """Return the results in the order of the URLs."""
    wanted = list(dict.fromkeys(urls))
    requests = [FetchRequest(url) for url in wanted]
    found = {
        one.url: one for one in fetch_all(requests, network, through_robots(network.user_agent))
    }
    return [found[url] for url in wanted]


def _as_feed(result: FetchResult, how: str, now: datetime) -> FoundFeed | None:
    if result.reason is not None:
        return None
    heads: list[FeedHead] = []
    items = [
        one
        for one in parse_feed(
            result.body, result.url, result.content_type, now, on_head=heads.append
        )
        if isinstance(one, RawItem)
    ]
    if not heads:
        return None
    dates = [parse_date(item.published, now).value for item in items if item.published]
    return FoundFeed(
        url=result.permanent_url or result.url,
        how=how,
        kind=heads[0].kind,
        title=heads[0].title,
        items=len(items),
        newest_at=max(filter(None, dates), default=None),
    )
