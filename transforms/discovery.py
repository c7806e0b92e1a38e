"""A site's feeds, from what its page says of them."""

from __future__ import annotations

from lxml import etree, html  # type: ignore[import-untyped]

from transforms.urls import absolute_url

_FEED_TYPES = (
    "application/rss+xml",
    "application/atom+xml",
    "application/feed+json",
    "application/rdf+xml",
    "application/xml",
    "text/xml",
    "application/json",
)


def linked_feeds(markup: str, page_url: str) -> list[str]:
    """Return the feeds that a page declares (`<link rel="alternate" type=…>`), in its order.

    https://www.rssboard.org/rss-autodiscovery; links resolve against the page's `<base>`.
    """
    try:
        tree = html.document_fromstring(
            markup.encode("utf-8", "replace"),
            parser=html.HTMLParser(encoding="utf-8", no_network=True),
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return []
    base = next((node.get("href") for node in tree.iter("base") if node.get("href")), None)
    root = absolute_url(base, page_url) or page_url
    found: dict[str, None] = {}
    for node in tree.iter("link"):
        relations = (node.get("rel") or "").lower().split()
        kind = (node.get("type") or "").partition(";")[0].strip().lower()
        if "feed" in relations or ("alternate" in relations and kind in _FEED_TYPES):
            url = absolute_url(node.get("href"), root)
            if url is not None:
                found.setdefault(url)
    return list(found)
