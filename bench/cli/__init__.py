"""The command: thin, and quick to start; what is heavy is imported where it is used."""

import signal
import warnings
from typing import Annotated

import typer

# `--help` lists the commands in the order of these imports.
from . import run, models, records  # noqa: F401  # isort: skip
from . import check, fit, motion  # noqa: F401  # isort: skip
from . import data  # noqa: F401  # isort: skip
from .frame import app


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
