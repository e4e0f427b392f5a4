"""The clip around a key frame, and the boxes that it shows: exact frames and places."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from kinobench.bench.tasks.detect import UNSEEN, Detect, true_boxes
from kinobench.bench.tasks.score import score_detection
from kinobench.datasets.protocol import Protocol, preset
from kinobench.datasets.split import Split, Video
from kinobench.datasets.truth import Box, BoxTruth, KeyFrame

from ...fakes.made_tasks import job_of
from ...fakes.media import write_video

PROTOCOL = preset("pointlight-boxes")
FPS, FRAMES = 30, 90


def brightening(width: int = 96, height: int = 96) -> np.ndarray:
    """Frames whose luma is twice their number."""
    luma = 2 * np.arange(FRAMES, dtype=np.uint8)[:, None, None, None]
    return np.broadcast_to(luma, (FRAMES, height, width, 3)).copy()


class Witness:
    """Stands for a network; notes what it is given, and says that a box is as likely as it is wide.

    Attributes:
        clips: Mean of each picture of each clip, in numbers of the file's frames.
        boxes: What came with them.
    """

    def __init__(self, protocol: Protocol, classes: int = 2) -> None:
        case = job_of("detection", Path(), Path(), protocol=protocol, classes=classes).case
        self.case, self.device, self.dtype = case, torch.device("cpu"), torch.float32
        self.clips: list[np.ndarray] = []
        self.boxes: list[np.ndarray] = []

    def classify(self, clips: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        mean, std = self.case.protocol.mean[0], self.case.protocol.std[0]
        luma = (clips.mean((1, 3, 4)) * std + mean) * 255 / 2
        self.clips += list(luma.numpy())
        self.boxes += list(boxes.numpy())
        return (boxes[:, 3] - boxes[:, 1])[:, None].expand(-1, self.case.classes)


def detected(
    folder: Path, keys: tuple[KeyFrame, ...], protocol: Protocol = PROTOCOL, **size: int
) -> tuple[Witness, Any, BoxTruth]:
    path = write_video(folder / "v.mp4", brightening(**size), fps=FPS)
    truth = BoxTruth(rule="ava", videos={"v": keys})
    video = Video(id="v", path=path, labels=(0,))
    split = Split(
        dataset="made",
        name="test",
        classes=("a", "b"),
        videos=(video,),
        scoring="map",
        truth=truth,
    )
    network: Any = Witness(protocol)
    detect = Detect(network, split, true_boxes(truth), lambda video, read: read())
    return network, detect(video, {}), truth


def key(name: str, time_s: float, *boxes: tuple[float, float, float, float]) -> KeyFrame:
    return KeyFrame(name, time_s, tuple(Box(*corners, (0,)) for corners in boxes))


WHOLE = (0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize("fps", [None, 30.0])
def test_a_clip_is_centred_on_its_key_frame(tmp_path: Path, fps: float | None) -> None:
    protocol = msgspec.structs.replace(PROTOCOL, fps=fps)
    keys = tuple(key(f"{second:04d}", second + 0.5, WHOLE) for second in range(3))
    network, found, _ = detected(tmp_path, keys, protocol)
    for second, clip in enumerate(network.clips):
        first = 30 * second + 7
        assert np.allclose(clip, np.arange(first, first + 16), atol=1.0), second
    assert found.facts["key_frames"] == found.facts["boxes"] == 3


def test_key_frames_are_read_by_their_time_whatever_their_order(tmp_path: Path) -> None:
    keys = key("b", 1.5, WHOLE), key("none", 1.0), key("a", 0.5, WHOLE)
    network, found, _ = detected(tmp_path, keys)
    assert found.columns["frame"].tolist() == ["a", "a", "b", "b"]
    assert network.clips[0][0] < network.clips[1][0]


def test_a_box_is_moved_into_the_crop_and_one_outside_of_it_has_no_prediction(
    tmp_path: Path,
) -> None:
    # 192x96: the centre crop shows x from a quarter to three quarters.
    left, middle, half = (0.0, 0.0, 0.2, 1.0), (0.375, 0.25, 0.625, 0.75), (0.0, 0.0, 0.5, 0.5)
    network, found, truth = detected(
        tmp_path, (key("a", 1.5, left, middle, half),), width=192, height=96
    )
    expected = [[0, 0.25, 0.25, 0.75, 0.75], [0, 0, 0, 0.5, 0.5]]
    assert np.allclose(network.boxes, expected)
    rows = np.column_stack([found.columns[name] for name in ("x1", "y1", "x2", "y2")])
    assert np.allclose(rows, np.repeat([middle, half], 2, axis=0))  # of the whole frame again
    assert found.facts["boxes"] == 3 and UNSEEN in found.remarks
    columns = {**found.columns, "video": np.full(4, "v", dtype=object)}
    # Two of three boxes, and none of the missed one's: it is missed, not hit by a score of 0.
    assert score_detection(truth, ["v"], columns, 2).average == pytest.approx(2 / 3)
