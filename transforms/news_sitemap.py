"""News sitemaps (http://www.google.com/schemas/sitemap-news/0.9): a site's latest pages as entries.

An entry has a title, a date and the page's URL, and no text: the page has that.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree  # type: ignore[import-untyped]

from transforms.json_feed import FeedEntry, FeedHead, as_text

SITEMAP_ROOTS = frozenset(("urlset", "sitemapindex"))
KIND = "news sitemap"


def read_news_sitemap(document: bytes) -> tuple[FeedHead, list[FeedEntry]]:
    """Return a urlset's news entries; entries without news metadata are pages, not news.

    `document` is well-formed UTF-8 XML without a document type, as `repair_xml` makes it.
    """
    names: list[str] = []
    entries: list[FeedEntry] = []
    for place in _children(_root(document), "url"):
        news = next(_children(place, "news"), None)
        url = _text(place, "loc")
        if news is None or url is None:
            continue
        publication = next(_children(news, "publication"), None)
        if publication is not None:
            names.append(_text(publication, "name") or "")
        entries.append(
            FeedEntry(
                guid=url,
                url=url,
                title=_text(news, "title"),
                language=_text(publication, "language") if publication is not None else None,
                published=_text(news, "publication_date"),
                modified=_text(place, "lastmod"),
            )
        )
    return FeedHead(title=next(filter(None, names), None), kind=KIND), entries


def sitemap_links(document: bytes) -> list[str]:
    """Return the sitemaps that an index names, in its order; [] for any other document."""
    places = _children(_root(document), "sitemap")
    return [url for place in places if (url := _text(place, "loc"))]


def _root(document: bytes) -> etree._Element | None:
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, encoding="utf-8"
    )
    try:
        return etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _children(parent: etree._Element | None, name: str) -> Iterator[etree._Element]:
    for child in parent if parent is not None else ():
        if isinstance(child.tag, str) and etree.QName(child).localname == name:
            yield child


def _text(parent: etree._Element, name: str) -> str | None:
    found = next(_children(parent, name), None)
    return as_text("".join(found.itertext())) if found is not None else None
