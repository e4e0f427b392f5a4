"""The boxes of key frames through a detector, to a score for each class."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from ...datasets.copy_digest import StoredVideo
from ...datasets.events.proposals import Proposals
from ...datasets.protocol.boxes import boxes_in_view
from ...datasets.protocol.boxes import seen as is_seen
from ...datasets.split import Split, Video
from ...datasets.truth import BoxTruth
from ..network.network import Network
from ..network.outputs import logits_of
from .evaluate import VideoPredictions
from .window_views import Pictures, TensorPlace, clips_of, open_windows


class Asked(NamedTuple):
    """The boxes of a key frame that a network is asked about.

    Attributes:
        name: The key frame's name.
        time_s: Its time.
        boxes: `[n, 4]`, shares of the whole frame.
    """

    name: str
    time_s: float
    boxes: np.ndarray


class Answer(NamedTuple):
    """What a network says of a key frame's boxes, as far as its view shows them.

    Attributes:
        boxes: `[n, 4]`, as they were asked.
        scores: `[n, classes]`.
    """

    boxes: np.ndarray
    scores: np.ndarray


UNSEEN = "boxes that the view doesn't show have no prediction"

BoxesOf = Callable[[str], list[Asked]]
"""Returns the key frames of a video, by its id, with their boxes, by rising time."""


def true_boxes(truth: BoxTruth) -> BoxesOf:
    """Return the key frames with the annotated boxes, each once."""

    def asked(video: str) -> list[Asked]:
        found = []
        for key in truth.videos.get(video, ()):
            if (video, key.name) in truth.excluded:
                continue
            corners = dict.fromkeys((box.x1, box.y1, box.x2, box.y2) for box in key.boxes)
            boxes = np.array(list(corners), dtype=np.float64).reshape(-1, 4)
            found.append(Asked(key.name, key.time_s, boxes))
        return sorted(found, key=_time)

    return asked


def _time(asked: Asked) -> float:
    return asked.time_s


def proposed_boxes(truth: BoxTruth, proposals: Proposals) -> BoxesOf:
    """Return the annotated key frames with the boxes of a file; a frame may have none."""

    def asked(video: str) -> list[Asked]:
        found = []
        for key in truth.videos.get(video, ()):
            if (video, key.name) in truth.excluded:
                continue
            corners = list(proposals.boxes.get((video, key.name), {}))
            boxes = np.array(corners, dtype=np.float64).reshape(-1, 4)
            found.append(Asked(key.name, key.time_s, boxes))
        return sorted(found, key=_time)

    return asked


class Detect:
    """Predicts the classes of the boxes of one video after another; see `evaluate.Predict`."""

    def __init__(
        self,
        network: Network,
        split: Split,
        boxes_of: BoxesOf,
        read: Callable[[Video, Callable[[], Any]], Any],
    ) -> None:
        """Take a network that has settled.

        Args:
            network: Takes `(clip, boxes)`.
            split: The videos' split, which knows when each copy begins.
            boxes_of: The boxes.
            read: Reads a video, guarded; called with it and a function that reads.
        """
        self._network, self._split = network, split
        self._boxes_of, self._read = boxes_of, read

    def __call__(self, video: Video, opened: dict[str, StoredVideo]) -> VideoPredictions:
        """Return a row for each box that the view shows, and each class."""
        asked = self._boxes_of(video.id)
        remarks: list[str] = []

        with_boxes = [each for each in asked if len(each.boxes)]

        def predict() -> list[Answer]:
            remarks.clear()  # of a first attempt
            return self._answers(video, with_boxes, opened, remarks)

        begin = time.perf_counter()
        answers = self._read(video, predict)
        boxes = sum(len(each.boxes) for each in with_boxes)
        facts = {"key_frames": float(len(asked)), "boxes": float(boxes)}
        facts["timed_s"] = time.perf_counter() - begin
        if sum(len(each.boxes) for each in answers) < boxes:
            remarks.append(UNSEEN)
        columns = _rows(with_boxes, answers, self._network.case.classes)
        return VideoPredictions(columns, facts, tuple(dict.fromkeys(remarks)))

    def _answers(
        self,
        video: Video,
        asked: list[Asked],
        opened: dict[str, StoredVideo],
        remarks: list[str],
    ) -> list[Answer]:
        """Return what the network says of each key frame."""
        network, case = self._network, self._network.case
        protocol = case.protocol
        found: list[Answer] = []
        pictures = Pictures(protocol)
        with open_windows(self._split, video, protocol, pictures) as reader:
            opened[video.id] = reader.stored
            starts_s = [each.time_s - reader.span_s / 2 for each in asked]
            place = TensorPlace(network.device, network.dtype)
            with torch.inference_mode():
                for clips in clips_of(reader, starts_s, case.eval_batch, place):
                    few = asked[len(found) : len(found) + len(clips)]
                    found += self._of_clips(clips, few, pictures.frame)
            remarks += reader.remarks
        return found

    def _of_clips(
        self, clips: torch.Tensor, asked: list[Asked], frame: tuple[int, int]
    ) -> list[Answer]:
        """Return what the network says of some clips, of frames of a height and a width."""
        height, width = frame
        network, protocol = self._network, self._network.case.protocol
        rows, shown = [], []
        for number, each in enumerate(asked):
            moved = boxes_in_view(protocol, width, height, each.boxes)
            shown.append(is_seen(moved))
            inside = moved[shown[-1]]
            rows.append(np.column_stack([np.full(len(inside), float(number)), inside]))
        boxes = torch.from_numpy(np.concatenate(rows)).float().to(network.device)
        logits = logits_of(network.classify(clips, boxes), network.case.model)
        scores = logits.float().sigmoid().double().cpu().numpy()
        ends = np.cumsum([visible.sum() for visible in shown])[:-1]
        parts = np.split(scores, ends)
        return [
            Answer(each.boxes[visible], part)
            for each, visible, part in zip(asked, shown, parts, strict=True)
        ]


def _rows(asked: list[Asked], answers: list[Answer], classes: int) -> dict[str, np.ndarray]:
    """Return a row for each box of each key frame and each class."""
    counts = [len(each.boxes) for each in answers]
    boxes = np.concatenate([each.boxes for each in answers]) if answers else np.zeros((0, 4))
    boxes = boxes.repeat(classes, axis=0)
    names = np.array([each.name for each in asked], dtype=object).repeat(counts).repeat(classes)
    flat = np.concatenate([each.scores.reshape(-1) for each in answers] or [np.zeros(0)])
    columns = {name: boxes[:, place] for place, name in enumerate(("x1", "y1", "x2", "y2"))}
    labels = np.tile(np.arange(classes, dtype=np.int32), sum(counts))
    return {"frame": names, **columns, "label": labels, "score": flat}
