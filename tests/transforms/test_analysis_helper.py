"""Analysis shared with a second process: the same results, and an error where that one dies."""

from __future__ import annotations

import os
import pickle
import signal
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transforms.analyse import Analyser
from transforms.analysis_helper import AnalysisHelper, HelperDiedError, analyse_together, half
from transforms.catalog import Catalog
from transforms.records import Document
from transforms.resources import config_dir
from transforms.settings import ActorSettings, StanceSettings
from transforms.stances.lexicon import Lexicon

TEXTS = (
    "China condemned the new tariffs of the United States on Tuesday.",
    "France praised Germany. Russia threatened Ukraine with further strikes, Kyiv said.",
    "Nothing happened here.",
    "Iran and Syria signed a defence pact; Israel denounced it.",
    "",
)


@pytest.fixture(scope="module")
def coding() -> tuple[Catalog, Lexicon, ActorSettings, StanceSettings]:
    catalog = Catalog.load([config_dir() / "actors"])
    lexicon = Lexicon.load(config_dir() / "stances.toml")
    return catalog, lexicon, ActorSettings(), StanceSettings()


@pytest.fixture
def helper(coding: tuple[object, ...]) -> Iterator[AnalysisHelper]:
    one = AnalysisHelper(zlib.compress(pickle.dumps(coding), level=1))
    yield one
    one.close()


def documents() -> list[Document]:
    day = datetime(2026, 11, 20, tzinfo=UTC)
    return [Document(str(n), "", text, day) for n, text in enumerate(TEXTS)]


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_two_processes_find_what_one_does(
    coding: tuple[Catalog, Lexicon, ActorSettings, StanceSettings], helper: AnalysisHelper
) -> None:
    analyser = Analyser(*coding)
    alone = analyser.analyse(documents())
    assert any(one.evidence for one in alone)
    assert analyse_together(analyser, helper, documents()) == alone
    assert helper.analyse(documents()).result() == alone
    assert analyse_together(analyser, helper, documents()[:1]) == alone[:1]
    assert analyse_together(analyser, None, documents()) == alone


def test_a_helper_that_is_killed_is_an_error_and_not_a_wait(helper: AnalysisHelper) -> None:
    os.kill(helper.pid, signal.SIGKILL)
    with pytest.raises(HelperDiedError, match="exited with -9"):
        helper.analyse(documents()).result(timeout=60)


def test_a_closed_helper_is_gone(coding: tuple[object, ...]) -> None:
    one = AnalysisHelper(zlib.compress(pickle.dumps(coding), level=1))
    pid = one.pid
    one.close()
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(pid)


def test_documents_are_halved_by_their_length() -> None:
    day = datetime(2026, 11, 20, tzinfo=UTC)

    def sized(*lengths: int) -> list[Document]:
        return [Document(str(n), "", "x" * length, day) for n, length in enumerate(lengths)]

    assert half(sized(10, 10, 10, 10)) == 2
    assert half(sized(90, 10, 10, 10)) == 1
    assert half(sized(10, 10, 10, 90)) == 4
    assert half(sized(5)) == 1
    assert half([]) == 0
