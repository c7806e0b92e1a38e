"""Makes a feed's XML well-formed, so that one stray ampersand doesn't cost a feed its items."""

from __future__ import annotations

import html.entities
import itertools
import re

from lxml import etree  # type: ignore[import-untyped]

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# Atomic and possessive groups: what a comment or an instruction took is never tried again, so that
# a document of nothing but comments costs one pass.
_MISC = r"(?>\s+|<\?.*?\?>|<!--.*?-->)*+"
_DECLARATION = re.compile(r"\A[^<]*(?:<\?xml\b[^>]{0,300}\?>\s*)?", re.IGNORECASE)
_DOCTYPE = re.compile(
    rf"\A({_MISC})<!DOCTYPE\b[^\[>]{{0,2000}}(?:\[[^\]]{{0,100000}}\]\s*)?>",
    re.IGNORECASE | re.DOTALL,
)
# A left angle that starts no tag, and an ampersand with whatever reference follows it; CDATA
# sections and comments are stepped over.
_MARKS = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<(?![A-Za-z_/!?])"
    r"|&(?:([A-Za-z][A-Za-z0-9]{1,31});|(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};)|)",
    re.DOTALL,
)
_ENTRY_START = re.compile(r"<(?:[A-Za-z0-9]+:)?(?:item|entry)(?=[\s>])")
_ENTRY_END = re.compile(r"</(?:[A-Za-z0-9]+:)?(?:item|entry)\s*>")
_ROOT_TAG = re.compile(r"<([A-Za-z_][\w.:-]*)[^<>]*(?<!/)>")
_TEXT_ELEMENT = re.compile(
    r"(<((?:content:)?(?:title|description|summary|content|encoded|category|guid|link))"
    r"\b(?:\s[^<>]*)?(?<!/)>)(.*?)</\2\s*>",
    re.DOTALL,
)
_XHTML_TYPE = re.compile(r"""type\s*=\s*["'][^"']*["']""")
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_ROOT = re.compile(rf"{_MISC}<([A-Za-z_][\w.:-]*)", re.DOTALL)
MAX_REPAIR_STEPS = 200_000_000
ROOT_WINDOW = 65_536


def root_name(text: str) -> str:
    """Return the lower-case local name of the root element (`rss`, `feed`, `rdf`, `html`) or ""."""
    found = _ROOT.match(_without_prolog(text[:ROOT_WINDOW]))
    return found.group(1).rpartition(":")[2].lower() if found else ""


def parse_repaired(text: str) -> etree._Element | None:
    """Return the root of an XML document, broken or not, or None where there is none."""
    return _recover(_MARKS.sub(_resolve, _ILLEGAL.sub("", _without_prolog(text))))


def repair_xml(text: str) -> tuple[bytes, bool]:
    """Return well-formed UTF-8 XML for a document, and whether more than declarations changed.

    The document type goes, and with it every entity it declares (XML bombs, external files).
    Where tags are crossed or missing, each entry is repaired apart from the others.
    """
    body = _without_prolog(text)
    cleaned = _MARKS.sub(_resolve, _ILLEGAL.sub("", body))
    repaired = cleaned != body
    data = cleaned.encode("utf-8", "replace")
    if not _is_well_formed(data):
        repaired = True
        data = _rebuild(cleaned)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + data, repaired


def _rebuild(text: str) -> bytes:
    """Return a feed put together from its head and its entries, each parsed by itself."""
    starts = [found.start() for found in _ENTRY_START.finditer(text)]
    head = text[: starts[0]] if starts else text
    root = _recover(head)
    if root is None:
        return text.encode("utf-8", "replace")
    channel = next((child for child in root.iter() if _local(child) == "channel"), None)
    container = channel if channel is not None and _local(root) == "rss" else root
    opening = _ROOT_TAG.search(head)
    name, wrapper = (opening.group(1), opening.group(0)) if opening else ("rss", "<rss>")
    for start, end in itertools.pairwise([*starts, len(text)]):
        entry = text[start:end]
        closed = _ENTRY_END.search(entry)
        entry = entry[: closed.end()] if closed else entry
        whole = _is_well_formed(f"{wrapper}{entry}</{name}>".encode("utf-8", "replace"))
        # An element that is never closed is looked for to the entry's end, each of them anew.
        if not whole and entry.count("<") * len(entry) <= MAX_REPAIR_STEPS:
            entry = _TEXT_ELEMENT.sub(_as_cdata, entry)
        wrapped = _recover(wrapper + entry)
        if wrapped is not None and len(wrapped):
            container.append(wrapped[0])
    return bytes(etree.tostring(root, encoding="utf-8"))


def _as_cdata(found: re.Match[str]) -> str:
    """Take markup in an element that holds escaped markup for what its author forgot to escape."""
    opening, name, inner = found.group(1), found.group(2), found.group(3)
    if "<" not in inner or "<![CDATA[" in inner:
        return found.group(0)
    opening = _XHTML_TYPE.sub('type="html"', opening)
    return f"{opening}<![CDATA[{inner.replace(']]>', ']]&gt;')}]]></{name}>"


def _local(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _without_prolog(text: str) -> str:
    return _DOCTYPE.sub(r"\1", _DECLARATION.sub("", text, count=1), count=1)


def _resolve(found: re.Match[str]) -> str:
    whole, name, number = found.group(0), found.group(1), found.group(2)
    if whole == "<":
        return "&lt;"
    if whole[0] == "<":
        return whole
    if number:
        return whole if _is_legal(number) else ""
    if name in _XML_ENTITIES:
        return whole
    if name and f"{name};" in html.entities.html5:
        return html.entities.html5[f"{name};"].replace("&", "&amp;").replace("<", "&lt;")
    return f"&amp;{name};" if name else "&amp;"


def _is_legal(reference: str) -> bool:
    digits = reference[1:-1]
    code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0x10FFFF


def _is_well_formed(data: bytes) -> bool:
    try:
        etree.fromstring(data, _parser(recover=False))
    except (etree.XMLSyntaxError, ValueError):
        return False
    return True


def _recover(text: str) -> etree._Element | None:
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), _parser(recover=True))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover, resolve_entities=False, no_network=True, encoding="utf-8"
    )
