from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fixture_store import build_store
from typer.testing import CliRunner, Result

from pipeline.cli import app

Invoke = Callable[..., Result]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small store that tests read and never write."""
    return build_store(tmp_path_factory.mktemp("fixture") / "store")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags for a config with a catalog of four invented states."""
    actors = Path(__file__).parents[1] / "data" / "invented_actors.json"
    path = tmp_path_factory.mktemp("config") / "small.toml"
    path.write_text(f'[actors]\ncatalog = ["{actors.as_posix()}"]\n')
    return ["--config", str(path)]


@pytest.fixture
def invoke() -> Invoke:
    """Run the program in this process: `invoke("query", "SELECT 1", input="…")`."""
    runner = CliRunner()

    def run(*args: object, input: str | bytes | None = None) -> Result:
        return runner.invoke(app, [str(arg) for arg in args], input=input, catch_exceptions=False)

    return run
