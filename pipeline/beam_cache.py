"""What Beam looks up again and again while it builds and starts a graph, looked up once.

For each of a hundred steps Beam 2.77 reads the signatures of all methods of its DoFn several times
and makes an argument parser for each look at an option. Of a batch of twenty articles that was a
third of the time. Beam is pinned to 2.77; where a later one has none of these names, nothing is
changed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import wraps
from types import MethodType
from typing import Any
from weakref import WeakKeyDictionary

Arguments = Callable[[Any], tuple[list[str], list[Any]]]
Specs = Callable[[Any], tuple[set[Any], set[Any]]]

_installed = False


def install() -> None:
    """Put the caches into Beam, once a process."""
    global _installed
    if _installed:
        return
    _installed = True
    core: Any = importlib.import_module("apache_beam.transforms.core")
    userstate: Any = importlib.import_module("apache_beam.transforms.userstate")
    options: Any = importlib.import_module("apache_beam.options.pipeline_options").PipelineOptions
    if hasattr(core, "get_function_args_defaults"):
        core.get_function_args_defaults = remember_arguments(core.get_function_args_defaults)
    if hasattr(userstate, "get_dofn_specs"):
        specs, parameter = userstate.get_dofn_specs, core._DoFnParam
        userstate.get_dofn_specs = remember_specs(specs, parameter)
    if hasattr(options, "_visible_option_list"):
        options.view_as = remember_views(options.view_as)


def remember_arguments(read: Arguments) -> Arguments:
    """Return `read` (names and defaults of a callable's arguments) with a memory for methods."""
    known: WeakKeyDictionary[Any, tuple[list[str], list[Any]]] = WeakKeyDictionary()

    @wraps(read)
    def arguments(function: Any) -> tuple[list[str], list[Any]]:
        if not isinstance(function, MethodType):
            return read(function)
        try:
            found = known.get(function.__func__)
            if found is None:
                found = known[function.__func__] = read(function)
        except TypeError:  # not every callable can be referred to weakly
            return read(function)
        names, defaults = found
        return list(names), list(defaults)

    return arguments


def remember_specs(read: Specs, parameter: type) -> Specs:
    """Return `read` (the states and timers that a DoFn's methods name) with a memory by class.

    It holds for classes that name none. Of a DoFn around a function, the function is looked at
    each time; `parameter` is the class of the defaults that name such things.
    """
    plain: WeakKeyDictionary[type, bool] = WeakKeyDictionary()

    @wraps(read)
    def specs(dofn: Any) -> tuple[set[Any], set[Any]]:
        kind = type(dofn)
        if kind not in plain:
            named = {name for name in dir(kind) if name.startswith("_inspect_")}
            found = read(dofn)
            plain[kind] = named <= {"_inspect_process"} and not any(found)
            return found
        if not plain[kind]:
            return read(dofn)
        inspect = getattr(dofn, "_inspect_process", None)
        if inspect is not None and any(isinstance(value, parameter) for value in inspect()[1]):
            return read(dofn)
        return set(), set()

    return specs


def remember_views(view_as: Callable[[Any, type], Any]) -> Callable[[Any, type], Any]:
    """Return `PipelineOptions.view_as` that parses flags only for options not looked at yet."""
    shapes: dict[type, tuple[dict[str, Any], frozenset[str]]] = {}

    @wraps(view_as)
    def view(self: Any, kind: type) -> Any:
        shape = shapes.get(kind)
        if shape is None or not shape[1] <= self._all_options.keys():
            made = view_as(self, kind)
            shapes[kind] = dict(made.__dict__), frozenset(made._visible_option_list())
            return made
        made = object.__new__(kind)
        made.__dict__.update(shape[0], _flags=self._flags, _all_options=self._all_options)
        return made

    return view
