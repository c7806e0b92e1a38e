"""The code blocks of README.md, for tests to run, and to write real output into it again.

`python tests/pipeline/readme_blocks.py` runs the commands of every `console` block against the
store in `out/` (made by `make run`) and replaces the output that stands below them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the README's line that it starts on."""

    language: str
    text: str
    line: int


def blocks(readme: str) -> Iterator[Block]:
    """Yield the fenced blocks that name a language."""
    for match in _FENCE.finditer(readme):
        yield Block(match[1], match[2], readme.count("\n", 0, match.start()) + 1)


def commands(block: Block) -> list[str]:
    """Return the shell commands of a `sh` block, or those after "$ " of a `console` block."""
    lines = block.text.splitlines()
    if block.language == "sh":
        return [line for line in lines if line and not line.startswith("#")]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def refresh(readme: str) -> str:
    """Return the README with the real output below each command of its `console` blocks."""

    def rerun(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        parts = []
        for command in commands(Block(match[1], match[2], 0)):
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


if __name__ == "__main__":
    README.write_text(refresh(README.read_text(encoding="utf-8")), encoding="utf-8")
