"""From sketched articles to the metadata that identity and clustering need."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam

from transforms.identity import ItemMeta, meta_of
from transforms.near_pairs import SketchedBatch
from transforms.sentences import split_document


def prepare(batch: SketchedBatch) -> Iterator[ItemMeta]:
    """Yield each article's metadata: identity, sketch and sentence hashes, but no text."""
    for (_, article), made in zip(batch.records, batch.sketches, strict=True):
        sentences = [sentence.hash for sentence in split_document(article.title, article.text)]
        yield meta_of(article, sentences, made.bands, made.signature)


class Prepare(beam.PTransform):
    """PCollection[SketchedBatch] of articles -> PCollection[ItemMeta]."""

    def expand(self, batches: beam.PCollection[SketchedBatch]) -> beam.PCollection[ItemMeta]:
        return batches | "Prepare" >> beam.FlatMap(prepare)
