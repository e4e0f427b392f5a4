"""Rules on the options of a command line over all cases: each must be about one of them."""

from collections.abc import Callable, Collection

from ...measure import registry as measurements
from ..planned import Planned
from ..settings import (
    Settings,
)


def _accuracy_without_dataset(asked: Settings, planned: Collection[Planned]) -> str | None:
    if "accuracy" in (asked.measure or ()) and any(each.case.dataset is None for each in planned):
        return "--measure accuracy needs a dataset: give --dataset NAME"
    return None


def _largest_batch_without_sweep(asked: Settings, planned: Collection[Planned]) -> str | None:
    if asked.max_batch is None or any("sweep" in each.measures for each in planned):
        return None
    return (
        f"--max-batch {asked.max_batch}: it is the largest batch of a sweep; give --sweep too, "
        "or --batch N for one batch"
    )


def _flow_of_no_model(asked: Settings, planned: Collection[Planned]) -> str | None:
    if asked.flow is None or any(each.case.flow is not None for each in planned):
        return None
    return f"--flow {asked.flow}: none of the models takes optical flow"


def _probe_without_accuracy(asked: Settings, planned: Collection[Planned]) -> str | None:
    if asked.probe is None or any("accuracy" in each.measures for each in planned):
        return None
    return (
        f"--probe {asked.probe}: no accuracy is measured, so there is nothing to probe; add "
        "accuracy to --measure (and name a --dataset), or leave --probe out"
    )


def _calibration_of_nothing(asked: Settings, planned: Collection[Planned]) -> str | None:
    if asked.calibration is None or any(each.case.calibration for each in planned):
        return None
    return (
        f"--calibration {asked.calibration}: nothing is quantised; add --precision int8, or leave "
        "--calibration out"
    )


def _decoder_without_videos(asked: Settings, planned: Collection[Planned]) -> str | None:
    reading = (
        measurements.reads_videos(each.measures) or each.case.calibration for each in planned
    )
    if asked.decoder is None or any(reading):
        return None
    return (
        f"--decoder {asked.decoder}: no accuracy is measured, so no video is decoded; add "
        "accuracy to --measure (and name a --dataset), or leave --decoder out"
    )


PLAN_RULES: tuple[Callable[[Settings, Collection[Planned]], str | None], ...] = (
    _accuracy_without_dataset,
    _largest_batch_without_sweep,
    _flow_of_no_model,
    _probe_without_accuracy,
    _decoder_without_videos,
    _calibration_of_nothing,
)
"""Each returns why an option of the command line is about none of the cases, or None."""
