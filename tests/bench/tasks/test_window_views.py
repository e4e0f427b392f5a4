"""Windows of a long video are the clips that an evaluation of a short one sees."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kinobench.bench.tasks.localize import windows_of
from kinobench.bench.tasks.window_views import Pictures, TensorPlace, clips_of
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.video.clips import read_clips
from kinobench.datasets.video.windows import WindowReader
from kinobench.datasets.views.maker import make_views

from ...fakes.media import moving_frames, write_video

PROTOCOL = preset("pointlight")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("windows") / "video.mp4"
    return write_video(path, moving_frames(64), fps=16)


def test_a_window_is_the_view_of_the_same_frames(video: Path) -> None:
    clips = read_clips(video, PROTOCOL)
    (expected,) = make_views(clips.frames, clips.places, PROTOCOL)
    first = clips.numbers[clips.places[0][0]]
    with WindowReader(video, PROTOCOL, picture_of=Pictures(PROTOCOL)) as reader:
        place = TensorPlace(torch.device("cpu"), torch.float32)
        (found,) = clips_of(reader, [float(reader.times_s[first])], 4, place)
    assert torch.equal(found[0], expected)


def test_windows_come_in_batches_in_order(video: Path) -> None:
    with WindowReader(video, PROTOCOL, picture_of=Pictures(PROTOCOL)) as reader:
        windows = windows_of(reader, 4, None)
        place = TensorPlace(torch.device("cpu"), torch.float32)
        parts = list(clips_of(reader, list(windows.starts_s), 5, place))
    assert [len(each) for each in parts] == [5, 5, 5, 1]
    assert parts[0].shape[1:] == (3, 16, 64, 64) and parts[0].is_contiguous()


def test_windows_lie_on_their_grid_and_inside_the_video(video: Path) -> None:
    with WindowReader(video, PROTOCOL) as reader:
        windows = windows_of(reader, 4, None)
    grid = windows.grid
    assert (grid.first_s, grid.step_s, grid.window_s) == (0.0, 0.25, 1.0)
    assert windows.end_s == 4.0 and len(windows.starts_s) == 16
    centres = windows.starts_s + 15 / 16 / 2
    inner = slice(2, 13)
    assert np.allclose(centres[inner], 0.25 * np.arange(16)[inner])
    assert windows.starts_s.min() == 0.0 and windows.starts_s.max() == 3.0


def test_a_protocol_of_several_crops_is_refused_rather_than_seen_at_its_left() -> None:
    with pytest.raises(KinobenchError, match="has 3 crops"):
        Pictures(preset("common-112"))
    Pictures(preset("common-112").with_views(1, 1))
