"""The rows of a card about annotations with times and boxes, and the column of tasks."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from kinobench.bench.cards import listing
from kinobench.bench.cards.dataset import make_card, show_card
from kinobench.bench.cards.known_datasets import known_datasets, on_screen
from kinobench.bench.cards.truth_rows import truth_rows
from kinobench.datasets.located.known import LOCATED
from kinobench.datasets.truth_facts import TruthFacts

from ...fakes.command import call
from ...fakes.located_copies import FILES, WRITERS, put


def _shown(name: str, root: Path | None) -> dict[str, str]:
    out = io.StringIO()
    show_card(make_card(name, root), Console(file=out, width=100_000))
    rows = (line for line in out.getvalue().splitlines() if line[14:])
    return {line[:14].strip(): line[14:] for line in rows}


@pytest.mark.parametrize("name", LOCATED)
def test_a_card_says_the_task_and_what_a_copy_has(name: str, tmp_path: Path) -> None:
    assert _shown(name, None)["task"].startswith(LOCATED[name].task)
    WRITERS[name](tmp_path)
    put(tmp_path / FILES[name])
    rows = _shown(name, tmp_path)
    assert rows["scored by"].startswith("mAP by the rule ")
    assert rows["of each class"]
    assert ("events" in rows) is not ("boxes" in rows)


def test_a_card_counts_events_lengths_and_background(tmp_path: Path) -> None:
    WRITERS["activitynet-1.3"](tmp_path)
    put(tmp_path / FILES["activitynet-1.3"])
    rows = _shown("activitynet", tmp_path)
    assert rows["events"] == "3 in 2 videos"
    # Lengths of 0.5, 1.3 and 2 s; in the first video 1.3 of 2 s, in the second all of them.
    assert rows["lengths"] == "0.5 to 2 s, the middle half 0.9 to 1.65 s, median 1.3 s"
    assert rows["background"] == "17.5 % of the time of 2 videos"
    assert rows["of each class"] == "Archery 2, BMX 1; 198 classes have none"


def test_a_card_counts_boxes_and_key_frames(tmp_path: Path) -> None:
    WRITERS["ava"](tmp_path)
    put(tmp_path / FILES["ava"])
    rows = _shown("ava", tmp_path)
    assert rows["boxes"] == "4 in 2 videos"
    assert rows["key frames"] == "1,793, of which 99.8 % have no box"
    assert rows["boxes a frame"].startswith("1 to 2, the middle half 1 to 1.5, median 1;")
    assert rows["of each class"].endswith("; 76 classes have none; 60 are scored")
    assert "background" not in rows


def test_of_many_classes_the_most_and_the_least_frequent_are_named() -> None:
    counts = {f"c{number}": 100 - number for number in range(20)}
    facts = TruthFacts(instances=1, videos=1, per_class=counts, scored=20)
    rows = dict(truth_rows(facts))
    assert rows["of each class"] == (
        "c0 100, c1 99, c2 98, c3 97, c4 96, ... 12 more ..., c17 83, c18 82, c19 81"
    )
    assert rows["background"].startswith("not known")


def test_a_card_says_how_many_videos_each_split_has_as_published() -> None:
    assert _shown("activitynet", None)["size"] == "19,994 videos (val 4,926, train 10,024)"
    assert _shown("thumos14", None)["size"] == "413 videos (test 213, train 200)"
    assert _shown("ava", None)["size"] == "430 videos (val 64, train 235)"
    assert _shown("ucf101-24", None)["size"] == "3,194 videos (test 910, train 2,284)"
    assert _shown("multisports", None)["size"] == "3,200 videos (val 555, train 1,574)"
    assert _shown("epic-verb", None)["size"] == "700 videos (val 138)"


def test_a_card_of_classification_has_no_such_rows() -> None:
    assert not {"task", "events", "background"} & set(_shown("ucf101", None))


def test_lists_have_a_column_of_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = {row["name"]: row["task"] for row in listing.lines("datasets")}
    assert {name: tasks[name] for name in LOCATED} == {n: each.task for n, each in LOCATED.items()}
    assert tasks["ucf101"] == "classification"
    assert {row["name"]: row["task"] for row in on_screen(known_datasets())} == tasks
    done = call(monkeypatch, tmp_path, "list", "datasets", "--json")
    assert {row["name"]: row["task"] for row in json.loads(done.stdout)} == tasks
    done = call(monkeypatch, tmp_path, "data", "show", "ava", "--json")
    assert json.loads(done.stdout)["task"] == "detection"
