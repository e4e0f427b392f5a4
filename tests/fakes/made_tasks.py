"""Tiny datasets of localization and detection, and cases that are measured on them."""

from pathlib import Path
from typing import Any

from kinobench.bench.records.budget import Budget
from kinobench.bench.records.case import Case
from kinobench.bench.records.job import Event, Failed, Job, Measured, Note
from kinobench.bench.records.task_results import Detection, Localization
from kinobench.bench.run.worker import measure_case
from kinobench.datasets import catalog
from kinobench.datasets.pointlight_boxes import make_boxes
from kinobench.datasets.pointlight_boxes.level import Level
from kinobench.datasets.pointlight_events import make_events
from kinobench.datasets.pointlight_events.settings import Settings
from kinobench.datasets.protocol import preset

SHORT = Settings(length=(5.1, 6.0), event=(1.0, 1.5), gap=(0.5, 1.0))
"""Videos of a few seconds."""
DATASETS = {"localization": "pointlight-events", "detection": "pointlight-boxes"}
MODELS = {"localization": "windows_tiny", "detection": "roi_tiny"}


def events(folder: Path, test: int = 9, train: int = 2) -> Path:
    """Make a tiny pointlight-events; nine videos are two shards."""
    return make_events(folder / "events", settings=SHORT, test=test, train=train)


def boxes(folder: Path, test: int = 9, train: int = 3) -> Path:
    """Make a tiny pointlight-boxes, of videos of two seconds."""
    return make_boxes(folder / "boxes", level=Level(seconds=2), test=test, train=train)


def job_of(task: str, root: Path, results: Path, **changes: Any) -> Job:
    """Return the job that measures the task's tiny network on a made dataset.

    Args:
        task: It.
        root: Folder of the dataset.
        results: Folder of the results.
        changes: Fields of the job, or of its case, that are others.
    """
    dataset = catalog.get(DATASETS[task])
    assert dataset.num_classes is not None
    case: dict[str, Any] = {
        "model": MODELS[task],
        "weights": None,
        "classes": dataset.num_classes,
        "protocol": preset(dataset.default_protocol),
        "dataset": dataset.name,
        "split": "test",
        "device": "cpu",
        "threads": 1,
        "task": task,
        "step": 15 if task == "localization" else None,
        "boxes": 1 if task == "detection" else None,
    }
    case |= {name: changes.pop(name) for name in list(changes) if name in Case.__struct_fields__}
    given: dict[str, Any] = {"predictions": "run-001", "flow_cache": "none"} | changes
    return Job(
        case=Case(**case),
        measures=(task,),
        budget=Budget(),
        data_root=str(root),
        results=str(results),
        **given,
    )


class Done:
    """What a job gave.

    Attributes:
        result: The score; None if there is none.
        failed: Why it failed.
        notes: Its notes.
    """

    def __init__(self, job: Job) -> None:
        """Measure a job in this process."""
        found: list[Event] = []
        measure_case(job, found.append)
        self.failed = [each.failure for each in found if isinstance(each, Failed)]
        self.notes = [each.text for each in found if isinstance(each, Note)]
        self.result: Localization | Detection | None = None
        for each in found:
            if isinstance(each, Measured):
                self.result = self.result or each.localization or each.detection

    @property
    def score(self) -> Localization | Detection:
        """The score, of a job that gave one."""
        assert self.result is not None, self.failed
        return self.result
