"""Shared test set-up: helper modules beside the tests are importable by name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE / "transforms", HERE / "pipeline"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

# pytest-xdist names a width to its workers; commands would cut their tables to it.
os.environ.pop("COLUMNS", None)

pytest_plugins = ["seed_server", "postgres_server"]
