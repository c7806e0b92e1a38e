"""OPML (http://opml.org/spec2.opml), the lists that feed readers exchange: folders are tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from lxml import etree  # type: ignore[import-untyped]

from pipeline.feeds.place import FeedsError
from transforms.encoding import decode
from transforms.feed_xml import repair_xml, root_name

# An attribute of our own, which other readers pass over.
OUTLET = "{urn:newsalign:opml}outlet"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed as a list names it. A tag is a path of folders: "News/Europe"."""

    url: str
    title: str | None = None
    outlet: str | None = None
    tags: tuple[str, ...] = ()


def read_subscriptions(body: bytes) -> list[Subscription]:
    """Return the feeds of an OPML file, or of a text with a URL a line; each URL once.

    Order is kept, and a feed in several folders has all their tags. Raises FeedsError for a
    document that is neither.
    """
    text = decode(body).text.lstrip()
    found = _outlines(text) if text.startswith("<") else _lines(text)
    merged: dict[str, Subscription] = {}
    for one in found:
        known = merged.get(one.url, Subscription(one.url))
        merged[one.url] = Subscription(
            one.url,
            known.title or one.title,
            known.outlet or one.outlet,
            tuple(dict.fromkeys((*known.tags, *one.tags))),
        )
    return list(merged.values())


def write_opml(feeds: Iterable[Subscription], at: datetime) -> bytes:
    """Return an OPML 2.0 document: a feed stands in the folder of each of its tags."""
    root = etree.Element("opml", version="2.0", nsmap={"newsalign": OUTLET[1:].partition("}")[0]})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = "newsalign feeds"
    etree.SubElement(head, "dateCreated").text = format_datetime(at, usegmt=True)
    body = etree.SubElement(root, "body")
    folders: dict[tuple[str, ...], etree._Element] = {(): body}
    for feed in feeds:
        for tag in feed.tags or ("",):
            _add_outline(_folder(folders, _path(tag)), feed)
    document = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return bytes(document)


def _outlines(text: str) -> Iterator[Subscription]:
    if root_name(text) != "opml":
        raise FeedsError(f"not OPML (root <{root_name(text)}>), and no list of URLs")
    document, _ = repair_xml(text)
    root = _parsed(document)
    if root is None:
        raise FeedsError("not OPML that can be read")
    # A stack, since a hostile file may nest deeper than Python recurses.
    waiting: list[tuple[etree._Element, tuple[str, ...]]] = [(root, ())]
    while waiting:
        element, path = waiting.pop()
        attributes = {
            name.lower(): value.strip()
            for name, value in element.attrib.items()
            if isinstance(name, str)
        }
        label = attributes.get("text") or attributes.get("title") or ""
        url = attributes.get("xmlurl")
        if url:
            categories = [_path(one) for one in attributes.get("category", "").split(",")]
            tags = ["/".join(one) for one in (path, *categories) if one]
            outlet = attributes.get(OUTLET) or None
            yield Subscription(url, label or None, outlet, tuple(dict.fromkeys(tags)))
        is_folder = _name(element) == "outline" and not url
        inner = (*path, *_path(label)) if is_folder else path
        waiting += [(child, inner) for child in reversed(element) if _name(child) is not None]


def _parsed(document: bytes) -> etree._Element | None:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _lines(text: str) -> Iterator[Subscription]:
    for line in text.splitlines():
        url = line.strip()
        if url and not url.startswith("#"):
            yield Subscription(url)


def _name(element: etree._Element) -> str | None:
    return element.tag.lower() if isinstance(element.tag, str) else None


def _path(tag: str) -> tuple[str, ...]:
    return tuple(name for part in tag.split("/") if (name := " ".join(part.split())))


def _folder(
    folders: dict[tuple[str, ...], etree._Element], path: tuple[str, ...]
) -> etree._Element:
    for depth in range(1, len(path) + 1):
        part = path[:depth]
        if part not in folders:
            parent = folders[part[:-1]]
            folders[part] = etree.SubElement(parent, "outline", text=_legal(part[-1]))
    return folders[path]


def _add_outline(folder: etree._Element, feed: Subscription) -> None:
    title = _legal(feed.title or feed.url)
    outline = etree.SubElement(folder, "outline", text=title, title=title, type="rss")
    outline.set("xmlUrl", _legal(feed.url))
    if feed.outlet:
        outline.set(OUTLET, _legal(feed.outlet))


def _legal(text: str) -> str:
    return _NOT_XML.sub("", text)
