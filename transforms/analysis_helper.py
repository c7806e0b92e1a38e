"""A second process that analyses a share of each batch: `python -m transforms.analysis_helper`.

For a job process that stays, whose steps all run in it: Beam's own workers start anew with every
job, and take seconds for it. A document's analysis doesn't depend on where it is made.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from transforms.processes import die_with_parent
from transforms.records import Analysis, Document

if TYPE_CHECKING:
    from transforms.analyse import Analyser

MODULE = "transforms.analysis_helper"


class HelperDiedError(RuntimeError):
    """The helping process is gone; the text says how, as a lost worker's does."""


class AnalysisHelper:
    """The helping process, seen from the one that it helps.

    It is started at once and loads beside whatever else happens. `coding` is the compressed
    pickle of what an `Analyser` is made from. The process belongs to one thread of its own, since
    the kernel ends it with the thread that started it.
    """

    def __init__(self, coding: bytes) -> None:
        self._coding = coding
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="analysis-helper")
        self._started = self._thread.submit(self._start)

    def analyse(self, documents: Sequence[Document]) -> Future[list[Analysis]]:
        """Have documents analysed; the result raises HelperDiedError where the process died."""
        return self._thread.submit(self._ask, list(documents))

    def close(self) -> None:
        """End the process."""
        self._started.result()
        if self._process is not None:
            self._process.kill()
        self._thread.submit(self._reap).result()
        self._thread.shutdown()

    @property
    def pid(self) -> int:
        """Return the process's id."""
        self._started.result()
        assert self._process is not None
        return self._process.pid

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _ask(self, documents: list[Document]) -> list[Analysis]:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        try:
            if self._coding:
                pickle.dump(self._coding, process.stdin)
                self._coding = b""
            pickle.dump(documents, process.stdin)
            process.stdin.flush()
            answer: list[Analysis] = pickle.load(process.stdout)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):
            code = process.wait()
            raise HelperDiedError(f"the process that helps to analyse exited with {code}") from None
        return answer

    def _reap(self) -> None:
        if self._process is None:
            return
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                # What a dead process has not read can't be flushed.
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def analyse_together(
    analyser: Analyser, helper: AnalysisHelper | None, documents: Sequence[Document]
) -> list[Analysis]:
    """Return one analysis per document, in order; the helper makes about half of them."""
    middle = half(documents)
    if helper is None or not 0 < middle < len(documents):
        return analyser.analyse(documents)
    theirs = helper.analyse(documents[middle:])
    ours = analyser.analyse(documents[:middle])
    return [*ours, *theirs.result()]


def half(documents: Sequence[Document]) -> int:
    """Return how many documents hold half of what is to be read; the first half is the larger."""
    sizes = [len(document.title) + len(document.text) for document in documents]
    total, so_far = sum(sizes), 0
    for number, size in enumerate(sizes):
        if 2 * so_far >= total:
            return number
        so_far += size
    return len(documents)


def main(arguments: list[str]) -> int:
    """Answer lists of documents on stdin with lists of analyses on stdout, until stdin closes."""
    from transforms.analyse import Analyser

    die_with_parent(int(arguments[0]))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: Any = sys.stdin.buffer
    try:
        coding: bytes = pickle.load(requests)
        analyser = Analyser(*pickle.loads(zlib.decompress(coding)))
        while True:
            pickle.dump(analyser.analyse(pickle.load(requests)), answers)
            answers.flush()
    except EOFError:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
