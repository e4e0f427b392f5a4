"""A run generates the split that it needs, where a dataset can make one alone."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from kinobench.bench.run.options import data_roots
from kinobench.bench.run.prepare import prepare_split
from kinobench.datasets import catalog, pointlight_events
from kinobench.datasets.pointlight_events.settings import changed

SMALL = changed(["length=4.5", "event=0.5..1", "gap=0.5..1", "dots=3", "size=32"])
EVENTS = "pointlight-events"


def prepared(split: str) -> int:
    """Prepare a split, and return how many videos it has."""
    return len(prepare_split(EVENTS, split, data_roots([]), Console(file=io.StringIO())).videos)


def test_the_quick_split_is_generated_alone_and_others_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    made = pointlight_events.make_events
    monkeypatch.setattr(made, "__kwdefaults__", {**made.__kwdefaults__, "settings": SMALL})
    for function in (pointlight_events.default_root, pointlight_events.content_digest):
        monkeypatch.setattr(function, "__defaults__", (0, None, None, SMALL))
    for name, count in (("QUICK_VIDEOS", 2), ("TEST_VIDEOS", 3), ("TRAIN_VIDEOS", 1)):
        monkeypatch.setattr(pointlight_events, name, count)
    assert prepared("quick") == 2
    (alone,) = tmp_path.iterdir()
    assert len(list((alone / "videos").iterdir())) == 2
    assert prepared("test") == 3
    assert len(list(tmp_path.iterdir())) == 2
    whole = pointlight_events.default_root()
    assert len(list((whole / "videos").iterdir())) == 4
    # Where the whole is there, its videos are taken.
    split = catalog.load_split(catalog.get(EVENTS), None, "quick")
    assert {video.path.parent for video in split.videos} == {whole / "videos"}
    assert split.notes == () and split.content == ""
