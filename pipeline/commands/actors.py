"""`newsalign actors`: what the catalog knows."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.loading import load_catalog
from pipeline.commands.options import (
    CatalogFiles,
    ConfigFile,
    JsonLines,
    catalog_paths,
    parse_day,
    read_config,
)
from pipeline.errors import UserError

if TYPE_CHECKING:
    from transforms.catalog import ActorEntry, Catalog, Tenure

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look actors up in the catalog, or check it."
)

Day = Annotated[
    date | None,
    typer.Option("--on", metavar="DAY", parser=parse_day, help="The day that counts; today."),
]


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Any name or id of the actor.")],
    on: Day = None,
    json: JsonLines = False,
    catalog: CatalogFiles = None,
    config: ConfigFile = None,
) -> None:
    """Show one actor: its names, its offices, and what it rolls up to."""
    from pipeline.actor_names import known_actors, nearest, resolve

    loaded = load_catalog(catalog_paths(read_config(config), config, catalog))
    known = known_actors(loaded)
    found = resolve(name, known)
    if found is None:
        close = " or ".join(f"{actor.name} ({actor.id})" for actor in nearest(name, known))
        raise UserError(
            f"no actor is called '{name}'" + (f"; did you mean {close}?" if close else "")
        )
    entry = loaded.actor(found.id)
    day = on or datetime.now(UTC).date()
    if json:
        _print_json(loaded, entry, day)
    else:
        _print_entry(loaded, entry, day)


@app.command()
def search(
    word: Annotated[str, typer.Argument(metavar="WORD", help="Part of a name or id.")],
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="Actors at most.")
    ] = 20,
    catalog: CatalogFiles = None,
    config: ConfigFile = None,
) -> None:
    """Find actors by part of a name."""
    from pipeline.formats import console, print_table

    loaded = load_catalog(catalog_paths(read_config(config), config, catalog))
    today = datetime.now(UTC).date()
    rows = [
        [
            entry.id,
            entry.name,
            entry.type,
            loaded.rollup(entry.id, today),
            loaded.role(entry.id, today),
        ]
        for entry in loaded.search(word, limit)
    ]
    print_table(console(), ["actor", "name", "type", "rolls up to", "role"], rows, [False] * 5)


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="Catalog files or folders, added to the config's.",
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Check catalog files.

    Prints every fault with its file and line: clashing names, overlapping offices, roll-ups to
    nobody. With FILE, only the faults in these; errors make the exit code 2, warnings don't.
    """
    from pipeline.formats import safe_text
    from transforms.catalog_check import check_catalog

    own = catalog_paths(read_config(config), config, [])
    known = {path.resolve() for path in own}
    paths = [*own, *(file for file in files or () if file.resolve() not in known)]
    findings = check_catalog(paths)
    if files:
        findings = [f for f in findings if any(f.path.is_relative_to(file) for file in files)]
    for finding in findings:
        print(safe_text(str(finding)))
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        raise UserError(f"{errors} of {len(findings)} findings are errors")
    actors = len(load_catalog(paths).actors)
    print(f"ok: {actors:,} actors, {len(findings)} warnings")


def _tenure(tenure: Tenure) -> str:
    start = tenure.start.isoformat() if tenure.start else ""
    end = tenure.end.isoformat() if tenure.end else ""
    return f"{tenure.role} of {tenure.rollup}, {start or '…'} to {end or 'now'}"


def _print_entry(catalog: Catalog, entry: ActorEntry, day: date) -> None:
    lines = [
        ("actor", entry.id),
        ("name", entry.name),
        ("type", entry.type),
        ("names", ", ".join(entry.names[1:])),
        ("demonyms", ", ".join(entry.demonyms)),
        ("capital", ", ".join(entry.capitals)),
        ("seats", ", ".join(entry.seats)),
        ("codes", ", ".join(filter(None, [entry.iso2, entry.iso3, entry.cameo]))),
        ("offices", "\n           ".join(_tenure(tenure) for tenure in entry.tenures)),
        ("rolls up", f"to {catalog.rollup(entry.id, day)} on {day}"),
    ]
    for label, text in lines:
        if text:
            print(f"{label:>9}  {text}")


def _print_json(catalog: Catalog, entry: ActorEntry, day: date) -> None:
    from pipeline.formats import to_json

    row = {
        "actor": entry.id,
        "name": entry.name,
        "type": entry.type,
        "names": list(entry.names),
        "demonyms": list(entry.demonyms),
        "capitals": list(entry.capitals),
        "seats": list(entry.seats),
        "iso2": entry.iso2 or None,
        "iso3": entry.iso3 or None,
        "cameo": entry.cameo or None,
        "tenures": [
            {"rollup": t.rollup, "role": t.role, "from": t.start, "to": t.end}
            for t in entry.tenures
        ],
        "on": day,
        "rollup": catalog.rollup(entry.id, day),
        "role": catalog.role(entry.id, day),
    }
    sys.stdout.write(to_json(row) + "\n")
