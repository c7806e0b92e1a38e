"""`newsalign verify`: everything that can be checked about a store, without changing it."""

from __future__ import annotations

import contextlib

from pipeline.config import Config
from pipeline.maintenance.problems import Findings
from pipeline.maintenance.snapshot import snapshot
from pipeline.maintenance.verify_files import check_files, check_journal, check_sums
from pipeline.maintenance.verify_index import check_index
from pipeline.maintenance.verify_rows import check_rows
from pipeline.query import open_store
from pipeline.store.layout import Layout
from pipeline.store.pruned import pruned_before


def verify(layout: Layout, config: Config, wait_s: float = 600.0) -> Findings:
    """Check files, rows, index and journal of a store as it is at one moment.

    A schedule or a run can go on meanwhile; raises LockedError where one holds the store for
    `wait_s` seconds without a break.
    """
    findings = Findings()
    with snapshot(layout, "verify", wait_s) as store:
        damaged = check_files(store, findings)
        check_sums(store, findings)
        check_journal(store, findings)
        with contextlib.closing(open_store(store.root)) as connection:
            check_rows(
                connection,
                config.aggregate,
                config.deduplicate.horizon_days,
                pruned_before(store),
                damaged,
                findings,
            )
            check_index(connection, store, config.deduplicate, damaged, findings)
    return findings
