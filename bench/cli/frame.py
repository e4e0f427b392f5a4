"""The application that all commands are added to, how they end, and what they print."""

import errno
import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import typer

from ...datasets.visible import one_line, visible
from .options import Command, Commands, grouped, plain

UNLIMITED = 100_000
"""Columns of a pipe, in which every listed thing has a line of its own, as `| grep` needs it."""

EXIT_FAILED, EXIT_USAGE, EXIT_INCONCLUSIVE, EXIT_UNFIT, EXIT_INTERRUPTED = 1, 2, 3, 4, 130

MEASURE, MODELS, RESULTS, TRAINING = "Measure", "Models", "Results", "Training and motion"
DATASETS = "Datasets"
"""Panels of commands in `--help`."""

app = typer.Typer(
    cls=Commands,
    name="kinobench",
    help="Measure video-classification networks: cost, latency, memory, energy and accuracy "
    "under one clip protocol.",
    epilog="Exit codes: 0 done; 1 a case failed, or got slower; 2 wrong usage; 3 inconclusive; "
    "4 this machine can't measure that; 130 interrupted (finished cases are kept).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"kinobench {version('kinobench')}")
        except PackageNotFoundError:
            print("kinobench, a checkout that is not installed")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, metavar="", help="Show the version."
        ),
    ] = False,
) -> None:
    pass


def command(
    name: str, panel: str | None = None, to: typer.Typer = app
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a command, whose parameters are groups of options and whose help is its docstring.

    Args:
        name: Its name on the command line.
        panel: The panel of `--help` that lists it.
        to: The application.
    """

    def add(function: Callable[..., None]) -> Callable[..., None]:
        added = exits_cleanly(grouped(function))
        text = plain(function.__doc__ or "")
        to.command(name, cls=Command, help=text, rich_help_panel=panel)(added)
        return added

    return add


_debugging: ContextVar[bool] = ContextVar("_debugging", default=False)
"""Whether `--debug` was given to the command that runs."""


def exits_cleanly(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a user's errors into a message and an exit code."""

    @wraps(command)
    def run(*args: Any, debug: bool = False, **kwargs: Any) -> Any:
        from ...datasets.errors import KinobenchError
        from ..machine.environment import UnfitEnvironmentError

        gc.enable()  # `main` turned it off
        _debugging.set(debug)
        try:
            try:
                with _results_alone() if kwargs.get("json") else nullcontext():
                    return command(*args, **kwargs)
            except Exception as error:
                show_detail("".join(traceback.format_exception(error)))
                raise
            finally:
                if sys.stdout is not None:  # it may be closed
                    sys.stdout.flush()
        except UnfitEnvironmentError as error:
            exit_with(str(error), EXIT_UNFIT)
        except KinobenchError as error:
            exit_with(str(error), EXIT_USAGE)
        except KeyboardInterrupt:
            exit_with("interrupted", EXIT_INTERRUPTED)
        except BrokenPipeError:  # `| head` has seen enough
            drop_output()
            raise SystemExit(0) from None
        except (Exception, SystemExit) as error:
            _exit_if_users(error)
            raise

    return run


def _exit_if_users(error: BaseException) -> None:
    """End with a message if an error is the user's to correct; kinobench's own have a traceback."""
    from ...datasets.errors import reason_of
    from ...datasets.their_errors import error_text, place_of

    if place_of(error) is not None:  # in the code of a plug-in
        exit_with(f"{error_text(error)}; --debug shows its traceback", EXIT_USAGE)
    if isinstance(error, OSError) and error.filename is not None and error.errno in _USERS:
        name = one_line(str(error.filename))
        exit_with(f"{name} can't be used: {reason_of(error)}", EXIT_USAGE)
    # An error of standard output has no file name.
    if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE:
        drop_output()
        exit_with(f"standard output can't be written: {reason_of(error)}", EXIT_USAGE)


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""Errors of writing to standard output, but for a reader who went away."""

_USERS = (
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENAMETOOLONG,
    errno.ETIMEDOUT,  # a mount or a server that doesn't answer
)
"""Errors of files that the user can correct; any other has a traceback."""


_results: ContextVar[TextIO | None] = ContextVar("_results", default=None)
"""Standard output, where `print` doesn't go there."""


@contextmanager
def _results_alone() -> Iterator[None]:
    """Keep standard output for `write_results` alone: what a network prints goes to the errors."""
    kept = _results.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _results.reset(kept)


def write_results(text: str) -> None:
    """Write to standard output, at once."""
    stream = _results.get() or sys.stdout
    stream.write(text)
    stream.flush()


def drop_output() -> None:
    """Discard the rest of the output, which nobody reads any more."""
    stream = _results.get() or sys.stdout
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def exit_with(message: str, code: int) -> NoReturn:
    """Report why on standard error, and end with an exit code.

    Further lines of the message are indented, so that nothing in it looks like a line of its own.
    """
    first, *further = visible(message).split("\n")
    report(first)
    for line in further:
        print(f"  {line}", file=sys.stderr)
    raise SystemExit(code)


def show_detail(text: str) -> None:
    """Print lines of a traceback on standard error, if `--debug` was given."""
    if text and _debugging.get():
        print(visible(text.rstrip()), file=sys.stderr)


def load_plugins(paths: list[Path] | None) -> None:
    """Run the files of `--plugin`."""
    if paths:
        from ...zoo.registry import load_plugin

        for path in paths:
            for remark in load_plugin(path):
                report(remark)


def report(line: str) -> None:
    """Print a line that is no result, on standard error."""
    print(f"kinobench: {one_line(line)}", file=sys.stderr)


def print_page(page: str, content: Any, output: Path | None, json: bool) -> None:
    """Write a page to a file, or print it; or print its content as JSON."""
    if output is not None:
        from ..records.files import write_text

        write_text(output, page)
    if json:
        print_json(content)
    elif output is None:
        write_page(page)


def write_page(page: str) -> None:
    """Write a page to standard output; a control character in it is written out."""
    sys.stdout.write(visible(page))


def print_json(content: Any) -> None:
    """Print anything that msgspec can encode, indented."""
    from ..text.json_text import json_text

    write_results(json_text(content) + "\n")


@contextmanager
def progress(what: str, shown: bool = True) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that takes how many of how many are done, and shows it on a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from ..text.progress import open_bar
    from ..text.terminal import PlainConsole

    with open_bar(PlainConsole(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def console(width: int = 200) -> Any:
    """Return a console on standard output; a file or a pipe has `width` columns."""
    from ..text.terminal import PlainConsole

    class PipeConsole(PlainConsole):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with 1, which means that a case failed

    console = PipeConsole()
    return console if console.is_terminal else PipeConsole(width=width)


def print_boards(boards: list[Any], **view: Any) -> None:
    """Print boards as wide as the console is; see `screen.View` for what may be asked for."""
    from ..leaderboard import screen

    screen.show(boards, console(), screen.View(**view))


def print_sections(records: list[Any]) -> None:
    """Print the tables after the boards: batch sweeps, and end-to-end times."""
    from ..leaderboard import sections

    sections.show(records, console())
