"""The command: thin, and quick to start; heavy packages are imported where they are used."""

import signal
import sys
import warnings
from typing import Annotated

import typer

from ...datasets.errors import program

# `--help` lists the commands in the order of these imports.
from . import run, check, environment, worker  # noqa: F401  # isort: skip
from . import models, records, fit, motion, data  # noqa: F401  # isort: skip
from .frame import EXIT_USAGE, app, exit_with


def main() -> None:
    """Run the command; the console script, `bench.py` and `python -m kinobench` begin here."""
    # A cancelled CI job (SIGTERM) and a closed terminal (SIGHUP) end as Ctrl-C does, so that no
    # measuring process stays behind.
    for cause in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, cause) and signal.getsignal(getattr(signal, cause)) != signal.SIG_IGN:
            signal.signal(getattr(signal, cause), signal.default_int_handler)
    # fvcore and pytorchvideo use torch.jit, which torch will drop: no matter of the user's.
    warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    _refuse_completion_of_a_script()
    app(prog_name=program(), complete_var="_KINOBENCH_COMPLETE")


def _refuse_completion_of_a_script() -> None:
    """Shells complete a command by its name, which `python bench.py` has not."""
    asked = {"--install-completion", "--show-completion"} & set(sys.argv[1:2])
    if asked and program() != "kinobench":
        exit_with(
            f"{asked.pop()}: a shell completes the installed command: run `pip install -e .`, then "
            f"`kinobench {' '.join(sys.argv[1:])}`",
            EXIT_USAGE,
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
