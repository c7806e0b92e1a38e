"""The day before which a store keeps nothing any more, once it has been pruned."""

from __future__ import annotations

import json
from datetime import date

from pipeline.files import write_durably
from pipeline.store.layout import Layout


def note_pruned(layout: Layout, before: date) -> None:
    """Note that what was published before a day goes; an earlier day changes nothing."""
    known = pruned_before(layout)
    if known is None or before > known:
        write_durably(layout.pruned, json.dumps({"before": before.isoformat()}))


def pruned_before(layout: Layout) -> date | None:
    """Return the day before which partitions were pruned, None if none ever were."""
    try:
        return date.fromisoformat(json.loads(layout.pruned.read_text())["before"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
