"""What sets MPNet apart from BERT: names of weights, ids of marks, and attention by distance.

Song et al., "MPNet: Masked and Permuted Pre-training for Language Understanding", 2020. Its word
pieces are BERT's, moved by four; so one tokenizer serves a teacher and the model it teaches.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from transforms.stances.masking import CLS, SEP

NEARNESS: Final = "encoder.relative_attention_bias.weight"
MAX_DISTANCE: Final = 128
# MPNet's marks, and the words and places that it puts before the first.
_START, _PAD, _END, _UNKNOWN, _WORDS_BEFORE = 0, 1, 2, 3, 4
_PLACES_BEFORE: Final = 2
_PAD_BERT, _UNKNOWN_BERT = 0, 100
_RENAMED: Final = {
    "attention.attn.q": "attention.self.query",
    "attention.attn.k": "attention.self.key",
    "attention.attn.v": "attention.self.value",
    "attention.attn.o": "attention.output.dense",
    "attention.LayerNorm": "attention.output.LayerNorm",
}


def as_bert(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return an MPNet's weights by BERT's names, words and places by BERT's numbers."""
    renamed = {}
    for name, value in weights.items():
        for theirs, ours in _RENAMED.items():
            name = name.replace(theirs, ours)
        renamed[name] = value
    table = renamed["embeddings.word_embeddings.weight"]
    words = table[_WORDS_BEFORE:].clone()
    same = ((_PAD_BERT, _PAD), (_UNKNOWN_BERT, _UNKNOWN), (CLS, _START), (SEP, _END))
    for ours_id, theirs_id in same:
        words[ours_id] = table[theirs_id]
    renamed["embeddings.word_embeddings.weight"] = words
    places = renamed["embeddings.position_embeddings.weight"][_PLACES_BEFORE:]
    renamed["embeddings.position_embeddings.weight"] = places
    # MPNet has no two kinds of text.
    renamed["embeddings.token_type_embeddings.weight"] = torch.zeros(1, words.shape[1])
    return renamed


def nearness(bias: Tensor, pieces: int) -> Tensor:
    """Return what is added to attention's scores (heads, from, to), by bucket of distance.

    `bias` (buckets, heads): half of the buckets look back, half ahead; of each, half are exact and
    half logarithmic up to `MAX_DISTANCE`.
    """
    half = bias.shape[0] // 2
    exact = half // 2
    at = torch.arange(pieces)
    ahead = at[None, :] - at[:, None]
    gap = ahead.abs()
    far = torch.log(gap.clamp(min=1) / exact) / math.log(MAX_DISTANCE / exact) * (half - exact)
    bucket = torch.where(gap < exact, gap, (exact + far.long()).clamp(max=half - 1))
    return bias[bucket + half * (ahead > 0)].permute(2, 0, 1).contiguous()
