"""Makes a feed's XML well-formed, so that one stray ampersand doesn't cost a feed its items."""

from __future__ import annotations

import html.entities
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
_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&(?:([A-Za-z][A-Za-z0-9]{1,31});|(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};)|)",
    re.DOTALL,
)
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_ROOT = re.compile(rf"{_MISC}<([A-Za-z_][\w.:-]*)", re.DOTALL)
ROOT_WINDOW = 65_536


def root_name(text: str) -> str:
    """Return the lower-case local name of the root element (`rss`, `feed`, `rdf`, `html`) or ""."""
    found = _ROOT.match(_without_prolog(text[:ROOT_WINDOW]))
    return found.group(1).rpartition(":")[2].lower() if found else ""


def repair_xml(text: str) -> tuple[bytes, bool]:
    """Return well-formed UTF-8 XML for a document, and whether more than declarations changed.

    The document type goes, and with it every entity it declares (XML bombs, external files).
    """
    body = _without_prolog(text)
    cleaned = _AMPERSAND.sub(_resolve, _ILLEGAL.sub("", body))
    repaired = cleaned != body
    data = cleaned.encode("utf-8", "replace")
    if not _is_well_formed(data):
        repaired = True
        recovered = _recover(data)
        data = recovered if recovered is not None else data
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + data, repaired


def _without_prolog(text: str) -> str:
    return _DOCTYPE.sub(r"\1", _DECLARATION.sub("", text, count=1), count=1)


def _resolve(found: re.Match[str]) -> str:
    whole, name, number = found.group(0), found.group(1), found.group(2)
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


def _recover(data: bytes) -> bytes | None:
    try:
        root = etree.fromstring(data, _parser(recover=True))
    except (etree.XMLSyntaxError, ValueError):
        return None
    return etree.tostring(root, encoding="utf-8") if root is not None else None


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover, resolve_entities=False, no_network=True, encoding="utf-8"
    )
