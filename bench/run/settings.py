"""Settings of a case, as people type them, and the values that each may have."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

import msgspec

from ...datasets import catalog
from ...datasets.errors import KinobenchError, UnknownNameError, nearest_name
from ...datasets.lists.split_names import MEAN, numbered
from ...datasets.names import (
    DECODERS,
    FLOW_METHODS,
    PROBES,
    TASKS,
    Decoder,
    FlowMethod,
    Probe,
    Task,
)
from ...datasets.plurals import quantity
from ...datasets.protocol import preset
from ...datasets.protocol.cropping import CROP_COUNTS
from ...zoo import registry
from ..measure import registry as measurements
from ..network.runtimes.known import KNOWN
from ..records.case import Device, Hint, Mode, Precision, Provider
from ..text.ranges import CALIBRATION, CLASSES, CLIPS, FRAMES, THREADS, VIEWS, Range
from ..text.toml import Naming, one_of, refuse_out_of_range, toml_key, wrong_value

ALL = "all"
"""Every runtime that is installed."""
AUTO = "auto"
"""The runtime that evaluates a network fastest, found by a race before the case is named."""
NATIVE = "native"
"""The protocol under which the case's weights were tested."""
EMBEDDED = "embedded"
"""The dataset that comes with kinobench for a network's task."""
SHIPPED = "shipped"
"""The weights that come with kinobench for the dataset; a network without any is untrained. They
are the default everywhere."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a case, which the case, its suite or the command line give; None is not given.

    Attributes:
        weights: A name, a path, `none`, or `shipped`: the weights that come with kinobench for
            the dataset and clips of that size, if there are any; `shipped`, if not given.
        dataset: A name of the catalog, or `none`.
        views: Temporal x spatial views, `10x3`.
        runtime: The libraries that execute the network, one case for each; `all` is every one that
            is installed, `auto` the one that evaluates fastest.
        provider: What the runtime runs on, if that is not its usual one for the device.
        hint: OpenVINO's performance hint.
        calibration: Training clips with which a network is quantised.
        batch: Views in a forward; one case for each number.
        threads: Threads of one operator on the CPU; all physical cores, if not given.
        eval_batch: Views in a forward while accuracy is measured.
        flow: The method of the optical flow, for networks that take it.
        decoder: The library that decodes the videos of the dataset.
        probe: The change that is made to the clips before accuracy is measured.
        cold_l2: Overwrite the GPU's L2 cache before each sample of a latency.
        sweep: Measure batches 1, 2, 4, ... too; the first case of a model does it.
        task: What the network is to say of a video; without a dataset, the embedded one of it.
        step: Frames from one window of a video to the next, for a network that localizes.
        boxes: Boxes in a clip, for cost and latency of a network that takes boxes.
        proposals: File of the boxes that a detector is scored on, in the form of AVA's persons.
        max_batch: The largest batch of the sweep; it goes on until memory is out, if not given.
    """

    model: str | None = None
    weights: str | None = None
    dataset: str | None = None
    split: str | None = None
    protocol: str | None = None
    views: str | None = None
    classes: int | None = None
    device: Device | None = None
    runtime: tuple[str, ...] | None = None
    provider: Provider | None = None
    hint: Hint | None = None
    precision: Precision | None = None
    calibration: int | None = None
    mode: Mode | None = None
    flow: FlowMethod | None = None
    decoder: Decoder | None = None
    probe: Probe | None = None
    batch: tuple[int, ...] | None = None
    threads: int | None = None
    eval_batch: int | None = None
    measure: tuple[str, ...] | None = None
    cold_l2: bool | None = None
    sweep: bool | None = None
    max_batch: int | None = None
    task: Task | None = None
    step: int | None = None
    boxes: int | None = None
    proposals: str | None = None


CHOICES: dict[str, tuple[str, ...]] = {
    "task": TASKS,
    "device": get_args(Device),
    "runtime": (*KNOWN, ALL, AUTO),
    "provider": get_args(Provider),
    "hint": get_args(Hint),
    "precision": get_args(Precision),
    "mode": get_args(Mode),
    "flow": FLOW_METHODS,
    "decoder": DECODERS,
    "probe": PROBES,
}


def choices() -> dict[str, tuple[str, ...]]:
    """Return the known values of the settings that have a list of them, for messages."""
    return CHOICES | {"measure": tuple(measurements.names())}


_SYNONYMS = {
    "device": {"gpu": "cuda"},
    "runtime": {"pytorch": "torch", "ort": "onnxruntime", "aoti": "aotinductor", "trt": "tensorrt"},
    "precision": {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"},
}


def option(field: str, value: Any) -> str:
    """Return a setting as the command line writes it: `--eval-batch 8`."""
    return f"--{field.replace('_', '-')} {value}"


def argument(field: str, value: Any) -> str:
    """Return a setting as a call in Python writes it: `eval_batch=8`."""
    return f"{field}={value!r}"


def settings_of(naming: Naming = option, /, **given: Any) -> Settings:
    """Check settings of the command line, or of a call in Python; None is not given.

    Args:
        naming: Form of a setting in messages: `option`, or `argument` for a call in Python.
        given: The settings, as `as_typed` takes them.

    Raises:
        KinobenchError: A setting can't have such a value; the message names the option.
    """
    plain = {field: value for field, value in given.items() if value is not None}
    as_typed(plain, "", naming)
    refuse_out_of_range(plain, SETTING_RANGES, "", naming)
    try:
        settings = msgspec.convert(plain, Settings)
    except msgspec.ValidationError as error:
        raise wrong_value(error, plain, "", choices(), naming) from error
    refuse_wrong_values(settings, SETTING_CHECKS, "", naming)
    return settings


def as_typed(plain: Any, where: str, naming: Naming = toml_key) -> None:
    """Write the values of a table as settings have them, where people type them otherwise.

    `GPU` is `cuda`, `BF16` is `bf16`, and a list may be one value, or values with commas between:
    `batch = 8`, `--batch 1,8`, `--measure "latency, flops"`. All else is left to be refused.

    Raises:
        KinobenchError: The device has a number, as `cuda:1`.
    """
    if not isinstance(plain, dict):
        return
    for field in ("batch", "measure", "runtime"):
        if isinstance(plain.get(field), list | tuple | str | int):
            plain[field] = [each for item in _items(plain[field]) for each in _split(item)]
    if isinstance(plain.get("batch"), list):
        plain["batch"] = [_number(each) for each in plain["batch"]]
    for field in ("measure", "runtime"):
        if isinstance(plain.get(field), list):
            plain[field] = [_name(field, each) for each in plain[field]]
    for field in CHOICES:
        if field in plain and field != "runtime":
            plain[field] = _name(field, plain[field])
    device = plain.get("device")
    if isinstance(device, str) and re.fullmatch(r"(cuda|gpu):\d+", device):
        number = device.partition(":")[2]
        raise KinobenchError(
            f"{where}{': ' if where else ''}{naming('device', device)}: give cuda, and choose the "
            f"GPU by the environment: CUDA_VISIBLE_DEVICES={number}"
        )


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _split(item: Any) -> list[Any]:
    """Return the parts of `latency, flops`; anything but text is one part."""
    if not isinstance(item, str):
        return [item]
    return [part for part in map(str.strip, item.split(",")) if part]


def _number(item: Any) -> Any:
    short = isinstance(item, str) and item.isdecimal() and len(item) <= _DIGITS
    return int(item) if short else item


_DIGITS = 1000
"""Digits of a number that is read as one; Python refuses those of more than 4300."""


def _name(field: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    name = value.strip().casefold()
    return _SYNONYMS.get(field, {}).get(name, name)


def layered(*layers: Settings) -> Settings:
    """Lay settings over each other; the last that says something counts."""
    merged: dict[str, Any] = {}
    for layer in layers:
        given = {
            field: value
            for field in Settings.__struct_fields__
            if (value := getattr(layer, field)) is not None
        }
        before = merged.get("dataset", "none")
        if given.get("dataset", before) != before:
            # Another dataset comes with its own protocol, splits and classes.
            for field in ("protocol", "split", "classes", "views"):
                merged.pop(field, None)
        merged |= given
    return Settings(**merged)


def refuse_too_many_threads(threads: int | None, processors: int) -> None:
    """Raise a KinobenchError if there are more threads than processors."""
    if threads is not None and threads > processors:
        here = quantity(processors, "processor")
        raise KinobenchError(
            f"--threads {threads}: this process may use {here}; give --threads {processors} or "
            "fewer"
        )


def one_runtime(settings: Settings, naming: Naming = option) -> None:
    """Raise a KinobenchError if settings ask for several runtimes, where one case is measured."""
    asked = settings.runtime or ("torch",)
    if len(asked) != 1 or asked[0] not in KNOWN:
        given = naming("runtime", ",".join(asked))
        raise KinobenchError(f"{given}: one case is measured here; give one runtime")


def check_split(dataset: catalog.Dataset, split: str) -> None:
    """Raise KinobenchError unless the dataset has a split of that name, or its videos say it.

    `mean` stands for the numbered test splits.
    """
    if split == MEAN and split not in dataset.splits:
        if not numbered(dataset.splits):
            raise KinobenchError(
                f"--split {MEAN}: {dataset.name} has no numbered test splits to take the mean of; "
                f"give one of {', '.join(dataset.splits) or 'those of your videos'}"
            )
        return
    if dataset.splits and split not in (*dataset.splits, *dataset.other_splits):
        raise UnknownNameError(f"split of {dataset.name}", split, dataset.splits)


def views_of(text: str) -> tuple[int, int]:
    """Return the temporal and the spatial views of a text like `10x3`.

    Raises:
        KinobenchError: It is written otherwise, or has other numbers of views than there can be.
    """
    found = re.fullmatch(r"([1-9]\d*)\s*[xX×]\s*(\d{1,2})", text.strip())
    if found is None or int(found[2]) not in CROP_COUNTS:
        raise KinobenchError(
            f"write temporal x spatial views, as in 10x3; {one_of(tuple(map(str, CROP_COUNTS)))} "
            "spatial views"
        )
    if len(found[1]) > _DIGITS or not CLIPS.has(int(found[1])):
        raise KinobenchError(f"the number of temporal views must be {CLIPS}")
    return int(found[1]), int(found[2])


def _protocol(name: str) -> None:
    if name != NATIVE:
        preset(name)


def _runtime(name: str) -> None:
    if name not in CHOICES["runtime"]:
        nearest = nearest_name(name, CHOICES["runtime"])
        cure = f"; did you mean {nearest!r}?" if nearest else ""
        raise KinobenchError(f"choose {one_of(CHOICES['runtime'])}{cure}")


def _dataset(name: str) -> None:
    if name not in ("none", EMBEDDED):
        catalog.get(name)


Check = Callable[[Any], object]
"""Raises a KinobenchError for a value that the setting can't have."""

SETTING_CHECKS: dict[str, Check] = {
    "model": registry.check,
    "dataset": _dataset,
    "protocol": _protocol,
    "views": views_of,
    "measure": measurements.check,
    "runtime": _runtime,
}
SETTING_RANGES: dict[str, Range] = {
    "classes": CLASSES,
    "calibration": CALIBRATION,
    "batch": VIEWS,
    "threads": THREADS,
    "eval_batch": VIEWS,
    "max_batch": VIEWS,
    "step": FRAMES,
    "boxes": VIEWS,
}


def refuse_wrong_values(
    settings: msgspec.Struct,
    checks: Mapping[str, Check],
    where: str,
    naming: Naming = toml_key,
) -> None:
    """Check values of the right type, while it is known where they come from.

    Raises:
        KinobenchError: A setting can't have such a value; the message names `where` and the value.
    """
    place = f"{where}: " if where else ""
    for field in ("batch", "measure", "runtime"):
        if getattr(settings, field, None) == ():
            named = option(field, "").rstrip() if naming is option else field
            raise KinobenchError(f"{place}{named}: it is empty; give one or more, or leave it out")
    for field, check in checks.items():
        value = getattr(settings, field)
        for each in value if isinstance(value, tuple) else (value,):
            if each is None:
                continue
            try:
                check(each)
            except KinobenchError as error:
                raise KinobenchError(f"{place}{naming(field, each)}: {error}") from error
