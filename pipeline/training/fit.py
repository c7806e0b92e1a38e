"""Training: several runs from the same first weights over shuffled data, and their mean.

Runs that begin alike end in one basin, so that the mean of their weights is one model that reads
about as well as all of them together. Networks that aren't averaged but asked together read better
than each of them.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.training.examples import Example
from pipeline.training.network import CLASSES, PairClassifier, pad
from transforms.stances.masking import Masked

WEIGHT_DECAY = 0.01
WARM_UP = 0.1
CLIP = 1.0
EVALUATION_BATCH = 64
# Batches hold pairs of about one length; this much of it is chance.
LENGTH_NOISE = 6.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    `neutral_share` is the part of the neutral sentences that each epoch sees, drawn anew; the
    classes weigh (N/n)^`rarity`. `runs` are averaged, each of `epochs` epochs, into each of
    `members` networks that are asked together. `taught` is how much teachers' probabilities count
    where there are any, the labels counting for the rest.
    """

    epochs: int = 3
    runs: int = 1
    members: int = 1
    batch: int = 32
    rate: float = 6e-5
    neutral_share: float = 0.55
    rarity: float = 0.5
    taught: float = 0.7
    seed: int = 1
    max_steps: int | None = None


Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Readable:
    """Examples that can be read, with the frozen layers' output for each (half precision).

    `targets` and teachers' `opinions` (None without one) are (examples, CLASSES) probabilities.
    """

    items: list[Masked]
    lower: list[Tensor]
    targets: Tensor
    opinions: Tensor | None = None


def prepare(network: PairClassifier, examples: Sequence[Example]) -> Readable:
    """Return the readable examples with the output of the frozen layers."""
    kept = [example for example in examples if example.masked is not None]
    items = [example.masked for example in kept if example.masked is not None]
    lower: list[Tensor] = [torch.empty(0)] * len(items)
    network.eval()
    for chunk in _by_length(items, EVALUATION_BATCH):
        longest = max(len(items[i].ids) for i in chunk)
        ids = torch.zeros(len(chunk), longest, dtype=torch.long)
        for row, i in enumerate(chunk):
            ids[row, : len(items[i].ids)] = torch.tensor(items[i].ids)
        hidden = network.lower(ids, ids > 0).half()
        for row, i in enumerate(chunk):
            lower[i] = hidden[row, : len(items[i].ids)].clone()
    targets = torch.tensor([example.target for example in kept], dtype=torch.float32)
    return Readable(items, lower, targets.reshape(len(items), CLASSES))


def fit(
    network: PairClassifier,
    reference: Readable,
    extra: Readable,
    recipe: Recipe,
    watch: Callable[[int, int, PairClassifier], None],
    report: Report,
    first_run: int = 0,
) -> None:
    """Train `network` in place on the reference's examples and the `extra` ones.

    Only the reference's neutral sentences are thinned. `watch(run, epoch, network)` is called
    after each epoch, `report` with lines about the progress. Chance begins with a run's number.
    """
    first = {name: value.clone() for name, value in _trainable(network)}
    total = {name: torch.zeros_like(value) for name, value in first.items()}
    for run in range(first_run, first_run + recipe.runs):
        with torch.no_grad():
            for name, value in _trainable(network):
                value.copy_(first[name])
        _run(network, reference, extra, recipe, run, watch, report)
        with torch.no_grad():
            for name, value in _trainable(network):
                total[name] += value / recipe.runs
    with torch.no_grad():
        for name, value in _trainable(network):
            value.copy_(total[name])
    network.eval()


def logits(network: PairClassifier, examples: Readable) -> np.ndarray:
    """Return the network's logits (examples, CLASSES)."""
    network.eval()
    found = np.zeros((len(examples.items), CLASSES), np.float32)
    with torch.no_grad():
        for chunk in _by_length(examples.items, EVALUATION_BATCH):
            found[chunk] = network(*_batch(examples, chunk)).numpy()
    return found


def log_probabilities(networks: Sequence[PairClassifier], examples: Readable) -> Tensor:
    """Return the mean of the networks' log-probabilities (examples, CLASSES)."""
    found = [torch.from_numpy(logits(network, examples)).log_softmax(-1) for network in networks]
    return torch.stack(found).mean(0)


def _run(
    network: PairClassifier,
    reference: Readable,
    extra: Readable,
    recipe: Recipe,
    run: int,
    watch: Callable[[int, int, PairClassifier], None],
    report: Report,
) -> None:
    chance = random.Random(f"{recipe.seed}-{run}")
    torch.manual_seed(recipe.seed + 1000 * (run + 1))
    every = Readable(
        reference.items + extra.items,
        reference.lower + extra.lower,
        torch.cat([reference.targets, extra.targets]),
    )
    neutral = [bool(row[0] == 1) for row in reference.targets]
    goals = torch.cat([_goals(reference, reference, recipe), _goals(extra, reference, recipe)])
    optimizer = torch.optim.AdamW(_groups(network), lr=recipe.rate)
    size = len(neutral) - (1 - recipe.neutral_share) * sum(neutral) + len(extra.items)
    steps = recipe.max_steps or recipe.epochs * math.ceil(size / recipe.batch)
    step, began = 0, time.monotonic()
    for epoch in range(recipe.epochs):
        network.train()
        kept = [
            i
            for i in range(len(every.items))
            if i >= len(neutral) or not neutral[i] or chance.random() < recipe.neutral_share
        ]
        for chunk in _shuffled(every.items, kept, recipe.batch, chance):
            if step >= steps:
                break
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * _schedule(step, steps)
            scores = functional.log_softmax(network(*_batch(every, chunk)), -1)
            loss = -(goals[chunk] * scores).sum() / len(chunk)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            step += 1
            if step % 50 == 0:
                each = (time.monotonic() - began) / step
                report(f"run {run} step {step}/{steps} {each:.2f} s a step")
        watch(run, epoch, network)


def _goals(examples: Readable, reference: Readable, recipe: Recipe) -> Tensor:
    """Return what each class's log-probability is worth in training (examples, CLASSES).

    A teacher has learned the classes' weights with the rest, so that its opinions get none.
    """
    labels = examples.targets * _class_weights(reference.targets, recipe)
    if examples.opinions is None:
        return labels
    return (1 - recipe.taught) * labels + recipe.taught * examples.opinions


def _class_weights(targets: Tensor, recipe: Recipe) -> Tensor:
    """Return a weight a class, 1 on the average over the reference as it is distributed."""
    counts = targets.sum(0).clamp(min=1.0)
    weights = (counts.sum() / counts) ** recipe.rarity
    weights[0] /= recipe.neutral_share
    return weights / (weights * counts / counts.sum()).sum()


def _schedule(step: int, steps: int) -> float:
    rise = (step + 1) / max(1.0, WARM_UP * steps)
    fall = (steps - step) / max(1.0, (1 - WARM_UP) * steps)
    return min(1.0, rise, fall)


def _groups(network: PairClassifier) -> list[dict[str, object]]:
    decayed = [p for _, p in _trainable(network) if p.dim() > 1]
    others = [p for _, p in _trainable(network) if p.dim() <= 1]
    return [
        {"params": decayed, "weight_decay": WEIGHT_DECAY},
        {"params": others, "weight_decay": 0.0},
    ]


def _trainable(network: PairClassifier) -> list[tuple[str, nn.Parameter]]:
    return [(name, p) for name, p in network.named_parameters() if p.requires_grad]


def _batch(examples: Readable, chunk: Sequence[int]) -> tuple[Tensor, ...]:
    return pad([examples.items[i] for i in chunk], [examples.lower[i] for i in chunk])


def _by_length(items: Sequence[Masked], size: int) -> Iterator[list[int]]:
    order = sorted(range(len(items)), key=lambda i: len(items[i].ids))
    for at in range(0, len(order), size):
        yield order[at : at + size]


def _shuffled(
    items: Sequence[Masked], kept: Sequence[int], size: int, chance: random.Random
) -> list[list[int]]:
    keys = {i: len(items[i].ids) + LENGTH_NOISE * chance.random() for i in kept}
    order = sorted(kept, key=keys.__getitem__)
    chunks = [order[at : at + size] for at in range(0, len(order), size)]
    chance.shuffle(chunks)
    return chunks
