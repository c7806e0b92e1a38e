"""The code blocks of README.md and docs/, for tests to run; and real output for README.md.

`python tests/pipeline/readme_blocks.py` runs the commands of every `console` block against the
store in `out/` (made by `make run`) and replaces the output that stands below them. Meanwhile it
serves `seeds/` on port 8000, as the README says, and the registry `desk/` is its own.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = (README, ROOT / "docs" / "recipes.md", ROOT / "docs" / "evaluation.md")
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and where it starts, as "README.md:12"."""

    language: str
    text: str
    place: str


def blocks(document: Path) -> Iterator[Block]:
    """Yield the fenced blocks that name a language."""
    text = document.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(match[1], match[2], f"{document.name}:{line}")


def commands(block: Block) -> list[str]:
    """Return the shell commands of a `sh` block, or those after "$ " of a `console` block."""
    lines = block.text.splitlines()
    if block.language == "console":
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    # A command in a `sh` block starts at the margin and may go on, indented.
    found: list[str] = []
    for line in lines:
        if line.startswith(" "):
            found[-1] += f"\n{line}"
        elif line:
            found.append(line)
    return found


def refresh(readme: str) -> str:
    """Return the README with the real output below each command of its `console` blocks."""

    def rerun(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        parts = []
        for command in commands(Block(match[1], match[2], "README.md")):
            output = _output(command)
            parts.append(f"$ {command}\n{output}" if output else f"$ {command}\n")
        return f"```console\n{chr(10).join(parts)}```"

    return _FENCE.sub(rerun, readme)


def _output(command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def main() -> None:
    """Refresh the README in place."""
    serve = functools.partial(SimpleHTTPRequestHandler, directory=str(ROOT / "seeds"))
    with ThreadingHTTPServer(("localhost", 8000), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            README.write_text(refresh(README.read_text(encoding="utf-8")), encoding="utf-8")
        finally:
            shutil.rmtree(ROOT / "desk", ignore_errors=True)
            server.shutdown()


if __name__ == "__main__":
    main()
