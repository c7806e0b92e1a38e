"""What a batch leaves for its commit: a list of staged files and the index's changes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transforms.partitions import Staged

MANIFEST, INDEX_CHANGES = "manifest.json", "index.json"


def staged_file(staged: Staged) -> dict[str, Any]:
    """Return a staged file as the commit's intent record states it."""
    return {**asdict(staged.place), "path": staged.path, "rows": staged.rows}


def write_manifest(staging: Path, parts: Iterable[tuple[str, Any]]) -> str:
    """Write `manifest.json` (files, counts) and `index.json` (index changes); return the folder."""
    files: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    index: dict[str, Any] = {
        "articles": [],
        "bands": {},
        "edges": [],
        "dropped_edges": [],
        "aliases": {},
        "dropped_aliases": [],
        "rejects": {},
        "dropped_rejects": [],
    }
    for name, value in parts:
        if name == "files":
            files.append(value)
        elif name == "counts":
            for key, number in value.items():
                counts[key] = counts.get(key, 0) + number
        elif name == "articles":
            index["articles"].append(value)
        elif name in ("bands", "rejects"):
            index[name][value[0]] = value[1]
        elif name == "aliases":
            index["aliases"].update(value)
        else:
            index[name].extend(value)
    staging.mkdir(parents=True, exist_ok=True)
    files.sort(key=lambda file: (file["dataset"], file["day"]))
    index["articles"].sort(key=lambda article: article["article_id"])
    (staging / INDEX_CHANGES).write_text(json.dumps(index), encoding="utf-8")
    (staging / MANIFEST).write_text(
        json.dumps({"files": files, "counts": counts}), encoding="utf-8"
    )
    return str(staging)
