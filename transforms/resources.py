"""Where the files that travel with the program are: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path


def config_dir() -> Path:
    """Return the folder of shipped configs (`configs/` in a checkout, package data in a wheel)."""
    here = Path(__file__).resolve().parent
    packaged = here / "_configs"
    return packaged if packaged.is_dir() else here.parent / "configs"


def resolve_config_path(name: str, base: Path | None = None) -> Path:
    """Return the path that a config value names: as given, beside `base`, or a shipped file.

    Raises FileNotFoundError, naming every place that was tried.
    """
    wanted = Path(name).expanduser()
    tried = [wanted] if wanted.is_absolute() else []
    if not wanted.is_absolute():
        if base is not None:
            tried.append(base / wanted)
        tried += [wanted, config_dir() / wanted]
    for path in tried:
        if path.exists():
            return path
    raise FileNotFoundError(f"{name} not found; looked in: {', '.join(str(p) for p in tried)}")
