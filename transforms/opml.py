"""Lists of feeds as other readers keep them: OPML 1.0 and 2.0, folders as tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lxml import etree  # type: ignore[import-untyped]

from transforms.encoding import decode
from transforms.feed_xml import parse_repaired
from transforms.urls import absolute_url


@dataclass(frozen=True, slots=True)
class ListedFeed:
    """One feed of a list; `tags` are the folders it is in, outermost first."""

    url: str
    title: str | None = None
    home: str | None = None
    tags: tuple[str, ...] = ()


def read_opml(body: bytes) -> list[ListedFeed]:
    """Return the feeds of an OPML document in its order, each URL once; raises ValueError.

    A feed in several folders has the tags of all of them. Outlines without a web address are left
    out: OPML holds notes and links too.
    """
    root = parse_repaired(decode(body).text)
    if root is None or not isinstance(root.tag, str) or root.tag.lower() != "opml":
        raise ValueError("not an OPML document")
    found: dict[str, ListedFeed] = {}
    # Depth is the author's choice, so the walk keeps its own stack.
    waiting: list[tuple[etree._Element, tuple[str, ...]]] = [(root, ())]
    while waiting:
        element, tags = waiting.pop()
        inner = tags
        if isinstance(element.tag, str) and element.tag.lower() == "outline":
            feed = _feed(element, tags)
            if feed is None:
                folder = _attribute(element, "text") or _attribute(element, "title")
                inner = (*tags, folder) if folder else tags
            elif feed.url in found:
                known = found[feed.url]
                new = tuple(tag for tag in feed.tags if tag not in known.tags)
                found[feed.url] = replace(known, tags=known.tags + new)
            else:
                found[feed.url] = feed
        waiting.extend((child, inner) for child in reversed(element))
    return list(found.values())


def write_opml(feeds: Iterable[ListedFeed], title: str = "newsalign") -> bytes:
    """Return an OPML 2.0 document in UTF-8; a feed's tags are nested folders."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    folders: dict[tuple[str, ...], etree._Element] = {(): etree.SubElement(root, "body")}
    for feed in feeds:
        for depth in range(1, len(feed.tags) + 1):
            path = feed.tags[:depth]
            if path not in folders:
                parent = folders[path[:-1]]
                folders[path] = etree.SubElement(parent, "outline", text=path[-1])
        outline = etree.SubElement(
            folders[feed.tags], "outline", type="rss", text=feed.title or feed.url, xmlUrl=feed.url
        )
        if feed.home:
            outline.set("htmlUrl", feed.home)
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True))


def _feed(outline: etree._Element, tags: tuple[str, ...]) -> ListedFeed | None:
    url = absolute_url(_attribute(outline, "xmlUrl"), None)
    if url is None:
        return None
    title = _attribute(outline, "title") or _attribute(outline, "text")
    return ListedFeed(url, title, absolute_url(_attribute(outline, "htmlUrl"), None), tags)


def _attribute(outline: etree._Element, name: str) -> str | None:
    """Return an attribute whatever the case of its name: half the readers write `xmlurl`."""
    for key, value in outline.attrib.items():
        if key.lower() == name.lower():
            return " ".join(value.split()) or None
    return None
