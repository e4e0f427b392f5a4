"""Predictions of a split, shard by shard: kept, continued, damaged."""

from pathlib import Path

import numpy as np
import pytest

from kinobench.bench.evaluation.damage import DamagedError
from kinobench.bench.evaluation.origin import Origin
from kinobench.bench.tasks.evaluate import TaskSink, VideoPredictions, predict_split
from kinobench.bench.tasks.prediction_shards import read_predictions
from kinobench.datasets.errors import VideoError
from kinobench.datasets.split import Split, Video
from kinobench.datasets.truth import Event, EventsOfVideo, EventTruth

ORIGIN = Origin("case", "manifest", None)


def split_of(folder: Path, count: int = 20) -> Split:
    videos = []
    for number in range(count):
        path = folder / f"video{number:02d}.mp4"
        path.write_bytes(b"x" * (number + 1))
        videos.append(Video(id=path.stem, path=path, labels=(0,)))
    events = {video.id: EventsOfVideo((Event(0, 1.0, 2.0),), 10.0) for video in videos}
    return Split(
        dataset="made",
        name="test",
        classes=("jump", "run"),
        videos=tuple(videos),
        scoring="map",
        truth=EventTruth(rule="activitynet", videos=events),
    )


class Predictor:
    """Gives as many segments as a video's number says, and counts what it is asked."""

    def __init__(self, broken: str | None = None, stops_at: str | None = None) -> None:
        self.asked: list[str] = []
        self._broken, self._stops_at = broken, stops_at

    def __call__(self, video: Video, opened: object) -> VideoPredictions:
        self.asked.append(video.id)
        if video.id == self._broken:
            raise VideoError(video.path, "cut short")
        if video.id == self._stops_at:
            raise KeyboardInterrupt
        count = int(video.id[-2:])
        columns = {
            "label": np.arange(count, dtype=np.int32) % 2,
            "start_s": np.arange(count, dtype=float),
            "end_s": np.arange(count, dtype=float) + 0.5,
            "score": np.linspace(0, 1, count),
        }
        return VideoPredictions(columns, {"windows": 2.0}, ("odd",) if count == 3 else ())


def test_every_video_is_predicted_once_and_its_rows_come_back(tmp_path: Path) -> None:
    split, predictor, notes = split_of(tmp_path), Predictor(), []
    sink = TaskSink(tmp_path / "kept", ORIGIN, note=notes.append)
    found = predict_split(predictor, split, sink)
    assert predictor.asked == [video.id for video in split.videos] == list(found.scored)
    assert len(found.columns["label"]) == sum(range(20))
    rows = found.columns["video"] == "video07"
    assert found.columns["start_s"][rows].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert found.columns["score"][rows].tolist() == np.linspace(0, 1, 7).tolist()
    assert found.facts == {"windows": 40.0}
    assert any("1 video: odd (first: video03)" in note for note in notes)


def test_a_killed_run_goes_on_after_its_last_whole_shard(tmp_path: Path) -> None:
    split, sink = split_of(tmp_path), TaskSink(tmp_path / "kept", ORIGIN)
    whole = predict_split(Predictor(), split, TaskSink(tmp_path / "whole", ORIGIN))
    with pytest.raises(KeyboardInterrupt):
        predict_split(Predictor(stops_at="video12"), split, sink)
    again, notes = Predictor(), []
    found = predict_split(again, split, TaskSink(tmp_path / "kept", ORIGIN, note=notes.append))
    assert again.asked[0] == "video08" and len(again.asked) == 12
    assert notes[0] == "continued after 8 of 20 videos"
    for name, column in whole.columns.items():
        assert column.tolist() == found.columns[name].tolist()


def test_a_video_that_cannot_be_read_is_named_and_not_scored(tmp_path: Path) -> None:
    split = split_of(tmp_path, 5)
    found = predict_split(Predictor(broken="video04"), split, TaskSink(tmp_path / "kept", ORIGIN))
    assert found.scored == ("video00", "video01", "video02", "video03")
    (bad,) = found.unreadable
    assert (bad.id, bad.reason) == ("video04", "cut short")
    assert "video04" not in found.columns["video"]


def test_a_damaged_shard_is_noticed_and_measured_again(tmp_path: Path) -> None:
    split, sink = split_of(tmp_path), TaskSink(tmp_path / "kept", ORIGIN)
    predict_split(Predictor(), split, sink)
    damaged = tmp_path / "kept" / "shard-00001.parquet"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 255
    damaged.write_bytes(content)
    with pytest.raises(DamagedError, match="not as it was written"):
        list(read_predictions(tmp_path / "kept"))
    again, notes = Predictor(), []
    predict_split(again, split, TaskSink(tmp_path / "kept", ORIGIN, note=notes.append))
    assert again.asked == [f"video{number:02d}" for number in range(8, 16)]
    assert "not as it was written" in notes[0]


def test_predictions_of_another_case_are_refused(tmp_path: Path) -> None:
    split = split_of(tmp_path, 3)
    predict_split(Predictor(), split, TaskSink(tmp_path / "kept", ORIGIN))
    with pytest.raises(DamagedError, match="is of case case"):
        list(read_predictions(tmp_path / "kept", Origin("another", "manifest", None)))


def test_a_changed_file_is_predicted_again(tmp_path: Path) -> None:
    split = split_of(tmp_path, 3)
    predict_split(Predictor(), split, TaskSink(tmp_path / "kept", ORIGIN))
    split.videos[0].path.write_bytes(b"another")
    again = Predictor()
    predict_split(again, split, TaskSink(tmp_path / "kept", ORIGIN))
    assert again.asked == ["video00", "video01", "video02"]


def test_a_split_in_which_nothing_is_found_has_no_rows(tmp_path: Path) -> None:
    split = split_of(tmp_path, 1)
    found = predict_split(Predictor(), split, TaskSink(tmp_path / "kept", ORIGIN))
    assert found.scored == ("video00",) and len(found.columns["score"]) == 0
