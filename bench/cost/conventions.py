"""The conventions by which printed costs were counted, so that each is compared with the same one.

Every convention counts a multiply-add once. They differ in what they add to convolutions and
matrix products, and in what they leave out:

- `matmul`: nothing added. torchvision's `_ops`, the papers of SlowFast and X3D, and half of
  pytorchvideo's table.
- `matmul+5norm`: 5 for each element of a normalisation's output: fvcore in 2021, and with it the
  other half of facebookresearch/pytorchvideo, docs/source/model_zoo.md.
- `mmcv`: open-mmlab/mmaction2 0.x, tools/analysis/get_flops.py, by open-mmlab/mmcv 1.x,
  mmcv/cnn/utils/flops_counter.py. It hooks layers, so a function or a product of tensors (the
  attention of a non-local block) costs nothing. It adds 1 for each output of a convolution with a
  bias, 2 for each element of a normalisation with a scale (1 without), 1 for each output of a ReLU,
  and 1 for each input of a pooling. Its recognisers average the whole map before the classifier,
  even if a crop is larger than in training.
- `mmengine`: open-mmlab/mmaction2 1.x, tools/analysis_tools/get_flops.py, by open-mmlab/mmengine,
  mmengine/analysis/complexity_analysis.py, a port of fvcore. It adds 2 for each element of a batch
  normalisation and 5 for each of a layer normalisation, and leaves the classifier out.
"""

from typing import NamedTuple

from ..records.results import Cost

NORM_OPERATIONS_2021 = 5
"""Operations that fvcore added for each element of a normalisation when pytorchvideo's table was
made."""
BATCH_NORM_OPERATIONS = 2
LAYER_NORM_OPERATIONS = 5
"""Operations that mmengine's counter adds for each element, as fvcore does since then."""

COUNTED_BY_LAYER = ("mmcv", "mmengine")
"""Conventions that need `Layers`."""


class Layers(NamedTuple):
    """Counts from the inputs and outputs of the layers in one forward, for the conventions.

    Attributes:
        mmcv: The whole cost under `mmcv`.
        batch_norm_elements, layer_norm_elements: Outputs of the normalisations.
        classifier_macs: Multiply-adds of the linear layers that give the classes' scores.
    """

    mmcv: int
    batch_norm_elements: int
    layer_norm_elements: int
    classifier_macs: int


def counted_as(convention: str | None, cost: Cost, layers: Layers | None = None) -> int:
    """Return a forward's cost under a convention; None is `matmul`.

    Args:
        convention: The convention, one of those above.
        cost: The cost, as counted here.
        layers: The counts of layers, needed for `COUNTED_BY_LAYER`.

    Raises:
        ValueError: The convention is unknown, or it needs the layers.
    """
    match convention, layers:
        case None | "matmul", _:
            return cost.macs
        case "matmul+5norm", _:
            return cost.macs + NORM_OPERATIONS_2021 * cost.norm_elements
        case "mmcv", Layers():
            return layers.mmcv
        case "mmengine", Layers():
            norms = BATCH_NORM_OPERATIONS * layers.batch_norm_elements
            norms += LAYER_NORM_OPERATIONS * layers.layer_norm_elements
            return cost.macs - layers.classifier_macs + norms
    if convention in COUNTED_BY_LAYER:
        raise ValueError(f"convention {convention!r} needs the counts of layers")
    raise ValueError(f"convention {convention!r} is unknown")
