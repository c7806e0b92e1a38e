"""Raw items to articles: text without markup and boilerplate, one date, one URL, one language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import apache_beam as beam

from transforms.boilerplate import strip_boilerplate, stub_kind
from transforms.cleaning_rules import CleaningRules, load_rules
from transforms.dates import ParsedDate, parse_date
from transforms.encoding import scrub_surrogates
from transforms.ids import stable_id
from transforms.language import UNKNOWN, detect_language
from transforms.markup import html_to_text, one_line, reflow, tidy, unescape_rest
from transforms.mojibake import fix_mojibake
from transforms.page import read_page
from transforms.records import Article, RawItem, Reject
from transforms.settings import CleanSettings
from transforms.urls import absolute_url, adopted_canonical, canonical_url, domain, is_site_root

ARTICLES = "articles"
REJECTS = "rejects"
NO_OUTLET = "unknown"
EXCERPT_CHARS = 200
MAX_NAME_CHARS = 200
# Generous: pages have 20 to 60 characters of markup, scripts and text a word of their article.
MARKUP_CHARS_PER_WORD = 200
# Teasers have one to three sentences; the longest in use (WordPress excerpts) have 55 words.
FULL_TEXT_WORDS = 80

_ELLIPSES = ("…", "...", "[…]", "[...]")
_MAIL_AUTHOR = re.compile(r"[^\s@]+@[^\s@(]+\s*\(([^()]+)\)")


def clean_item(
    item: RawItem, settings: CleanSettings, rules: CleaningRules | None = None
) -> Article | Reject:
    """Return the article that a raw item holds, or a reject (`too_short`) where it holds none.

    The result depends on the arguments alone. `text_source` is `content` (a feed's whole text),
    `summary` (its teaser), `page`, `file`, `title` (nothing but a title) or `stub` (a paywall or
    consent text, which isn't analysed). Flags: those of the raw item and of `parse_date`,
    `date_missing`, `mojibake_fixed`, `paywall_stub`, `consent_stub`, `truncated`.
    """
    rules = rules or load_rules(settings.rules)
    item = _bounded(item, settings)
    if item.is_page:
        item = _with_page(item)
    flags = list(item.flags)
    title = one_line(_fixed(item.title, flags))[: settings.max_title_chars].strip()
    text, source, stub = _text(item, title, rules, flags)
    text, cut = _first_words(text, settings.max_words)
    words = len(text.split())
    if not title and words < settings.min_words:
        return _reject(item, "too_short", f"no title and {words} words", text)
    if cut:
        flags.append("truncated")
    published = _date(item.published, item, settings)
    modified = _date(item.modified, item, settings)
    if published.value is None and modified.value is not None:
        published = ParsedDate(modified.value, (*published.flags, *modified.flags))
    flags += published.flags if item.published or published.value else ("date_missing",)
    if _is_late(published.value, item, settings):
        detail = f"published {published.value}, over {settings.horizon_days} days before it came"
        return _reject(item, "too_late", detail, title)
    language = detect_language(f"{title}\n{text}", item.language, rules.languages)
    url = absolute_url(item.url, item.base_url)
    canonical = canonical_url(url, rules) if url else ""
    outlet = _outlet(item, canonical)
    content_hash = stable_id(title, text)
    return Article(
        item_id=stable_id(item.origin, content_hash, item.fetched_at.isoformat()),
        origin=item.origin,
        identity_keys=identity_keys(item, outlet, canonical, content_hash),
        outlet=outlet,
        title=title,
        text=text,
        text_source=source,
        language=language,
        # A headline too short to tell its language is read: unknown isn't another language.
        analysed=stub is None and language in (*settings.languages, UNKNOWN),
        published_at=published.value,
        published_at_source=_date_source(item, published),
        fetched_at=item.fetched_at,
        content_hash=content_hash,
        word_count=words,
        feed_url=item.feed_url,
        url=url,
        canonical_url=canonical or None,
        guid=item.guid,
        author=_author(item.author, flags),
        modified_at=modified.value if modified.value != published.value else None,
        flags=tuple(dict.fromkeys(flags)),
    )


def _is_late(published: datetime | None, item: RawItem, settings: CleanSettings) -> bool:
    """Say whether an item comes too long after its publication to change counts any more."""
    if not settings.horizon_days or published is None:
        return False
    return item.fetched_at - published > timedelta(days=settings.horizon_days)


def identity_keys(item: RawItem, outlet: str, canonical: str, content_hash: str) -> tuple[str, ...]:
    """Return the keys by which the same article is known again, best first, never empty.

    The URL outranks the guid: publishers rewrite guids and keep links. A URL that names a site's
    front page, or that several entries of one feed share, names no article; a guid that several
    entries share doesn't either. Without a URL the text itself is a key: a file's name is none,
    since tomorrow's articles may come under it.
    """
    keys = []
    if canonical and not is_site_root(canonical) and "url_shared" not in item.flags:
        keys.append(f"u:{outlet}|{canonical}")
    if item.guid and item.guid_unique:
        keys.append(f"g:{item.feed_url or outlet}|{item.guid}")
    if not keys or not keys[0].startswith("u:"):
        keys.append(f"c:{outlet}|{content_hash}")
    return tuple(keys)


def _outlet(item: RawItem, canonical: str) -> str:
    """Name who published: as told, else the site; a file's folder only where there is no site."""
    named = one_line(item.outlet or "")[:MAX_NAME_CHARS]
    # Exports often name a source by its address.
    named = domain(canonical_url(named)) or named
    site = domain(canonical) or domain(item.feed_url or "")
    if "outlet_assumed" in item.flags:
        return site or named or NO_OUTLET
    return named or site or NO_OUTLET


class CleanFn(beam.DoFn):
    """Cleans one item at a time; an item that breaks it is a reject, never an exception.

    A date that can't be read is a reject too, though its article is kept and dated otherwise.
    """

    def __init__(self, settings: CleanSettings, rules: CleaningRules) -> None:
        self._settings = settings
        self._rules = rules

    def process(self, item: RawItem) -> Iterator[Any]:
        """Yield the article to the main output, or a reject to the output `rejects`."""
        try:
            result = clean_item(item, self._settings, self._rules)
        except Exception as error:
            result = _reject(item, "clean_failed", f"{type(error).__name__}: {error}", "")
        if isinstance(result, Reject):
            yield beam.pvalue.TaggedOutput(REJECTS, result)
            return
        yield result
        if "date_unparsed" in result.flags:
            detail = f"published {item.published!r}; dated by its first sight"
            reject = _reject(item, "date_unparsed", detail[:EXCERPT_CHARS], result.title)
            yield beam.pvalue.TaggedOutput(REJECTS, reject)


class Clean(beam.PTransform):
    """RawItem -> outputs `articles` (Article) and `rejects` (Reject)."""

    def __init__(self, settings: CleanSettings, rules: CleaningRules | None = None) -> None:
        super().__init__()
        self._settings = settings
        self._rules = rules or load_rules(settings.rules)

    def expand(self, items: Any) -> Any:
        """Apply the cleaning to a collection of raw items."""
        return items | "Clean item" >> beam.ParDo(
            CleanFn(self._settings, self._rules)
        ).with_outputs(REJECTS, main=ARTICLES)


def _bounded(item: RawItem, settings: CleanSettings) -> RawItem:
    """Return the item with fields no longer than what can come of them: work grows with length."""
    limit = settings.max_words * MARKUP_CHARS_PER_WORD
    longest = max(len(item.body or ""), len(item.summary or ""))
    return replace(
        item,
        title=_head(item.title, settings.max_title_chars * MARKUP_CHARS_PER_WORD),
        author=_head(item.author, MAX_NAME_CHARS * MARKUP_CHARS_PER_WORD),
        outlet=_head(item.outlet, MAX_NAME_CHARS),
        body=_head(item.body, limit),
        summary=_head(item.summary, limit),
        flags=(*item.flags, "truncated") if longest > limit else item.flags,
    )


def _head(text: str | None, limit: int) -> str | None:
    return text[:limit] if text else text


def _with_page(item: RawItem) -> RawItem:
    """Return the item with what its page says where the item itself says nothing."""
    page = read_page(item.body or "", item.url)
    url = adopted_canonical(item.url, page.canonical) or item.url
    flags = ["paywalled"] if page.paywalled else []
    if page.published and not item.published:
        flags.append("date_from_page")
    return replace(
        item,
        body=page.text,
        body_is_html=False,
        url=url,
        title=item.title or page.title,
        author=item.author or page.author,
        published=item.published or page.published,
        modified=item.modified or page.modified,
        language=item.language or page.language,
        flags=(*item.flags, *flags),
    )


def _text(
    item: RawItem, title: str, rules: CleaningRules, flags: list[str]
) -> tuple[str, str, str | None]:
    """Return the best text of an item, where it is from, and which stub it is if it is one."""
    body = _plain(item.body, flags, is_html=item.body_is_html, is_page=item.is_page)
    summary = _plain(item.summary, flags, is_html=True)
    kind = "page" if item.is_page else "content" if item.feed_url else "file"
    offers = [
        (strip_boilerplate(text, title, rules), source, stub_kind(text, rules))
        for text, source in ((body, kind), (summary, "summary"))
        if text
    ]
    if not body and len(summary.split()) >= FULL_TEXT_WORDS and not summary.endswith(_ELLIPSES):
        # Many feeds have the whole article in what their format calls its description.
        offers = [(text, kind, stub) for text, _, stub in offers]
    closed = next((offer for offer in offers if offer[2] is not None), None)
    if closed is not None and closed[2] is not None:
        # Also where a teaser stands in for the text, so that one knows why there is no more of it.
        flags.append(closed[2])
    open_offers = [offer for offer in offers if offer[2] is None and offer[0]]
    if open_offers:
        # The first is the body; a teaser longer than its body is the body of a careless feed.
        return max(open_offers, key=lambda offer: len(offer[0]))
    if closed is not None:
        return closed[0], "stub", closed[2]
    return "", "title", None


def _plain(text: str | None, flags: list[str], *, is_html: bool, is_page: bool = False) -> str:
    fixed = _fixed(text, flags)
    if not fixed:
        return ""
    if is_html:
        return unescape_rest(html_to_text(fixed))
    # A page's text comes in paragraphs already.
    return unescape_rest(tidy(fixed) if is_page else reflow(fixed))


def _fixed(text: str | None, flags: list[str]) -> str:
    if not text:
        return ""
    fixed, changed = fix_mojibake(scrub_surrogates(text))
    if changed:
        flags.append("mojibake_fixed")
    return fixed


def _first_words(text: str, limit: int) -> tuple[str, bool]:
    """Return the paragraphs and words of a text up to a limit, and whether any were cut."""
    if len(text.split(None, limit)) <= limit:
        return text, False
    kept: list[str] = []
    left = limit
    for paragraph in text.split("\n\n"):
        words = paragraph.split()
        kept.append(" ".join(words[:left]))
        left -= len(words)
        if left <= 0:
            break
    return "\n\n".join(kept), True


def _date(text: str | None, item: RawItem, settings: CleanSettings) -> ParsedDate:
    if not text:
        return ParsedDate(None)
    language = (item.language or "")[:2].lower() or None
    return parse_date(text, item.fetched_at, settings.earliest_year, language)


def _date_source(item: RawItem, published: ParsedDate) -> str:
    if published.value is None:
        return "first_seen"
    if item.is_page and "date_from_page" in item.flags:
        return "page"
    return "feed" if item.feed_url else "file"


def _author(author: str | None, flags: list[str]) -> str | None:
    name = one_line(_fixed(author, flags))
    mail = _MAIL_AUTHOR.fullmatch(name)
    return (mail.group(1) if mail else name)[:MAX_NAME_CHARS] or None


def _reject(item: RawItem, reason: str, detail: str, excerpt: str) -> Reject:
    return Reject(
        stage="clean",
        reason=reason,
        detail=detail[:EXCERPT_CHARS],
        origin=item.origin,
        excerpt=(excerpt or item.title or item.body or "")[:EXCERPT_CHARS],
        at=item.fetched_at,
        outlet=item.outlet,
        feed_url=item.feed_url,
    )
