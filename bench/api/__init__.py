"""kinobench from Python: measure, score and compare video-classification networks.

Each name below is imported when it is first used, so that `import kinobench` takes milliseconds.

    >>> import kinobench
    >>> [model.name for model in kinobench.models() if model.family == "c3d"]
    ['c3d', 'c3d_tiny']
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

_FOLDER = Path(__file__).parent
if _FOLDER.name == "api":  # a checkout, where bench/, zoo/ and datasets/ are two folders up
    __path__ = [str(_FOLDER.parent.parent), str(_FOLDER)]

if TYPE_CHECKING:
    from .bench.analysis.compare import AccuracyDifference, Comparison
    from .bench.analysis.map_compare import MapComparison
    from .bench.analysis.source import Taken
    from .bench.cost.models import Model
    from .bench.leaderboard.recommendation import Recommendation
    from .bench.machine.environment import UnfitEnvironmentError
    from .bench.records.case import Case
    from .bench.records.job import Budget
    from .bench.records.latency import Latency
    from .bench.records.record import Record
    from .bench.records.results import Accuracy, Cost, Memory
    from .datasets.catalog import Dataset
    from .datasets.errors import DatasetError, KinobenchError, UnknownNameError, VideoError
    from .datasets.protocol import Protocol
    from .listing import datasets, models, protocols, runtimes
    from .measuring import CaseFailedError, CaseSettings, evaluate, measure
    from .networks import count, load_model
    from .stored import Leaderboard, Records, compare
    from .zoo.registry import register

    __version__: str

__all__ = [
    "Accuracy",
    "AccuracyDifference",
    "Budget",
    "Case",
    "CaseFailedError",
    "CaseSettings",
    "Comparison",
    "Cost",
    "Dataset",
    "DatasetError",
    "KinobenchError",
    "Latency",
    "Leaderboard",
    "MapComparison",
    "Memory",
    "Model",
    "Protocol",
    "Recommendation",
    "Record",
    "Records",
    "Taken",
    "UnfitEnvironmentError",
    "UnknownNameError",
    "VideoError",
    "__version__",
    "compare",
    "count",
    "datasets",
    "evaluate",
    "load_model",
    "measure",
    "models",
    "protocols",
    "register",
    "runtimes",
]

_MODULES = {
    "bench.analysis.compare": ("AccuracyDifference", "Comparison"),
    "bench.analysis.map_compare": ("MapComparison",),
    "bench.analysis.source": ("Taken",),
    "bench.cost.models": ("Model",),
    "bench.leaderboard.recommendation": ("Recommendation",),
    "bench.machine.environment": ("UnfitEnvironmentError",),
    "bench.records.job": ("Budget",),
    "bench.records.case": ("Case",),
    "bench.records.record": ("Record",),
    "bench.records.results": ("Accuracy", "Cost", "Memory"),
    "bench.records.latency": ("Latency",),
    "datasets.catalog": ("Dataset",),
    "datasets.errors": ("DatasetError", "KinobenchError", "UnknownNameError", "VideoError"),
    "datasets.protocol": ("Protocol",),
    "listing": ("models", "protocols", "runtimes"),
    "measuring": ("CaseFailedError", "CaseSettings", "evaluate", "measure"),
    "networks": ("count", "load_model"),
    "stored": ("Leaderboard", "Records", "compare"),
    "version": ("__version__",),
    "zoo.registry": ("register",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


if not TYPE_CHECKING:  # type checkers would take every name for one that is there

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used (PEP 562)."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .bench.network.jit_warnings import jit_unmentioned

        with jit_unmentioned():
            value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Datasets(ModuleType):
    """The package `kinobench.datasets`, which is also the function `kinobench.datasets()`."""

    def __call__(self) -> Any:
        return import_module(f"{__package__}.listing").datasets()


# An import of a module in datasets/ makes the package an attribute of this one, and a function of
# the same name would be gone: so the package itself can be called.
_package = import_module(f"{__name__}.datasets")
_package.__class__ = _Datasets
_package.__doc__ = "`datasets()` returns every dataset; the modules here say what a clip is."
