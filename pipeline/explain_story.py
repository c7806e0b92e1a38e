"""Why each article of a story belongs to it: the copies that it was joined with, and the text
that they share.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

import duckdb
from rich.console import Console
from rich.text import Text

from pipeline.errors import UserError
from pipeline.formats import cell_text, safe_text
from pipeline.query import select
from transforms.ids import ID_BYTES
from transforms.same_text import shared_passage
from transforms.settings import DeduplicateSettings
from transforms.text_view import TextView

Row = dict[str, Any]

STORY_ID = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")
PASSAGE_CHARS = 160  # for people; JSON has it whole
METHODS = {
    "exact": "equal words",
    "jaccard": "alike in wording",
    "containment": "one text contains the other",
    "short": "short texts, equal but for words without a fact",
}


def find_story(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """Return the id of the story that `name` stands for: its id, a former one, or an article's id.

    Raises UserError for anything else.
    """
    if not STORY_ID.fullmatch(name):
        raise UserError(f"{name}: a story's id has {2 * ID_BYTES} hex digits, as in 'stories'")
    sql = """
        SELECT story_id, 1 AS rank FROM articles WHERE story_id = ?
        UNION ALL SELECT story_id, 2 FROM story_aliases WHERE alias = ?
        UNION ALL SELECT story_id, 3 FROM articles WHERE article_id = ?
        ORDER BY rank LIMIT 1
    """
    found = select(connection, sql, [name] * 3).read_all().to_pylist()
    if found:
        return str(found[0]["story_id"])
    ids = select(
        connection, "SELECT DISTINCT story_id FROM articles WHERE story_id[:4] = ?", [name[:4]]
    )
    close = difflib.get_close_matches(name, ids.read_all()["story_id"].to_pylist(), n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    raise UserError(f"{name}: no story, former story or article of this store has that id{guess}")


def explain_story(
    connection: duckdb.DuckDBPyConnection, story: str, settings: DeduplicateSettings, limit: int = 0
) -> list[Row]:
    """Return the story's articles in order of publication, at most `limit` (0: all).

    `joined_with` lists the earlier articles that each was found to copy, the likest first, with
    `similarity` (0 to 1), `method` and the longest `shared_passage`; the first article has none.
    """
    rows = select(
        connection,
        f"""
        SELECT article_id, story_id, is_canonical, published_at, outlet, title, url, origin, text,
            own_sentences, joins, story_articles, len(story_outlets) AS story_outlets
        FROM articles WHERE story_id = ? ORDER BY published_at, article_id
        {f"LIMIT {int(limit)}" if limit else ""}
        """,
        [story],
    )
    members: list[Row] = rows.read_all().to_pylist()
    texts = {row["article_id"]: row for row in members}
    missing = {join["article_id"] for row in members for join in row["joins"] or ()} - set(texts)
    if missing:
        columns = "article_id, outlet, title, text"
        sql = f"SELECT {columns} FROM articles WHERE list_contains(?, article_id)"
        others = select(connection, sql, [sorted(missing)])
        texts.update((row["article_id"], row) for row in others.read_all().to_pylist())
    views = {
        key: TextView(key, row["title"] or "", row["text"] or "", row["outlet"] or "")
        for key, row in texts.items()
    }
    return [_explained(row, views, settings) for row in members]


def _explained(row: Row, views: dict[str, TextView], settings: DeduplicateSettings) -> Row:
    own = views[row["article_id"]]
    joined = []
    for join in sorted(
        row["joins"] or (), key=lambda join: (-join["similarity"], join["article_id"])
    ):
        other = views.get(join["article_id"])  # what was pruned can't be shown any more
        passage = shared_passage(own, other, settings) if other is not None else ""
        outlet = other.outlet if other is not None else None
        joined.append({**join, "outlet": outlet, "shared_passage": passage})
    kept = {name: row[name] for name in row if name not in ("text", "joins", "own_sentences")}
    return {**kept, "new_sentences": len(row["own_sentences"] or ()), "joined_with": joined}


def print_story(screen: Console, asked: str, rows: list[Row]) -> None:
    """Print a story: who carried it, then each article with what it was joined by."""
    first = rows[0]
    if asked not in (first["story_id"], first["article_id"]):
        screen.print(f"{asked} belongs to story {first['story_id']} now", style="dim")
    counts = f"{first['story_articles']} articles, {first['story_outlets']} outlets"
    line = Text.assemble((_line(first["title"] or ""), "bold"), f"  ({counts})")
    screen.print(line + Text(f"  story {first['story_id']}"), soft_wrap=True)
    for row in rows:
        place = "  ".join(
            part
            for part in (cell_text(row["published_at"]), row["outlet"], row["url"] or row["origin"])
            if part
        )
        screen.print(Text(f"  {safe_text(place)}"), soft_wrap=True)
        if row["title"] != first["title"]:
            screen.print(Text(f"    “{_line(row['title'] or '')}”"), soft_wrap=True)
        for why in _reasons(row):
            screen.print(Text(f"    {why}", style="dim"), soft_wrap=True)


def _reasons(row: Row) -> list[str]:
    if row["is_canonical"]:
        return ["the story's first article"]
    reasons = []
    for join in row["joined_with"][:1]:
        said = METHODS.get(join["method"], join["method"])
        partner = join["outlet"] or "an article that is gone"
        reasons.append(f"{said}, {join['similarity']:.2f}, with {partner} ({join['article_id']})")
        if join["shared_passage"]:
            reasons.append(f"shares “{_cut(_line(join['shared_passage']))}”")
    more = len(row["joined_with"]) - 1
    if more > 0:
        reasons.append(f"and joined with {more} more of the story")
    if not row["joined_with"]:
        reasons.append("joined by later copies, which it shares with the others")
    count = row["new_sentences"]
    reasons.append(f"{count or 'no'} sentence{'' if count == 1 else 's'} that the story lacked")
    return reasons


def _line(text: str) -> str:
    return safe_text(" ".join(text.split()))


def _cut(text: str) -> str:
    return text if len(text) <= PASSAGE_CHARS else text[: PASSAGE_CHARS - 1] + "…"
