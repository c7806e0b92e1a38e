"""Files that are one article each: plain text, Markdown, a web page."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import PurePosixPath

from transforms.encoding import decode
from transforms.file_kinds import Kind
from transforms.markdown import read_markdown
from transforms.records import RawItem

# A headline; news of record rarely runs beyond this (CleanSettings.max_title_chars cuts anyway).
MAX_TITLE_CHARS = 200
MAX_TITLE_WORDS = 30

_DATE_IN_NAME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)([-_.]?)(?P<month>0[1-9]|1[0-2])\2"
    r"(?P<day>0[1-9]|[12]\d|3[01])(?!\d)"
)


def date_in_name(origin: str) -> str | None:
    """Return the date that a file's name holds (`2026-10-30-topic.txt`, `20261030.txt`), or None.

    A text says nothing else of when it was published; a page does, so its name isn't asked.
    """
    found = _DATE_IN_NAME.search(PurePosixPath(origin.partition("#")[0]).name)
    return "-".join(found.group("year", "month", "day")) if found else None


def document_item(
    body: bytes,
    kind: Kind,
    origin: str,
    fetched_at: datetime,
    *,
    folder: str | None = None,
    url: str | None = None,
    charset: str | None = None,
) -> RawItem:
    """Return the raw item of a document of kind `html`, `markdown` or, for any other, plain text.

    A page is kept whole, since cleaning reads its metadata too. `folder` stands in for the outlet.
    """
    decoded = decode(body, charset)
    fields: dict[str, str] = {}
    if kind == "html":
        text = decoded.text
    elif kind == "markdown":
        fields, text = read_markdown(decoded.text)
    else:
        title, text = split_title(decoded.text)
        fields = {"title": title} if title else {}
    named = fields.get("outlet") or fields.get("source")
    return RawItem(
        origin=origin,
        fetched_at=fetched_at,
        outlet=named or folder,
        url=url or fields.get("url") or fields.get("link"),
        title=fields.get("title"),
        author=fields.get("author"),
        language=fields.get("language") or fields.get("lang"),
        published=fields.get("date")
        or fields.get("published")
        or fields.get("published_at")
        or (date_in_name(origin) if kind != "html" and url is None else None),
        body=text,
        body_is_html=kind == "html",
        is_page=kind == "html",
        flags=decoded.flags if named or not folder else (*decoded.flags, "outlet_assumed"),
    )


def split_title(text: str) -> tuple[str | None, str]:
    """Return the first line of a plain text as its title and the rest, or None and the text.

    A title is short, isn't a sentence, and is followed by a text that doesn't go on from it.
    """
    stripped = text.strip()
    first, _, rest = stripped.partition("\n")
    first, body = first.strip(), rest.strip()
    if (
        not first
        or not body
        or len(first) > MAX_TITLE_CHARS
        or len(first.split()) > MAX_TITLE_WORDS
        or first.endswith((".", ",", ";", ":"))
        or body[0].islower()
    ):
        return None, stripped
    return first, body
