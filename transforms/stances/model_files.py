"""The files of a stance model: where they are, what they hash to, and the card among them."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any, Final

MODEL: Final = "stance.onnx"
TOKENIZER: Final = "tokenizer.json"
GATE: Final = "gate.npy"
CARD: Final = "stance.json"
FILES: Final = (MODEL, TOKENIZER, GATE, CARD)
FORMAT: Final = 2


class ModelError(Exception):
    """A stance model that is absent or damaged; str() says what and where."""


def check_files(folder: Path) -> None:
    """Raise ModelError for the first file that a model folder lacks."""
    for name in FILES:
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name}: no such file; is the stance model installed?")


def shipped_model() -> Path:
    """Return the folder of the model that travels with the program."""
    return Path(__file__).resolve().parent.parent / "models"


def model_fingerprint(folder: Path | None = None) -> str:
    """Return 16 hex digits over a model's files, the shipped one's for None; raises ModelError."""
    folder = folder or shipped_model()
    check_files(folder)
    digest = hashlib.blake2b(digest_size=8)
    for name in FILES:
        try:
            digest.update(name.encode() + b"\x00" + (folder / name).read_bytes())
        except OSError as error:
            raise ModelError(f"{folder / name}: {error.strerror or error}") from error
    return digest.hexdigest()


def read_card(path: Path) -> dict[str, Any]:
    """Return a model's card; raises ModelError for one that isn't of this format."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if card["format"] != FORMAT:
            raise ModelError(f"{path}: its format is {card['format']}, not {FORMAT}")
        if not (math.isfinite(card["temperature"]) and card["temperature"] > 0):
            raise ModelError(f"{path}: temperature must be above 0")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: not a stance model's card: {error!r}") from error
    return dict(card)
