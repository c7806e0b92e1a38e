"""From cleaned articles to the metadata that identity and clustering need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam

from transforms.identity import ItemMeta, meta_of
from transforms.records import Article
from transforms.sentences import split_document
from transforms.settings import DeduplicateSettings
from transforms.signatures import SketchInput, sketch_many

BATCH = 128


def prepare(articles: Sequence[Article], settings: DeduplicateSettings) -> Iterator[ItemMeta]:
    """Yield each article's metadata: identity, sketch and sentence hashes, but no text."""
    sketches = sketch_many(
        [SketchInput(a.item_id, a.title, a.text, a.published_at or a.fetched_at) for a in articles],
        settings,
    )
    for article, made in zip(articles, sketches, strict=True):
        sentences = [sentence.hash for sentence in split_document(article.title, article.text)]
        yield meta_of(article, sentences, made.bands, made.signature)


class Prepare(beam.PTransform):
    """PCollection[Article] -> PCollection[ItemMeta]."""

    def __init__(self, settings: DeduplicateSettings) -> None:
        super().__init__()
        self._settings = settings

    def expand(self, articles: beam.PCollection[Article]) -> beam.PCollection[ItemMeta]:
        return (
            articles
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH, max_batch_size=BATCH)
            | "Prepare" >> beam.FlatMap(prepare, self._settings)
        )
