"""Fitting what little is fitted on held-out sentences: temperature and combination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from transforms.stances.combine import Hints, Weights, scores
from transforms.stances.vote import Vote

# The combination before it has seen anything, and how strongly it is held to it.
PRIOR = Weights(
    learned=1.0, grammar=0.5, read=1.5, silent=0.0, spoken=0.0, denied=0.5, gate=0.0, back=0.0
)
RIDGE = 0.002
STEPS = 200


@dataclass(frozen=True, slots=True)
class Held:
    """One held-out pair: the learned reader's vote, the grammar's hints, and the right class."""

    vote: Vote
    hints: Hints
    label: int


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature under which the logits' probabilities fit the labels best."""
    scale = torch.zeros((), requires_grad=True)
    _minimise([scale], lambda: functional.cross_entropy(logits / scale.exp(), labels))
    return round(float(scale.detach().exp()), 4)


def fit_combination(held: Sequence[Held]) -> Weights:
    """Return the weights under which both readers' common vote fits the labels best."""
    values = torch.tensor(list(asdict(PRIOR).values()), requires_grad=True)
    before = values.detach().clone()
    parts, labels = _parts(held)

    def loss() -> Tensor:
        scores = (parts * values).sum(-1)
        return functional.cross_entropy(scores, labels) + RIDGE * (values - before).square().sum()

    _minimise([values], loss)
    names = [field.name for field in fields(Weights)]
    return Weights(**dict(zip(names, (round(v, 4) for v in values.detach().tolist()), strict=True)))


def _parts(held: Sequence[Held]) -> tuple[Tensor, Tensor]:
    """Return what each weight is multiplied with, (pairs, classes, weights), and the labels.

    `transforms.stances.combine.scores` is linear in its weights: one at a time gives its part.
    """
    names = [field.name for field in fields(Weights)]
    units = [Weights(**{name: float(name == unit) for name in names}) for unit in names]
    rows = [[scores(item.vote, item.hints, unit) for unit in units] for item in held]
    return torch.tensor(rows).transpose(1, 2), torch.tensor([item.label for item in held])


def _minimise(parameters: list[Tensor], loss: Callable[[], Tensor]) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
