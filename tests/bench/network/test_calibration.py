"""The training clips with which a network is quantised."""

from pathlib import Path

import msgspec
import pytest
import torch

from kinobench.bench.network import calibration
from kinobench.bench.network.calibration import CalibrationClips, training_split
from kinobench.datasets import catalog
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.lists.split_names import training_of
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video

from ...fakes.made_records import made_case

PROTOCOL = preset("pointlight")


@pytest.fixture(scope="module")
def train(few_points: Path) -> Split:
    return catalog.load_split(catalog.get("pointlight"), few_points, "train")


def _refuse_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"{arguments} was read")

    monkeypatch.setattr(calibration, "open_video", refuse)


@pytest.mark.parametrize(
    ("names", "scored", "expected"),
    [
        (("1", "2", "3", "train1", "train2", "train3"), "2", "train2"),
        (("1", "2", "train1"), "2", None),  # the videos of test split 2 may be among them
        (("test", "train", "test-v1", "train-v1"), "test-v1", "train-v1"),
        (("val", "test", "train"), "val", "train"),
        (("test", "training"), "test", "training"),
        (("test", "train"), "train", None),
        (("val", "test"), "val", None),
    ],
)
def test_the_training_split_is_the_partner_of_the_one_that_is_scored(
    names: tuple[str, ...], scored: str, expected: str | None
) -> None:
    assert training_of(names, scored) == expected


def test_every_clip_is_of_the_training_split_and_none_is_tested(few_points: Path) -> None:
    case = made_case(precision="int8", runtime="openvino")
    split = training_split(case, str(few_points))
    test = catalog.load_split(catalog.get("pointlight"), few_points, "test")
    drawn = {draw.video.id for draw in CalibrationClips(split, PROTOCOL, ("rgb",), 20).draws}
    assert len(drawn) == 20  # one of each video
    assert drawn <= {video.id for video in split.videos}
    assert drawn.isdisjoint({video.id for video in test.videos})
    assert {video.path for video in split.videos}.isdisjoint(video.path for video in test.videos)


def test_more_clips_than_videos_take_each_video_as_often(train: Split) -> None:
    draws = CalibrationClips(train, PROTOCOL, ("rgb",), 2 * len(train.videos)).draws
    ids = [draw.video.id for draw in draws]
    assert sorted(ids) == sorted([video.id for video in train.videos] * 2)


def test_the_digest_is_known_without_reading_and_stands_for_the_clips(
    train: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse_to_read(monkeypatch)

    def digest(split: Split = train, count: int = 8, **settings: object) -> str:
        protocol = settings.pop("protocol", PROTOCOL)
        return CalibrationClips(split, protocol, ("rgb",), count, **settings).digest  # type: ignore[arg-type]

    assert digest() == digest()
    other = msgspec.structs.replace(PROTOCOL, stride=2)
    shorter = msgspec.structs.replace(train, videos=train.videos[1:])
    changed = [digest(count=9), digest(seed=1), digest(protocol=other), digest(shorter)]
    assert len({digest(), *changed}) == 5
    # Views and crops of the evaluation don't change a clip of its own.
    assert digest(protocol=PROTOCOL.with_views(10, 3)) == digest()


def test_a_clip_is_normalised_as_in_an_evaluation(train: Split, tmp_path: Path) -> None:
    clips = CalibrationClips(train, PROTOCOL, ("rgb",), 3)
    batches = list(clips.batches(2, tmp_path))
    assert [tuple(clip.shape) for (clip,) in batches] == [(2, 3, 16, 64, 64)] * 2
    assert torch.equal(batches[1][0][0], batches[1][0][1])  # the last one fills the place
    assert float(batches[0][0].min()) < 0  # black is below the mean
    again = CalibrationClips(train, PROTOCOL, ("rgb",), 3)
    (whole,) = next(again.batches(3, tmp_path))
    assert torch.equal(torch.cat([batches[0][0], batches[1][0][:1]]), whole)
    assert list(tmp_path.iterdir()) == []


def test_clips_are_read_once(train: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = CalibrationClips(train, PROTOCOL, ("rgb",), 2)
    (first,) = next(clips.batches(2, tmp_path))
    _refuse_to_read(monkeypatch)
    (second,) = next(clips.batches(2, tmp_path))
    assert torch.equal(first, second)


def test_two_inputs_have_clips_and_optical_flow(train: Split, tmp_path: Path) -> None:
    clips = CalibrationClips(train, PROTOCOL, ("rgb", "flow"), 1, flow="farneback")
    clip, flow = next(clips.batches(1, tmp_path))
    assert tuple(clip.shape) == (1, 3, 16, 64, 64)
    assert tuple(flow.shape) == (1, 30, 64, 64)
    assert float(flow.abs().max()) > 0.01  # points move


def test_a_video_that_cannot_be_read_is_named_and_left_out(train: Split, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    videos = (*train.videos[:2], Video(id="broken", path=broken, label=0))
    split = msgspec.structs.replace(train, videos=videos)
    clips = CalibrationClips(split, PROTOCOL, ("rgb",), 3)
    batches = list(clips.batches(1, tmp_path))
    assert len(batches) == clips.were_read == 2
    assert len(clips.left_out) == 1
    assert "broken.mp4" in clips.left_out[0]
    only = msgspec.structs.replace(train, videos=videos[2:])
    with pytest.raises(KinobenchError, match="no training video of pointlight train can be read"):
        list(CalibrationClips(only, PROTOCOL, ("rgb",), 1).batches(1, tmp_path))


def test_videos_that_are_not_there_are_passed_over(train: Split, tmp_path: Path) -> None:
    absent = Video(id="absent", path=tmp_path / "absent.mp4", label=0)
    some = msgspec.structs.replace(train, videos=(absent, train.videos[0]))
    assert [draw.video for draw in CalibrationClips(some, PROTOCOL, ("rgb",), 2).draws] == [
        train.videos[0]
    ] * 2
    none = msgspec.structs.replace(train, videos=(absent,))
    with pytest.raises(KinobenchError, match=r"absent\.mp4; .*copy them there, or .*--data-root"):
        _ = CalibrationClips(none, PROTOCOL, ("rgb",), 2).digest


def test_a_case_without_a_dataset_or_a_training_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KinobenchError, match="give --dataset NAME"):
        training_split(made_case(precision="int8", dataset=None, split=None))
    with pytest.raises(KinobenchError, match="give another --split"):
        training_split(made_case(precision="int8", split="train"))


def test_a_video_that_gives_several_clips_is_left_out_with_all_of_them(
    train: Split, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    videos = (train.videos[0], Video(id="broken", path=broken, label=0))
    clips = CalibrationClips(msgspec.structs.replace(train, videos=videos), PROTOCOL, ("rgb",), 6)
    assert len(list(clips.batches(1, tmp_path))) == 3
    assert (clips.were_read, len(clips.left_out)) == (3, 1)
