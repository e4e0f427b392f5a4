"""What the probes show of a network, as the page says it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.records.record import Record
from kinobench.bench.records.store import RunFile
from kinobench.bench.report.page import render_report
from kinobench.datasets.lists.class_names import class_names

from ...fakes.made_predictions import store_run
from ...fakes.made_records import made_accuracy, made_record
from .test_page import content_of

RUN = "20260101T000000Z-000000"
LABELS = np.arange(320) % 8
STILL = np.full(320, 6)


def record_of(results: Path, named: np.ndarray, probe: str | None) -> Record:
    """A record whose network names these classes, and its logits."""
    logits = np.full((320, 1, 8), -10.0)
    logits[np.arange(320), 0, named] = 10
    accuracy = made_accuracy(
        float((named == LABELS).mean()),
        scored=320,
        expected=320,
        views=1,
        predictions=f"predictions/net-{probe}",
    )
    case = {"weights": "pointlight", "probe": probe}
    record: Record = made_record("net", case, run=RUN, accuracy=accuracy)
    place = results / f"predictions/net-{probe}"
    store_run(place, logits, LABELS, origin_of(record), in_a_shard=320)
    return record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A network that is right always, by the order of frames: a still picture shows it nothing."""
    file = RunFile(tmp_path, RUN)
    names = list(class_names("pointlight"))
    turned = {"Left": "Right", "Up": "Down", "Swirl": "CounterSwirl"}
    turned |= {other: one for one, other in turned.items()}
    opposite = np.array([names.index(turned.get(name, name)) for name in names])
    draw = np.random.default_rng(0)
    for probe, named in {
        None: LABELS,
        "reversed": opposite[LABELS],
        "shuffled": draw.permutation(LABELS),
        "frozen": STILL,
    }.items():
        file.append(record_of(tmp_path, named, probe))
    return tmp_path


def seen_in(results: Path, said: list[str]) -> list[Any]:
    page = render_report(read_boards(results, print), results, on_problem=said.append)
    (table,) = content_of(page)["tables"]
    return [line["seen"] for line in table["lines"]]


def test_the_page_says_what_a_network_sees(results: Path) -> None:
    said: list[str] = []
    seen, *others = seen_in(results, said)
    assert said == [] and others == [None, None, None]
    assert seen["verdict"] == (
        "It sees motion, by the order of frames; the direction of time counts; a still picture "
        "gives it nothing."
    )
    assert seen["facts"] == "320 videos; chance is 12.5 %, one of 8 classes."
    assert seen["sentences"][0].startswith("loses 75 points when frames run backwards: ")
    assert (
        "loses 88 points when every frame is the middle one, down to chance"
        in (seen["sentences"][2])
    )
    assert "240 of" not in seen["sentences"][3]
    assert "240 reversed clips show the opposite of their class" in seen["sentences"][3]
    assert "which way time runs" in seen["sentences"][3]
    assert any("Holm" in remark for remark in seen["remarks"])


def test_probes_whose_answers_are_gone_have_no_sentences_and_the_page_says_why(
    results: Path,
) -> None:
    for file in (results / "predictions" / "net-frozen").iterdir():
        file.unlink()
    said: list[str] = []
    assert seen_in(results, said)[0] is None
    assert any(line.startswith("left out, what the probes show of net: ") for line in said)


def test_a_page_without_logits_has_the_scores_alone(results: Path) -> None:
    (table,) = content_of(render_report(read_boards(results, print)))["tables"]
    line = table["lines"][0]
    assert line["seen"] is None and len(line["probes"]) == 4
