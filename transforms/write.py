"""Writing partitions as a Beam step."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import apache_beam as beam

from transforms.partitions import Change, Place, Staged, stage


class StagePartitions(beam.PTransform):
    """PCollection[(Place, Change)] -> PCollection[Staged]: one file per touched partition."""

    def __init__(self, root: str, staging: str) -> None:
        super().__init__()
        self._root = root
        self._staging = staging

    def expand(self, changes: beam.PCollection[tuple[Place, Change]]) -> beam.PCollection[Staged]:
        root, staging = self._root, self._staging

        def write(group: tuple[tuple[str, str], Iterable[Change]]) -> Staged:
            (dataset, day), values = group
            return stage(Path(root), Path(staging), Place(dataset, day), values)

        return (
            changes
            | "KeyByPlace" >> beam.Map(lambda pair: ((pair[0].dataset, pair[0].day), pair[1]))
            | "GroupByPlace" >> beam.GroupByKey()
            | "Stage" >> beam.Map(write)
        )
