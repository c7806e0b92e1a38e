"""What a store holds by date, whether a date is one file or in parts."""

from __future__ import annotations

from pathlib import Path

from transforms.parquet_io import Row, read_rows
from transforms.schemas import DATASETS


def rows_by_date(root: Path, dataset: str) -> dict[str, list[Row]]:
    """Return a dataset's rows by the folder of their partition, in the order of the files."""
    found: dict[str, list[Row]] = {}
    for path in sorted((root / dataset).rglob("*.parquet")):
        where = path.parent.relative_to(root).as_posix()
        found.setdefault(where, []).extend(read_rows(DATASETS[dataset], path))
    return found
