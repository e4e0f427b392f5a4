"""The command: thin, and quick to start; heavy packages are imported where they are used."""

import gc
import signal
import sys
import warnings
from importlib import import_module

from ...datasets.errors import program
from ..text.encoding import show_what_can_be_shown
from .frame import EXIT_USAGE, app, exit_with

MODULES = {
    "run": "run",
    "check": "check",
    "environment": "environment",
    "worker": "worker",
    "list": "models",
    "show": "models",
    "verify": "models",
    "reproduce": "published",
    "doctor": "doctor",
    "leaderboard": "records",
    "recommend": "recommend",
    "runtimes": "runtimes",
    "analyse": "analysis",
    "compare": "analysis",
    "score": "score",
    "results": "results",
    "plot": "plot",
    "report": "report",
    "history": "history",
    "publish": "publish",
    "fit": "fit",
    "fit-shipped": "fit",
    "motion": "motion",
    "data": "data",
}
"""Command -> the module that adds it, in the order of `--help`.

Where one is called, the others aren't imported: their options alone take a sixth of the start.
"""


def main() -> None:
    """Run the command; the console script, `bench.py` and `python -m kinobench` begin here."""
    # The start makes no garbage, and a search for it takes a tenth of the time of `--help`. What
    # runs a command turns it on again.
    gc.disable()
    # A cancelled CI job (SIGTERM) and a closed terminal (SIGHUP) end as Ctrl-C does, so that no
    # measuring process stays behind.
    for cause in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, cause) and signal.getsignal(getattr(signal, cause)) != signal.SIG_IGN:
            signal.signal(getattr(signal, cause), signal.default_int_handler)
    # fvcore and pytorchvideo use torch.jit, which torch will drop: no matter of the user's.
    warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    show_what_can_be_shown()
    _refuse_completion_of_a_script()
    add_commands(sys.argv[1] if len(sys.argv) > 1 else None)
    app(prog_name=program(), complete_var="_KINOBENCH_COMPLETE")


def add_commands(called: str | None = None) -> None:
    """Add the command that is called to the application; None, or a name of none: all of them."""
    modules = [MODULES[called]] if called in MODULES else dict.fromkeys(MODULES.values())
    for module in modules:
        import_module(f".{module}", __name__)


def _refuse_completion_of_a_script() -> None:
    """Shells complete a command by its name, which `python bench.py` has not."""
    asked = {"--install-completion", "--show-completion"} & set(sys.argv[1:2])
    if asked and program() != "kinobench":
        exit_with(
            f"{asked.pop()}: a shell completes the installed command: run `pip install -e .`, then "
            f"`kinobench {' '.join(sys.argv[1:])}`",
            EXIT_USAGE,
        )
