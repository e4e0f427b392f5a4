"""The network to take under limits, from made-up predictions and from the quick suite's."""

import fcntl
import json
import os
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import kinobench
from kinobench.bench.leaderboard.build import ranked_boards
from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.limits import KINDS
from kinobench.bench.leaderboard.recommend import question, recommend
from kinobench.bench.leaderboard.recommendation import Recommendation
from kinobench.bench.records.store import RunFile
from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.datasets.protocol import preset

from ...fakes.command import call
from ...fakes.made_predictions import logits_table, write_shards
from ...fakes.made_records import (
    elsewhere,
    failed_record,
    made_accuracy,
    made_cost,
    made_energy,
    made_latency,
    made_record,
)

QUICK = Path(__file__).parents[3] / "results" / "quick"

# Of 20 videos A gets all, B the first ten, C the first fourteen. Of the 10 that differ between A
# and B all are A's: p = 2 / 2^10 = 0.00195. A and C: 2 / 2^6 = 0.03125. C and B: 2 / 2^4 = 0.125.
# Holm over three pairs: 0.0059, 0.0625, 0.125.
HITS, MILLISECONDS = {"a": 20, "b": 10, "c": 14}, {"a": 10.0, "b": 1.0, "c": 2.0}


def scored(results: Path, name: str, case: dict[str, Any] | None = None, **changes: Any) -> Any:
    """A trained network whose latency's interval is 4 % to a side, and its predictions."""
    hits, labels = np.arange(20) < HITS[name], np.arange(20) % 4
    logits = np.zeros((20, 2, 4), dtype=np.float32)
    logits[np.arange(20), :, labels] = np.where(hits, 1, -1)[:, None]
    write_shards(results / "predictions" / name, logits_table(logits, labels), 16)
    share = HITS[name] / 20
    fields: dict[str, Any] = {
        "latency": made_latency(MILLISECONDS[name] / 1e3),
        "accuracy": made_accuracy(
            share,
            scored=20,
            expected=20,
            interval_top1=(share - 0.1, min(1, share + 0.1)),
            predictions=f"predictions/{name}",
        ),
    }
    return made_record(name, case={"weights": "mine"} | (case or {}), **(fields | changes))


def three(results: Path) -> list[Any]:
    return [scored(results, name) for name in "abc"]


def ask(records: list[Any], results: Path, where: str | None = None, **given: str) -> Any:
    limits = {name: value for name, value in given.items() if name in KINDS}
    of: dict[str, str | None] = dict.fromkeys(("device", "dataset", "split", "protocol"))
    of |= {name: value for name, value in given.items() if name not in KINDS}
    return recommend(records, results, question(limits, where, of))


def names(found: Recommendation) -> tuple[str | None, list[str], str | None]:
    best, cheapest = found.best, found.cheapest
    return best and best.name, [each.name for each in found.alike], cheapest and cheapest.name


def why(found: Recommendation) -> dict[str, str]:
    return {each.name: each.why for each in found.left_out}


def test_the_best_and_those_that_cannot_be_told_apart_are_those_worked_by_hand(
    tmp_path: Path,
) -> None:
    records = three(tmp_path)
    found = ask(records, tmp_path, max_latency="5ms")
    assert names(found) == ("c", ["b"], "b") and found.pairs == 1
    assert why(found) == {"a": "beyond the limit"} and found.candidates == 2
    # Of all three, B is told apart from A, and C is not.
    found = ask(records, tmp_path, max_latency="20ms")
    assert names(found) == ("a", ["c"], "c") and found.pairs == 3
    # Of just these two, the same p of 0.03125 needs no adjustment.
    found = ask(records, tmp_path, "model != 'b'", max_latency="20ms")
    assert names(found) == ("a", [], "a") and why(found) == {"b": "not chosen"}
    assert "It is significantly better than each of the others." in found.sentences


def test_the_sentences_say_all_of_it(tmp_path: Path) -> None:
    found = ask(three(tmp_path), tmp_path, max_latency="0.005 s")
    assert str(found) == "\n".join(found.sentences)
    assert list(found.sentences) == [
        "With latency of at most 5 ms, the best of 2 networks is c (top-1 70.0 % [60.0, 80.0], "
        "latency 2.00 ms [1.92, 2.08]).",
        "1 other can't be told apart from it: b (50.0 %, 1.00 ms).",
        "The cheapest that can't be told apart from the best is b (top-1 50.0 % [40.0, 60.0], "
        "latency 1.00 ms [0.960, 1.04]).",
        "Compared as ranks are, on the videos that both scored: 1 pair, 5 % for all of them "
        "together by Holm's method.",
        "Left out: 1 beyond the limit.",
        "Table: pointlight test, pointlight, 1 view, cpu: Made-up CPU & Sons <i9> (2 cores) "
        "(protocol 39425e47912655bb, machine 00000000feedface).",
    ]


def test_an_interval_across_the_limit_is_maybe(tmp_path: Path) -> None:
    records = three(tmp_path)
    found = ask(records, tmp_path, max_latency="2.05ms")  # c: 1.92 to 2.08
    assert names(found) == ("b", [], "b") and why(found)["c"] == "maybe"
    assert "b (top-1 50.0 % [40.0, 60.0], latency 1.00 ms [0.960, 1.04]) is the only" in str(found)
    assert found.sentences[-2] == (
        "Maybe, as the limit is within the interval or uncertain: c (latency 2.00 ms [1.92, 2.08])."
    )
    disturbed = made_latency(0.002, disturbed=True, loads=())
    records[2] = scored(tmp_path, "c", latency=disturbed)
    found = ask(records, tmp_path, max_latency="2.05ms")
    assert "c (latency 2.00 ms [1.92, 2.08], disturbed)" in str(found)
    # Whole below the limit, a disturbed latency keeps it; whole above, it doesn't.
    assert names(ask(records, tmp_path, max_latency="3ms"))[0] == "c"
    assert why(ask(records, tmp_path, max_latency="1.9ms"))["c"] == "beyond the limit"
    # Disturbed and without an interval nothing is sure.
    bare = made_latency(0.002, disturbed=True, loads=(), interval_s=None)
    found = ask([scored(tmp_path, "c", latency=bare)], tmp_path, max_latency="3ms")
    assert found.best is None and why(found) == {"c": "maybe"}
    assert "no trained network is certain to be within the limits; c may be." in found.sentences[0]


def test_a_cost_that_is_a_lower_bound_is_maybe_below_the_limit(tmp_path: Path) -> None:
    cost = msgspec.structs.replace(made_cost(), uncounted={"odd": 1})
    records = [scored(tmp_path, "a", cost=cost), scored(tmp_path, "c")]
    found = ask(records, tmp_path, max_gmacs="5")
    assert names(found)[0] == "c" and why(found) == {"a": "maybe"}
    assert "a (arithmetic of a view 1.23 GMACs, a lower bound)" in str(found)
    assert "With arithmetic of a view of at most 5 GMACs, c (top-1" in str(found)
    assert why(ask(records, tmp_path, max_gmacs="1"))["a"] == "beyond the limit"


def test_nothing_under_the_limit_gives_the_nearest_and_no_recommendation(tmp_path: Path) -> None:
    found = ask(three(tmp_path), tmp_path, max_latency="0.5ms")
    assert not found.is_conclusive and found.nearest is not None
    assert found.nearest.name == "b"
    assert found.sentences[:2] == (
        "With latency of at most 0.5 ms, there is no trained network.",
        "The nearest beyond the limits is b (top-1 50.0 % [40.0, 60.0], latency 1.00 ms [0.960, "
        "1.04]).",
    )
    # Of two limits, the one that is missed by most counts: a by 1.25 times, b by 1.8.
    found = ask(three(tmp_path), tmp_path, max_latency="8ms", min_top1="90%")
    assert found.nearest is not None and found.nearest.name == "a"


def test_who_is_left_out_is_said_with_the_reason(tmp_path: Path) -> None:
    records = [
        *three(tmp_path),
        made_record("untrained"),
        failed_record("broken", "no memory"),
        scored(tmp_path, "a", case={"batch": 8}, latency=None),
        scored(tmp_path, "a", case={"probe": "reverse"}),
        made_record("unscored", case={"weights": "mine"}, accuracy=None),
    ]
    found = ask(records, tmp_path, max_latency="5ms")
    assert names(found)[:2] == ("c", ["b"])
    reasons = {(each.name, each.why, each.reason) for each in found.left_out}
    assert {
        ("untrained", "untrained", "its accuracy ranks nothing"),
        ("broken", "failed", "exception: no memory"),
        ("unscored", "not measured", "no accuracy"),
    } <= reasons
    (unmeasured,) = [each for each in found.left_out if each.reason == "no latency"]
    assert unmeasured.why == "not measured" and "batch 8" in unmeasured.name
    assert [each.why for each in found.left_out].count("probe") == 1
    assert "Failed: broken: exception: no memory." in found.sentences
    assert found.candidates + len(found.left_out) == len(records)


def test_an_accuracy_limit_is_held_by_the_videos_that_were_scored(tmp_path: Path) -> None:
    records = three(tmp_path)
    assert names(ask(records, tmp_path, min_top1="70"))[0] == "a"
    assert why(ask(records, tmp_path, min_top1="70")) == {"b": "beyond the limit"}
    assert why(ask(records, tmp_path, min_top1="70.1%")) == dict.fromkeys("bc", "beyond the limit")


def test_without_predictions_intervals_decide_and_it_says_so(tmp_path: Path) -> None:
    lone = scored(tmp_path, "c", accuracy=made_accuracy(0.7, interval_top1=(0.6, 0.8)))
    found = ask([scored(tmp_path, "a"), scored(tmp_path, "b"), lone], tmp_path, max_latency="20ms")
    # a: 90 to 100 %, c: 60 to 80 %: apart. b by the paired test.
    assert names(found) == ("a", [], "a") and found.pairs == 1
    wide = scored(tmp_path, "c", accuracy=made_accuracy(0.7, interval_top1=(0.6, 0.92)))
    found = ask([scored(tmp_path, "a"), scored(tmp_path, "b"), wide], tmp_path, max_latency="20ms")
    assert names(found) == ("a", ["c"], "c")
    assert "By 95 % intervals alone, which tell fewer apart: c: its record keeps no" in str(found)


def test_several_tables_are_listed_and_one_is_chosen(tmp_path: Path) -> None:
    cuda = scored(tmp_path, "a", case={"device": "cuda"})
    other = scored(tmp_path, "b", case={"protocol": preset("common-112")})
    records = [scored(tmp_path, "c"), cuda, other, made_record("x", case={"dataset": None})]
    with pytest.raises(KinobenchError) as caught:
        ask(records, tmp_path, max_latency="20ms")
    first, *listed = str(caught.value).split("\n")
    assert first == "3 tables have trained networks; choose one by --device or --protocol:"
    assert len(listed) == 3 and listed[0].startswith("--device cpu --protocol 39425e47912655bb: ")
    assert names(ask(records, tmp_path, max_latency="20ms", device="gpu"))[0] == "a"
    chosen = ask(records, tmp_path, max_latency="20ms", device="cpu", protocol="common-112")
    assert names(chosen)[0] == "b" and chosen.table is not None
    digest = chosen.table.protocol_digest
    assert ask(records, tmp_path, max_latency="20ms", protocol=digest) == chosen
    with pytest.raises(UnknownNameError, match="no dataset of these records is named 'ucf101'"):
        ask(records, tmp_path, max_latency="20ms", dataset="ucf101")


def test_of_two_machines_the_newest_is_taken_and_it_is_said(tmp_path: Path) -> None:
    old = scored(tmp_path, "a", environment=elsewhere())
    new = scored(tmp_path, "c", started="2026-02-01T00:00:00Z")
    found = ask([new, old], tmp_path, max_latency="20ms")
    assert names(found)[0] == "c"
    assert "It is the newest: 1 other table of the same kind differs in" in found.sentences[-1]


def test_untrained_networks_alone_say_nothing(tmp_path: Path) -> None:
    found = ask([made_record("x")], tmp_path, max_latency="20ms")
    assert not found.is_conclusive and found.table is None
    first, cure = found.sentences
    assert first == "Nothing can be said: these records have no accuracy of a trained network."
    assert "run --model NAME --weights WEIGHTS --dataset NAME`" in cure


def test_a_number_that_another_table_has_is_said_with_what_to_do(tmp_path: Path) -> None:
    """Accuracy was measured on the GPU, and latency on the CPU without a dataset."""
    records = [scored(tmp_path, name, case={"device": "cuda"}, latency=None) for name in "abc"]
    fast = {"dataset": None, "split": None, "weights": "mine"}
    records += [made_record(name, case=fast, accuracy=None) for name in "ab"]
    found = ask(records, tmp_path, max_latency="20ms")
    assert not found.is_conclusive and why(found) == dict.fromkeys("abc", "not measured")
    assert found.sentences[0] == (
        "With latency of at most 20 ms, no trained network is certain to be within the limits: of "
        "3, a number was not measured."
    )
    assert "Not measured: a, b, c: no latency." in found.sentences
    (hint,) = found.elsewhere
    assert "Another table (no dataset, pointlight, cpu: Made-up CPU" in hint and hint in str(found)
    assert "has the latency of 2 of these networks" in hint
    assert hint.endswith("run --measure latency,accuracy`.")
    # Asked for by name, the table of latencies says where the accuracies are.
    for asked in ({"dataset": "none"}, {"device": "cpu"}):
        (said,) = ask(records, tmp_path, max_latency="20ms", **asked).sentences
        (name, value), *_ = asked.items()
        assert f"no table of --{name} {value} has the accuracy of a trained network." in said
        assert "This one has: pointlight test, pointlight, 1 view, cuda" in said


def test_records_that_were_copied_without_predictions_have_one_reason(tmp_path: Path) -> None:
    records = three(tmp_path)
    shutil.rmtree(tmp_path / "predictions")
    (board,) = ranked_boards(records, tmp_path)
    lines = [line for line in footnotes(board) if "not ranked" in line]
    folder = tmp_path / "predictions"
    assert lines == [
        f"All rows: not ranked: there is no {folder}; copy it too, or measure it again"
    ]
    assert set(ask(records, tmp_path, max_latency="20ms").by_interval) == {"b", "c"}


def test_where_there_is_no_top_1_it_says_what_to_write(tmp_path: Path) -> None:
    by_map = made_accuracy(None, scoring="map", map=0.3, interval_map=(0.2, 0.4))
    found = ask([scored(tmp_path, "a", accuracy=by_map)], tmp_path, min_top1="25%")
    assert not found.is_conclusive
    assert 'This table has mAP, and no top-1: write --where "map >= 25".' in found.sentences
    assert names(ask([scored(tmp_path, "a", accuracy=by_map)], tmp_path, "map >= 25"))[0] == "a"


def test_of_equally_accurate_networks_the_cheapest_is_the_best(tmp_path: Path) -> None:
    records = [
        scored(tmp_path, "a", case={"model": model}, latency=made_latency(milliseconds / 1e3))
        for model, milliseconds in (("slow", 14), ("fast", 4), ("middle", 10))
    ]
    found = ask(records, tmp_path, max_latency="50ms")
    assert names(found) == ("fast", ["middle", "slow"], "fast")


def test_what_is_compared_by_intervals_alone_is_said_of_worse_networks_too(tmp_path: Path) -> None:
    lone = scored(tmp_path, "c", accuracy=made_accuracy(0.7, interval_top1=(0.6, 0.8)))
    found = ask([scored(tmp_path, "a"), lone], tmp_path, max_latency="20ms")
    assert names(found) == ("a", [], "a") and list(found.by_interval) == ["c"]
    assert "By 95 % intervals alone, which tell fewer apart: c: " in str(found)
    assert "significantly" not in str(found)


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("max_latency", "12.9ms"),
        ("max_video", "12.9ms"),
        ("max_params", "9.9M"),
        ("max_memory", "42.3MB"),
        ("max_gmacs", "1.23"),
        ("max_energy", "12J"),
    ],
)
def test_every_cost_can_be_limited(limit: str, value: str, tmp_path: Path) -> None:
    """The made record: 12.5 ms up to 13.0, 10 M, 42.35 MB, 1.235 GMACs, 12.5 J."""
    record = scored(tmp_path, "a", latency=made_latency(0.0125), energy=made_energy())
    found = ask([record], tmp_path, **{limit: value})
    assert found.best is None
    number, unit = value.rstrip("msMBJ"), value.lstrip("0123456789.")
    assert ask([record], tmp_path, **{limit: f"{float(number) * 1.1:g}{unit}"}).best is not None


def test_a_name_from_data_adds_no_line_and_no_escape_sequence(tmp_path: Path) -> None:
    weights = "mine\nWith latency of at most 5 ms, take me\x1b[2J"
    named = [scored(tmp_path, "c"), scored(tmp_path, "a", case={"weights": weights})]
    named += [scored(tmp_path, "a", case={"weights": "other"})]
    found = ask(named, tmp_path, max_latency="20ms")
    assert "\\nWith" in str(found) and all(each.isprintable() for each in found.sentences)


def test_no_limit_is_no_question() -> None:
    with pytest.raises(KinobenchError, match="give a limit, such as --max-latency 5ms"):
        question({}, None, {})


def test_the_command_prints_sentences_or_facts_and_its_exit_code_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    file = RunFile(results, "20260101T000000Z-abcdef")
    for record in three(results):
        file.append(record)
    done = call(monkeypatch, tmp_path, "recommend", "--max-latency", "5ms")
    assert done.exit_code == 0 and done.stdout.startswith("With latency of at most 5 ms, the best")
    done = call(monkeypatch, tmp_path, "recommend", "--max-latency", "5ms", "--json")
    content = json.loads(done.stdout)
    assert content["best"]["name"] == "c" and content["cheapest"]["name"] == "b"
    assert content["best"]["figures"]["latency_ms"]["value"] == pytest.approx(2.0)
    assert content["table"]["fingerprint"] == "00000000feedface"
    assert call(monkeypatch, tmp_path, "recommend", "--max-latency", "0.1ms").exit_code == 3
    done = call(monkeypatch, tmp_path, "recommend", "--max-latency", "5")
    assert done.exit_code == 2 and "it has no unit; write 5ms" in done.stderr
    done = call(monkeypatch, tmp_path, "recommend", "--where", "top1 > 0.6")
    assert done.exit_code == 0 and "top1 is in percent: write 60" in done.stderr


def test_a_terminal_folds_sentences_between_words(tmp_path: Path) -> None:
    file = RunFile(tmp_path / "results", "20260101T000000Z-abcdef")
    for record in three(tmp_path / "results"):
        file.append(record)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 60, 0, 0))
    command = [sys.executable, "-m", "kinobench.bench.cli", "recommend", "--max-latency", "5ms"]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    subprocess.run(command, cwd=tmp_path, stdout=theirs, env=environment, check=True)
    os.close(theirs)
    rows = os.read(ours, 100_000).decode().splitlines()
    os.close(ours)
    assert max(map(len, rows)) <= 60
    found = ask(three(tmp_path), tmp_path, max_latency="5ms")
    assert " ".join(row.strip() for row in rows) == " ".join(found.sentences)


def test_the_same_in_python(tmp_path: Path) -> None:
    records = kinobench.Records(three(tmp_path), tmp_path)
    found = records.recommend(max_latency="5ms")
    assert isinstance(found, kinobench.Recommendation) and names(found) == ("c", ["b"], "b")
    with pytest.raises(kinobench.KinobenchError, match=r"^max_latency='5': it has no unit"):
        records.recommend(max_latency="5")
    with pytest.raises(kinobench.KinobenchError, match="did you mean 'max_latency'"):
        records.recommend(max_latncy="5ms")


def test_the_stored_quick_suite_recommends_what_its_table_shows() -> None:
    """The numbers are those of results/quick/leaderboard.md."""
    records = kinobench.Records.read(QUICK)
    found = records.recommend(max_latency="5ms")
    assert names(found) == ("slow_fusion_tiny", ["early_fusion_tiny"], "early_fusion_tiny")
    assert found.sentences[0] == (
        "With latency of at most 5 ms, the best of 7 networks is slow_fusion_tiny (top-1 100.0 % "
        "[95.4, 100.0], latency 4.09 ms [3.44, 4.64])."
    )
    # The latency of temporal_stream_tiny is 1.45 ms without its flow, and 8.19 ms with it.
    assert why(found)["temporal_stream_tiny"] == "beyond the limit"
    maybe = {name for name, each in why(found).items() if each == "maybe"}
    assert maybe == {
        *("single_frame_tiny", "tsn_tiny", "late_fusion_pool_tiny", "late_fusion_tiny"),
        *("cnn_lstm_tiny", "c2d_tiny", "slow_tiny", "x3d_tiny", "efficient_x3d_tiny"),
        "swin3d_tiny",
    }
    found = records.recommend(max_params="0.2M")
    assert found.best is not None and found.best.name == "efficient_x3d_tiny"
    assert found.cheapest is not None and found.cheapest.name == "swin3d_tiny"
    assert len(found.alike) == 8 and found.candidates == 13 and found.pairs == 13 * 12 // 2
    nearest = records.recommend(max_latency="1ms").nearest
    assert nearest is not None and nearest.name == "videomae_tiny"
