"""The command: thin, and quick to start; what is heavy is imported where it is used."""

import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

UNLIMITED = 100_000
"""Columns of a pipe, where each thing that is listed has a line for itself: `| grep` wants that."""

EXIT_FAILED, EXIT_USAGE, EXIT_UNFIT, EXIT_INTERRUPTED = 1, 2, 4, 130

app = typer.Typer(
    name="kinobench",
    help="Measure video-classification networks: cost, latency, memory, energy and accuracy "
    "under one clip protocol.",
    epilog="Exit codes: 0 done; 1 a case failed; 2 wrong usage; 3 inconclusive; "
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
Aggregated = Annotated[
    str | None,
    typer.Option("--aggregation", metavar="softmax|logits", help="Not the protocol's average."),
]
DataRoot = Annotated[
    Path | None, typer.Option("--data-root", metavar="DIR", help="The folder of the dataset.")
]


def main() -> None:
    """Run the command; the console script and `bench.py` both begin here."""
    # A CI job is cancelled by SIGTERM: end as on Ctrl-C, so that no measuring process stays behind.
    # So is a terminal that is closed.
    for cause in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, cause) and signal.getsignal(getattr(signal, cause)) != signal.SIG_IGN:
            signal.signal(getattr(signal, cause), signal.default_int_handler)
    # fvcore and pytorchvideo lean on torch.jit, which torch means to drop: not the user's matter.
    warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    app()


def _told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn mistakes into a message and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from ..datasets.errors import KinobenchError
        from .environment import UnfitEnvironmentError

        try:
            try:
                return command(*args, **kwargs)
            finally:
                if sys.stdout is not None:  # it may be closed
                    sys.stdout.flush()
        except UnfitEnvironmentError as error:
            _leave(str(error), EXIT_UNFIT)
        except KinobenchError as error:
            _leave(str(error), EXIT_USAGE)
        except KeyboardInterrupt:
            _leave("interrupted", EXIT_INTERRUPTED)
        except BrokenPipeError:  # `| head` has seen enough
            _drop_output()
            raise SystemExit(0) from None
        except OSError as error:
            # Of a file it would have the name.
            if error.filename is not None or error.errno not in _UNWRITABLE:
                raise
            _drop_output()
            _leave(f"standard output can't be written: {error.strerror}", EXIT_USAGE)

    return run


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What writing to standard output fails with, a reader who went away aside."""


def _drop_output() -> None:
    """Let what is still to be written go nowhere, when nobody reads it any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(message: str, code: int) -> NoReturn:
    print(f"kinobench: {message}", file=sys.stderr)
    raise SystemExit(code)


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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


@app.command()
@_told
def run(
    suite: Annotated[
        str | None,
        typer.Argument(help="A built-in suite, or a TOML file (default: quick)."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Measure this instead of the suite's models; may be repeated."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Dataset, or `none`.")] = None,
    data_root: Annotated[
        list[str] | None,
        typer.Option(
            "--data-root", metavar="[NAME=]DIR", help="The dataset's folder; one for each, by name."
        ),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the dataset.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Clip protocol.")] = None,
    views: Annotated[
        str | None, typer.Option(metavar="TxS", help="Temporal x spatial views, as 10x3.")
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Of flops,latency,memory,energy,accuracy (default: all but energy).",
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="cpu|cuda", help="Where it runs (default: cpu).")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="fp32|tf32|bf16|fp16", help="Arithmetic (default: fp32).")
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="eager|compile|cudagraph|stream",
            help="How it runs (default: eager); stream: one frame a call, state kept.",
        ),
    ] = None,
    flow: Annotated[
        str | None,
        typer.Option(
            metavar="dis|farneback|tvl1",
            help="Optical flow, where a model takes it (default: dis).",
        ),
    ] = None,
    flow_cache: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|none", help="Where optical flow is kept (default: the user's cache)."
        ),
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(help="Views in a forward; one case for each.")
    ] = None,
    eval_batch: Annotated[
        int | None, typer.Option(help="Views in a forward while accuracy is measured (default: 8).")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads on the CPU (default: all physical cores; quick: 1).")
    ] = None,
    classes: Annotated[int | None, typer.Option(help="Outputs, where there is no dataset.")] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="NAME|PATH|none", help="Checkpoint.")
    ] = None,
    results: Results = Path("results"),
    plugin: Plugins = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="End a case after this long.")
    ] = None,
    memory_limit: Annotated[
        float | None,
        typer.Option(metavar="GIB", min=0.1, help="What a case may allocate on the CPU."),
    ] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Unreadable videos don't fail a case.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="An operator that can't be counted fails a case.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Don't continue what a killed run left; start over.")
    ] = False,
    logits: Annotated[
        str, typer.Option(metavar="float32|float16", help="How per-view logits are kept.")
    ] = "float32",
    json: Json = False,
) -> None:
    """Measure a suite; print and store a table."""
    from rich.console import Console

    from . import leaderboard
    from . import run as running
    from . import suite as suites

    _load_plugins(plugin)
    # A model of one's own choice has nothing to do with the short budgets of the quick suite.
    alone = suite is None and bool(model)
    loaded = suites.Suite(dataset="pointlight") if alone else suites.load(suite or "quick")
    asked = suites.settings_of(
        weights=weights,
        dataset=dataset,
        split=split,
        protocol=protocol,
        views=views,
        classes=classes,
        device=device,
        precision=precision,
        mode=mode,
        flow=flow,
        batch=tuple(batch) if batch else None,
        threads=threads,
        eval_batch=eval_batch,
        measure=tuple(measure.split(",")) if measure else None,
    )
    planned = suites.plan(loaded, asked, tuple(model or ()))
    limit_gib = memory_limit or loaded.memory_limit_gib
    options = running.Options(
        data_roots=running.data_roots(data_root or ()),
        results=results,
        plugins=tuple(str(path.resolve()) for path in plugin or ()),
        timeout_s=timeout or loaded.timeout_s,
        memory_limit_bytes=int(limit_gib * 2**30) if limit_gib else None,
        skip_unreadable=skip_unreadable,
        strict=strict,
        flow_cache=flow_cache,
        logits=running.logits_type(logits),
        fresh=fresh,
    )
    records = []
    interrupted = False
    try:
        for record in running.measure(planned, loaded, options, Console(stderr=True)):
            records.append(record)
            if json:
                _print_json(record)
    except KeyboardInterrupt:
        interrupted = True
    if records:
        if not json:
            _print_boards([leaderboard.ordered(b) for b in leaderboard.boards(records)])
        _rebuild(results)
    for record in records:
        if record.error is not None and json:
            print(f"kinobench: {record.case.model} failed: {record.error.message}", file=sys.stderr)
    if interrupted:
        kept = f"{len(records)} of {len(planned)} cases are finished and kept in {results}"
        _leave(f"interrupted: {kept}", EXIT_INTERRUPTED)
    if any(record.error is not None for record in records):
        raise SystemExit(EXIT_FAILED)


def _print_json(record: Any) -> None:
    """Print a record; a reader who went away doesn't stop the measuring."""
    try:
        sys.stdout.write(record.to_json().decode() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()


@app.command("list")
@_told
def list_(
    kind: Annotated[str, typer.Argument(metavar="models|datasets|protocols|suites")],
    recount: Annotated[
        bool, typer.Option("--recount", help="Build and count every model anew (minutes).")
    ] = False,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """List models, datasets, protocols or suites."""
    from . import listing

    _load_plugins(plugin)
    with _progress("counting", shown=recount) as progress:
        found = listing.lines(kind, recount, progress)
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        spare = listing.SPARE.get(kind, ())
        listing.show(listing.on_screen(kind, found), _console(UNLIMITED), spare)


@app.command()
@_told
def show(
    model: str,
    frames: Annotated[int | None, typer.Option(min=1, help="Frames of the clip.")] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Height and width in pixels.")] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Outputs of the head.")] = None,
    depth: Annotated[int, typer.Option(min=1, help="Levels of modules to show.")] = 2,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Show a model's card: paper, contract, cost by module, published numbers."""
    from . import card

    _load_plugins(plugin)
    made = card.make_card(model, frames, size, classes)
    if json:
        print(card.to_json(made).decode())
    else:
        card.show_card(made, _console(), depth)


@app.command()
@_told
def verify(
    model: Annotated[list[str] | None, typer.Argument(help="These alone (default: all).")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page, in Markdown, here.")
    ] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Count every model at the inputs of printed numbers, and set both side by side."""
    from . import printed_page
    from . import verify as verifying
    from .listing import show as show_lines
    from .store import write_text

    _load_plugins(plugin)
    with _progress("comparing") as progress:
        compared = verifying.verify(model, progress)
    if output is not None:
        write_text(output, printed_page.render(compared))
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(compared), indent=2).decode())
    elif output is None:
        if not compared:
            print("nothing was printed of " + ", ".join(model or ()))
        show_lines(printed_page.lines(compared), _console(UNLIMITED))
    unexplained = [each for each in compared if each.is_unexplained]
    for each in unexplained:
        row = each.published
        print(f"kinobench: {row.model} is not what {row.source} printed", file=sys.stderr)
    if unexplained:
        raise SystemExit(EXIT_FAILED)


@app.command()
@_told
def leaderboard(
    results: Results = Path("results"),
    format: Annotated[
        str | None, typer.Option("--format", metavar="md|csv|latex|html|json")
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="model, params, macs, flops, latency, memory, energy, top1 or top5.",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write here.")] = None,
) -> None:
    """Rank the stored records; rebuild leaderboard.md and leaderboard.csv beside them."""
    from . import tables
    from .leaderboard import ordered

    wanted = format is not None or output is not None
    boards = [ordered(b, sort) for b in (_read_boards(results) if wanted else _rebuild(results))]
    if not wanted:
        _print_boards(boards)
        return
    form = format or {".tex": "latex", ".htm": "html"}.get(
        output.suffix if output else "", output.suffix.lstrip(".") if output else "md"
    )
    text = tables.render(boards, form)
    if output is None:
        sys.stdout.write(text)
    else:
        from .store import write_text

        write_text(output, text)


@app.command()
@_told
def analyse(
    source: Annotated[
        str, typer.Argument(metavar="RECORD|MODEL", help="Predictions, or a model scored before.")
    ],
    fuse: Annotated[
        str | None,
        typer.Option(metavar="RECORD|MODEL", help="Mix the scores of this one in, at 21 weights."),
    ] = None,
    results: Results = Path("results"),
    views: Annotated[
        str | None,
        typer.Option(metavar="TxS", help="Temporal x spatial views, where no record says."),
    ] = None,
    aggregation: Aggregated = None,
    rows: Annotated[
        int, typer.Option(min=0, help="Classes and confusions to show; 0: all of them.")
    ] = 10,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page, in Markdown, here.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what stored predictions tell: averaging, fewer views, classes, confusions."""
    from . import analysis_command

    page, plain = analysis_command.analyse(
        source, fuse, results, views=views, aggregation=aggregation, rows=rows, told=_tell
    )
    _give(page, plain, output, json)


@app.command()
@_told
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Predictions, or a model scored before.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, of the other.")],
    results: Results = Path("results"),
    aggregation: Aggregated = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it here.")] = None,
    json: Json = False,
) -> None:
    """Tell whether two networks' difference in accuracy is real: paired, on the same videos."""
    from . import analysis_command

    page, plain = analysis_command.compare(a, b, results, aggregation=aggregation, told=_tell)
    _give(page, plain, output, json)


def _tell(line: str) -> None:
    print(f"kinobench: {line}", file=sys.stderr)


def _give(page: str, plain: Any, output: Path | None, json: bool) -> None:
    """Write a page to a file, or print it; or print the plain values as JSON."""
    if output is not None:
        from .store import write_text

        write_text(output, page)
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
    elif output is None:
        sys.stdout.write(page)


@data_app.command("make")
@_told
def data_make(
    name: Annotated[str, typer.Argument(help="A dataset that can be generated.")],
    data_root: DataRoot = None,
    plugin: Plugins = None,
) -> None:
    """Generate a dataset; at once if it is there already."""
    from rich.console import Console

    from ..datasets import catalog
    from ..datasets.errors import KinobenchError
    from . import run as running

    _load_plugins(plugin)
    dataset = catalog.get(name)
    if dataset.make is None:
        raise KinobenchError(
            f"{name} can't be generated; it is to be had at {dataset.homepage}: {dataset.obtain}"
        )
    print(running.make(dataset, data_root, Console(stderr=True)))


@app.command()
@_told
def environment(json: Json = False) -> None:
    """Say what this machine is, and what will spoil a measurement on it."""
    from . import environment as here

    described, spoilers = here.describe(), here.spoilers()
    if json:
        import msgspec

        plain = msgspec.to_builtins(described)
        plain["spoilers"] = [spoiler._asdict() for spoiler in spoilers]
        print(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
    else:
        here.show(described, spoilers, _console())


@app.command(hidden=True)
def worker(model: Annotated[str | None, typer.Option()] = None) -> None:
    """Measure the one case that standard input describes (started by `run`)."""
    from . import worker as measuring

    measuring.main(model)


def _load_plugins(paths: list[Path] | None) -> None:
    if paths:
        from ..zoo.registry import load_plugin

        for path in paths:
            load_plugin(path)


def _read_boards(results: Path) -> list[Any]:
    from . import leaderboard
    from .store import read_records

    records, problems = read_records(results)
    for problem in problems:
        print(f"kinobench: {problem}", file=sys.stderr)
    return [leaderboard.ordered(board) for board in leaderboard.boards(records)]


def _rebuild(results: Path) -> list[Any]:
    """Write leaderboard.md and leaderboard.csv from all stored records; return the boards.

    Where they can't be written that is told, and no more: the records themselves are safe.
    """
    from ..datasets.errors import KinobenchError
    from . import tables
    from .store import write_text

    boards = _read_boards(results)
    try:
        for form in ("md", "csv"):
            write_text(results / f"leaderboard.{form}", tables.render(boards, form))
    except KinobenchError as error:
        print(f"kinobench: {error}", file=sys.stderr)
    return boards


def _print_boards(boards: list[Any]) -> None:
    from . import tables

    tables.show(boards, _console())


@contextmanager
def _progress(what: str, shown: bool = True) -> Iterator[Callable[[int, int], None] | None]:
    """Give what is to be told how many of how many are done; a terminal shows it meanwhile."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console

    from .run import open_bar

    with open_bar(Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _console(width: int = 200) -> Any:
    """Return a console on standard output; `width` is that of a file or a pipe, never cut at 80."""
    from rich.console import Console

    class PipeConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with 1, which means that a case failed

    console = PipeConsole()
    return console if console.is_terminal else PipeConsole(width=width)


if __name__ == "__main__":
    main()
