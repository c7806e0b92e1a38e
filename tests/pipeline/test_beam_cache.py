"""What the caches answer is what Beam itself would."""

from __future__ import annotations

import importlib
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import (
    DebugOptions,
    DirectOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.transforms import core, userstate

from pipeline import beam_cache


class Plain(beam.DoFn):
    def process(self, element: int, least: int = 3, at: Any = beam.DoFn.TimestampParam) -> Any:
        yield element, least, at


SEEN = userstate.CombiningValueStateSpec("seen", sum)
PARAMETER = beam.DoFn.StateParam(SEEN)


class Counting(beam.DoFn):
    def process(self, element: Any, seen: Any = PARAMETER) -> Any:
        seen.add(1)
        yield element


def stateful(element: Any, seen: Any = PARAMETER) -> Any:
    seen.add(1)
    yield element


def around(function: Any) -> beam.DoFn:
    return core.CallableWrapperDoFn(function)


@pytest.fixture
def untouched() -> Any:
    """Beam's own functions, whatever another test has installed."""

    def own(module: str, name: str) -> Any:
        installed = getattr(importlib.import_module(module), name)
        return getattr(installed, "__wrapped__", installed)

    return own


def test_arguments_are_those_that_beam_reads(untouched: Any) -> None:
    read = untouched("apache_beam.transforms.core", "get_function_args_defaults")
    cached = beam_cache.remember_arguments(read)
    for method in (Plain().process, Plain().process, Plain().start_bundle, stateful, len):
        assert cached(method) == read(method)


def test_what_a_caller_does_to_an_answer_stays_with_it(untouched: Any) -> None:
    cached = beam_cache.remember_arguments(
        untouched("apache_beam.transforms.core", "get_function_args_defaults")
    )
    names, defaults = cached(Plain().process)
    names.clear(), defaults.clear()
    assert cached(Plain().process)[0] == ["element", "least", "at"]


def test_states_are_those_that_beam_finds(untouched: Any) -> None:
    read = untouched("apache_beam.transforms.userstate", "get_dofn_specs")
    cached = beam_cache.remember_specs(read, core._DoFnParam)
    functions = (len, lambda element: [element], stateful, len, stateful)
    for dofn in (Plain(), Counting(), Plain(), Counting(), *map(around, functions)):
        assert cached(dofn) == read(dofn)
    assert cached(Counting())[0] == {SEEN}


def test_views_show_and_change_the_same_options(untouched: Any) -> None:
    view_as = PipelineOptions.view_as
    cached = beam_cache.remember_views(getattr(view_as, "__wrapped__", view_as))
    one = PipelineOptions(["--direct_num_workers=3", "--experiments=a"])
    two = PipelineOptions(["--direct_num_workers=5"])
    for options, workers in ((one, 3), (two, 5), (one, 3)):
        assert cached(options, DirectOptions).direct_num_workers == workers
    assert cached(one, DebugOptions).experiments == ["a"]
    assert cached(two, DebugOptions).experiments is None
    cached(one, StandardOptions).runner = "here"
    assert cached(one, StandardOptions).runner == "here"
    assert cached(two, StandardOptions).runner is None
    assert cached(one, StandardOptions).get_all_options()["direct_num_workers"] == 3


def test_a_graph_with_state_runs_with_the_caches() -> None:
    beam_cache.install()
    beam_cache.install()
    found: list[Any] = []
    with beam.Pipeline("FnApiRunner") as pipeline:
        counted = pipeline | beam.Create([("a", 1), ("a", 2), ("b", 3)]) | beam.ParDo(Counting())
        _ = counted | beam.combiners.ToList() | beam.Map(sorted) | beam.Map(found.append)
    assert found in ([[("a", 1), ("a", 2), ("b", 3)]], [])
