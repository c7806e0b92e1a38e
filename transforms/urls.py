"""URLs as keys: one normal form per article, and the site an article belongs to."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

import idna
import tld

from transforms.cleaning_rules import CleaningRules, load_rules

MAX_URL_CHARS = 4_096  # as it is and as its key
# A character takes at most twelve as escapes, so that the key of such a URL is never too long.
_SURELY_SHORT = 300
DEFAULT_PORTS = {"http": 80, "https": 443}

_SPACE = re.compile(r"[\x00-\x20\x7f-\xa0\u200b\u2028\u2029\ufeff]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "%/:@!$&'()*+,;=~"
_QUERY_SAFE = _PATH_SAFE + "?[]"
# https://amp.dev/documentation/guides-and-tutorials/learn/amp-caches-and-cors/amp-cache-urls
_AMP_CACHE_HOST = re.compile(r"(?:^|\.)(?:cdn\.ampproject\.org|ampproject\.net|bing-amp\.com)$")
_AMP_CACHE_PATH = re.compile(r"^/(?:[a-z]+/)?(s/)?([^/]+\.[^/]+)(/.*)?$")
_AMP_VIEWER_PATH = re.compile(r"^/amp/(s/)?([^/]+\.[^/]+)(/.*)?$")
_AMP_SUFFIX = re.compile(r"(?<=.)(?:/amp/?|\.amp(?=\.html?$)|\.amp)$|(?<=.)\.amp(?=\.html?$)")


def canonical_url(url: str, rules: CleaningRules | None = None) -> str:
    """Return the key form of an absolute http(s) URL, or "" for anything else or too long a key.

    The key is https, without user, default port, fragment, tracking parameters, trailing slash,
    AMP cache, `/amp` suffix or mobile host label; the host is punycode, parameters are sorted by
    name, escapes are upper case and only where needed. It is a key, not promised to be fetchable.
    Applying it twice changes nothing.
    """
    key = _canonical(url, rules or load_rules())
    return key if len(key) <= MAX_URL_CHARS else ""


@lru_cache(maxsize=4_096)
def _domain_of_host(host: str) -> str:
    if _is_address(host):
        return host
    found = tld.get_tld(f"https://{host}/", as_object=True, fail_silently=True, search_private=True)
    registered = getattr(found, "fld", None)
    if isinstance(registered, str) and registered:
        return registered
    # The list's rule for a suffix it doesn't know: that suffix and one label.
    return ".".join(host.split(".")[-2:])


def domain(url: str) -> str:
    """Return the registered domain of a URL (`bbc.co.uk`), its bare host if none, or ""."""
    parts = _split(url)
    if parts is None:
        return ""
    return _domain_of_host(_host(parts[1]))


def absolute_url(url: str | None, base: str | None) -> str | None:
    """Return `url` resolved against `base` if the result is an http(s) URL, else None."""
    if not url:
        return None
    cleaned = _SPACE.sub(" ", url).strip()
    try:
        joined = urljoin(base or "", cleaned)
    except ValueError:
        return None
    joined = joined.replace(" ", "%20")
    if _split(joined) is None:
        return None
    return joined if len(joined) <= _SURELY_SHORT or canonical_url(joined) else None


def is_site_root(url: str) -> bool:
    """Say whether a URL names a site rather than a page of it."""
    parts = _split(url)
    return parts is not None and parts[2] in ("", "/") and not parts[3]


def adopted_canonical(page_url: str | None, declared: str | None) -> str | None:
    """Return the canonical link that a page declares, if it may be believed, else None.

    A site's root and another site's page are not believed: templates declare the front page on
    every page, and syndicated copies declare the original, which would hide that an outlet
    carried the story.
    """
    target = absolute_url(declared, page_url)
    if target is None:
        return None
    if page_url is None:
        return None if is_site_root(target) else target
    source = canonical_url(page_url)
    if is_site_root(target) and not is_site_root(source):
        return None
    return target if domain(target) == domain(source) else None


def _canonical(url: str, rules: CleaningRules) -> str:
    parts = _split(url)
    if parts is None:
        return ""
    scheme, netloc, path, query, fragment = parts
    # First, since what is behind it may be a cache.
    host = _without_mobile_label(_host(netloc), rules)
    path = _resolve_dots(_escape(path, _PATH_SAFE))
    inner = _behind_amp_cache(host, path, query)
    if inner is not None and _split(inner) is not None:
        # Each is shorter than the one around it, so that there is an end.
        return _canonical(inner, rules)
    port = _port(netloc)
    where = f"[{host}]" if ":" in host else host
    if port is not None and port not in (DEFAULT_PORTS[scheme], 443):
        where += f":{port}"
    path = _without_amp(path)
    query = _clean_query(query, rules)
    # A hash-bang is a path that a script resolves; every other fragment is a place in a page.
    tail = "#" + _escape(fragment, _QUERY_SAFE) if fragment.startswith("!/") else ""
    return f"https://{where}{path}" + (f"?{query}" if query else "") + tail


def _split(url: str) -> tuple[str, str, str, str, str] | None:
    if not url or len(url) > MAX_URL_CHARS:
        return None
    try:
        parts = urlsplit(_SPACE.sub("", url))
        usable = parts.scheme in DEFAULT_PORTS and bool(_host(parts.netloc))
    except ValueError:
        return None
    if not usable:
        return None
    return parts.scheme, parts.netloc, parts.path, parts.query, parts.fragment


@lru_cache(maxsize=4_096)
def _host(netloc: str) -> str:
    """Return the lower-case ASCII host of a netloc, or "" where it has none that can exist."""
    name = netloc.rpartition("@")[2]
    if name.startswith("["):
        address = name[1:].partition("]")[0].lower()
        return address if _is_address(address) else ""
    name = name.partition(":")[0].strip(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, transitional=False).decode("ascii")
            # IDNA knows other full stops too, which only now are dots.
            name = name.strip(".")
        except (idna.IDNAError, UnicodeError, ValueError, IndexError):
            return ""
    return name if re.fullmatch(r"[a-z0-9._-]{1,253}", name) and name.strip(".-_") else ""


def _port(netloc: str) -> int | None:
    digits = re.search(r":(\d{1,5})$", netloc)
    port = int(digits.group(1)) if digits else 0
    return port if 0 < port < 65_536 else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _behind_amp_cache(host: str, path: str, query: str) -> str | None:
    if _AMP_CACHE_HOST.search(host):
        found = _AMP_CACHE_PATH.match(path)
    elif re.fullmatch(r"(?:www\.)?google\.[a-z.]{2,6}", host):
        found = _AMP_VIEWER_PATH.match(path)
    else:
        return None
    if found is None:
        return None
    scheme = "https" if found.group(1) else "http"
    return f"{scheme}://{found.group(2)}{found.group(3) or '/'}" + (f"?{query}" if query else "")


def _without_mobile_label(host: str, rules: CleaningRules) -> str:
    while not _is_address(host):
        label, _, rest = host.partition(".")
        if label not in rules.mobile_labels or "." not in rest.strip("."):
            break
        # `m.com` is a site; only a label in front of a registered domain may go.
        if _domain_of_host(host) == host:
            break
        host = rest.strip(".")
    return host


def _without_amp(path: str) -> str:
    while True:
        # What is left of `/..amp` is a dot segment.
        shorter = _resolve_dots(_AMP_SUFFIX.sub("", path))
        shorter = shorter.rstrip("/") or "/"
        if shorter == "/" and path.rstrip("/"):
            return path.rstrip("/")
        if shorter == path:
            return path
        path = shorter


def _clean_query(query: str, rules: CleaningRules) -> str:
    kept = []
    for pair in query.split("&"):
        escaped = _escape(pair, _QUERY_SAFE)
        name = escaped.partition("=")[0].lower()
        if not escaped or escaped == "=" or name in rules.tracking_parameters:
            continue
        if not name.startswith(rules.tracking_prefixes):
            kept.append(escaped)
    return "&".join(sorted(kept, key=lambda pair: pair.partition("=")[0]))


def _escape(text: str, safe: str) -> str:
    """Return percent-encoding in normal form: what needs none has none, hex digits upper case."""

    def normal(found: re.Match[str]) -> str:
        digits = found.group(1)
        if digits is None:
            return "%25"
        char = chr(int(digits, 16))
        return char if char in _UNRESERVED else f"%{digits.upper()}"

    return quote(_ESCAPE.sub(normal, text), safe=safe, errors="replace")


def _resolve_dots(path: str) -> str:
    if "/." not in path:
        return path if path.startswith("/") else f"/{path}"
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)
