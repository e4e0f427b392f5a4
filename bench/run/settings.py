"""Settings of a case, and the values that each may have."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec

from ...datasets import catalog
from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.names import DECODERS, FLOW_METHODS, PROBES, Decoder, FlowMethod, Probe
from ...datasets.protocol import preset
from ...datasets.protocol.cropping import CROP_COUNTS
from ...zoo import registry
from ..records.record import Device, Measure, Mode, Precision
from ..text.toml import wrong_value

NATIVE = "native"
"""The protocol that the case's weights were tested under."""
SHIPPED = "shipped"
"""The weights that come with kinobench for the dataset; without them a network is untrained."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a case, a suite or the command line may say of a case; None leaves it to the others.

    Attributes:
        weights: A name, a path, `none`, or `shipped`: those that come with kinobench for the
            dataset and clips of that size, where there are any.
        dataset: A name of the catalog, or `none`.
        views: Temporal x spatial views, `10x3`.
        batch: One case for each.
        flow: How the optical flow is computed for the networks that take it.
        decoder: What decodes the videos of the dataset.
        probe: What is done to the clips that accuracy is measured on.
        cold_l2: Whether the GPU's L2 cache is overwritten before each sample of a latency.
        sweep: Whether batches 1, 2, 4, ... are measured too; the first case of a model does it.
        max_batch: The largest of them; until memory is out, if not given.
    """

    model: str | None = None
    weights: str | None = None
    dataset: str | None = None
    split: str | None = None
    protocol: str | None = None
    views: str | None = None
    classes: int | None = None
    device: Device | None = None
    precision: Precision | None = None
    mode: Mode | None = None
    flow: FlowMethod | None = None
    decoder: Decoder | None = None
    probe: Probe | None = None
    batch: tuple[int, ...] | None = None
    threads: int | None = None
    eval_batch: int | None = None
    measure: tuple[Measure, ...] | None = None
    cold_l2: bool | None = None
    sweep: bool | None = None
    max_batch: int | None = None


CHOICES: dict[str, tuple[str, ...]] = {
    "device": get_args(Device),
    "precision": get_args(Precision),
    "mode": get_args(Mode),
    "flow": FLOW_METHODS,
    "decoder": DECODERS,
    "probe": PROBES,
    "measure": get_args(Measure),
}


def settings_of(**given: Any) -> Settings:
    """Check what the command line says; None is not said.

    Raises:
        KinobenchError: A value is not one that the setting can have; the option is named.
    """
    plain = {field: value for field, value in given.items() if value is not None}
    try:
        settings = msgspec.convert(plain, Settings)
    except msgspec.ValidationError as error:
        raise wrong_value(error, plain, "command line", CHOICES) from error
    refuse_wrong_values(settings, SETTING_CHECKS, "command line")
    return settings


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


def check_split(dataset: catalog.Dataset, split: str) -> None:
    """Raise UnknownNameError unless the dataset has a split of that name."""
    if split not in dataset.splits:
        raise UnknownNameError(f"split of {dataset.name}", split, dataset.splits)


def views_of(text: str) -> tuple[int, int]:
    """Return the temporal and the spatial views of a text like `10x3`.

    Raises:
        KinobenchError: It is written otherwise, or has another number of spatial views.
    """
    found = re.fullmatch(r"([1-9]\d*)x(\d+)", text)
    if found is None or int(found[2]) not in CROP_COUNTS:
        raise KinobenchError(
            f"views {text!r}: write temporal x spatial, as in 10x3; spatial views are "
            f"{', '.join(map(str, CROP_COUNTS))}"
        )
    return int(found[1]), int(found[2])


def _protocol(name: str) -> None:
    if name != NATIVE:
        preset(name)


def _dataset(name: str) -> None:
    if name != "none":
        catalog.get(name)


def _one_or_more(count: int) -> None:
    if count < 1:
        raise KinobenchError("it must be 1 or more")


def positive(amount: float) -> None:
    """Raise a KinobenchError unless an amount is above 0 and finite."""
    if not 0 < amount < math.inf:
        raise KinobenchError("it must be above 0, and finite")


Check = Callable[[Any], object]
"""Raises a KinobenchError for a value that the setting can't have."""

SETTING_CHECKS: dict[str, Check] = {
    "model": registry.check,
    "dataset": _dataset,
    "protocol": _protocol,
    "views": views_of,
    "classes": _one_or_more,
    "batch": _one_or_more,
    "threads": _one_or_more,
    "eval_batch": _one_or_more,
    "max_batch": _one_or_more,
}


def refuse_wrong_values(settings: msgspec.Struct, checks: Mapping[str, Check], where: str) -> None:
    """Check values that are of the right type, while it is known who said them."""
    for field in ("batch", "measure"):
        if getattr(settings, field, None) == ():
            raise KinobenchError(f"{where}: {field} is empty; give one or more, or leave it out")
    for field, check in checks.items():
        value = getattr(settings, field)
        for each in value if isinstance(value, tuple) else (value,):
            if each is None:
                continue
            try:
                check(each)
            except KinobenchError as error:
                raise KinobenchError(f"{where}: {field} is {each!r}: {error}") from error


def spread_batch(plain: Any) -> None:
    """Let `batch = 8` stand for `batch = [8]`."""
    if isinstance(plain, dict) and isinstance(plain.get("batch"), int):
        plain["batch"] = [plain["batch"]]
