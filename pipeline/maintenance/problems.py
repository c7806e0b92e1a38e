"""What `newsalign verify` finds, and how much of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# Beyond these a check's problems are counted and not listed.
LISTED = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the check that found it, where, and what."""

    check: str
    where: str
    what: str


@dataclass(slots=True)
class Findings:
    """The checks that were made, what each found, and what was left out and why."""

    found: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    rows: int = 0

    def check(self, name: str, found: Iterable[tuple[str, str]]) -> None:
        """Add a check with what it found, as (where, what)."""
        count = self.found.get(name, 0)
        for where, what in found:
            count += 1
            if count <= LISTED:
                self.problems.append(Problem(name, where, what))
        self.found[name] = count

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.found.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the findings as JSON values."""
        return {
            "ok": self.ok,
            "files": self.files,
            "bytes": self.bytes,
            "rows": self.rows,
            "checks": self.found,
            "problems": [
                {"check": one.check, "where": one.where, "what": one.what} for one in self.problems
            ],
            "notes": self.notes,
        }
