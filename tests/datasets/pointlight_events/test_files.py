"""The set as users have it: its splits and truth, its folder, the quick split alone."""

import json
from pathlib import Path

import pytest

from kinobench.datasets import catalog, pointlight_events
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.pointlight_events import (
    QUICK_VIDEOS,
    Stamp,
    content_digest,
    default_root,
    load,
    make_events,
    make_split,
    read_stamp,
    settings_of,
)
from kinobench.datasets.pointlight_events.annotation import read_annotation, spans_of
from kinobench.datasets.pointlight_events.files import processes_for
from kinobench.datasets.pointlight_events.settings import FPS, USUAL, changed
from kinobench.datasets.truth import Event, EventTruth

SMALL = changed(["length=4.5", "event=0.5..1", "gap=0.5..1", "dots=3", "size=32"])
"""Videos of 72 frames."""


def made(folder: Path, **options: object) -> Path:
    return make_events(folder, **{"settings": SMALL, "test": 2, "train": 1, **options})  # type: ignore[arg-type]


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def test_a_split_has_videos_with_events(made_events: Path) -> None:
    test, train = load(made_events), load(made_events, "train")
    assert (test.name, train.name, test.scoring, test.task) == (
        "test",
        "train",
        "map",
        "localization",
    )
    assert test.classes == ("Left", "Right", "Up", "Down", "Swirl", "CounterSwirl")
    assert [len(test.videos), len(train.videos)] == [6, 8]
    assert not {video.id for video in test.videos} & {video.id for video in train.videos}
    assert isinstance(test.truth, EventTruth) and test.truth.rule == "activitynet"
    entries = read_annotation(made_events)
    for video in test.videos:
        assert video.path == made_events / "videos" / f"{video.id}.mp4"
        truth = test.truth.videos[video.id]
        assert len(truth.events) >= 2
        assert video.labels == tuple(sorted({event.label for event in truth.events}))
        spans = spans_of(entries[video.id])
        assert truth.duration_s == spans[-1].stop / FPS
        assert truth.events == tuple(
            Event(test.classes.index(span.state), span.first / FPS, span.stop / FPS)
            for span in spans
            if span.is_event
        )


def test_the_annotation_has_activitynets_form(made_events: Path) -> None:
    database = json.loads((made_events / "annotations.json").read_text())["database"]
    entry = database["events_train_0001"]
    assert entry["subset"] == "training" and 20 <= entry["duration"] <= 60
    first = entry["annotations"][0]
    assert set(first) == {"label", "segment"} and first["segment"][1] > first["segment"][0]
    assert [entry["subset"] for entry in database.values()].count("testing") == 6


def test_quick_is_the_first_of_test_and_its_manifest_does_not_depend_on_the_rest(
    made_events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pointlight_events, "QUICK_VIDEOS", 4)
    quick = load(made_events, "quick")
    assert quick.part_of == "test" and quick.videos == load(made_events).videos[:4]
    monkeypatch.setattr(pointlight_events, "make_split", lambda split: made_events)
    assert load(None, "quick").notes == ()
    (note,) = quick.notes
    assert "(6 test and 8 training videos), not as pointlight-events-" in note


def test_quick_alone_is_generated_where_the_whole_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    asked: list[dict[str, object]] = []

    def noted(**options: object) -> Path:
        asked.append(options)
        return tmp_path

    monkeypatch.setattr(pointlight_events, "make_events", noted)
    make_split("quick")
    make_split("train")
    default_root().mkdir()
    (default_root() / "pointlight-events.json").touch()
    make_split("quick")
    assert [options.get("test") for options in asked] == [QUICK_VIDEOS, None, None]


def test_the_bytes_depend_neither_on_processes_nor_on_how_many_videos_there_are(
    tmp_path: Path,
) -> None:
    told: list[tuple[int, int]] = []
    one = contents(made(tmp_path / "one", progress=lambda done, all_: told.append((done, all_))))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert set(one) == {
        "pointlight-events.json",
        "annotations.json",
        *(f"videos/events_{name}.mp4" for name in ("test_0001", "test_0002", "train_0001")),
    }
    two = contents(made(tmp_path / "two", processes=2))
    assert one == two
    fewer = contents(made(tmp_path / "fewer", test=1))
    name = "videos/events_train_0001.mp4"
    assert fewer[name] == one[name]
    other = contents(made(tmp_path / "other", seed=1))
    assert other[name] != one[name]


def test_little_is_written_by_one_process() -> None:
    assert processes_for(USUAL, 2) == 1
    assert processes_for(SMALL, 12) == 1


def test_what_is_there_is_kept_and_something_else_refused(tmp_path: Path) -> None:
    root = made(tmp_path / "a")
    made(tmp_path / "a", progress=lambda done, total: pytest.fail("made again"))
    with pytest.raises(DatasetError, match="of other options, another seed, size or version"):
        made(tmp_path / "a", seed=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "video.mp4").touch()
    with pytest.raises(DatasetError, match="something else than pointlight-events"):
        made(tmp_path / "mine")
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"can't be generated in .*--data-root"):
        made(tmp_path / "file" / "below")
    assert read_stamp(root).title.endswith(
        "(length=4.5, event=0.5..1, gap=0.5..1, dots=3, size=32, 2 test and 1 training videos)"
    )
    assert settings_of(read_stamp(root)) == SMALL


def test_an_interrupted_generation_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    for processes in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            made(tmp_path / "a", progress=interrupt, processes=processes)
    assert list(tmp_path.iterdir()) == []


def test_a_root_without_the_set_is_an_error_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="data make pointlight-events --data-root"):
        load(tmp_path)
    with pytest.raises(UnknownNameError, match="split of pointlight-events"):
        load(tmp_path, "tets")
    root = made(tmp_path / "a")
    (root / "pointlight-events.json").write_text("[]")
    with pytest.raises(DatasetError, match="not what the generator wrote"):
        load(root)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "Sideways"}, "'Sideways' from"),
        ({"segment": [3, 2]}, "from 3 to 2 s: not what the generator wrote"),
        ({"segment": [1, 99]}, "from 1 to 99 s"),
        ({"segment": [1]}, "not what the generator wrote"),
    ],
)
def test_an_annotation_that_was_changed_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    root = made(tmp_path / "a")
    file = root / "annotations.json"
    content = json.loads(file.read_text())
    content["database"]["events_test_0001"]["annotations"][0].update(changes)
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=message):
        load(root)


def test_spans_that_leave_frames_out_are_refused(tmp_path: Path) -> None:
    root = made(tmp_path / "a")
    file = root / "annotations.json"
    content = json.loads(file.read_text())
    del content["database"]["events_test_0001"]["spans"][1]
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"annotations\.json: .* from frame"):
        spans_of(read_annotation(root)["events_test_0001"])


def test_the_digest_follows_whatever_decides_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {
        content_digest(),
        content_digest(1),
        content_digest(0, 99),
        content_digest(0, None, 99),
        content_digest(settings=changed(["event=1..5"])),
    }
    monkeypatch.setattr(pointlight_events, "GENERATOR_VERSION", 1000)
    digests.add(content_digest())
    assert len(digests) == 6


def test_the_first_version_stays_what_it_is() -> None:
    assert content_digest() == "ce0c1728315e"
    assert Stamp(digest="0", seed=0, generator=1).title == "pointlight-events-0"


def test_the_catalog_knows_it() -> None:
    dataset = catalog.get("pointlight-events")
    assert (dataset.task, dataset.num_classes, dataset.needs_root) == ("localization", 6, False)
    assert dataset.splits == pointlight_events.SPLITS
    assert dataset.default_protocol == "pointlight"
    assert dataset.videos == pointlight_events.TEST_VIDEOS + pointlight_events.TRAIN_VIDEOS
    assert dataset.make_split is not None
