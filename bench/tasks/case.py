"""The score of a case of localization or detection: its folder, its predictions, its result."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.names import readable
from ...datasets.split import Split, Video
from ...datasets.truth import BoxTruth, EventTruth
from ..evaluation.case import claim_logits, guard_of
from ..evaluation.origin import Origin
from ..records.job import Emit, Failed, Job, Measured, Note, Progress
from ..records.record import Failure
from ..records.task_results import Detection, Localization

if TYPE_CHECKING:
    from ..evaluation.guard import Guard
    from ..network.network import Network
    from .evaluate import Predict, TaskPredictions

Read = Callable[[Video, Callable[[], Any]], Any]


def localize(job: Job, network: "Network", split: Split, emit: Emit) -> None:
    """Measure how well a network localizes, from where a killed run of the case stopped."""
    from ...datasets.plurals import quantity
    from .feature_cache import FeatureCache
    from .localize import Localize
    from .score import score_localization

    truth = split.truth
    if not isinstance(truth, EventTruth):
        raise KinobenchError(f"{split.dataset} has no times of actions; give a dataset that has")
    cache = None if job.flow_cache == "none" else FeatureCache()
    with _predicting(job, network, split, emit, "localization") as place:
        predictor = Localize(network, split, cache, place.read)
        found = place.predict(predictor)
        if cache is not None and cache.fault is not None:
            place.note(f"{cache.fault}; features were not kept")
        if (text := eager_note(job.case.mode)) is not None:
            place.note(text)
        if kept := int(found.facts.get("kept", 0)):
            place.note(
                f"features of {kept} of {quantity(len(found.scored), 'video')} were kept from "
                "before, and `from file` is of the others; --flow-cache none computes all"
            )
        scores = score_localization(truth, found.scored, found.columns, len(split.classes))
        facts, module = found.facts, cast(Any, network.module)
        windows, video_s = facts.get("windows", 0.0), facts.get("video_s", 0.0)
        timed_s = facts.get("timed_video_s")
        emit(
            Measured(
                localization=Localization(
                    **_common(split, place, found, scores),
                    windows=int(windows),
                    video_s=video_s,
                    step_s=video_s / max(1.0, windows),
                    window_s=facts.get("window_s", 0.0) / max(1, len(found.scored)),
                    suppression=msgspec.to_builtins(predictor.suppression),
                    classifier=module.class_scores,
                    end_to_end_s=facts["timed_s"] / timed_s if timed_s else None,
                )
            )
        )
        place.refuse_unreadable(found)


def eager_note(mode: str) -> str | None:
    """Return a note on a mode in which windows don't go through the backbone; None for others."""
    if mode in ("eager", "channels_last_3d"):
        return None
    return (
        f"features are computed eagerly, as videos have any number of windows; mode {mode} is that "
        "of the latency"
    )


def detect(job: Job, network: "Network", split: Split, emit: Emit) -> None:
    """Measure how well a network detects, from where a killed run of the case stopped."""
    from ...datasets.events.proposals import read_proposals
    from .detect import Detect, proposed_boxes, true_boxes
    from .score import score_detection

    truth = split.truth
    if not isinstance(truth, BoxTruth):
        raise KinobenchError(
            f"{split.dataset} has no boxes on key frames, and tubes can't be linked yet: score a "
            "file of tubes by `score`, or give a dataset with boxes on key frames"
        )
    boxes_of, source, digest = true_boxes(truth), "truth", None
    if job.proposals is not None:
        file = Path(job.proposals)
        proposals = read_proposals(file)
        boxes_of, source = proposed_boxes(truth, proposals), readable(file.name)
        digest = proposals.digest
    with _predicting(job, network, split, emit, "detection") as place:
        found = place.predict(Detect(network, split, boxes_of, place.read))
        scores = score_detection(truth, found.scored, found.columns, len(split.classes))
        emit(
            Measured(
                detection=Detection(
                    **_common(split, place, found, scores),
                    key_frames=int(found.facts.get("key_frames", 0)),
                    boxes=int(found.facts.get("boxes", 0)),
                    source=source,
                    source_digest=digest,
                    end_to_end_s=_over(found.facts, "timed_s", "key_frames"),
                )
            )
        )
        place.refuse_unreadable(found)


class _Place(NamedTuple):
    """Where a case's predictions go, and how its videos are read."""

    job: Job
    split: Split
    folder: Any
    origin: Origin
    guard: "Guard"
    emit: Emit
    about: str

    def note(self, text: str) -> None:
        self.emit(Note(text=f"{self.about}: {text}"))

    def read(self, video: Video, read: Callable[[], Any]) -> Any:
        """Read a video, guarded; the memory of windows is bounded, so no room is asked for."""
        from ...datasets.video.stores import new_room

        return self.guard.read(video, new_room, lambda room: read())

    def predict(self, predict: "Predict") -> "TaskPredictions":
        from .evaluate import TaskSink, predict_split

        def progress(done: int, total: int) -> None:
            self.emit(Progress(stage=self.about, done=done, total=total))

        sink = TaskSink(self.folder, self.origin, progress, self.note)
        return predict_split(predict, self.split, sink)

    def refuse_unreadable(self, found: "TaskPredictions") -> None:
        """Fail the case if videos could not be read, unless that is accepted."""
        bad = [each for each in found.unreadable if not each.is_missing]
        if not found.scored:
            bad = list(found.unreadable)
        if not bad or (self.job.skip_unreadable and found.scored):
            return
        message = (
            f"{len(bad)} of {len(self.split.videos)} videos could not be read; the first is "
            f"{bad[0].path}: {bad[0].reason}. Replace them and run this again, which measures only "
            "their shards, or leave them out with --skip-unreadable"
        )
        self.emit(Failed(failure=Failure(kind="unreadable", message=message)))


@contextmanager
def _predicting(
    job: Job, network: "Network", split: Split, emit: Emit, about: str
) -> Iterator[_Place]:
    emit(Progress(stage=about))

    def note(text: str) -> None:
        emit(Note(text=f"{about}: {text}"))

    if job.cluster is not None:
        raise KinobenchError(f"a cluster can't measure {about}: leave --cluster out")
    with claim_logits(job, split, network, emit) as claimed:
        for text in claimed.notes:
            note(text)
        origin = Origin(job.recorded.digest, split.manifest, network.weights_digest)
        with guard_of(job, claimed.folder, split, emit, note, about) as guard:
            yield _Place(job, split, claimed.folder, origin, guard, emit, about)
    for text in split.notes:
        emit(Note(text=f"{split.dataset}: {text}"))


def _common(split: Split, place: _Place, found: "TaskPredictions", scores: Any) -> dict[str, Any]:
    """Return the fields that both tasks share."""
    return {
        "rule": scores.rule,
        "map": scores.average,
        "interval": scores.interval,
        "thresholds": tuple(scores.thresholds),
        "by_threshold": tuple(scores.by_threshold),
        "classes": scores.classes,
        "scored": len(found.scored),
        "expected": len(split.videos),
        "unreadable": found.unreadable,
        "truths": scores.truths,
        "predictions": place.folder.relative_to(place.job.results).as_posix(),
        "found": scores.found,
        "copy": found.copy,
        "manifest": split.manifest,
        "wall_s": found.wall_s,
    }


def _over(facts: Mapping[str, float], name: str, by: str) -> float | None:
    return facts[name] / facts[by] if facts.get(by) and name in facts else None
