"""Rules on the settings of one case, which may contradict each other."""

from collections.abc import Callable

from ....datasets.plurals import quantity
from ....zoo.checkpoints.named import (
    named_weights,
)
from ...records.case import (
    GRAPH_MODES,
)
from .chosen import Chosen


def _graph_without_cuda(chosen: Chosen) -> str | None:
    if chosen.mode in GRAPH_MODES and chosen.device != "cuda":
        return f"mode {chosen.mode!r} needs device 'cuda'"
    return None


def _cold_l2_without_cuda(chosen: Chosen) -> str | None:
    if chosen.settings.cold_l2 and chosen.device != "cuda":
        return "cold_l2 needs device 'cuda': it empties a GPU's L2 cache"
    return None


def _tf32_without_cuda(chosen: Chosen) -> str | None:
    if chosen.settings.precision == "tf32" and chosen.device != "cuda":
        return "precision 'tf32' needs device 'cuda': a CPU has no such arithmetic"
    return None


def _stream_of_other_inputs(chosen: Chosen) -> str | None:
    if chosen.mode == "stream" and chosen.model.inputs != ("rgb",):
        takes = " and ".join(chosen.model.inputs)
        return f"mode 'stream' takes one frame after another, but {chosen.model.name} takes {takes}"
    return None


def _stream_of_whole_clips(chosen: Chosen) -> str | None:
    if chosen.mode == "stream" and chosen.model.streams is False:
        return (
            f"mode 'stream': {chosen.model.name} needs the whole clip at once; the recurrent "
            "networks take frame after frame"
        )
    return None


def _flow_of_one_frame(chosen: Chosen) -> str | None:
    if "flow" in chosen.model.inputs and chosen.protocol.frames < 2:
        return (
            f"{chosen.model.name} takes optical flow, but the clips of protocol "
            f"{chosen.protocol.name} have 1 frame; flow needs 2 or more"
        )
    return None


def _classes_of_no_dataset(chosen: Chosen) -> str | None:
    dataset = chosen.dataset
    if dataset is not None and chosen.classes != chosen.dataset_classes:
        return (
            f"classes is {chosen.classes}, but {dataset.name} has {chosen.dataset_classes}; "
            "leave it out, or take the dataset out (none)"
        )
    return None


def _classes_of_other_weights(chosen: Chosen) -> str | None:
    if chosen.head is None or chosen.classes == chosen.head:
        return None
    mismatch = f"classes is {chosen.classes}; leave it out"
    if chosen.dataset is not None:
        same = chosen.dataset.name == chosen.trained_on
        which = "the videos of the classes that they were trained on"
        cure = f"give {which if same else f'--dataset {chosen.trained_on}'}"
        cure += ", or --dataset none for the cost alone"
        mismatch = f"{chosen.dataset.name} has {chosen.classes}; {cure}"
    if chosen.published and not named_weights(chosen.model.name, chosen.weights):
        mismatch += f"; {chosen.published.file} is a published file's name: rename your own file"
    return (
        f"weights {chosen.weights!r} of {chosen.model.name} have "
        f"{quantity(chosen.head, 'class', 'classes')}, but {mismatch}"
    )


def _split_of_no_dataset(chosen: Chosen) -> str | None:
    if chosen.dataset is None and chosen.settings.split is not None:
        return (
            f"split is {chosen.settings.split!r}, but there is no dataset; "
            "give one, or leave the split out"
        )
    return None


CASE_RULES: tuple[Callable[[Chosen], str | None], ...] = (
    _graph_without_cuda,
    _cold_l2_without_cuda,
    _tf32_without_cuda,
    _stream_of_other_inputs,
    _stream_of_whole_clips,
    _flow_of_one_frame,
    _classes_of_no_dataset,
    _classes_of_other_weights,
    _split_of_no_dataset,
)
"""Each returns why the settings of one case contradict each other, or None."""
