"""Localization and detection in a page: bars at their seconds, boxes, and what is missing."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.report import key_pictures
from kinobench.bench.report.page import render_report
from kinobench.bench.report.pictures import Videos
from kinobench.bench.report.tasks import task_answers_of
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.split import Split, Video

from ...fakes.command import call
from ...fakes.hostile import NAMES, controls, read_html
from ...fakes.media import numbered_frames, write_video
from ...fakes.task_results import (
    box_split,
    boxes,
    event_split,
    many_boxes,
    many_events,
    segments,
    store_task,
)
from .test_page import content_of

CLASSES = ("jump", "run", "swim")


def page_of(results: Path, **more: Any) -> str:
    return render_report(read_boards(results, print), results, **more)


def task_in(page: str) -> Any:
    (table,) = content_of(page)["tables"]
    (line,) = table["lines"]
    return line["task"]


def videos_in(folder: Path, names: tuple[str, ...]) -> Videos:
    def split_of(dataset: str, split: str | None) -> Split:
        listed = tuple(Video(id=name, path=folder / f"{name}.mp4", labels=(0,)) for name in names)
        return Split(
            dataset=dataset, name=split or "", classes=CLASSES, videos=listed, scoring="map"
        )

    return Videos(split_of=split_of)


def test_a_page_has_bars_at_the_seconds_of_events_and_predictions(tmp_path: Path) -> None:
    events = {"a": [(0, 2.0, 4.5), (1, 7.0, 8.0)], "b": [(2, 1.0, 2.0)]}
    split = event_split(events, CLASSES, 20.0)
    store_task(
        tmp_path, "net", split, segments([("a", 0, 2.5, 4.5, 0.75), ("a", 2, 1.0, 3.0, 0.8)])
    )
    task = task_in(page_of(tmp_path))
    video, _ = task["timelines"]["videos"]
    assert (video["video"], video["end_s"]) == ("a", 20.0)
    assert video["truths"] == [
        {"name": "jump", "start_s": 2.0, "end_s": 4.5, "hit": True, "score": None},
        {"name": "run", "start_s": 7.0, "end_s": 8.0, "hit": False, "score": None},
    ]
    assert video["found"] == [
        {"name": "swim", "start_s": 1.0, "end_s": 3.0, "hit": False, "score": 0.8},
        {"name": "jump", "start_s": 2.5, "end_s": 4.5, "hit": True, "score": 0.75},
    ]
    assert task["score_name"] == "segment mAP" and task["key_frames"] is None
    assert task["precisions"]["rule"] == "activitynet"
    assert [each["threshold"] for each in task["precisions"]["by_threshold"]][:3] == [
        0.5,
        0.55,
        0.6,
    ]


def test_a_page_has_the_boxes_of_key_frames_with_classes_and_scores(tmp_path: Path) -> None:
    corners = (0.1, 0.2, 0.5, 0.9)
    split = box_split({"a": {"2": [(corners, (1,))]}}, CLASSES)
    store_task(tmp_path, "net", split, boxes([("a", "2", *corners, 1, 0.9)]))
    task = task_in(page_of(tmp_path))
    (frame,) = task["key_frames"]["frames"]
    assert (frame["name"], frame["time_s"], frame["size"]) == ("2", 2.0, [320, 240])
    assert frame["boxes"] == [
        {
            "corners": list(corners),
            "is_true": True,
            "truths": [{"name": "run", "hit": True, "score": None}],
            "found": [{"name": "run", "hit": True, "score": 0.9}],
        }
    ]


def test_a_few_of_many_videos_are_in_the_page_which_stays_small(tmp_path: Path) -> None:
    split, columns = many_events(300, CLASSES)
    store_task(tmp_path / "no", "net", event_split({"a": [(0, 1.0, 2.0)]}, CLASSES), segments([]))
    store_task(tmp_path / "many", "net", split, columns)
    page = page_of(tmp_path / "many")
    timelines = task_in(page)["timelines"]
    assert (len(timelines["videos"]), timelines["of"]) == (8, 300)
    assert len(page.encode()) - len(page_of(tmp_path / "no").encode()) < 40_000


@pytest.mark.parametrize("hostile", NAMES.values(), ids=NAMES)
def test_names_of_classes_and_videos_are_text(tmp_path: Path, hostile: str) -> None:
    classes = (hostile, "fine")
    store_task(tmp_path, "a", event_split({hostile: [(0, 2.0, 4.0)]}, classes),
               segments([(hostile, 0, 2.0, 4.0, 0.9)]))  # fmt: skip
    store_task(tmp_path, "b", box_split({hostile: {"1": [((0.1, 0.1, 0.5, 0.5), (0,))]}}, classes),
               boxes([(hostile, "1", 0.1, 0.1, 0.5, 0.5, 0, 0.9)]))  # fmt: skip
    plain = page_of(tmp_path)
    tags, _ = read_html(plain)
    assert tags.count("script") == 3 and "img" not in tags
    assert controls(plain.replace("\t", "")) == controls(page_of_nothing().replace("\t", ""))


def page_of_nothing() -> str:
    return render_report([])


def test_predictions_that_were_not_kept_leave_what_the_record_says(tmp_path: Path) -> None:
    split, columns = many_events(4, CLASSES)
    record = store_task(tmp_path, "net", split, columns, keeps=False)
    said: list[str] = []
    task = task_in(page_of(tmp_path, on_problem=said.append))
    assert task["without_predictions"] and task["timelines"] is None
    assert record.localization is not None
    assert [each["map"] for each in task["precisions"]["by_threshold"]] == list(
        record.localization.by_threshold
    )
    assert task["precisions"]["by_class"] == []
    (line,) = said
    assert line.startswith("the predictions of 1 row are not read, or not in the folder")


def test_damaged_predictions_are_said_to_be_left_out(tmp_path: Path) -> None:
    store_task(tmp_path, "net", *many_boxes(4, CLASSES))
    (shard,) = (tmp_path / "predictions/net").glob("shard-*.parquet")
    shard.write_bytes(b"odd")
    said: list[str] = []
    assert task_in(page_of(tmp_path, on_problem=said.append))["without_predictions"]
    assert any(line.startswith("left out, the predictions of net: ") for line in said)


def test_predictions_that_lead_out_of_the_results_are_not_read(tmp_path: Path) -> None:
    record = store_task(tmp_path, "net", *many_boxes(4, CLASSES))
    assert record.detection is not None
    odd = msgspec.structs.replace(record.detection, predictions="../elsewhere")
    with pytest.raises(KinobenchError, match=r"it has '\.\.'"):
        task_answers_of(msgspec.structs.replace(record, detection=odd), tmp_path)


def test_key_frames_are_pictures_where_the_videos_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_task(tmp_path / "results", "net", *many_boxes(3, CLASSES))
    for name in ("video_000", "video_001"):
        write_video(tmp_path / f"{name}.mp4", numbered_frames(40), fps=10)
    said: list[str] = []
    given = videos_in(tmp_path, ("video_000", "video_001", "video_002"))
    page = page_of(tmp_path / "results", videos=given, on_problem=said.append)
    pictures = content_of(page)["key_frames"]
    ground = task_in(page)["ground"]
    assert sorted(pictures) == [
        f"{ground}: video_00{number}: {name}" for number in (0, 1) for name in (1, 3)
    ]
    assert all(each.startswith("data:image/jpeg;base64,/9j/") for each in pictures.values())
    assert said == [
        "no picture of 2 key frames, whose boxes are on an empty frame: no such file (2)"
    ]
    monkeypatch.setattr(key_pictures, "KEY_FRAMES_BYTES", 1000)
    page = page_of(tmp_path / "results", videos=given, on_problem=said.append)
    assert sum(map(len, content_of(page)["key_frames"].values())) <= 1000
    assert "so that all take less than" in said[-1]


def test_a_dataset_that_is_not_here_leaves_empty_frames(tmp_path: Path) -> None:
    store_task(tmp_path, "net", *many_boxes(3, CLASSES))

    def nowhere(dataset: str, split: str | None) -> Split:
        raise KinobenchError(f"{dataset} is not here")

    said: list[str] = []
    page = page_of(tmp_path, videos=Videos(split_of=nowhere), on_problem=said.append)
    assert content_of(page)["key_frames"] == {}
    assert said == [
        "no picture of 6 key frames, whose boxes are on an empty frame: made is not here (6)"
    ]


def test_a_report_generates_no_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, cache = tmp_path / "results", tmp_path / "cache"
    store_task(results, "net", *many_boxes(3, CLASSES), dataset="pointlight-boxes")
    monkeypatch.setenv("KINOBENCH_CACHE", str(cache))
    done = call(monkeypatch, tmp_path, "report", "--results", results)
    assert done.exit_code == 0, done.stderr
    assert not cache.exists() or not list(cache.iterdir())
    assert "pointlight-boxes isn't generated here" in " ".join(done.stderr.split())
