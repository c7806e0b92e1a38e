"""`newsalign schedule`: runs that start by themselves, for months."""

from __future__ import annotations

import getpass
import signal
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.choices import LogFormat, Unit
from pipeline.commands.inputs import (
    BEAM_OPTIONS,
    Feed,
    FeedLists,
    Inputs,
    ListenOn,
    LogFormatOption,
    RunnerName,
    Store,
    Workers,
    check_inputs,
    has_input,
    input_overrides,
    text_overrides,
)
from pipeline.commands.options import ConfigFile, Settings, parse_settings
from pipeline.commands.run import STORE_ERRORS
from pipeline.errors import BAD_USAGE, FAILED, INTERRUPTED, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.config import Config
    from pipeline.schedule.plan import Plan
    from pipeline.schedule.units import Flags
    from pipeline.store.layout import Layout


def schedule(
    ctx: typer.Context,
    inputs: Inputs = None,
    feed: Feed = None,
    feeds: FeedLists = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="TIME", help="Start a run so often: 15m, 6h.")
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option("--cron", metavar="EXPR", help="Or by a cron expression: '*/15 * * * *'."),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option("--timezone", metavar="ZONE", help="Of the cron expression; default: UTC."),
    ] = None,
    jitter: Annotated[
        str | None,
        typer.Option("--jitter", metavar="TIME", help="Start up to this much later, by chance."),
    ] = None,
    listen: ListenOn = None,
    output: Store = None,
    runner: RunnerName = None,
    workers: Workers = None,
    settings: Settings = None,
    log_format: LogFormatOption = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log each stored article and rejected input by id.")
    ] = False,
    runs: Annotated[
        int | None, typer.Option("--runs", min=1, metavar="N", help="Stop after so many runs.")
    ] = None,
    show_unit: Annotated[
        Unit | None,
        typer.Option("--print", help="Print what keeps this command running there; start nothing."),
    ] = None,
    image: Annotated[
        str,
        typer.Option("--image", metavar="NAME", help="With --print kubernetes: the image."),
    ] = "newsalign:latest",
    config: ConfigFile = None,
) -> None:
    """Run again and again: feeds when they are due, files when changed.

    Runs never overlap, and one that fails is tried again sooner. SIGTERM ends the schedule within
    ten seconds, and nothing is lost; SIGHUP reads the config again. Any Beam option can follow
    after "--".
    """
    from pipeline.schedule.waker import held

    if every and cron:
        raise UserError("--every and --cron: name one of them")
    # A service manager may want the config read again before it has been read once.
    with held(signal.SIGHUP):
        flags = _flags(ctx)
        if show_unit is not None:
            _print_unit(show_unit, flags, config, image)
            return
        signalled = _schedule(flags, config, log_format, debug, runs)
    if signalled is not None and signalled != signal.SIGTERM:
        raise typer.Exit(INTERRUPTED)


def _schedule(
    flags: Flags,
    config: Path | None,
    log_format: LogFormat | None,
    debug: bool,
    runs: int | None,
) -> int | None:
    from pipeline.config import ConfigError

    def read() -> tuple[Config, Path | None]:
        from pipeline.config import load_config

        return load_config(config, _overrides(flags)), config.parent if config else None

    try:
        effective, _ = read()
        check_inputs(effective, flags.inputs, feeds_may_come=runs is None)
        return _keep_running(read, log_format, debug, runs)
    except ConfigError as error:
        raise UserError(str(error)) from None


def _flags(ctx: typer.Context) -> Flags:
    from pipeline.schedule.units import Flags

    given = ctx.params
    config = given["config"]
    values: dict[str, Any] = {
        **{name: given[name] or () for name in ("inputs", "feed", "feeds", "settings")},
        **{name: given[name] for name in ("output", "runner", "workers", "every", "cron")},
        **{name: given[name] for name in ("timezone", "jitter", "listen")},
        "config": None if config is None else str(config),
        "beam": ctx.meta.get(BEAM_OPTIONS, ()),
    }
    return Flags(**values)


def _overrides(flags: Flags) -> dict[str, Any]:
    """Return the config keys that the command line sets; raises ConfigError."""
    from pipeline.config import ConfigError
    from pipeline.schedule.cadence import CadenceError, parse_duration

    pairs = parse_settings(list(flags.settings))
    overrides = input_overrides(pairs, flags.inputs, flags.feed, flags.feeds)
    overrides |= text_overrides(
        {
            "output.path": flags.output,
            "runner.name": flags.runner,
            "schedule.every": flags.every,
            "schedule.cron": "" if flags.every else flags.cron,
            "schedule.timezone": flags.timezone,
            "schedule.listen": flags.listen,
        }
    )
    if flags.workers is not None:
        overrides["runner.workers"] = flags.workers
    if flags.jitter is not None:
        try:
            overrides["schedule.jitter_s"] = (
                0.0 if flags.jitter in ("0", "0s") else parse_duration(flags.jitter)
            )
        except CadenceError as error:
            raise ConfigError(f"--jitter: {error}") from None
    if flags.beam:
        overrides["runner.options"] = list(flags.beam)
    return overrides


def _keep_running(
    read: Callable[[], tuple[Config, Path | None]],
    log_format: LogFormat | None,
    debug: bool,
    runs: int | None,
) -> int | None:
    from pipeline.logs import start_logging, tell
    from pipeline.metrics import Metrics
    from pipeline.metrics_server import ListenError, MetricsServer
    from pipeline.schedule.plan import make_plan
    from pipeline.schedule.scheduler import Scheduler, no_progress
    from pipeline.store.layout import Layout
    from pipeline.store.lock import LockedError, writer_lock

    def plan_anew() -> Plan:
        return make_plan(*read())

    plan = plan_anew()
    layout = Layout(Path(plan.config.output.path).absolute())
    on_terminal = sys.stderr.isatty()
    form = log_format or (LogFormat.TEXT if on_terminal else LogFormat.JSON)
    with ExitStack() as stack:
        try:
            stack.enter_context(writer_lock(layout.schedule_lock, "schedule"))
        except LockedError:
            raise UserError(_who_runs(layout), FAILED) from None
        except OSError as error:
            code = FAILED if error.errno in STORE_ERRORS else BAD_USAGE
            raise UserError(f"output.path: {layout.root}: {error.strerror}", code) from None
        metrics = Metrics(layout)
        scheduler = Scheduler(
            plan,
            layout,
            plan_anew,
            tell,
            metrics=metrics,
            show_progress=_bar if on_terminal and form is LogFormat.TEXT else no_progress,
            ids=debug,
            json_log=form is LogFormat.JSON,
        )
        address = plan.config.schedule.listen
        port = None
        if address:
            try:
                server = stack.enter_context(MetricsServer(address, metrics, scheduler.health))
            except ListenError as error:
                raise UserError(f"schedule.listen: {error}", FAILED) from None
            port = server.port
        start_logging(json_lines=form is LogFormat.JSON, debug=debug)
        if port is not None:
            tell("listening", {"port": port})
        if not has_input(plan.config):
            tell("nothing_to_read", {"hint": f"newsalign feeds add URL --output {layout.root}"})
        return scheduler.run(runs)


def _who_runs(layout: Layout) -> str:
    from pipeline.store.lock import find_holder

    who = find_holder(layout.schedule_lock) or {}
    name = "process {pid} on {host}, since {since}".format(
        **{key: who.get(key, "?") for key in ("pid", "host", "since")}
    )
    return f"{layout.root}: another schedule runs there ({name})"


@contextmanager
def _bar() -> Iterator[Callable[[Mapping[str, Any]], None]]:
    from pipeline.progress import show_progress
    from pipeline.run import Progress

    with show_progress() as show:
        yield lambda fields: show(Progress(**fields))


def _print_unit(unit: Unit, flags: Flags, config: Path | None, image: str) -> None:
    from pipeline.commands.options import read_config
    from pipeline.config import ConfigError
    from pipeline.metrics_server import ListenError
    from pipeline.schedule.cadence import CadenceError
    from pipeline.schedule.plan import make_plan
    from pipeline.schedule.pod_files import pack_for_pod
    from pipeline.schedule.units import crontab_line, kubernetes_objects, systemd_unit

    try:
        effective = read_config(config, _overrides(flags))
        base = config.parent if config else None
        make_plan(effective, base)
        if unit is Unit.KUBERNETES:
            packed, files = pack_for_pod(flags, effective, base)
            text = kubernetes_objects(packed, image, files)
        elif unit is Unit.SYSTEMD:
            store = Path(effective.output.path).absolute()
            text = systemd_unit(flags, _program(), Path.cwd(), store, getpass.getuser())
        else:
            text = crontab_line(flags, effective.schedule, _program(), Path.cwd())
    except (CadenceError, ConfigError, ListenError) as error:
        raise UserError(str(error)) from None
    sys.stdout.write(text)


def _program() -> Path:
    return Path(sys.executable).with_name("newsalign")
