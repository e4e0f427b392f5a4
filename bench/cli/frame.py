"""What all commands share: the application, its options, how it ends and what it prints."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

UNLIMITED = 100_000
"""Columns of a pipe, where each thing that is listed has a line for itself: `| grep` wants that."""

EXIT_FAILED, EXIT_USAGE, EXIT_INCONCLUSIVE, EXIT_UNFIT, EXIT_INTERRUPTED = 1, 2, 3, 4, 130

app = typer.Typer(
    name="kinobench",
    help="Measure video-classification networks: cost, latency, memory, energy and accuracy "
    "under one clip protocol.",
    epilog="Exit codes: 0 done; 1 a case failed, or got slower; 2 wrong usage; 3 inconclusive; "
    "4 this machine can't measure that; 130 interrupted (what was finished is kept).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Make or inspect datasets.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Where records lie.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin", metavar="FILE", help="A Python file that registers models or datasets."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, and nothing else.")]
OnDevice = Annotated[
    str | None, typer.Option("--device", metavar="cpu|cuda", help="Where it runs (default: cpu).")
]
DataRoot = Annotated[
    Path | None, typer.Option("--data-root", metavar="DIR", help="The folder of the dataset.")
]
InViews = Annotated[
    str | None,
    typer.Option("--views", metavar="TxS", help="Temporal x spatial views, as 10x3."),
]
ByFlow = Annotated[
    str | None,
    typer.Option(
        "--flow",
        metavar="dis|farneback|tvl1",
        help="Optical flow, where a model takes it (default: dis).",
    ),
]
AtPrecision = Annotated[
    str | None,
    typer.Option("--precision", metavar="fp32|tf32|bf16|fp16", help="Arithmetic (default: fp32)."),
]
InMode = Annotated[
    str | None,
    typer.Option(
        "--mode",
        metavar="eager|compile|cudagraph|compile_cudagraph|channels_last_3d|stream",
        help="How it runs (default: eager); stream: one frame a call, state kept.",
    ),
]
Aggregated = Annotated[
    str | None,
    typer.Option("--aggregation", metavar="softmax|logits", help="Not the protocol's average."),
]


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn mistakes into a message and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from ...datasets.errors import KinobenchError
        from ..machine.environment import UnfitEnvironmentError

        try:
            try:
                return command(*args, **kwargs)
            finally:
                if sys.stdout is not None:  # it may be closed
                    sys.stdout.flush()
        except UnfitEnvironmentError as error:
            leave(str(error), EXIT_UNFIT)
        except KinobenchError as error:
            leave(str(error), EXIT_USAGE)
        except KeyboardInterrupt:
            leave("interrupted", EXIT_INTERRUPTED)
        except BrokenPipeError:  # `| head` has seen enough
            drop_output()
            raise SystemExit(0) from None
        except OSError as error:
            # Of a file it would have the name.
            if error.filename is not None or error.errno not in _UNWRITABLE:
                raise
            drop_output()
            leave(f"standard output can't be written: {error.strerror}", EXIT_USAGE)

    return run


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What writing to standard output fails with, a reader who went away aside."""


def drop_output() -> None:
    """Let what is still to be written go nowhere, when nobody reads it any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def leave(message: str, code: int) -> NoReturn:
    """Say why, and end with an exit code."""
    tell(message)
    raise SystemExit(code)


def load_plugins(paths: list[Path] | None) -> None:
    """Run what `--plugin` names."""
    if paths:
        from ...zoo.registry import load_plugin

        for path in paths:
            load_plugin(path)


def tell(line: str) -> None:
    """Say something that is no result, on standard error."""
    print(f"kinobench: {line}", file=sys.stderr)


def give(page: str, plain: Any, output: Path | None, json: bool) -> None:
    """Write a page to a file, or print it; or print the plain values as JSON."""
    if output is not None:
        from ..records.files import write_text

        write_text(output, page)
    if json:
        print_json(plain)
    elif output is None:
        sys.stdout.write(page)


def print_json(plain: Any) -> None:
    """Print anything that msgspec can encode, indented."""
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())


@contextmanager
def progress(what: str, shown: bool = True) -> Iterator[Callable[[int, int], None] | None]:
    """Give what is to be told how many of how many are done; a terminal shows it meanwhile."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console

    from ..run.run import open_bar

    with open_bar(Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def console(width: int = 200) -> Any:
    """Return a console on standard output; `width` is that of a file or a pipe, never cut at 80."""
    from rich.console import Console

    class PipeConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with 1, which means that a case failed

    console = PipeConsole()
    return console if console.is_terminal else PipeConsole(width=width)


def print_boards(boards: list[Any]) -> None:
    """Print boards as wide as the console is."""
    from ..leaderboard import tables

    tables.show(boards, console())


def print_sweeps(records: list[Any]) -> None:
    """Print a table for each batch sweep of the records."""
    from ..leaderboard import sweep_table

    for record in records:
        if record.sweep is not None:
            sweep_table.show(record, console())
