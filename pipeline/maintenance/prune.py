"""`newsalign prune`: old partitions go, with what the index knows of them; the rest stays as it is.

Whole ISO weeks are kept or go, so that the days that stay still add up to their weeks. Aliases,
actors and outlets stay for ever.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.errors import UserError
from pipeline.maintenance.access import Visit, date_of_folder, shrink_index
from pipeline.store.commit import Commit, commit
from pipeline.store.index import IndexChanges
from pipeline.store.layout import Layout
from pipeline.store.pruned import note_pruned
from transforms.schemas import ARTICLES, DATASETS

_KEEP = re.compile(r"([0-9]{1,6})\s*([dwy])")
_DAYS = {"d": 1, "w": 7, "y": 365}
LONGEST_DAYS = 365 * 100


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What goes: everything before the Monday `before`.

    `files` are relative to the store; `partitions` and `bytes` are by dataset; `left` is the
    number of article partitions that stay.
    """

    before: date
    files: tuple[str, ...]
    partitions: dict[str, int]
    bytes: dict[str, int]
    left: int


def parse_keep(text: str) -> int:
    """Return the days that "180d", "26w" or "2y" (365 days each) mean; raises UserError."""
    match = _KEEP.fullmatch(text.strip().lower())
    if match is None:
        raise UserError(f"--keep {text}: write it like 180d, 26w or 2y")
    days = int(match[1]) * _DAYS[match[2]]
    if days > LONGEST_DAYS:
        raise UserError(f"--keep {text}: more than a hundred years; nothing would ever go")
    return days


def plan_prune(layout: Layout, keep_days: int, today: date, horizon_days: int) -> PrunePlan:
    """Return what pruning would remove; raises UserError for a time too short to keep.

    Articles within `horizon_days` of each other can still become one story, so at least that and
    the week that is under way are kept.
    """
    least = horizon_days + 7
    if keep_days < least:
        raise UserError(
            f"--keep: {keep_days} days is too short; copies are joined within"
            f" {horizon_days} days (deduplicate.horizon_days), keep at least {least}d"
        )
    oldest = today - timedelta(days=keep_days)
    before = oldest - timedelta(days=oldest.weekday())
    files: list[str] = []
    partitions: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    left = 0
    for name in DATASETS:
        for folder in sorted((layout.root / name).glob("date=*")):
            day = date_of_folder(folder)
            if day is None or day >= before:
                left += day is not None and name == ARTICLES.name
                continue
            partitions[name] += 1
            for path in sorted(folder.iterdir()):
                if path.is_file():
                    files.append(path.relative_to(layout.root).as_posix())
                    sizes[name] += path.stat().st_size
    return PrunePlan(before, tuple(files), dict(partitions), dict(sizes), left)


def prune(layout: Layout, plan: PrunePlan, visit: Visit) -> int:
    """Carry a plan out, all of it or, after a kill, the rest with the next start.

    Returns the bytes by which the index became smaller; the writer lock is held.
    """
    # First, so that whoever looks into a store that was pruned by half knows of it.
    note_pruned(layout, plan.before)
    change = Commit(
        batch_id=visit.run_id,
        staging=(layout.staging / visit.run_id).relative_to(layout.root).as_posix(),
        files=[],
        index=IndexChanges(before=plan.before.isoformat()),
        offsets={},
        removed=plan.files,
    )
    commit(layout, change)
    freed = shrink_index(layout.index)
    visit.record(
        layout,
        {"partitions": sum(plan.partitions.values()), "bytes_freed": sum(plan.bytes.values())},
    )
    return freed
