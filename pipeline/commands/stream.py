"""`newsalign stream`: articles in without end, alignment counts out window by window."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.choices import LogFormat
from pipeline.commands.inputs import (
    BEAM_OPTIONS,
    Feed,
    FeedLists,
    Inputs,
    ListenOn,
    Store,
    check_inputs,
    input_overrides,
    text_overrides,
)
from pipeline.commands.options import ConfigFile, Settings, parse_settings, read_config
from pipeline.commands.run import STORE_ERRORS
from pipeline.errors import BAD_USAGE, FAILED, INTERRUPTED, UserError, say_note

if TYPE_CHECKING:
    from pipeline.config import Config


def stream(
    ctx: typer.Context,
    inputs: Inputs = None,
    feed: Feed = None,
    feeds: FeedLists = None,
    output: Store = None,
    runner: Annotated[
        str | None,
        typer.Option("--runner", metavar="NAME", help="A Beam runner that streams; PrismRunner."),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option("--window", metavar="SECONDS", help="What arrives in it makes a batch; 10."),
    ] = None,
    poll: Annotated[
        float | None,
        typer.Option("--poll", metavar="SECONDS", help="Ask a feed at most this often; 1800."),
    ] = None,
    listen: ListenOn = None,
    for_s: Annotated[
        float | None,
        typer.Option("--for", min=1.0, metavar="SECONDS", help="End after this time."),
    ] = None,
    settings: Settings = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option("--log-format", help="Of the events on stdout; default: text on a terminal."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --log-format json.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Tell of each stored article and rejected input by id.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Read feeds and folders without end, commit every few seconds.

    Feeds are asked when they are due, files read as they appear or change.

    Runs until it is stopped (Ctrl-C or SIGTERM: within ten seconds). Killed at any moment it
    loses and doubles nothing: the next start goes on. Any Beam option can follow after "--".
    """
    overrides = input_overrides(parse_settings(settings), inputs, feed, feeds)
    overrides |= text_overrides(
        {"output.path": output, "stream.runner": runner, "stream.listen": listen}
    )
    numbers = {"stream.window_s": window, "feeds.interval_s": poll}
    overrides |= {key: value for key, value in numbers.items() if value is not None}
    if ctx.meta.get(BEAM_OPTIONS):
        overrides["stream.options"] = ctx.meta[BEAM_OPTIONS]
    effective = read_config(config, overrides)
    check_inputs(effective, inputs)
    base = config.parent if config else None
    if json or log_format is None:
        log_format = LogFormat.TEXT if sys.stdout.isatty() and not json else LogFormat.JSON
    if _stream(effective, base, for_s, log_format, debug) == signal.SIGINT:
        raise typer.Exit(INTERRUPTED)


def _stream(
    config: Config, base: Path | None, for_s: float | None, form: LogFormat, debug: bool
) -> int | None:
    """Stream to the end; returns the signal that ended it."""
    from pipeline.config import ConfigError
    from pipeline.formats import console
    from pipeline.metrics import Metrics
    from pipeline.metrics_server import ListenError, MetricsServer
    from pipeline.store.layout import Layout
    from pipeline.store.lock import LockedError
    from pipeline.stream.monitor import Monitor
    from pipeline.stream.supervisor import Supervisor, check_stream, needs_download
    from pipeline.stream.view import json_line, text_line

    screen = console()
    metrics = Metrics(Layout(Path(config.output.path).absolute()))
    monitor = Monitor(config, metrics)

    def show(event: dict[str, Any]) -> None:
        monitor.observe(event)
        try:
            if form is LogFormat.JSON:
                print(json_line(event), flush=True)
            elif (text := text_line(event)) is not None:
                screen.print(text, soft_wrap=True, highlight=False, markup=False)
        except BrokenPipeError:
            raise
        except OSError:
            pass  # what can't be said (stdout on a full disk) ends no stream

    root = Path(config.output.path)
    signalled: list[int] = []
    try:
        check_stream(config, base)
        if config.stream.listen:
            _check_address(config.stream.listen)
        advice = needs_download(config)
        if advice is not None:
            say_note(advice)
        supervisor = Supervisor(config, base, show, for_s, debug)
        with ExitStack() as stack:
            if config.stream.listen:
                server = MetricsServer(config.stream.listen, metrics, monitor.health)
                stack.enter_context(server)
                show({"event": "listening", "port": server.port})
            _stop_on_signals(supervisor.stop, signalled)
            supervisor.run()
    except ListenError as error:
        raise UserError(f"stream.listen: {error}", FAILED) from None
    except ConfigError as error:
        raise UserError(str(error)) from None
    except LockedError as error:
        raise UserError(str(error), FAILED) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        code = FAILED if error.errno in STORE_ERRORS else BAD_USAGE
        raise UserError(f"output.path: {root}: {error.strerror}", code) from None
    return signalled[0] if signalled else None


def _check_address(text: str) -> None:
    from pipeline.metrics_server import ListenError, parse_address

    try:
        parse_address(text)
    except ListenError as error:
        raise UserError(f"stream.listen: {error}") from None


def _stop_on_signals(stop: Any, signalled: list[int]) -> None:
    """Stop from a thread: the main one is reading events, and must go on to read the last."""
    if threading.current_thread() is not threading.main_thread():
        return

    def handle(number: int, _frame: Any) -> None:
        signalled.append(number)
        threading.Thread(target=stop).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
