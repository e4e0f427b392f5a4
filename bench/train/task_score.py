"""The score of trained weights of localization or detection, as `run` gives it."""

from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.split import Split
from ...datasets.unfinished import temporary_folder
from ..network.network import Network
from ..records.budget import Budget
from ..records.case import Case
from ..records.job import Event, Job, Measured
from ..records.task_results import TaskScore
from ..tasks.case import detect, localize

if TYPE_CHECKING:
    from .training import Training


def score_task(training: "Training", weights: Path, held_out: Split) -> TaskScore:
    """Score weights on a split, under its rule.

    Args:
        training: The training.
        weights: Their file.
        held_out: The videos and their truth.

    Raises:
        KinobenchError: Nothing can be scored.
    """
    task = held_out.task
    case = Case(
        model=training.model,
        weights=str(weights),
        classes=len(held_out.classes),
        protocol=training.protocol,
        dataset=held_out.dataset,
        split=held_out.name,
        device=training.device,
        task=task,
        step=training.step if task == "localization" else None,
        boxes=1 if task == "detection" else None,
    )
    found: list[TaskScore] = []

    def emit(event: Event) -> None:
        if isinstance(event, Measured):
            found.extend(each for each in (event.localization, event.detection) if each)

    network = Network(case)
    _ = network.digest
    network.settle(reference=False)
    with temporary_folder() as folder:
        job = Job(
            case=case,
            measures=(task,),
            budget=Budget(),
            results=str(folder),
            predictions="score",
            skip_unreadable=True,
        )
        measure = localize if task == "localization" else detect
        measure(job, network, held_out, emit)
    return found[0]
