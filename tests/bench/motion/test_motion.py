"""What a network has from motion: known answers, the rules of the sentences, and the command."""

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file
from statsmodels.stats.multitest import multipletests
from typer.testing import CliRunner

from kinobench.bench.analysis.compare import compare
from kinobench.bench.analysis.motion_judge import (
    NEGLIGIBLE,
    Answers,
    Effect,
    Judgement,
    count_opposites,
    judge,
    share_of,
)
from kinobench.bench.analysis.motion_sentences import (
    WHEN,
    effect_sentence,
    opposites_sentences,
    verdict_sentence,
)
from kinobench.bench.cli.commands import app
from kinobench.bench.evaluation.places import compute_places
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.evaluation.stored import candidates
from kinobench.bench.motion import (
    card as motion_card,
)
from kinobench.bench.motion import (
    chart as motion_chart,
)
from kinobench.bench.motion import (
    page as motion_page,
)
from kinobench.bench.motion import (
    run as motion_run,
)
from kinobench.bench.motion.card import Card
from kinobench.bench.records.fitted_weights import write_fitted
from kinobench.bench.records.record import Failure, Record
from kinobench.bench.records.results import Unreadable
from kinobench.bench.records.store import RunFile
from kinobench.bench.run.options import Options
from kinobench.bench.run.process import new_run_id
from kinobench.bench.statistics.intervals import wilson
from kinobench.bench.statistics.tests import mcnemar
from kinobench.datasets import catalog, pointlight
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.names import PROBES, Probe
from kinobench.datasets.opposites import POINTLIGHT, backwards
from kinobench.datasets.visible import one_line
from kinobench.zoo import registry

from ...fakes.hostile import NAMES, controls, read_markdown
from ...fakes.made_fitted import made_fitted
from ...fakes.made_predictions import logits_table, write_file, write_shards
from ...fakes.made_records import made_accuracy, made_record
from ...fakes.media import FAKES

MODELS = FAKES / "motion_models.py"

CLASSES = class_names("pointlight")
LABELS = np.arange(320) % 8
TURNED = np.array([1, 0, 3, 2, 5, 4, 6, 7])
"""The class that each class is when it runs backwards."""
STILL = 6


def logits_of(named: np.ndarray, classes: int = 8) -> np.ndarray:
    """Logits `[videos, 1, classes]` of a network that is sure of these."""
    logits = np.full((len(named), 1, classes), -10, dtype=np.float32)
    logits[np.arange(len(named)), 0, named] = 10
    return logits


def answers(
    folder: Path, named: np.ndarray, labels: np.ndarray = LABELS, classes: int = 8, **columns: Any
) -> Answers:
    """What a network that names these classes leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    write_file(path, logits_table(logits_of(named, classes), labels, **columns))
    return Answers(path, classes, compute_places(open_predictions(path), "softmax"))


def wrong(named: np.ndarray, count: int, begin: int = 0) -> np.ndarray:
    """The same, but that so many videos in a row are taken for another class."""
    changed = named.copy()
    changed[begin : begin + count] = (changed[begin : begin + count] + 3) % 8
    return changed


def judged(
    folder: Path,
    plain: np.ndarray,
    probed: Mapping[Probe, np.ndarray],
    labels: np.ndarray = LABELS,
    **columns: Any,
) -> Judgement:
    return judge(
        answers(folder, plain, labels, **columns),
        {probe: answers(folder, named, labels, **columns) for probe, named in probed.items()},
    )


def effect_of(judgement: Judgement, probe: Probe) -> Effect:
    return next(effect for effect in judgement.effects if effect.probe == probe)


def sentences_of(judgement: Judgement) -> dict[str, str]:
    return {effect.probe: effect_sentence(effect) for effect in judgement.effects}


def sees_motion() -> dict[Probe, np.ndarray]:
    """Of a network that is right always: what it takes each probe's clips for."""
    draw = np.random.default_rng(0)
    still = np.full(320, STILL)
    return {
        "reversed": TURNED[LABELS],
        "shuffled": draw.integers(0, 8, 320),
        "frozen": still,
        "first-frame": still,
        "blurred": wrong(LABELS, 2),
        "subsampled": LABELS,
    }


def test_a_network_that_answers_from_pictures_loses_nothing_and_is_told_so(tmp_path: Path) -> None:
    plain = wrong(LABELS, 32)
    found = judged(tmp_path, plain, dict.fromkeys(PROBES, plain))
    assert (found.top1.share, found.chance, found.chance_of) == (0.9, 0.125, "classes")
    for effect in found.effects:
        assert (effect.drop, effect.interval, effect.p_adjusted) == (0.0, (0.0, 0.0), 1.0)
        assert (effect.lost, effect.gained, effect.kept) == (0, 0, 1.0)
        assert effect.at_most == wilson(0, 320)[1] and effect.outcome == "none"
    assert sentences_of(found)["shuffled"] == (
        "loses nothing measurable when frames are shuffled (at most 1.2 points): order plays no "
        "part"
    )
    assert sentences_of(found)["reversed"].endswith("the direction of time plays no part")
    assert sentences_of(found)["frozen"].endswith("it sees pictures, not motion")
    assert (found.verdict.sees, found.verdict.order) == ("pictures", "no")
    assert verdict_sentence(found) == (
        "It sees pictures: a still one does as well as the clip, within 1.2 points."
    )


def test_a_network_that_follows_motion_is_told_so(tmp_path: Path) -> None:
    found = judged(tmp_path, LABELS, sees_motion())
    assert [effect.probe for effect in found.effects] == list(PROBES)
    outcomes = {effect.probe: effect.outcome for effect in found.effects}
    assert outcomes == {
        "reversed": "loss",
        "shuffled": "loss",
        "frozen": "loss",
        "first-frame": "loss",
        "blurred": "none",
        "subsampled": "none",
    }
    reverse, frozen = effect_of(found, "reversed"), effect_of(found, "frozen")
    assert (reverse.drop, reverse.top1.count, reverse.lost) == (0.75, 80, 240)
    assert (frozen.drop, frozen.kept, frozen.above_chance) == (0.875, 0.0, "no")
    assert sentences_of(found)["reversed"] == (
        "loses 75 points when frames run backwards: the direction of time counts"
    )
    assert sentences_of(found)["shuffled"].endswith("when frames are shuffled: it relies on order")
    assert sentences_of(found)["frozen"] == (
        "loses 88 points when every frame is the middle one, down to chance: it needs what moves"
    )
    assert verdict_sentence(found) == (
        "It sees motion, by the order of frames; the direction of time counts; a still picture "
        "gives it nothing."
    )


def test_a_network_blind_to_order_sees_that_pictures_change(tmp_path: Path) -> None:
    # Of each pair of opposites it says one: 62.5 %, whatever the order.
    pairs = np.where(LABELS < 6, LABELS - LABELS % 2, LABELS)
    still = np.full(320, STILL)
    probed: dict[Probe, np.ndarray] = {
        "reversed": pairs,
        "shuffled": pairs,
        "frozen": still,
        "first-frame": still,
    }
    found = judged(tmp_path, pairs, probed)
    assert found.top1.share == 0.625
    assert (found.verdict.sees, found.verdict.order, found.verdict.direction) == (
        "change",
        "no",
        "no",
    )
    assert verdict_sentence(found) == (
        "It sees that pictures change, not in which order; a still picture gives it nothing."
    )


@pytest.mark.parametrize("grouped", [False, True])
def test_the_interval_of_a_drop_is_that_of_compare(tmp_path: Path, grouped: bool) -> None:
    columns = {"groups": [f"g{video // 16:02d}" for video in range(320)]} if grouped else {}
    plain = answers(tmp_path, wrong(LABELS, 30), **columns)
    probed = answers(tmp_path, wrong(LABELS, 90, 20), **columns)
    (effect,) = judge(plain, {"blurred": probed}).effects
    compared = compare(open_predictions(plain.path), open_predictions(probed.path))
    low, high = compared.top1.interval or (0.0, 0.0)
    assert effect.interval == (-high, -low) and low < high < 0
    assert effect.drop == -compared.top1.difference == (90 - 30) / 320
    assert (effect.lost, effect.gained) == (compared.top1.only_a, compared.top1.only_b)
    assert effect.p >= compared.top1.p == mcnemar(effect.lost, effect.gained)
    assert judge(plain, {"blurred": probed}).clusters == compared.clusters
    assert (compared.clusters is not None) == grouped


def test_p_is_adjusted_for_the_probes_as_statsmodels_does(tmp_path: Path) -> None:
    losses = {"reversed": 6, "shuffled": 9, "frozen": 14, "blurred": 2, "subsampled": 0}
    probed = {probe: wrong(LABELS, count) for probe, count in losses.items()}
    found = judged(tmp_path, LABELS, probed)  # type: ignore[arg-type]
    raw = [effect.p for effect in found.effects]
    adjusted = [effect.p_adjusted for effect in found.effects]
    assert adjusted == pytest.approx(multipletests(raw, method="holm")[1].tolist())
    assert raw[0] == mcnemar(6, 0) == pytest.approx(2 / 64)


def test_a_loss_that_many_probes_may_show_by_chance_is_none(tmp_path: Path) -> None:
    # 7 lost and none gained: p = 1/64 by itself, and 6/64 among six probes.
    alone = judged(tmp_path, LABELS, {"blurred": wrong(LABELS, 7)})
    among = judged(tmp_path, LABELS, dict.fromkeys(PROBES, LABELS) | {"blurred": wrong(LABELS, 7)})
    one, other = effect_of(alone, "blurred"), effect_of(among, "blurred")
    assert one.interval == other.interval and one.interval is not None and one.interval[0] > 0
    assert (one.p_adjusted, other.p_adjusted) == (1 / 64, 6 / 64)
    assert (one.outcome, other.outcome) == ("slight", "none")


def test_what_may_be_more_than_a_tenth_of_what_there_is_to_lose_is_undecided(
    tmp_path: Path,
) -> None:
    few, labels = np.arange(24) % 8, np.arange(24) % 8
    found = judged(tmp_path, few, {"frozen": wrong(few, 3), "shuffled": few}, labels)
    effect = effect_of(found, "frozen")
    assert effect.at_most is not None and effect.at_most > NEGLIGIBLE * (1 - 0.125)
    assert effect.outcome == "undecided" and found.verdict.sees == "undecided"
    assert verdict_sentence(found).startswith(
        "It is undecided whether it sees motion or pictures: a still picture costs it at most "
    )
    assert effect_of(found, "shuffled").outcome == "undecided"  # 24 videos exclude no 13.8 points


def test_a_network_at_chance_has_nothing_to_lose(tmp_path: Path) -> None:
    guessed = np.random.default_rng(1).integers(0, 8, 320)
    found = judged(tmp_path, guessed, dict.fromkeys(PROBES, guessed))
    assert not found.above_chance and found.verdict.sees == "nothing"
    assert {effect.outcome for effect in found.effects} == {"undecided"}
    assert "its top-1 is not above chance (12.5 %)" in verdict_sentence(found)


def test_chance_is_the_most_frequent_class_where_that_is_more(tmp_path: Path) -> None:
    labels = np.where(np.arange(100) < 70, 2, np.arange(100) % 8)
    found = judged(tmp_path, np.full(100, 2), {"frozen": np.full(100, 2)}, labels)
    count = int(np.count_nonzero(labels == 2))
    assert (found.chance, found.chance_of) == (count / 100, "majority")
    assert found.top1.share == found.chance and found.verdict.sees == "nothing"


def test_pictures_and_motion_are_told_apart_by_what_is_kept(tmp_path: Path) -> None:
    for lost, more in ((60, "pictures more than motion"), (200, "motion more than pictures")):
        found = judged(tmp_path / more, LABELS, {"frozen": wrong(LABELS, lost)})
        effect = effect_of(found, "frozen")
        assert effect.kept == pytest.approx(1 - lost / 320 / 0.875)
        kept = f"keeps {100 * (effect.kept or 0):.0f} % of what it has above chance"
        assert kept in effect_sentence(effect) and effect_sentence(effect).endswith(
            f"it sees {more}"
        )
        assert (found.verdict.sees, found.verdict.order) == ("change", "undecided")
        assert verdict_sentence(found).startswith(
            "It sees that pictures change; whether their order counts is undecided; "
        )
        assert verdict_sentence(found).endswith(f"a still picture {kept}.")


def test_the_verdict_goes_by_the_first_frame_where_the_middle_one_was_not_measured(
    tmp_path: Path,
) -> None:
    probed = sees_motion()
    del probed["frozen"]
    found = judged(tmp_path, LABELS, probed)
    assert (found.verdict.still, found.verdict.change) == ("first-frame", "yes")
    del probed["first-frame"]
    found = judged(tmp_path, LABELS, probed)
    assert (found.verdict.still, found.verdict.sees) == (None, "motion")
    assert verdict_sentence(found).endswith("what a still picture gives it was not measured.")
    found = judged(tmp_path, LABELS, {"blurred": LABELS})
    assert verdict_sentence(found).endswith("no still picture was measured.")


def test_videos_that_only_one_case_scored_are_left_out_of_the_drop(tmp_path: Path) -> None:
    plain = answers(tmp_path, LABELS)
    probed = answers(tmp_path, wrong(LABELS, 80)[:300], LABELS[:300])
    (effect,) = judge(plain, {"blurred": probed}).effects
    assert (effect.videos, effect.left_out, effect.drop) == (300, 20, 80 / 300)
    assert effect.top1 == share_of(220, 300)


def made_effect(**changes: Any) -> Effect:
    fields: dict[str, Any] = {
        "probe": "shuffled",
        "top1": share_of(100, 320),
        "above_chance": "yes",
        "videos": 320,
        "left_out": 0,
        "drop": 0.61,
        "interval": (0.55, 0.67),
        "lost": 200,
        "gained": 5,
        "p": 1e-9,
        "p_adjusted": 6e-9,
        "at_most": 0.67,
        "kept": 0.3,
        "outcome": "loss",
    }
    return Effect(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "loses 61 points when frames are shuffled: it relies on order"),
        (
            {"drop": 0.004, "at_most": 0.0061, "outcome": "slight"},
            "loses 0.4 points when frames are shuffled: order plays next to no part",
        ),
        (
            {"drop": 0.004, "at_most": 0.0061, "outcome": "none"},
            "loses nothing measurable when frames are shuffled (at most 0.7 points): order plays "
            "no part",
        ),
        (
            {"drop": 0.1, "at_most": 0.21, "outcome": "undecided"},
            "no clear loss when frames are shuffled (at most 21.0 points): undecided",
        ),
        (
            {"drop": 0.0, "interval": None, "at_most": None, "outcome": "undecided"},
            "no clear loss when frames are shuffled: undecided",
        ),
        (
            {"probe": "blurred", "drop": -0.03, "outcome": "gain"},
            "gains 3.0 points when frames are blurred: the probe removes what misleads it",
        ),
        (
            {"probe": "frozen", "drop": 0.11, "kept": 0.85},
            "loses 11 points when every frame is the middle one, and keeps 85 % of what it has "
            "above chance: it sees pictures more than motion",
        ),
        (
            {"probe": "first-frame", "drop": 0.8, "above_chance": "undecided"},
            "loses 80 points when every frame is the first one, down to what may be chance: it "
            "needs what moves",
        ),
        (
            {"probe": "frozen", "drop": 0.0004, "outcome": "slight"},
            "loses 0.04 points when every frame is the middle one: it sees pictures, not motion",
        ),
        (
            {"probe": "subsampled", "at_most": 0.02, "outcome": "none"},
            "loses nothing measurable when every second frame is shown twice (at most 2.0 points): "
            "half of the frames are enough",
        ),
    ],
)
def test_a_probe_has_a_plain_sentence(changes: dict[str, Any], expected: str) -> None:
    assert effect_sentence(made_effect(**changes)) == expected


def test_every_probe_has_a_clause() -> None:
    assert set(WHEN) == set(PROBES)


def test_opposite_answers_are_counted_exactly() -> None:
    turned = np.flatnonzero(LABELS < 6)
    named = LABELS.copy()
    named[turned[:130]] = TURNED[LABELS[turned[:130]]]  # 130 opposite, 80 true, 30 neither
    named[turned[210:]] = 7
    alike = np.flatnonzero(LABELS >= 6)
    named[alike[:10]] = 0
    found = count_opposites(LABELS, named, [None] * 320, CLASSES, backwards(POINTLIGHT, CLASSES))
    assert found is not None
    assert (found.opposite, found.true, found.other) == (
        share_of(130, 240),
        share_of(80, 240),
        share_of(30, 240),
    )
    assert found.opposite.interval == wilson(130, 240)
    assert found.turns == "opposite" and found.p >= mcnemar(80, 130)
    assert found.pairs == (("Left", "Right"), ("Up", "Down"), ("Swirl", "CounterSwirl"))
    assert (found.alike, found.alike_true) == (("Still", "Flicker"), share_of(70, 80))
    first, second = opposites_sentences(found)
    assert "130 (54.2 % [47.8, 60.4]) are answered with the opposite, 80 (33.3 %" in first
    assert first.endswith("more often the opposite: it sees which way time runs.")
    assert second == (
        "Still and Flicker look the same backwards: 70 of 80 reversed clips of them are answered "
        "with their class."
    )


@pytest.mark.parametrize(
    ("opposite", "turns"), [(200, "opposite"), (120, "undecided"), (40, "true")]
)
def test_which_way_time_runs_is_told_where_the_test_tells_it(opposite: int, turns: str) -> None:
    labels = np.arange(240) % 6
    named = np.where(np.arange(240) < opposite, TURNED[labels], labels)
    found = count_opposites(labels, named, [None] * 240, CLASSES, backwards(POINTLIGHT, CLASSES))
    assert found is not None and found.turns == turns and found.other.count == 0
    assert found.alike_true is None and len(opposites_sentences(found)) == 1


def test_videos_of_one_source_are_one_witness_of_which_way_time_runs() -> None:
    labels, groups = np.zeros(240, int), [f"g{video // 120}" for video in range(240)]
    named = np.where(np.arange(240) < 160, 1, 0)
    table = backwards(POINTLIGHT, CLASSES)
    alone = count_opposites(labels, named, [None] * 240, CLASSES, table)
    together = count_opposites(labels, named, groups, CLASSES, table)
    assert alone is not None and alone.turns == "opposite"
    assert together is not None and together.turns == "undecided"


def test_classes_without_an_opposite_are_not_counted() -> None:
    labels = np.array([0, 1, 2, 2])
    found = count_opposites(labels, np.array([1, 1, 0, 2]), [None] * 4, "abc", {0: 1, 1: 0})
    assert found is not None and found.opposite.of == 2
    assert (found.opposite.count, found.true.count, found.alike_true) == (1, 1, None)
    assert count_opposites(labels, labels, [None] * 4, "abc", {}) is None


def test_every_pointlight_knows_its_opposites_and_twice_backwards_is_forwards() -> None:
    for name in catalog.names():
        dataset = catalog.get(name)
        assert bool(dataset.opposites) == name.startswith("pointlight")
        if dataset.opposites:
            assert len({each for pair in dataset.opposites for each in pair}) == dataset.num_classes
    table = backwards(POINTLIGHT, CLASSES)
    assert [table[label] for label in range(8)] == TURNED.tolist()
    assert all(table[other] == label for label, other in table.items())


@pytest.mark.parametrize(
    ("opposites", "message"),
    [
        ((("Left", "Rigth"),), "no class is named 'Rigth'"),
        ((("Left", "Right"), ("Left", "Up")), "'Left' has another opposite already, 'Right'"),
    ],
)
def test_opposites_that_are_no_pairs_of_classes_are_refused(
    opposites: tuple[tuple[str, str], ...], message: str
) -> None:
    with pytest.raises(KinobenchError, match=message):
        backwards(opposites, CLASSES)


def made_card(judgement: Judgement, **changes: Any) -> Card:
    fields: dict[str, Any] = {
        "title": "c3d_tiny (a/$very$/long_path/to/some_weights_that_are_nowhere.safetensors, "
        "fp32, eager, cpu), 2026-01-01",
        "ground": "pointlight test, pointlight (1x1 views)",
        "model": "c3d_tiny",
        "weights": "w.safetensors",
        "dataset": "pointlight",
        "split": "test",
        "protocol": "pointlight",
        "protocol_digest": "0123456789abcdef",
        "views": 1,
        "classes": 8,
        "manifest": "0123456789abcdef",
        "judgement": judgement,
        "missing": {},
        "notes": ("A note.",),
        "predictions": {},
    }
    return Card(**(fields | changes))


@pytest.fixture
def card(tmp_path: Path) -> Card:
    probed = sees_motion()
    del probed["subsampled"]
    named = probed["reversed"]
    table = backwards(POINTLIGHT, CLASSES)
    counted = count_opposites(LABELS, named, [None] * 320, CLASSES, table)
    plain = answers(tmp_path / "card", LABELS)
    found = judge(
        plain,
        {probe: answers(tmp_path / "card", each) for probe, each in probed.items()},
        counted,
    )
    return made_card(found, missing={"subsampled": "exception: ValueError: it broke"})


def printed(card: Card, width: int) -> str:
    out = io.StringIO()
    motion_page.print_card(card, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_of_the_card_is_wider_than_the_console_and_no_number_is_lost(
    card: Card, width: int
) -> None:
    text = printed(card, width)
    assert max(map(len, text.splitlines())) <= width
    joined = " ".join(text.split())
    for words in (
        "320 videos; chance is 12.5 %, one of 8 classes.",
        "loses 75 points when frames run backwards: the direction of time counts.",
        "240 (100 % [98.4, 100.0]) are answered with the opposite",
        "It sees motion, by the order of frames",
        "subsampled is missing: exception: ValueError: it broke",
        "5 probes together by Holm's method",
        "The predictions name no source groups",
        "A note.",
    ):
        assert words in joined
    assert all(number in joined for number in ("25.0", "[20.6,", "75.0", "[70.3,", "79.7]"))


def test_intervals_are_next_to_their_values_in_80_columns(card: Card) -> None:
    (line,) = (line for line in printed(card, 80).splitlines() if line.startswith(" reversed "))
    assert line.split()[1:] == ["25.0", "[20.6,", "30.0]", "75.0", "[70.3,", "79.7]", "<", "0.001"]


def test_the_page_is_markdown_that_shows_what_the_screen_does(card: Card) -> None:
    page = motion_page.card_text(card, "md")
    assert page.startswith(r"# Motion: c3d_tiny (a/\$very\$/long_path")
    assert re.search(r"^\| reversed +\| +25\.0 \[20\.6, 30\.0\] \| +75\.0 \[70", page, re.MULTILINE)
    assert "\n| subsampled " in page and "\n- loses 75 points when frames run" in page
    assert "\n**It sees motion, by the order of frames;" in page


def test_names_on_the_card_are_shown_as_they_are(card: Card) -> None:
    def named(name: str) -> Card:
        changes: dict[str, Any] = {"title": name, "ground": name, "notes": (name,)}
        return msgspec.structs.replace(card, missing={"subsampled": name}, **changes)

    harmless, _ = read_markdown(motion_page.card_text(named("innocent"), "md"))
    for name in NAMES.values():
        for width in (60, 200):
            assert not controls(printed(named(name), width)), name
        tags, text = read_markdown(motion_page.card_text(named(name), "md"))
        assert tags == harmless and one_line(name) in text.replace("\u200b", ""), name
        plain = motion_page.card_text(named(name), "json")
        assert json.loads(plain)["title"] == name and not controls(plain), name


def test_the_json_has_every_number_and_sentence(card: Card) -> None:
    plain = json.loads(motion_page.card_text(card, "json"))
    assert plain == json.loads(msgspec.json.encode(motion_card.contents(card)))
    assert plain["schema"] == 1 and plain["top1"]["share"] == 1.0
    reverse = plain["effects"][0]
    assert (reverse["probe"], reverse["drop"], reverse["outcome"]) == ("reversed", 0.75, "loss")
    assert reverse["text"].startswith("loses 75 points") and reverse["words"] == reverse["text"]
    assert plain["deprecated"] == {"words": "this key is now called text"}
    assert plain["opposites"]["opposite"]["count"] == 240
    assert plain["verdict"]["sees"] == "motion" and plain["verdict"]["text"].startswith("It sees")
    assert plain["missing"] == {"subsampled": "exception: ValueError: it broke"}


def test_the_chart_is_a_picture_in_which_no_text_overlaps_another(
    card: Card, tmp_path: Path
) -> None:
    motion_chart.draw_chart(tmp_path / "new" / "card.png", card)
    content = (tmp_path / "new" / "card.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(content[at : at + 4]) for at in (16, 20))
    assert (width, height) == (1350, 720)
    figure = motion_chart.figure_of(card)
    figure.draw_without_rendering()
    (axes,), (legend,) = figure.axes, figure.legends
    labels = [axes.xaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts]
    texts = [*labels, *legend.get_texts(), *figure.texts]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other), (one, other)
    for box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    shown = [text.get_text() for text in texts]
    assert "chance 12.5 %" in shown and "not measured" in shown
    assert "drop 75.0 [70.3, 79.7]" in shown and "25.0 %" in shown


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a pointlight of 4 test videos and 1 training video a class."""
    folder = tmp_path_factory.mktemp("made") / "pointlight"
    return pointlight.make_pointlight(folder, train_per_class=1, test_per_class=4)


Measure = Callable[..., Iterator[Record]]


def pretended(
    named: Callable[[Probe | None, np.ndarray], np.ndarray],
    root: Path,
    fails: Sequence[Probe | None] = (),
    interrupted_at: int | None = None,
) -> Measure:
    """Stand in for `run.measure`: a network that names what a function of probe and labels says."""
    videos = pointlight.load(root, "test").videos
    labels = np.array([video.label for video in videos])

    def measure(planned: Any, suite: Any, options: Options, console: Any) -> Iterator[Record]:
        name = new_run_id()
        file = RunFile(options.results, name)
        for number, entry in enumerate(planned):
            if number == interrupted_at:
                raise KeyboardInterrupt
            probe = entry.case.probe
            fields: dict[str, Any] = {"run": name, "case": entry.case, "notes": ()}
            if probe in fails:
                failure = Failure(kind="exception", message=f"ValueError: {probe} broke it")
                fields |= {"accuracy": None, "error": failure}
            else:
                answer = named(probe, labels)
                hits = int(np.count_nonzero(answer == labels))
                kept = f"predictions/{probe}-{name}"
                ids, groups = [video.id for video in videos], [video.group for video in videos]
                table = logits_table(logits_of(answer), labels, ids, groups)
                write_shards(options.results / kept, table, 64)
                fields["accuracy"] = made_accuracy(
                    hits / len(videos),
                    scored=len(videos),
                    expected=len(videos),
                    interval_top1=wilson(hits, len(videos)),
                    predictions=kept,
                )
            record = msgspec.structs.replace(made_record(), **fields)
            file.append(record)
            yield record

    return measure


def follows(probe: Probe | None, labels: np.ndarray) -> np.ndarray:
    """Name what a network does that sees motion and is right."""
    if probe == "reversed":
        return TURNED[labels]
    if probe in ("frozen", "first-frame"):
        return np.full(len(labels), STILL)
    return (labels + 3) % 8 if probe == "shuffled" else labels


def invoke(root: Path, results: Path, *words: object) -> Any:
    weights = results.parent / "w.safetensors"
    weights.write_bytes(b"weights")
    options = ("--data-root", root, "--weights", weights, "--results", results)
    command = ("motion", "early_fusion_tiny", *options, *words)
    return CliRunner().invoke(app, [str(word) for word in command])


def test_a_probe_that_fails_is_missing_from_the_card_and_the_others_are_there(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motion_run.run, "measure", pretended(follows, root, fails=["blurred"]))
    picture = tmp_path / "card.png"
    done = invoke(root, tmp_path / "results", "--json", "--chart", picture)
    assert done.exit_code == 1, done.output
    plain = json.loads(done.stdout)
    assert plain["missing"] == {"blurred": "exception: ValueError: blurred broke it"}
    assert [effect["probe"] for effect in plain["effects"]] == [
        probe for probe in PROBES if probe != "blurred"
    ]
    assert plain["opposites"]["opposite"]["count"] == plain["opposites"]["opposite"]["of"] == 24
    assert plain["verdict"]["sees"] == "motion"
    assert "blurred failed: ValueError: blurred broke it" in done.stderr
    assert picture.is_file() and (tmp_path / "results" / "leaderboard.md").is_file()


def test_where_the_plain_case_fails_no_probe_is_scored(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = pretended(follows, root, fails=[None], interrupted_at=1)
    monkeypatch.setattr(motion_run.run, "measure", measure)
    done = invoke(root, tmp_path / "results", "--json")
    assert done.exit_code == 1 and done.stdout == ""
    assert "plain failed: ValueError: None broke it" in done.stderr


def test_an_interrupt_keeps_what_is_finished_and_shows_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motion_run.run, "measure", pretended(follows, root, interrupted_at=3))
    done = invoke(root, tmp_path / "results")
    assert done.exit_code == 130, done.output
    assert "3 of 7 cases finished and kept in" in done.stderr
    assert "frozen is missing: it was not measured." in " ".join(done.stdout.split())


def test_the_card_is_written_in_the_form_that_the_files_name_ends_in(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motion_run.run, "measure", pretended(follows, root))
    written = {}
    for name in ("card.md", "card.json"):
        done = invoke(root, tmp_path / "results", "--output", tmp_path / name)
        assert done.exit_code == 0 and done.stdout == ""
        written[name] = (tmp_path / name).read_text()
    assert written["card.md"].startswith("# Motion: early_fusion_tiny")
    assert json.loads(written["card.json"])["model"] == "early_fusion_tiny"
    done = invoke(root, tmp_path / "results", "--format", "md")
    assert done.stdout == written["card.md"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("early_fusion_tyni",), "did you mean 'early_fusion_tiny'?"),
        (("early_fusion_tiny", "--dataset", "pointlihgt"), "did you mean 'pointlight'?"),
        (("early_fusion_tiny", "--dataset", "none"), "name a dataset"),
        (("early_fusion_tiny", "--weights", "nowhere.pt"), "there is no such file"),
        (("early_fusion_tiny",), "Train it with `kinobench fit early_fusion_tiny"),
        (("early_fusion_tiny", "--weights", "none"), "random weights would show nothing"),
        (("early_fusion_tiny", "--weights", "w.pt", "--split", "tset"), "did you mean 'test'?"),
        (("early_fusion_tiny", "--weights", "w.pt", "--flow", "dis"), "takes optical flow"),
        (("early_fusion_tiny", "--weights", "w.pt", "--chart", "card.gif"), "ends in .png"),
        (("early_fusion_tiny", "--weights", "w.pt", "--format", "tex"), "no format is named 'tex'"),
        (
            ("early_fusion_tiny", "--weights", "w.pt", "--device", "tpu"),
            "--device tpu: choose cpu or cuda",
        ),
        (("early_fusion_tiny", "--weights", "w.pt", "--data-root", "no"), "no pointlight.json"),
    ],
)
def test_a_mistake_is_quoted_and_a_cure_is_said(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.pt").write_bytes(b"weights")
    # A network that has no weights published for the dataset, whatever comes with kinobench.
    monkeypatch.setattr(motion_run, "weights_of", lambda model: [])
    monkeypatch.setattr(motion_run, "shipped_file", lambda model, weights: None)
    done = CliRunner().invoke(app, ["motion", *words])
    assert done.exit_code == 2 and message in done.stderr, done.output
    assert not Path("results").exists()


def test_weights_that_fit_left_are_named_where_none_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motion_run, "weights_of", lambda model: [])
    monkeypatch.setattr(motion_run, "shipped_file", lambda model, weights: None)
    folders = [tmp_path / "fit" / f"c3d_tiny-pointlight-{end}" for end in ("1", "noise-2")]
    left = [folder / "weights.safetensors" for folder in folders]
    for path, dataset in zip(left, ("pointlight", "pointlight-noise"), strict=True):
        write_fitted(path, {}, made_fitted("c3d_tiny", dataset))
    options = motion_run.MotionOptions(model="c3d_tiny", dataset="pointlight", results=tmp_path)
    with pytest.raises(KinobenchError, match=f"Give --weights {left[0]}"):
        motion_run.plan(options)


def test_weights_published_for_the_dataset_are_taken_where_none_are_given() -> None:
    options = motion_run.MotionOptions(model="x3d_m", dataset="kinetics400")
    planned = motion_run.plan(options)
    assert {entry.case.weights for entry in planned} == {"kinetics400"}
    assert [entry.case.probe for entry in planned] == [None, *PROBES]
    assert {entry.measures for entry in planned} == {("accuracy",)}


@pytest.mark.usefixtures("shared_workers")
def test_a_network_that_follows_dots_is_seen_through_and_nothing_is_scored_twice(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "models" / MODELS.name
    plugin.parent.mkdir()
    plugin.write_text(MODELS.read_text())
    registry.load_plugin(plugin)
    weights = tmp_path / "w.safetensors"
    save_file(registry.get("follows_dots").build(8, 16, 64).state_dict(), weights)
    words = ["motion", "follows_dots", "--plugin", plugin, "--weights", weights, "--threads", 1]
    words += ["--data-root", root, "--results", tmp_path / "results", "--json"]
    command = [str(word) for word in words]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    plain = json.loads(done.stdout)
    effects = {effect["probe"]: effect for effect in plain["effects"]}
    # Translations it names by the shift, and backwards by the opposite one; a still clip is Still.
    assert plain["top1"]["of"] == 32 and plain["top1"]["count"] >= 20
    assert plain["opposites"]["opposite"]["count"] >= 14
    assert plain["opposites"]["opposite"]["of"] == 24 and plain["opposites"]["turns"] == "opposite"
    assert effects["frozen"]["top1"]["count"] == effects["first-frame"]["top1"]["count"] == 4
    assert effects["frozen"]["outcome"] == effects["reversed"]["outcome"] == "loss"
    assert plain["verdict"]["change"] == plain["verdict"]["direction"] == "yes"

    def refuse(*arguments: object) -> None:
        raise AssertionError("it would be measured")

    monkeypatch.setattr(motion_run.run, "measure", refuse)
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout) == plain
    # Another file of a video, or other weights under the same name, are something else.
    video = pointlight.load(root, "test").videos[5].path
    changed_ns = video.stat().st_mtime_ns
    os.utime(video, ns=(changed_ns + 10**9, changed_ns + 10**9))
    assert "it would be measured" in CliRunner().invoke(app, command).stderr
    os.utime(video, ns=(changed_ns, changed_ns))
    assert CliRunner().invoke(app, command).exit_code == 0
    assert "it would be measured" in CliRunner().invoke(app, [*command, "--fresh"]).stderr
    # So is a network that computes something else, whose source and weights are the same.
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[registry.get("follows_dots").build.__module__], "UNKNOWN", 0.5)
        changed = CliRunner().invoke(app, command)
    assert "it would be measured" in changed.stderr
    assert "follows_dots are not used: the network computes something else now" in changed.stderr
    assert CliRunner().invoke(app, command).exit_code == 0
    save_file({"scale": torch.full((1,), 2.0)}, weights)
    assert "it would be measured" in CliRunner().invoke(app, command).stderr


def test_a_record_stands_for_its_case_alone_and_only_where_it_is_whole() -> None:
    whole = made_accuracy(predictions="predictions/a")
    lost = (Unreadable(id="v9", path="v9.mp4", reason="truncated"),)
    records = [
        made_record(started="2026-01-01T00:00:00Z", accuracy=whole),
        made_record(started="2026-01-03T00:00:00Z", accuracy=whole),
        made_record("x3d_tiny", accuracy=whole),
        made_record(accuracy=whole, case={"probe": "reversed"}),
        made_record(accuracy=None),
        made_record(accuracy=made_accuracy()),  # keeps no predictions
        made_record(accuracy=made_accuracy(None, predictions="predictions/a")),
        made_record(accuracy=whole, error=Failure(kind="uncounted", message="it broke")),
        made_record(
            started="2026-01-02T00:00:00Z",
            accuracy=msgspec.structs.replace(whole, unreadable=lost),
        ),
    ]
    case = records[0].case
    assert candidates(case, records, skip_unreadable=False) == [records[1], records[0]]
    forgiven = candidates(case, records, skip_unreadable=True)
    assert forgiven == [records[1], records[8], records[0]]
