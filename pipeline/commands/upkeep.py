"""What the commands that keep a store healthy share: the store, its config, how they fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.options import parse_settings, read_config, store_folder
from pipeline.errors import FAILED, UserError

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.store.layout import Layout


def open_upkeep(
    output: Path | None, config: Path | None, settings: list[str] | None
) -> tuple[Layout, Config]:
    """Return the store and the config that hold; raises UserError where there is no store."""
    from pipeline.maintenance.access import find_store

    effective = read_config(config, parse_settings(settings))
    return find_store(store_folder(output, effective)), effective


@contextmanager
def upkeep_errors() -> Iterator[None]:
    """Turn what a store's upkeep can run into to one line and exit code 1."""
    import pyarrow as pa

    from pipeline.store.lock import LockedError

    try:
        yield
    except LockedError as error:
        raise UserError(str(error), FAILED) from None
    except pa.ArrowException as error:
        text = f"a file can't be read ({error}); newsalign verify says which"
        raise UserError(text, FAILED) from None
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"the store can't be written: {error}", FAILED) from None
