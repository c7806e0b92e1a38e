"""`newsalign feeds`: the feeds that a run reads, and what is known of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.options import JsonLines
from pipeline.commands.where import Where, takes_where
from pipeline.errors import FAILED, UserError

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.feeds.opml import Subscription
    from pipeline.feeds.state import FeedStore
    from transforms.feed_state import FeedState

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Add, list, check, import or export feeds."
)

Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", "-t", metavar="TAG", help="A tag, as News or News/Europe; repeatable."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@app.command()
@takes_where
def add(
    where: Where,
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="Feed URLs.")],
    outlet: Annotated[
        str | None, typer.Option("--outlet", metavar="NAME", help="The outlet of their articles.")
    ] = None,
    tag: Tags = None,
    json: JsonLines = False,
) -> None:
    """Add feeds, or change the outlet and tags of known ones.

    `newsalign run` without inputs reads them when they are due. Nothing is fetched now: `feeds
    check` does that. A feed that was given up as gone (410) is asked again.
    """
    from pipeline.feeds.opml import Subscription

    with _store(where, make=True) as (store, _):
        wanted = [Subscription(_url(url), None, outlet, tuple(tag or ())) for url in urls]
        _add(store, wanted, json)


@app.command("list")
@takes_where
def list_feeds(
    where: Where,
    tag: Tags = None,
    failing: Annotated[
        bool, typer.Option("--failing", help="Only those whose last poll failed.")
    ] = False,
    json: JsonLines = False,
) -> None:
    """List the feeds that were added, and how their polls went."""
    from pipeline.feeds.registry import tagged
    from pipeline.formats import console, print_table, to_json

    with _store(where) as (store, _):
        states = tagged(store.registered(), tag or ())
    if failing:
        states = [state for state in states if state.failures or state.retired]
    if json:
        for state in states:
            sys.stdout.write(to_json(_as_row(state)) + "\n")
        return
    names = ["feed", "outlet", "tags", "last success", "newest item", "next due", "state"]
    rows = [
        [
            state.url,
            state.outlet,
            ", ".join(state.tags),
            _minute(state.last_success),
            _minute(state.last_item_at),
            _minute(state.next_due),
            _standing(state),
        ]
        for state in states
    ]
    print_table(console(), names, rows, [False] * len(names))


@app.command()
@takes_where
def check(
    where: Where,
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL", show_default=False, help="Default: all that were added."),
    ] = None,
    tag: Tags = None,
    json: JsonLines = False,
    quiet: Quiet = False,
) -> None:
    """Fetch feeds and say what each is and what is wrong.

    What it is (RSS 2.0, Atom 1.0, ...), how fresh, how many items. Nothing is saved. The exit
    code is 1 if a feed can't be read.
    """
    from pipeline.feeds.check import check_feeds
    from pipeline.feeds.registry import tagged
    from pipeline.formats import to_json
    from pipeline.progress import show_progress
    from pipeline.run import Progress
    from transforms.read_feeds import FeedSource

    if urls:
        effective = where.read_config()
        sources = [FeedSource(_url(url)) for url in urls]
    else:
        with _store(where) as (store, effective):
            states = tagged(store.registered(), tag or ())
        sources = [state.source for state in states]
    checks = []
    now = datetime.now(UTC)
    with show_progress(quiet or not sources) as show:
        show(Progress("checking", 0, len(sources)))
        for found in check_feeds(
            sources, effective.network, effective.read, effective.feeds.stale_days, now
        ):
            checks.append(found)
            show(Progress("checking", len(checks), len(sources)))
    checks.sort(key=lambda found: found.url)
    if json:
        for found in checks:
            sys.stdout.write(to_json({**asdict(found), "problems": list(found.problems)}) + "\n")
    else:
        _print_checks([asdict(found) for found in checks])
    broken = sum(found.state == "broken" for found in checks)
    if broken:
        raise UserError(f"{broken} of {len(checks)} feeds can't be read", FAILED)


@app.command()
@takes_where
def remove(
    where: Where,
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="Feed URLs, as listed.")],
) -> None:
    """Remove feeds and what is known of them; their articles stay."""
    from pipeline.feeds.registry import remove_feeds

    with _store(where) as (store, _):
        wanted = list(dict.fromkeys(_url(url) for url in urls))
        unknown = remove_feeds(store, wanted)
    print(f"removed {len(wanted) - len(unknown)}")
    if unknown:
        raise UserError(f"no such feed: {', '.join(unknown)}")


@app.command("import")
@takes_where
def import_feeds(
    where: Where,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="OPML, or a URL a line.")],
    tag: Tags = None,
    json: JsonLines = False,
) -> None:
    """Add the feeds of an OPML file; its folders become tags."""
    from dataclasses import replace

    from pipeline.feeds.opml import read_subscriptions
    from pipeline.feeds.place import FeedsError

    try:
        found = read_subscriptions(file.read_bytes())
    except OSError as error:
        raise UserError(f"{file}: can't be read: {error.strerror}") from None
    except FeedsError as error:
        raise UserError(f"{file}: {error}") from None
    wanted, unusable = [], []
    for one in found:
        try:
            url = _url(one.url)
        except UserError as error:
            unusable.append(str(error))
            continue
        wanted.append(replace(one, url=url, tags=(*one.tags, *(tag or ()))))
    with _store(where, make=True) as (store, _):
        _add(store, wanted, json)
    if unusable:
        from pipeline.errors import say_warning

        say_warning(f"{file}: {len(unusable)} left out; first: {unusable[0]}")


@app.command()
@takes_where
def export(
    where: Where,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", show_default=False, help="Default: standard output."),
    ] = None,
    tag: Tags = None,
) -> None:
    """Write the feeds as OPML; tags become folders."""
    from pipeline.feeds.opml import write_opml
    from pipeline.feeds.registry import as_subscription, tagged
    from pipeline.formats import text_sink

    with _store(where) as (store, _):
        states = tagged(store.registered(), tag or ())
    document = write_opml(map(as_subscription, states), datetime.now(UTC))
    with text_sink(file, "FILE") as sink:
        sink.write(document.decode("utf-8"))


@app.command()
@takes_where
def discover(
    where: Where,
    site: Annotated[str, typer.Argument(metavar="SITE", help="A site or one of its pages.")],
    keep: Annotated[bool, typer.Option("--add", help="Add what is found.")] = False,
    tag: Tags = None,
    json: JsonLines = False,
) -> None:
    """Find a site's feeds and news sitemaps.

    Those that the page links, else those at the usual places; each is read once to prove it.
    """
    from pipeline.feeds.discover import discover as find
    from pipeline.feeds.opml import Subscription
    from pipeline.feeds.place import FeedsError
    from pipeline.feeds.registry import add_feeds
    from pipeline.formats import console, print_table, to_json

    effective = where.read_config()
    try:
        found = find(_url(site), effective.network, effective.feeds, datetime.now(UTC))
    except FeedsError as error:
        raise UserError(str(error), FAILED) from None
    if json:
        for one in found:
            sys.stdout.write(to_json(asdict(one)) + "\n")
    elif found:
        names = ["feed", "found by", "kind", "title", "items", "newest item"]
        rows = [
            [one.url, one.how, one.kind, one.title, one.items, _minute(one.newest_at)]
            for one in found
        ]
        print_table(console(), names, rows, [False] * 4 + [True, False])
    if not found:
        raise UserError(f"{site}: no feed found", FAILED)
    if keep:
        with _store(where, make=True) as (store, _):
            wanted = [Subscription(one.url, one.title, None, tuple(tag or ())) for one in found]
            changes = add_feeds(store, wanted, datetime.now(UTC))
        if not json:
            print(f"added {sum(one.change == 'added' for one in changes)}")


@contextmanager
def _store(where: Where, make: bool = False) -> Iterator[tuple[FeedStore, Config]]:
    """Open the feeds' database, or `make` it; what is wrong with it is one line."""
    from pipeline.feeds.place import FeedsError, database_url, may_hold_feeds
    from pipeline.feeds.state import FeedStore
    from pipeline.store.layout import Layout

    effective = where.read_config()
    layout = Layout(where.folder(effective).absolute())
    if not (make or may_hold_feeds(effective.feeds, layout)):
        raise UserError(f"{layout.root}: no feeds yet; newsalign feeds add URL")
    try:
        yield FeedStore(database_url(effective.feeds, layout)), effective
    except FeedsError as error:
        raise UserError(f"feeds.database: {error}") from None
    except OSError as error:
        raise UserError(f"{layout.state}: {error.strerror}") from None


def _url(text: str) -> str:
    from pipeline.feeds.place import FeedsError
    from pipeline.feeds.registry import feed_url

    try:
        return feed_url(text)
    except FeedsError as error:
        raise UserError(str(error)) from None


def _add(store: FeedStore, feeds: Iterable[Subscription], json: bool = False) -> None:
    from pipeline.feeds.registry import add_feeds
    from pipeline.formats import safe_text, to_json

    changes = add_feeds(store, feeds, datetime.now(UTC))
    for one in changes:
        if json:
            sys.stdout.write(to_json(asdict(one)) + "\n")
        elif len(changes) <= 20:
            print(f"{one.change:>9}  {safe_text(one.url)}")
    if not json and len(changes) > 20:
        for name in ("added", "updated", "revived", "unchanged"):
            print(f"{name:>9}  {sum(one.change == name for one in changes):,}")


def _as_row(state: FeedState) -> dict[str, Any]:
    row = {**asdict(state), "tags": list(state.tags), "state": _standing(state)}
    del row["pace"], row["moves"], row["moved_to"], row["memory"]
    return row


def _standing(state: FeedState) -> str:
    if state.retired:
        return state.retired
    if state.last_polled is None:
        return "new"
    moved = f", now at {state.address}" if state.address else ""
    return (state.last_reason or "ok") + moved


def _minute(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""


def _print_checks(checks: list[dict[str, Any]]) -> None:
    from pipeline.formats import console, print_table

    names = ["feed", "state", "kind", "items", "newest item", "what is wrong"]
    rows = [
        [
            one["url"],
            one["state"],
            one["kind"],
            one["items"],
            _minute(one["newest_at"]),
            "; ".join(one["problems"]),
        ]
        for one in checks
    ]
    print_table(console(), names, rows, [False] * 3 + [True, False, False])
