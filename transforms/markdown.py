"""Markdown to plain text, with the front matter that static site generators put before it."""

from __future__ import annotations

import re

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_UNDERLINED = re.compile(r"^(\S[^\n]*)\n(?:=+|-{3,})[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?(?:^\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_FENCE, ""),
    (re.compile(r"^[ \t]*\[[^\]\n]{1,200}\]:[ \t]+\S+.*$", re.MULTILINE), ""),
    (re.compile(r"!\[[^\]\n]{0,500}\](?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,200}\])"), ""),
    (re.compile(r"\[([^\]\n]{1,500})\](?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,200}\])"), r"\1"),
    (re.compile(r"\[\^[^\]\n]{1,50}\]:?"), ""),
    (re.compile(r"<(https?://[^<>\s]{1,2000})>"), r"\1"),
    (_UNDERLINED, r"\n\1\n"),
    (_HEADING, r"\n\1\n"),
    (re.compile(r"^[ \t]*(?:[*_-][ \t]*){3,}$", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*(?:[*+-]|\d{1,3}[.)])[ \t]+", re.MULTILINE), "\n"),
    (re.compile(r"(\*\*|__)(?=\S)([^\n]{1,500}?\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,500}?\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]{1,500}?\S)_(?![\w_])"), r"\1"),
    (re.compile(r"`([^`\n]{1,500})`"), r"\1"),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!>-])"), r"\1"),
)


def read_markdown(text: str) -> tuple[dict[str, str], str]:
    """Return the front matter's fields (names in lower case) and the plain text.

    `title` comes from the front matter, else from a heading that opens the text.
    """
    fields: dict[str, str] = {}
    front = _FRONT_MATTER.match(text)
    if front:
        for name, value in _FIELD.findall(front.group(1)):
            fields[name.lower()] = value.strip("\"'")
        text = text[front.end() :]
    text = text.strip().replace("\r\n", "\n")
    for form in (_HEADING, _UNDERLINED):
        opening = form.match(text)
        if opening and "title" not in fields:
            fields["title"] = plain_markdown(opening.group(1))
            text = text[opening.end() :]
    return fields, plain_markdown(text)


def plain_markdown(text: str) -> str:
    """Return a Markdown text without its marks; code blocks and images go."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.strip()
