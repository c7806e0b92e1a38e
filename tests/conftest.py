"""Shared test set-up: helper modules beside the tests are importable by name."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE / "transforms", HERE / "pipeline"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

pytest_plugins = ["seed_server", "postgres_server"]
