"""The spaCy pipeline: loaded by name, with sentence boundaries given rather than guessed."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from transforms.nlp_package import PipelineMissingError

__all__ = ["PipelineMissingError", "load_pipeline", "make_document", "parse_documents"]

_BATCH = 64
TextWithSentences = tuple[str, Sequence[tuple[int, int]] | None]


@lru_cache(maxsize=2)
def load_pipeline(name: str) -> Language:
    """Return the spaCy pipeline: a package with a `load()` function, or any name that spaCy knows.

    Raises PipelineMissingError with what to install where it is absent or has no parser or NER.
    """
    try:
        package: Any = importlib.import_module(name)
        nlp: Language = package.load() if hasattr(package, "load") else spacy.load(name)
    except ImportError:
        try:
            nlp = spacy.load(name)
        except OSError as error:
            raise PipelineMissingError(
                f"spaCy pipeline {name!r} is not installed: {error}"
            ) from error
    missing = {"parser", "ner"} - set(nlp.pipe_names)
    if missing:
        raise PipelineMissingError(
            f"spaCy pipeline {name!r} has no {' and no '.join(sorted(missing))}"
        )
    return nlp


def make_document(
    nlp: Language, text: str, sentences: Sequence[tuple[int, int]] | None = None
) -> Doc:
    """Return the tokens of `text` with sentence starts preset from character offsets.

    `sentences` are (start, end) pairs into `text`, in order; None leaves them to the parser. A
    token that straddles a boundary belongs to the sentence in which it starts.
    """
    doc = nlp.make_doc(text)
    if sentences is None or not len(doc):
        return doc
    starts = sorted(start for start, _ in sentences)
    position = 0
    for token in doc:
        token.is_sent_start = token.i == 0
        while position < len(starts) and starts[position] <= token.idx:
            token.is_sent_start = True
            position += 1
    return doc


def parse_documents(
    nlp: Language, texts: Iterable[TextWithSentences], batch_size: int = _BATCH
) -> Iterator[Doc]:
    """Yield one parsed Doc per text, in order, run through the pipeline in batches."""
    docs = (make_document(nlp, text, sentences) for text, sentences in texts)
    yield from nlp.pipe(docs, batch_size=batch_size)
