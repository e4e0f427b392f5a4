"""List models, datasets, protocols and runtimes."""

from .bench.cost import models as zoo
from .bench.cost.models import Model
from .bench.network.runtimes.listed import ListedRuntime, listed
from .datasets import catalog
from .datasets.catalog import Dataset
from .datasets.protocol import PRESETS, Protocol


def models() -> list[Model]:
    """Return every network, in alphabetical order, without building those of kinobench.

    `params` and `macs` (multiply-adds, one view) belong to the network's own clip: `frames` frames
    of `size` x `size` pixels, and `classes` outputs.

    Raises:
        KinobenchError: An installed plug-in can't be imported.

    Example:
        >>> import kinobench
        >>> smallest = min(kinobench.models(), key=lambda model: model.macs or 1e15)
        >>> smallest.params < 1_000_000
        True
    """
    return zoo.models()


def datasets() -> list[Dataset]:
    """Return every dataset, in alphabetical order, whether its videos are here or not.

    Raises:
        KinobenchError: An installed plug-in can't be imported.

    Example:
        >>> import kinobench
        >>> [dataset.num_classes for dataset in kinobench.datasets() if dataset.name == "ucf101"]
        [101]
    """
    return [catalog.get(name) for name in catalog.names()]


def protocols() -> list[Protocol]:
    """Return every clip protocol: how a video becomes views, and views one prediction.

    Example:
        >>> import kinobench
        >>> (common,) = (each for each in kinobench.protocols() if each.name == "common-112")
        >>> (common.frames, common.size, common.views)
        (16, 112, 30)
    """
    return list(PRESETS.values())


def runtimes() -> list[ListedRuntime]:
    """Return every library that may execute a network, torch first, installed or not.

    Example:
        >>> import kinobench
        >>> [runtime.name for runtime in kinobench.runtimes()][:3]
        ['torch', 'onnxruntime', 'openvino']
    """
    return listed()
