"""The figure of timelines: where its bars are, what it says, and what it refuses."""

from pathlib import Path

import pytest
from matplotlib.collections import PolyCollection

from kinobench.bench.analysis.sources import find
from kinobench.bench.figures import timeline
from kinobench.bench.figures.style import STYLES, drawing
from kinobench.datasets.errors import KinobenchError

from ...fakes.command import call
from ...fakes.task_results import event_split, many_boxes, many_events, segments, store_task

CLASSES = ("jump", "run")


def test_bars_are_at_their_seconds_and_misses_differ_in_more_than_colour(tmp_path: Path) -> None:
    split = event_split({"a": [(0, 2.0, 4.0), (1, 7.0, 8.0)]}, CLASSES, 20.0)
    found = [("a", 0, 2.0, 4.5, 0.75), ("a", 1, 10.0, 11.0, 0.8)]
    store_task(tmp_path, "net", split, segments(found))
    with drawing(STYLES["paper"]):
        picture = timeline.draw(find("net", tmp_path, print), STYLES["paper"])
    (axes,) = picture.figure.axes
    bars = [each for each in axes.collections if isinstance(each, PolyCollection)]
    spans = [
        (float(box.x0), float(box.x1))
        for box in (each.get_paths()[0].get_extents() for each in bars)
    ]
    assert spans == [(2.0, 4.0), (7.0, 8.0), (2.0, 4.5), (10.0, 11.0)]
    assert [each.get_facecolor()[0][3] if len(each.get_facecolor()) else 0 for each in bars] == [
        1, 0, 0.75, 0.8
    ]  # fmt: skip
    assert [each.get_hatch() for each in bars] == [None, None, None, "////"]
    assert axes.get_xlim() == (0, 20) and axes.get_xlabel() == "time (s)"
    assert [each.get_text() for each in axes.get_yticklabels()] == list(CLASSES)
    assert "a: 1 of 2 events found, 1 false" in picture.description


def test_the_command_draws_the_videos_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_task(tmp_path / "results", "net", *many_events(20, CLASSES))
    asked = ("plot", "timeline", "--model", "net", "--results", tmp_path / "results")
    done = call(monkeypatch, tmp_path, *asked, "--video", "video_011", "--video", "video_003")
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "timeline.svg").read_text()
    assert ">video_011<" in text and ">video_003<" in text and "in 2 videos of 20" in text
    done = call(monkeypatch, tmp_path, *asked, "--video", "video_3")
    assert done.exit_code == 2 and "no scored video is named 'video_3'" in done.stderr
    done = call(monkeypatch, tmp_path, "plot", "pareto", "--video", "a")
    assert done.exit_code == 2 and "--video a: pareto has none; it is of timeline" in done.stderr


def test_boxes_have_no_timeline(tmp_path: Path) -> None:
    store_task(tmp_path, "net", *many_boxes(3, CLASSES))
    with pytest.raises(KinobenchError, match="has boxes, and no times"):
        timeline.draw(find("net", tmp_path, print), STYLES["paper"])
