"""Clips to train on."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from kinobench.bench.train import recipe
from kinobench.bench.train.clips import (
    Draw,
    ShuffledVideos,
    TrainingClips,
    collate,
)
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.pointlight.encode import write_grey_video
from kinobench.datasets.protocol import Protocol, preset
from kinobench.datasets.split import Split, Video

COMMON = recipe.load("common")
EXACT = msgspec.structs.replace(COMMON, scale=(1.0, 1.0), flip=False)


def clip_protocol(frames: int, **changes: object) -> Protocol:
    return msgspec.structs.replace(preset("pointlight"), frames=frames, **changes)


def write_ramp(path: Path, frames: int, size: int = 64) -> None:
    """Write a video whose frame k is grey of luma 40 + 4 k, darker by 20 in its left half."""
    luma = np.empty((frames, size, size), np.uint8)
    luma[:] = (40 + 4 * np.arange(frames))[:, None, None]
    luma[:, :, : size // 2] -= 20
    write_grey_video(path, luma)


def made_split(paths: list[Path], classes: tuple[str, ...] = ("A", "B")) -> Split:
    videos = tuple(
        Video(id=path.name, path=path, label=number % len(classes))
        for number, path in enumerate(paths)
    )
    return Split(dataset="made", name="train", classes=classes, videos=videos)


def clips_of(split: Split, protocol: Protocol, numbers: recipe.Recipe = EXACT) -> TrainingClips:
    return TrainingClips(split, protocol, ("rgb",), "dis", numbers, seed=0)


def test_an_epoch_has_every_video_once_and_no_two_epochs_the_same_order() -> None:
    sampler = ShuffledVideos(50, seed=3, clips_per_epoch=0)
    first = list(sampler)
    assert sorted(draw.number for draw in first) == list(range(50)) and first == list(sampler)
    sampler.epoch = 1
    second = list(sampler)
    assert sorted(draw.number for draw in second) == list(range(50))
    assert [draw.number for draw in first] != [draw.number for draw in second]


@pytest.mark.parametrize("clips_per_epoch", [20, 50, 120])
def test_epochs_go_on_where_the_one_before_stopped(clips_per_epoch: int) -> None:
    sampler = ShuffledVideos(50, seed=3, clips_per_epoch=clips_per_epoch)
    drawn = []
    for sampler.epoch in range(5):
        epoch = list(sampler)
        assert len(epoch) == len(sampler) == clips_per_epoch
        assert {draw.epoch for draw in epoch} == {sampler.epoch}
        drawn += [draw.number for draw in epoch]
    passages = [drawn[start : start + 50] for start in range(0, len(drawn) - 49, 50)]
    assert all(sorted(passage) == list(range(50)) for passage in passages)
    assert passages[0] != passages[1]


def test_a_clip_of_the_whole_video_is_what_testing_sees(tmp_path: Path) -> None:
    from kinobench.datasets.video.clips import read_clips
    from kinobench.datasets.views.maker import make_views

    write_ramp(tmp_path / "a.mp4", 16)
    protocol = clip_protocol(16)
    (clip,), labels = clips_of(made_split([tmp_path / "a.mp4"]), protocol)[Draw(0, 0)]
    read = read_clips(tmp_path / "a.mp4", protocol)
    assert torch.equal(clip, make_views(read.frames, read.places, protocol))
    assert labels.tolist() == [0]


def test_a_random_clip_of_a_longer_video_is_of_neighbouring_frames_and_starts_anywhere(
    tmp_path: Path,
) -> None:
    write_ramp(tmp_path / "a.mp4", 24)
    protocol = clip_protocol(4)
    clips = clips_of(made_split([tmp_path / "a.mp4"]), protocol)
    starts = set()
    for epoch in range(40):
        (clip,), _ = clips[Draw(epoch, 0)]
        levels = clip[0, 0, :, 32, 48]  # steps of 4 luma, a little rounded
        steps = levels.diff()
        assert (steps > 0).all() and steps.max() < 1.6 * steps.min()
        starts.add(round(float(levels[0]), 2))
    assert len(starts) > 10


def test_what_is_drawn_depends_on_seed_epoch_and_video_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_ramp(tmp_path / f"{name}.mp4", 24)
    split = made_split([tmp_path / "a.mp4", tmp_path / "b.mp4"])
    protocol = clip_protocol(4, short_side=48, size=48)
    one, other = clips_of(split, protocol, COMMON), clips_of(split, protocol, COMMON)
    late = one[Draw(7, 1)].inputs[0]
    _ = [other[Draw(epoch, 0)] for epoch in range(3)]
    assert torch.equal(late, other[Draw(7, 1)].inputs[0])
    assert not torch.equal(late, other[Draw(8, 1)].inputs[0])


def test_large_frames_are_cut_as_they_are_decoded_to_the_same_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ramp(tmp_path / "a.mp4", 24)
    split = made_split([tmp_path / "a.mp4"])
    numbers = msgspec.structs.replace(COMMON, flip=True)
    for changes in ({"short_side": 48, "size": 40}, {"antialias": False, "short": "hold"}):
        protocol = clip_protocol(20, **changes)
        whole, cut = (clips_of(split, protocol, numbers) for _ in range(2))
        expected = [whole[Draw(epoch, 0)].inputs[0] for epoch in range(4)]
        with monkeypatch.context() as patched:
            patched.setattr("kinobench.bench.train.clips.LARGE_BYTES", 0)
            patched.setattr("kinobench.bench.train.clips.new_room", None)  # none is asked for
            found = [cut[Draw(epoch, 0)].inputs[0] for epoch in range(4)]
        assert all(map(torch.equal, found, expected))


def test_half_of_the_clips_are_mirrored_unless_a_class_is_distinguished_by_sides(
    tmp_path: Path,
) -> None:
    write_ramp(tmp_path / "a.mp4", 4)
    protocol, flips = clip_protocol(4), msgspec.structs.replace(EXACT, flip=True)

    def mirrored(classes: tuple[str, ...]) -> int:
        clips = clips_of(made_split([tmp_path / "a.mp4"], classes), protocol, flips)
        views = [clips[Draw(epoch, 0)].inputs[0] for epoch in range(60)]
        return sum(bool(view[0, 0, 0, 32, 8] > view[0, 0, 0, 32, 56]) for view in views)

    assert 15 <= mirrored(("A", "B")) <= 45
    assert mirrored(("Left", "B")) == 0


def test_a_damaged_video_is_named_once_and_its_neighbour_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    write_ramp(tmp_path / "b.mp4", 4)
    split = made_split([tmp_path / "a.mp4", tmp_path / "b.mp4"])
    clips = clips_of(split, clip_protocol(4))
    for epoch in range(3):
        assert clips[Draw(epoch, 0)].labels.tolist() == [1]
    assert capsys.readouterr().err.count("a.mp4") == 1
    alone = clips_of(made_split([tmp_path / "a.mp4"]), clip_protocol(4))
    with pytest.raises(KinobenchError, match="no video of made train can be read"):
        alone[Draw(0, 0)]


def test_clips_are_put_together_argument_by_argument(tmp_path: Path) -> None:
    write_ramp(tmp_path / "a.mp4", 4)
    split = made_split([tmp_path / "a.mp4"] * 1)
    clips = TrainingClips(split, clip_protocol(4), ("rgb", "flow"), "farneback", EXACT, seed=0)
    inputs, labels = collate([clips[Draw(0, 0)], clips[Draw(1, 0)]])
    assert [tuple(each.shape) for each in inputs] == [(2, 3, 4, 64, 64), (2, 6, 64, 64)]
    assert labels.shape == (2,)
