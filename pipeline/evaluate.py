"""How well texts are read: one function per reference, each returning a report and predictions.

A report is plain data (numbers, lists, dicts); predictions are plain rows, one per item.
"""

from __future__ import annotations

from pipeline.evaluation.actors import evaluate_actors
from pipeline.evaluation.cases import evaluate_cases
from pipeline.evaluation.directed import evaluate_directed_sentiment
from pipeline.evaluation.event_coding import evaluate_event_coding
from pipeline.evaluation.gold import evaluate_gold
from pipeline.evaluation.office_holders import evaluate_office_holders
from pipeline.evaluation.phenomena import evaluate_phenomena
from pipeline.evaluation.reference import BadReferenceError
from pipeline.evaluation.seed import evaluate_seed
from pipeline.evaluation.swap import evaluate_swap

__all__ = [
    "BadReferenceError",
    "evaluate_actors",
    "evaluate_cases",
    "evaluate_directed_sentiment",
    "evaluate_event_coding",
    "evaluate_gold",
    "evaluate_office_holders",
    "evaluate_phenomena",
    "evaluate_seed",
    "evaluate_swap",
]
