"""The learned reader: what a small neural classifier makes of two actors in one sentence.

It sees the sentence without names (`masking.py`). Each pair runs as a tensor of its own exact
length, so that a reading depends on nothing else that is read: dynamic 8-bit quantisation takes its
scales from the whole tensor, and gives another result in another batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from transforms.stances.combine import Weights
from transforms.stances.gate import load_gate
from transforms.stances.masking import (
    ACTOR_TYPES,
    OTHER_ACTORS,
    Named,
    Pieces,
    mask_pair,
    named_entities,
    split_sentence,
    way_between,
)
from transforms.stances.model_files import (
    CARD,
    GATE,
    MODEL,
    TOKENIZER,
    ModelError,
    check_files,
    model_fingerprint,
    read_card,
    shipped_model,
)
from transforms.stances.vote import Vote, softmax

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from spacy.tokens import Doc
    from tokenizers import Tokenizer

    from transforms.records import Mention
    from transforms.stances.masking import Masked
    from transforms.stances.tree import Tree


class LearnedReader:
    """Reads pairs of mentions; loads its model when it is made."""

    def __init__(self, folder: Path) -> None:
        check_files(folder)
        self.card: dict[str, Any] = read_card(folder / CARD)
        self.fingerprint = model_fingerprint(folder)
        self._temperature = float(self.card["temperature"])
        self._session = _open_session(folder / MODEL)
        self._tokenizer = _open_tokenizer(folder / TOKENIZER)
        try:
            self.weights = Weights.from_card(self.card)
            self.gate = load_gate(folder / GATE, float(self.card["gate_threshold"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder}: not a stance model: {error!r}") from error

    def open_sentence(
        self, doc: Doc, tree: Tree, number: int, heads: Sequence[int]
    ) -> SentenceReader:
        """Return what reads the pairs of one of the tree's sentences.

        `heads` are the tree's as the parser left them: training saw no other.
        """
        first, last = tree.bounds[number]
        pieces = split_sentence(self._tokenizer, tree, number)
        entities = named_entities(doc, first, last)
        return SentenceReader(self, tree, pieces, entities, (first, last), heads)

    def classify(self, masked: Masked) -> Vote:
        """Return the calibrated vote on one masked pair."""
        logits = _run(self._session, masked).tolist()
        return softmax([value / self._temperature for value in logits])


class SentenceReader:
    """Reads the pairs of one sentence."""

    def __init__(
        self,
        reader: LearnedReader,
        tree: Tree,
        pieces: Pieces,
        entities: Sequence[Named],
        bounds: tuple[int, int],
        heads: Sequence[int],
    ) -> None:
        self._reader = reader
        self._tree = tree
        self._pieces = pieces
        self._entities = entities
        self._bounds = bounds
        self._heads = heads
        self._votes: dict[tuple[int, int, int, int], Vote | None] = {}

    def read(self, a: Mention, b: Mention) -> Vote | None:
        """Return the vote on two mentions, whose P is the one that comes first.

        None where the two overlap, stand too far apart, or one is in another sentence.
        """
        p, q = (a, b) if (a.start, a.end) <= (b.start, b.end) else (b, a)
        key = (p.start, p.end, q.start, q.end)
        if key not in self._votes:
            masked = self._mask(p, q)
            self._votes[key] = None if masked is None else self._reader.classify(masked)
        return self._votes[key]

    def _mask(self, p: Mention, q: Mention) -> Masked | None:
        named = [self._name(mention) for mention in (p, q)]
        if named[0] is None or named[1] is None:
            return None
        path = way_between(self._heads, p.head, q.head)
        return mask_pair(self._pieces, named[0], named[1], self._entities, path)

    def _name(self, mention: Mention) -> Named | None:
        """Return the mention's tokens in this sentence with its type; None without any."""
        first, last = self._bounds
        tokens = [
            i
            for i in range(first, last)
            if self._tree.start[i] < mention.end and self._tree.end[i] > mention.start
        ]
        if not tokens:
            return None
        kind = ACTOR_TYPES.get(mention.actor_type, OTHER_ACTORS)
        return Named(tokens[0], tokens[-1] + 1, kind)


def raw_logits(model: Path, items: Sequence[Masked]) -> np.ndarray[Any, Any]:
    """Return a model file's logits (items, classes), before calibration; raises ModelError."""
    session = _open_session(model)
    return np.array([_run(session, item) for item in items])


@lru_cache(maxsize=2)
def load_reader(folder: Path | None = None) -> LearnedReader:
    """Return the reader of a model folder, the shipped one for None; loaded once a process.

    Raises ModelError.
    """
    return LearnedReader(folder or shipped_model())


def _run(session: InferenceSession, masked: Masked) -> np.ndarray[Any, Any]:
    inputs = {
        "ids": np.array(masked.ids, np.int64),
        "path": np.array(masked.path, np.float32),
        "pair": np.array([masked.p, masked.q], np.int64),
    }
    found: np.ndarray[Any, Any] = session.run(None, inputs)[0]
    return found


def _open_session(path: Path) -> InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"the learned stance reader needs onnxruntime: {error}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ModelError(f"{path}: not a stance model: {error}") from error
    if {node.name for node in session.get_inputs()} != {"ids", "path", "pair"}:
        raise ModelError(f"{path}: not a stance model: it takes other inputs")
    return session


def _open_tokenizer(path: Path) -> Tokenizer:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ModelError(f"the learned stance reader needs tokenizers: {error}") from error
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelError(f"{path}: not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
