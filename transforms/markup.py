"""Markup to plain text: paragraphs stay apart by a blank line, everything else goes."""

from __future__ import annotations

import html
import re

from lxml import etree  # type: ignore[import-untyped]

MAX_UNESCAPES = 3
# Lines that an editor wrapped are about this long; a shorter line is a heading of its own.
WRAP_CHARS = range(40, 101)
# Elements whose text no reader sees, or which hold no prose.
_DROPPED_NAMES = (
    "script style noscript template iframe object embed svg canvas form button select textarea "
    "audio video head nav figure figcaption"
)
_BLOCK_NAMES = (
    "address article aside blockquote body center dd details dir div dl dt fieldset footer h1 h2 "
    "h3 h4 h5 h6 header hr html li main ol p pre section summary table tbody td tfoot th thead tr "
    "ul br"
)
_TAG_NAMES = (
    "a abbr article aside b big blockquote body br caption center cite code div dl dd dt em embed "
    "figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input "
    "ins li link main meta nav noscript object ol p picture pre q s script section small source "
    "span strike strong style sub sup table tbody td tfoot th thead time title tr tt u ul video"
)
_DROPPED = frozenset(_DROPPED_NAMES.split())
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_TAG = re.compile(
    rf"</?(?:{'|'.join(_TAG_NAMES.split())})(?:\s[^<>=]*=[^<>]*)?\s*/?>", re.IGNORECASE
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_DROPPED_WHOLE = re.compile(
    r"<(script|style|noscript|template|iframe|svg|form|nav|figure)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_CDATA_MARK = re.compile(r"<!\[CDATA\[|\]\]>")
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
SENTENCE_ENDS = (".", "!", "?", "…", ":", '"', "”", "’", "'", ")", "。")
# Zero width and direction marks, soft hyphen, byte order mark, and controls but tab and newline.
# U+200C and U+200D stay: Persian, Hindi and emoji are misspelt without them.
_INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_DROPPED_CHARS = re.compile(f"[{_INVISIBLE}{_CONTROL}]")
_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_ODD = re.compile(f"[{_INVISIBLE}{_CONTROL}\r\x0b\x0c\x85\u2028\u2029]")
_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_PARSER_OPTIONS = {
    "recover": True,
    "no_network": True,
    "remove_comments": True,
    "remove_pis": True,
    "encoding": "utf-8",
}


def has_tags(text: str) -> bool:
    """Say whether a text contains HTML tags; `a < b` and `<name@host>` aren't any."""
    return "<" in text and _TAG.search(text) is not None


def html_to_text(markup: str) -> str:
    """Return the text of an HTML fragment with "\\n\\n" between blocks; never raises."""
    if "<" not in markup:
        return tidy(html.unescape(markup))
    markup = _CDATA_MARK.sub("", markup)
    try:
        root = etree.fromstring(
            f"<div>{markup}</div>".encode("utf-8", "replace"), etree.HTMLParser(**_PARSER_OPTIONS)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        root = None
    text = tidy("".join(_pieces(root))) if root is not None else ""
    # libxml2 gives up below 256 levels and then has no text at all.
    return text or tidy(html.unescape(_TAG.sub(" ", _without_dropped(markup))))


def plain_text(text: str) -> str:
    """Return a text that may hold escaped entities or tags, once or several times, without them."""
    return unescape_rest(tidy(text))


def unescape_rest(text: str) -> str:
    """Return a tidy text without the entities and tags that it may still hold, as a tidy text."""
    for _ in range(MAX_UNESCAPES):
        if has_tags(text):
            text = html_to_text(text)
        elif "&" in text and _ENTITY.search(text):
            text = tidy(html.unescape(text))
        else:
            break
    return text


def reflow(text: str) -> str:
    """Return a plain text file's text with "\\n\\n" between its paragraphs.

    A newline ends a paragraph unless the line goes on: the next one starts in lower case, or this
    one has the length of a wrapped line and stops short of a sentence's end.
    """
    lines = [line.strip() for line in _NEWLINES.sub("\n", text).split("\n")]
    pieces: list[str] = []
    previous = ""
    for line in lines:
        if previous and line:
            wrapped = len(previous) in WRAP_CHARS and not previous.endswith(SENTENCE_ENDS)
            pieces.append(" " if wrapped or line[0].islower() else "\n\n")
        elif line:
            pieces.append("\n\n")
        pieces.append(line)
        previous = line
    return tidy("".join(pieces))


def one_line(text: str) -> str:
    """Return a text as a single line, for titles and names."""
    return " ".join(plain_text(text).split())


def tidy(text: str) -> str:
    """Return a text with single spaces, no invisible characters, and "\\n\\n" between paragraphs.

    A single newline within a paragraph is a space: it is a line of the source, not of the text.
    """
    if _ODD.search(text):
        text = _DROPPED_CHARS.sub("", _NEWLINES.sub("\n", text))
    paragraphs = (" ".join(part.split()) for part in _PARAGRAPH_BREAK.split(text))
    return "\n\n".join(part for part in paragraphs if part)


def _without_dropped(markup: str) -> str:
    return _DROPPED_WHOLE.sub(" ", _COMMENT.sub("", markup))


def _pieces(root: etree._Element) -> list[str]:
    """Collect text in document order, without recursion: depth is the author's choice."""
    pieces: list[str] = []
    skipped: etree._Element | None = None
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if skipped is None and tag in _DROPPED:
                skipped = element
            if skipped is None:
                if tag in _BLOCKS:
                    pieces.append("\n\n")
                if element.text:
                    pieces.append(element.text)
            continue
        inside = skipped is not None and skipped is not element
        if skipped is element:
            skipped = None
            pieces.append("\n\n" if tag in ("figure", "form", "nav") else " ")
        elif not inside and tag in _BLOCKS:
            pieces.append("\n\n")
        if not inside and element.tail:
            pieces.append(element.tail)
    return pieces
