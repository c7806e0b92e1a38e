"""Page text against other extractors: token F1 on pages whose text is known.

Pages: `benchmarks/pages/` (one layout each, with the text beside it) and `seeds/pages/`, whose
template marks the article's own paragraphs. "ours" is `transforms.page.read_page`, "cleaned" what
an article gets of it; "fast" and "full" are trafilatura with the options that `read_page` chooses
between. trafilatura, readability-lxml and jusText run as their documentation shows, without
options; jusText passes over pages whose paragraphs are all short.
"""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import trafilatura
from lxml import html

from transforms import page
from transforms.clean import clean_item
from transforms.records import Article, RawItem
from transforms.settings import CleanSettings

ROOT = Path(__file__).resolve().parent.parent
URL = "https://daily.example.net/2026/11/20/story.html"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
_TOKEN = re.compile(r"\w+")

Extractor = Callable[[str], str]


def ours(markup: str) -> str:
    """Return the text as the pipeline takes it from a page."""
    return page.read_page(markup, URL).text


def full(markup: str) -> str:
    """Return what trafilatura gives with the pipeline's options and always its fallbacks."""
    found = trafilatura.extract(markup, url=URL, include_comments=False, include_tables=False)
    return found or ""


def fast(markup: str) -> str:
    """Return the same without the fallbacks."""
    found = trafilatura.extract(
        markup, url=URL, include_comments=False, include_tables=False, fast=True
    )
    return found or ""


def cleaned(markup: str) -> str:
    """Return the text of the article that the page becomes."""
    item = RawItem(URL, AT, url=URL, body=markup, body_is_html=True, is_page=True)
    found = clean_item(item, CleanSettings())
    return found.text if isinstance(found, Article) else ""


def bare(markup: str) -> str:
    """Return what `trafilatura.extract` gives without options."""
    return trafilatura.extract(markup) or ""


def readability(markup: str) -> str:
    """Return readability-lxml's summary as text; it gives HTML."""
    from readability import Document

    return str(html.fromstring(Document(markup).summary()).text_content())


def justext(markup: str) -> str:
    """Return jusText's good paragraphs."""
    import justext as library

    found = library.justext(markup.encode(), library.get_stoplist("English"))
    return "\n\n".join(part.text for part in found if not part.is_boilerplate)


EXTRACTORS: dict[str, Extractor] = {
    "ours": ours,
    "cleaned": cleaned,
    "fast": fast,
    "full": full,
    "trafilatura": bare,
    "readability": readability,
    "justext": justext,
}


def f1(found: str, gold: str) -> float:
    """Return the harmonic mean of the precision and recall of tokens, as often as they occur."""
    left, right = (Counter(_TOKEN.findall(text.lower())) for text in (found, gold))
    same = (left & right).total()
    return 2 * same / (left.total() + right.total()) if same else 0.0


def pages() -> list[tuple[str, str, str]]:
    """Return (name, markup, gold text) of every page."""
    made = [
        (path.stem, path.read_text("utf-8"), path.with_suffix(".txt").read_text("utf-8"))
        for path in sorted((ROOT / "benchmarks" / "pages").glob("*.html"))
    ]
    for path in sorted((ROOT / "seeds" / "pages").glob("*.html")):
        markup = path.read_text("utf-8")
        nodes = html.fromstring(markup).xpath('//div[@class="article-body"]/*')
        made.append((path.stem[:22], markup, "\n\n".join(node.text_content() for node in nodes)))
    return made


def main() -> None:
    """Print the F1 of each extractor on each page, their means and milliseconds a page."""
    documents = pages()
    print(f"{'page':<24}" + "".join(f"{name:>13}" for name in EXTRACTORS))
    scores: dict[str, list[float]] = {name: [] for name in EXTRACTORS}
    spent: dict[str, float] = dict.fromkeys(EXTRACTORS, 0.0)
    worse = []
    for title, markup, gold in documents:
        row = {}
        for name, extract in EXTRACTORS.items():
            extract(markup)
            started = time.process_time()
            row[name] = f1(extract(markup), gold)
            spent[name] += time.process_time() - started
            scores[name].append(row[name])
        print(f"{title:<24}" + "".join(f"{row[name]:>13.3f}" for name in EXTRACTORS))
        if row["ours"] < row["trafilatura"] - 0.0005:
            worse.append(title)
    means = {name: statistics.mean(found) for name, found in scores.items()}
    print(
        f"{'mean of ' + str(len(documents)):<24}" + "".join(f"{m:>13.3f}" for m in means.values())
    )
    each = {name: 1000 * spent[name] / len(documents) for name in EXTRACTORS}
    print(f"{'ms a page':<24}" + "".join(f"{ms:>13.2f}" for ms in each.values()))
    print(f"behind bare trafilatura on: {', '.join(worse) or 'no page'}")


if __name__ == "__main__":
    main()
