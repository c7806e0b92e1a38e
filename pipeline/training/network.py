"""The pair classifier in torch: a BERT or MPNet encoder that is told the pair, and a small head.

The word embeddings and the lowest layers stay as they were pre-trained, and their outputs are
computed once for all epochs; what says P and Q apart, and what lies between them in the parse, is
added above those layers, so that nothing below need learn it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from pipeline.training.mpnet import NEARNESS, as_bert, nearness
from transforms.stances.masking import MARKS, MAX_PIECES, Masked

CLASSES = 5
DROPOUT = 0.1
HEADS = 12
EPSILON = 1e-12
# The word whose embedding each type's marks begin as.
TYPE_WORDS = {"person": "person", "place": "country", "organisation": "organization"}
ROLE_SCALE = 0.3
FROZEN_SHARE = 3
MARK_NOISE = 0.02


class EncoderError(Exception):
    """An encoder folder that can't be used; str() says why."""


class Layer(nn.Module):
    """One transformer layer with BERT's post-normalisation."""

    def __init__(self, size: int, inner: int) -> None:
        super().__init__()
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        self.attended = nn.Linear(size, size)
        self.attended_norm = nn.LayerNorm(size, eps=EPSILON)
        self.inner = nn.Linear(size, inner)
        self.outer = nn.Linear(inner, size)
        self.outer_norm = nn.LayerNorm(size, eps=EPSILON)

    def forward(self, x: Tensor, mask: Tensor, dropout: float) -> Tensor:
        """Return the layer's output for `x` (batch, pieces, size).

        `mask` goes to attention: true for what is seen, or what is added to its scores. Attention
        itself has no dropout: with it torch leaves its fast path, a tenth of a step's time.
        """
        batch, pieces, size = x.shape
        drop = dropout if self.training else 0.0

        def split(y: Tensor) -> Tensor:
            return y.view(batch, pieces, HEADS, size // HEADS).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            split(self.query(x)),
            split(self.key(x)),
            split(self.value(x)),
            attn_mask=mask,
        )
        mixed = self.attended(mixed.transpose(1, 2).reshape(batch, pieces, size))
        x = self.attended_norm(x + functional.dropout(mixed, drop))
        inner = self.outer(functional.gelu(self.inner(x)))
        return self.outer_norm(x + functional.dropout(inner, drop))


class PairClassifier(nn.Module):
    """Five logits a pair: neutral, positive p->q and q->p, negative p->q and q->p.

    The lowest `frozen` layers don't learn: a third of them for None; below 0, all but the topmost
    so many.
    """

    nearness: Tensor

    def __init__(
        self, weights: dict[str, Tensor], vocabulary: dict[str, int], frozen: int | None = None
    ) -> None:
        super().__init__()
        words = weights["embeddings.word_embeddings.weight"].clone()
        size = words.shape[1]
        for (role, kind), row in MARKS.items():
            noise = 0.0 if role == "O" else MARK_NOISE * torch.randn(size)
            words[row] = words[vocabulary[TYPE_WORDS[kind]]] + noise
        places = weights["embeddings.position_embeddings.weight"][:MAX_PIECES]
        kind_of_text = weights["embeddings.token_type_embeddings.weight"][0]
        self.words = nn.Parameter(words, requires_grad=False)
        self.places = nn.Parameter(places + kind_of_text, requires_grad=False)
        self.norm = nn.LayerNorm(size, eps=EPSILON)
        _fill(self.norm, weights, "embeddings.LayerNorm")
        self.path = nn.Parameter(torch.zeros(size))
        self.roles = nn.Parameter(ROLE_SCALE * torch.randn(2, size))
        self.layers = nn.ModuleList(_layers(weights, size))
        self.register_buffer("nearness", _nearness(weights))
        if frozen is None:
            frozen = len(self.layers) // FROZEN_SHARE
        self.frozen = frozen if frozen >= 0 else max(0, len(self.layers) + frozen)
        self.joined = nn.Linear(3 * size, size)
        self.classes = nn.Linear(size, CLASSES)
        for module in (self.norm, *self.layers[: self.frozen]):
            module.requires_grad_(False)

    @torch.no_grad()
    def lower(self, ids: Tensor, keep: Tensor) -> Tensor:
        """Return what the frozen layers make of piece ids (batch, pieces)."""
        x = self.norm(self.words[ids] + self.places[: ids.shape[1]])
        mask = self._mask(keep)
        for layer in self.layers[: self.frozen]:
            x = layer(x, mask, 0.0)
        return x

    def forward(self, x: Tensor, path: Tensor, keep: Tensor, p: Tensor, q: Tensor) -> Tensor:
        """Return logits (batch, CLASSES) from the frozen layers' output.

        `path` (batch, pieces) flags the way between the two; `p` and `q` (batch) are positions.
        """
        row = torch.arange(len(x))
        x = x + path[..., None] * self.path
        added = torch.zeros_like(x)
        for role, at in enumerate((p, q)):
            added = added.index_put((row, at), self.roles[role].expand(len(x), -1), accumulate=True)
        x = functional.dropout(x + added, DROPOUT, self.training)
        mask = self._mask(keep)
        for layer in self.layers[self.frozen :]:
            x = layer(x, mask, DROPOUT)
        joined = torch.cat([x[:, 0], x[row, p], x[row, q]], -1)
        hidden = torch.tanh(self.joined(functional.dropout(joined, DROPOUT, self.training)))
        logits: Tensor = self.classes(functional.dropout(hidden, DROPOUT, self.training))
        return logits

    def _mask(self, keep: Tensor) -> Tensor:
        seen, length = keep[:, None, None, :], keep.shape[1]
        if not len(self.nearness):
            return seen
        added = self.nearness[None, :, :length, :length]
        return added.masked_fill(~seen, float("-inf"))


def load_encoder(folder: Path) -> dict[str, Tensor]:
    """Return the weights of an encoder in `model.safetensors` by BERT's names.

    A BERT, or an MPNet over BERT's word pieces. Raises EncoderError.
    """
    file = folder / "model.safetensors"
    try:
        found: dict[str, Tensor] = load_file(str(file))
    except Exception as error:  # safetensors has errors of its own
        raise EncoderError(f"{file}: {error}") from error
    weights = {name.removeprefix("bert."): value.float() for name, value in found.items()}
    if NEARNESS in weights:
        weights = as_bert(weights)
    wanted = ("embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.weight")
    for name in wanted:
        if name not in weights:
            raise EncoderError(f"{file}: not a BERT encoder: it has no {name}")
    if weights[wanted[0]].shape[1] % HEADS:
        raise EncoderError(f"{file}: its size can't be split over {HEADS} heads")
    return weights


def pad(
    items: Sequence[Masked], lower: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return `PairClassifier.forward`'s arguments for examples and their frozen layers' outputs."""
    longest, size = max(len(x) for x in lower), lower[0].shape[1]
    x = torch.zeros(len(items), longest, size)
    path = torch.zeros(len(items), longest)
    keep = torch.zeros(len(items), longest, dtype=torch.bool)
    for row, (item, hidden) in enumerate(zip(items, lower, strict=True)):
        x[row, : len(hidden)] = hidden
        path[row, : len(hidden)] = torch.tensor(item.path)
        keep[row, : len(hidden)] = True
    p = torch.tensor([item.p for item in items])
    q = torch.tensor([item.q for item in items])
    return x, path, keep, p, q


def _layers(weights: dict[str, Tensor], size: int) -> list[Layer]:
    names = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attended": "attention.output.dense",
        "attended_norm": "attention.output.LayerNorm",
        "inner": "intermediate.dense",
        "outer": "output.dense",
        "outer_norm": "output.LayerNorm",
    }
    layers: list[Layer] = []
    while f"encoder.layer.{len(layers)}.attention.self.query.weight" in weights:
        prefix = f"encoder.layer.{len(layers)}."
        layer = Layer(size, weights[prefix + "intermediate.dense.weight"].shape[0])
        for ours, theirs in names.items():
            _fill(getattr(layer, ours), weights, prefix + theirs)
        layers.append(layer)
    return layers


def _nearness(weights: dict[str, Tensor]) -> Tensor:
    """Return what MPNet adds to attention by distance (heads, pieces, pieces); empty for BERT."""
    return nearness(weights[NEARNESS], MAX_PIECES) if NEARNESS in weights else torch.empty(0)


def _fill(module: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    module.weight.data = weights[f"{name}.weight"].clone()
    module.bias.data = weights[f"{name}.bias"].clone()
