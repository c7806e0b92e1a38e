"""Writing partitions as a Beam step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import apache_beam as beam

from transforms.partitions import Change, Place, Staged, stage


class StagePartitions(beam.PTransform):
    """PCollection[(Place, Change)] -> PCollection[Staged]: the files of touched partitions.

    `new_parts` is of how many parts a date is that has no file yet (`transforms.parts`), from the
    date `parts_since` on; what comes late to earlier dates is little, and one file will do.
    """

    def __init__(self, root: str, staging: str, new_parts: int = 1, parts_since: str = "") -> None:
        super().__init__()
        self._root = root
        self._staging = staging
        self._new_parts = new_parts
        self._parts_since = parts_since

    def expand(self, changes: beam.PCollection[tuple[Place, Change]]) -> beam.PCollection[Staged]:
        root, staging = self._root, self._staging
        new_parts, parts_since = self._new_parts, self._parts_since

        def write(group: tuple[tuple[str, str], Iterable[Change]]) -> Iterator[Staged]:
            (dataset, day), values = group
            parts = new_parts if day >= parts_since else 1
            yield from stage(Path(root), Path(staging), Place(dataset, day), values, parts)

        return (
            changes
            | "KeyByPlace" >> beam.Map(lambda pair: ((pair[0].dataset, pair[0].day), pair[1]))
            | "GroupByPlace" >> beam.GroupByKey()
            | "Stage" >> beam.FlatMap(write)
        )
