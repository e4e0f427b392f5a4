"""Rules on settings that a network of another task can't have."""

from collections.abc import Callable

from ....datasets.names import DEFAULT_DECODER, Task
from ...measure import registry as measurements
from ...records.case import (
    QUANTISED,
)
from ...text.toml import one_of
from .chosen import Chosen


def _other_task(chosen: Chosen) -> str | None:
    task, model, dataset = chosen.settings.task, chosen.model, chosen.dataset
    if dataset is not None and model.task != dataset.task:
        return (
            f"{model.name} {_SAYS[model.task]}, and {dataset.name} asks {_ASKS[dataset.task]}; "
            f"give {_FITTING[dataset.task]}, or another --dataset"
        )
    if task is not None and task != model.task:
        return f"--task {task}: {model.name} {_SAYS[model.task]}; give {_FITTING[task]}"
    return None


_SAYS: dict[Task, str] = {
    "classification": "says what happens in a video",
    "localization": "says when something happens (localization)",
    "detection": "says what happens in boxes (detection)",
}


_ASKS: dict[Task, str] = {
    "classification": "what happens",
    "localization": "when it happens",
    "detection": "what happens in boxes",
}


_FITTING: dict[Task, str] = {
    "classification": "a --model that classifies",
    "localization": "a localizer, such as --model windows_tiny or actionformer_on_BACKBONE",
    "detection": "a detector, such as --model roi_tiny or roi_on_BACKBONE",
}


def _step_of_no_windows(chosen: Chosen) -> str | None:
    step = chosen.settings.step
    if step is not None and chosen.model.task != "localization":
        return f"--step {step}: {chosen.model.name} takes no windows of a video; leave it out"
    return None


def _boxes_of_no_detector(chosen: Chosen) -> str | None:
    boxes = chosen.settings.boxes
    if boxes is not None and "boxes" not in chosen.model.inputs:
        return f"--boxes {boxes}: {chosen.model.name} takes no boxes; leave it out"
    return None


def _whole_video_otherwise(chosen: Chosen) -> str | None:
    """Return why long videos can't be read, or changed, as a case asks."""
    name, settings = chosen.model.name, chosen.settings
    if chosen.model.task == "classification":
        return None
    if chosen.protocol.views != 1:
        return (
            f"--views {settings.views}: {name} is given one view of each window or key frame; "
            "leave it out"
        )
    if chosen.mode == "stream":
        return f"mode 'stream': {name} needs whole clips; give another --mode"
    if settings.probe is not None and chosen.dataset is not None:
        return (
            f"--probe {settings.probe}: probes change trimmed clips of one label, and {name} "
            f"{_SAYS[chosen.model.task]}; leave it out"
        )
    if settings.decoder not in (None, DEFAULT_DECODER) and chosen.dataset is not None:
        return (
            f"--decoder {settings.decoder}: windows of long videos are decoded by "
            f"{DEFAULT_DECODER} alone; leave it out"
        )
    return None


def _proposals_of_no_detector(chosen: Chosen) -> str | None:
    file = chosen.settings.proposals
    if file is None:
        return None
    if "boxes" not in chosen.model.inputs:
        return f"--proposals {file}: {chosen.model.name} takes no boxes; leave it out"
    return None if chosen.dataset else f"--proposals {file}: there is no dataset to score them on"


def _task_in_another_runtime(chosen: Chosen) -> str | None:
    if chosen.model.task == "localization" and chosen.runtime != "torch":
        return (
            f"runtime {chosen.runtime!r}: {chosen.model.name} gives segments next to scores, and "
            "exported networks give one output; give --runtime torch"
        )
    asked = chosen.settings.measure
    scores = chosen.dataset is not None and (
        asked is None or {"detection", "accuracy"} & set(asked)
    )
    if chosen.model.task == "detection" and chosen.runtime != "torch" and scores:
        return (
            f"runtime {chosen.runtime!r}: key frames have any number of boxes, and an exported "
            "network takes one number; give --measure flops,latency,memory, or --runtime torch"
        )
    if chosen.model.task != "classification" and chosen.settings.precision in QUANTISED:
        return (
            f"--precision {chosen.settings.precision}: the scales of {chosen.model.name} would be "
            "found with clips of one label; give another --precision"
        )
    return None


def _measures_of_other_tasks(chosen: Chosen) -> str | None:
    for name in chosen.settings.measure or ():
        tasks = measurements.get(name).tasks
        if chosen.model.task not in tasks and name != "accuracy":
            own = [each.name for each in measurements.every() if each.tasks == (chosen.model.task,)]
            return (
                f"--measure {name}: {chosen.model.name} {_SAYS[chosen.model.task]}; give "
                f"{one_of(own) if own else 'another measurement'}"
            )
    return None


TASK_RULES: tuple[Callable[[Chosen], str | None], ...] = (
    _other_task,
    _step_of_no_windows,
    _boxes_of_no_detector,
    _whole_video_otherwise,
    _proposals_of_no_detector,
    _task_in_another_runtime,
    _measures_of_other_tasks,
)
"""Each returns why a network of its task can't have such settings, or None."""
