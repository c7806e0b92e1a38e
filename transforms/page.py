"""A web page to an article's parts: main text by trafilatura, metadata as the page declares it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import trafilatura
from lxml import etree, html  # type: ignore[import-untyped]

from transforms.json_feed import as_text
from transforms.markup import SENTENCE_ENDS, has_tags, html_to_text, tidy

# trafilatura's time grows with the tree; pages of news have a tenth of these.
MAX_PAGE_CHARS = 5_000_000
MAX_PAGE_TAGS = 40_000
MIN_TEXT_WORDS = 15
# Sentences take nearly all words of an article; menus, teasers and datelines are none.
MAX_LOOSE_SHARE = 0.1

_ARTICLE_TYPES = re.compile(r"Article|BlogPosting|Report\b|LiveBlog", re.IGNORECASE)
_TITLE_TAIL = re.compile(r"\s+[|–—·»-]\s+([^|–—·»]{2,60})\Z")
_META_PUBLISHED = (
    "article:published_time", "og:published_time", "og:article:published_time", "datepublished",
    "date_published", "publishdate", "publish-date", "publish_date", "parsely-pub-date",
    "sailthru.date", "pubdate", "dc.date.issued", "dcterms.created", "dcterms.date", "dc.date",
    "article.published", "publication_date", "cxenseparse:recs:publishtime", "date",
)  # fmt: skip
_META_MODIFIED = (
    "article:modified_time", "og:updated_time", "datemodified", "dcterms.modified", "last-modified",
)  # fmt: skip
_META_TITLE = ("og:title", "twitter:title", "dc.title")
_META_AUTHOR = ("author", "article:author", "parsely-author", "sailthru.author", "dc.creator")


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says, as raw strings; `text` is plain, with "\\n\\n" between paragraphs."""

    text: str
    title: str | None = None
    author: str | None = None
    published: str | None = None
    modified: str | None = None
    language: str | None = None
    canonical: str | None = None
    site: str | None = None
    paywalled: bool = False


def read_page(markup: str, url: str | None = None) -> Page:
    """Return a page's parts; raises nothing for broken markup, whose text is then what is left."""
    tree = _tree(markup)
    if tree is None:
        return Page(text=html_to_text(markup))
    meta = _meta(tree)
    linked = next(_linked_data(tree), {})
    site = meta.get("og:site_name")
    return Page(
        text=_main_text(markup, tree, url),
        title=_first(meta, _META_TITLE) or as_text(linked.get("headline")) or _title(tree, site),
        author=_author(linked) or _name_only(_first(meta, _META_AUTHOR)),
        published=as_text(linked.get("datePublished"))
        or _first(meta, _META_PUBLISHED)
        or _time_element(tree),
        modified=as_text(linked.get("dateModified")) or _first(meta, _META_MODIFIED),
        language=as_text(tree.get("lang")) or meta.get("og:locale"),
        canonical=_canonical(tree) or meta.get("og:url"),
        site=site,
        paywalled=str(linked.get("isAccessibleForFree")).lower() == "false",
    )


def _tree(markup: str) -> html.HtmlElement | None:
    try:
        return html.document_fromstring(
            markup.encode("utf-8", "replace"),
            parser=html.HTMLParser(encoding="utf-8", no_network=True),
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return None


def _main_text(markup: str, tree: html.HtmlElement, url: str | None) -> str:
    text = ""
    if len(markup) <= MAX_PAGE_CHARS and markup.count("<") <= MAX_PAGE_TAGS:
        text = _extracted(markup, url, fast=True)
        if _is_doubtful(text):
            # The fallbacks take twice the time, so only pages that need them pay for them.
            full = _extracted(markup, url, fast=False)
            text = full if len(full.split()) >= MIN_TEXT_WORDS else text
    if len(text.split()) >= MIN_TEXT_WORDS:
        return tidy(text)
    candidates = [
        html_to_text(html.tostring(node, encoding="unicode"))
        for path in (".//article", ".//main", ".//body")
        for node in tree.findall(path)[:1]
    ]
    longer = next((other for other in candidates if other), "") or html_to_text(markup)
    return longer if len(longer.split()) > len(text.split()) else tidy(text)


def _extracted(markup: str, url: str | None, *, fast: bool) -> str:
    try:
        found = trafilatura.extract(
            markup, url=url, include_comments=False, include_tables=False, fast=fast
        )
    except Exception:
        # Whatever a page breaks in the extractor, its text can still be had the plain way.
        found = None
    return "\n\n".join(line for line in (found or "").split("\n") if line.strip())


def _is_doubtful(text: str) -> bool:
    """Say whether a text is too short, or too much of it in lines that are no sentences."""
    words = len(text.split())
    lines = (line.rstrip() for line in text.split("\n"))
    loose = sum(len(line.split()) for line in lines if not line.endswith(SENTENCE_ENDS))
    return words < MIN_TEXT_WORDS or loose > MAX_LOOSE_SHARE * words


def _meta(tree: html.HtmlElement) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in tree.iter("meta"):
        name = node.get("property") or node.get("name") or node.get("itemprop") or ""
        content = as_text(node.get("content"))
        if name and content:
            found.setdefault(name.strip().lower(), content)
    return found


def _first(meta: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((meta[name] for name in names if name in meta), None)


def _linked_data(tree: html.HtmlElement) -> Iterator[dict[str, Any]]:
    """Yield the page's JSON-LD nodes that describe an article."""
    for node in tree.iter("script"):
        if "ld+json" not in (node.get("type") or "").lower():
            continue
        try:
            waiting = [json.loads(node.text_content(), strict=False)]
        except (ValueError, RecursionError):
            continue
        while waiting:
            item = waiting.pop(0)
            if isinstance(item, list):
                waiting.extend(item)
            elif isinstance(item, dict):
                if _ARTICLE_TYPES.search(str(item.get("@type"))[:200]):
                    yield item
                waiting.append(item.get("@graph"))


def _author(linked: dict[str, Any]) -> str | None:
    authors = linked.get("author")
    names = []
    for author in authors if isinstance(authors, list) else [authors]:
        name = as_text(author.get("name") if isinstance(author, dict) else author)
        if name:
            names.append(name)
    return ", ".join(names) or None


def _name_only(author: str | None) -> str | None:
    return author if author and not author.startswith(("http://", "https://")) else None


def _title(tree: html.HtmlElement, site: str | None) -> str | None:
    heading = next((" ".join(node.text_content().split()) for node in tree.iter("h1")), "")
    title = next((" ".join((node.text or "").split()) for node in tree.iter("title")), "")
    if has_tags(title):
        title = html_to_text(title)
    tail = _TITLE_TAIL.search(title)
    if tail and (not site or tail.group(1).casefold() == site.casefold()):
        title = title[: tail.start()]
    # A heading that the title carries is the headline; one that it doesn't is the site's name.
    if heading and (not title or heading.casefold() in title.casefold()):
        return heading
    return title or heading or None


def _time_element(tree: html.HtmlElement) -> str | None:
    times = [node for node in tree.iter("time") if as_text(node.get("datetime"))]
    best = [node for node in times if node.get("pubdate") is not None or node.get("itemprop")]
    # Several times without a mark are as likely those of teasers for other articles.
    chosen = best[:1] or (times if len(times) == 1 else [])
    return as_text(chosen[0].get("datetime")) if chosen else None


def _canonical(tree: html.HtmlElement) -> str | None:
    for node in tree.iter("link"):
        if "canonical" in (node.get("rel") or "").lower().split():
            return as_text(node.get("href"))
    return None
