"""What the index knows of an article, told from its row of `articles` alone."""

from __future__ import annotations

from datetime import UTC, datetime

from transforms.identity import PARTIAL_TEXTS
from transforms.parquet_io import Row
from transforms.sentences import split_document
from transforms.store_view import StoredArticle


def stored_article(row: Row) -> StoredArticle:
    """Return what the index keeps of an article, from its row."""
    sentences = split_document(row["title"] or "", row["text"] or "")
    return StoredArticle(
        article_id=row["article_id"],
        identity_keys=tuple(row["identity_keys"] or ()),
        content_hash=row["content_hash"],
        content_hashes=tuple(row["content_hashes"] or ()),
        published_at=utc(row["published_at"]),
        published_at_source=row["published_at_source"] or "",
        first_seen_at=utc(row["first_seen_at"]),
        version_at=utc(row["modified_at"] or row["published_at"]),
        is_full=row["text_source"] not in PARTIAL_TEXTS,
        story_id=row["story_id"],
        outlet=row["outlet"],
        analysed=bool(row["analysed"]),
        sentences=tuple(sentence.hash for sentence in sentences),
        own=tuple(row["own_sentences"] or ()),
        actors=tuple(row["actors"] or ()),
        rollups=tuple(row["rollups"] or ()),
        coding_version=row["coding_version"] or "",
    )


def utc(moment: datetime) -> datetime:
    """Return the same moment in UTC, whose text sorts as time does."""
    return moment.astimezone(UTC)
