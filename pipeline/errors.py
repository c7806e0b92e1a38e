"""How the program ends when something is wrong: one line on stderr and a meant exit code.

| code | meaning |
| --- | --- |
| 0 | it worked; rejected inputs are in `rejects`, they never change the code |
| 1 | the work itself failed |
| 2 | the command line, the config or a named file is wrong; nothing was done |
| 130 | interrupted |
| 141 | the reader of a pipe went away (128 + SIGPIPE, as other Unix tools report it) |
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from typer import Exit, TyperException
from typer.core import TyperGroup

FAILED = 1
BAD_USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141

DEBUG_VARIABLE = "NEWSALIGN_DEBUG"


class UserError(Exception):
    """Something that the person who typed the command can put right; str() is the whole message."""

    def __init__(self, message: str, exit_code: int = BAD_USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def one_line(text: str) -> str:
    """Return `text` with every run of white space, line breaks too, as one space."""
    return " ".join(text.split())


def say_error(message: str) -> None:
    """Print one error line to stderr."""
    print(f"newsalign: error: {one_line(message)}", file=sys.stderr)


def say_warning(message: str) -> None:
    """Print one warning line to stderr."""
    print(f"newsalign: warning: {one_line(message)}", file=sys.stderr)


def say_note(message: str) -> None:
    """Print one line of advice to stderr, so that stdout stays pure data."""
    print(f"newsalign: {one_line(message)}", file=sys.stderr)


def usage_message(error: TyperException) -> str:
    """Return a usage error in one line, with the command whose --help explains it."""
    message = error.format_message().rstrip(".").replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    return f"{message} (try '{context.command_path} --help')" if context else message


class Program(TyperGroup):
    """The root command: every way out of every command passes through here."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn what it raises into an exit code and one line."""
        try:
            value = super().invoke(ctx)
            sys.stdout.flush()
        except UserError as error:
            say_error(str(error))
            raise Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            print("newsalign: interrupted", file=sys.stderr)
            raise Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            _silence_stdout()
            raise Exit(BROKEN_PIPE) from error
        except (TyperException, Exit):
            raise
        except Exception as error:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            say_error(
                f"internal error: {type(error).__name__}: {error} "
                f"({DEBUG_VARIABLE}=1 shows where; please report it)"
            )
            raise Exit(FAILED) from error
        return value

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit as typer does, with usage errors in one line."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except TyperException as error:
            if type(error).__name__ == "NoArgsIsHelpError":
                print(error.format_message(), file=sys.stderr)
            else:
                say_error(usage_message(error))
            code = error.exit_code
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else 0)
        return code


def _silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush can't complain again."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
