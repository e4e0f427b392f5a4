"""What moves between two sets of records: by hand, and on the repository's own."""

import io
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from kinobench.bench.analysis.compare import compare
from kinobench.bench.cli.commands import app
from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.leaderboard.diff import diff
from kinobench.bench.leaderboard.fields import field
from kinobench.bench.leaderboard.rank_change_text import show
from kinobench.bench.leaderboard.rank_changes import agreement, ranks_of, ratio_of
from kinobench.bench.records.store import RunFile, read_records
from kinobench.bench.records.stores import results_in
from kinobench.bench.statistics.tests import holm
from kinobench.bench.text.terminal import PlainConsole
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_predictions import store_run
from ...fakes.made_records import elsewhere, made_accuracy, made_latency, made_record
from ...fakes.media import REPOSITORY

RUN = "20260101T000000Z-000000"


def timed(results: Path, precision: str, medians: dict[str, float], width: float = 0.04) -> None:
    for model, median in medians.items():
        ends = (median * (1 - width), median / (1 - width))
        record = made_record(
            model,
            {"precision": precision, "dataset": None, "split": None},
            latency=made_latency(median, interval_s=ends),
            accuracy=None,
        )
        RunFile(results, RUN).append(record)


def scored(results: Path, precision: str, wrong: dict[str, int]) -> dict[str, Path]:
    """Store networks that get all but the first so many of 100 videos, with their predictions."""
    paths = {}
    labels = np.arange(100) % 8
    for model, count in wrong.items():
        logits = np.zeros((100, 1, 8), np.float32)
        logits[np.arange(100), 0, (labels + (np.arange(100) < count)) % 8] = 3
        named = f"predictions/{model}/{precision}"
        accuracy = made_accuracy(1 - count / 100, scored=100, expected=100, predictions=named)
        case = {"precision": precision, "weights": "mine"}
        record = made_record(model, case, accuracy=accuracy, latency=None)
        paths[model] = store_run(results / named, logits, labels, origin_of(record))
        RunFile(results, RUN).append(record)
    return paths


def found(results: Path, a: str, b: str, by: str | None = None) -> Any:
    return diff(a, b, results, by, lambda line: None)


def test_latencies_worked_by_hand(tmp_path: Path) -> None:
    timed(tmp_path, "fp32", {"c3d_tiny": 0.010, "x3d_tiny": 0.020, "s3d_tiny": 0.030})
    timed(tmp_path, "bf16", {"c3d_tiny": 0.025, "x3d_tiny": 0.0202, "s3d_tiny": 0.030})
    (changes,) = found(tmp_path, "precision=fp32", "precision=bf16")
    assert (changes.by, changes.kind, changes.unit) == ("latency_ms", "interval", "ms")
    told = [(c.model, c.a.rank, c.b.rank, c.moved, c.is_beyond_noise) for c in changes.changes]
    assert told == [
        ("x3d_tiny", 2, 1, 1, False),
        ("c3d_tiny", 1, 2, -1, True),
        ("s3d_tiny", 3, 3, 0, False),
    ]
    slower = changes.changes[1]
    assert (slower.a.value, slower.b.value) == pytest.approx((10, 25))
    assert slower.ratio == pytest.approx(2.5) and slower.difference == pytest.approx(15)
    # Both intervals reach 4 % to a side: together their logarithm's is wider by the root of 2.
    half = math.sqrt(2) * -math.log(0.96)
    assert slower.interval == pytest.approx((2.5 * math.exp(-half), 2.5 * math.exp(half)))
    assert changes.agreement is not None
    assert changes.agreement.tau == pytest.approx(1 / 3)  # 2 of 3 pairs alike, 1 not
    assert (changes.agreement.same, changes.agreement.opposite, changes.agreement.tied) == (2, 1, 0)


def test_a_ratio_is_significant_exactly_if_its_interval_leaves_out_1() -> None:
    generator = np.random.default_rng(2)
    for _ in range(200):
        a, b = np.exp(generator.normal(0, 0.05, 2))
        ends = [(value * math.exp(-w), value * math.exp(w)) for value, w in ((a, 0.04), (b, 0.07))]
        tested = ratio_of(a, b, *ends)
        assert tested is not None and tested.interval is not None
        assert (tested.p < 0.05) == (tested.interval[0] > 0 or tested.interval[1] < 0)
        back = ratio_of(b, a, ends[1], ends[0])
        assert back is not None and back.p == pytest.approx(tested.p)
        assert back.difference == pytest.approx(-tested.difference)
    assert ratio_of(0.0, 1.0, (0.0, 0.0), (1.0, 1.0)) is None


def test_many_networks_are_tested_together(tmp_path: Path) -> None:
    medians = {f"s3d_tiny{number}": 0.01 + number * 0.001 for number in range(20)}
    timed(tmp_path, "fp32", medians)
    changed = medians | {"s3d_tiny0": medians["s3d_tiny0"] * 1.065}
    timed(tmp_path, "bf16", changed)
    (changes,) = found(tmp_path, "precision=fp32", "precision=bf16")
    one = next(each for each in changes.changes if each.model == "s3d_tiny0")
    alone = ratio_of(10, 10.65, (9.6, 10 / 0.96), (10.65 * 0.96, 10.65 / 0.96))
    assert alone is not None and alone.p < 0.05  # it alone would be
    assert one.p == pytest.approx(holm([alone.p, *[1.0] * 19])[0]) and not one.is_beyond_noise


def test_accuracies_are_tested_on_the_same_videos(tmp_path: Path) -> None:
    before = scored(tmp_path, "fp32", {"c3d_tiny": 10, "x3d_tiny": 20, "s3d_tiny": 30})
    after = scored(tmp_path, "bf16", {"c3d_tiny": 40, "x3d_tiny": 21, "s3d_tiny": 30})
    (changes,) = found(tmp_path, "precision=fp32", "precision=bf16")
    assert (changes.by, changes.kind) == ("score_percent", "paired")
    told = [(c.model, c.a.rank, c.b.rank, c.moved, c.is_beyond_noise) for c in changes.changes]
    assert told == [
        ("x3d_tiny", 2, 1, 1, False),
        ("s3d_tiny", 3, 2, 1, False),
        ("c3d_tiny", 1, 3, -2, True),
    ]
    assert [c.difference for c in changes.changes] == pytest.approx([-1, 0, -30])
    assert all(c.ratio is None for c in changes.changes)
    tested = compare(*(open_predictions(of["c3d_tiny"]) for of in (before, after))).top1
    worse = changes.changes[2]
    assert worse.interval == pytest.approx([100 * each for each in tested.interval or ()])
    assert tested.p <= (worse.p or 0) / 3  # Holm's method counts three networks


def test_the_two_sides_may_be_in_several_folders(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    scored(one, "fp32", {"c3d_tiny": 40, "x3d_tiny": 20})
    scored(other, "bf16", {"c3d_tiny": 10, "x3d_tiny": 20})
    stores = results_in([one, other])
    (changes,) = diff("precision=fp32", "precision=bf16", stores, "score", lambda line: None)
    told = {c.model: (c.moved, c.is_beyond_noise, c.why) for c in changes.changes}
    assert told == {"c3d_tiny": (1, True, None), "x3d_tiny": (-1, False, None)}
    folders = ("--results", one, "--results", other)
    text = run("leaderboard", *folders, "--diff", "precision=fp32", "precision=bf16")
    told = run("leaderboard", *folders, "--diff", "device=cpu", "device=cpu", code=2)
    assert "A and B are the same records" in told
    assert "c3d_tiny 2 → 1 up 1 60.0 90.0 +30.0" in " ".join(text.split())


def test_what_cannot_be_tested_says_why(tmp_path: Path) -> None:
    scored(tmp_path, "fp32", {"c3d_tiny": 10, "x3d_tiny": 20})
    scored(tmp_path, "bf16", {"c3d_tiny": 40, "x3d_tiny": 21})
    shutil.rmtree(tmp_path / "predictions" / "c3d_tiny" / "bf16")
    (changes,) = found(tmp_path, "precision=fp32", "precision=bf16")
    lost = next(each for each in changes.changes if each.model == "c3d_tiny")
    assert lost.is_beyond_noise is None and lost.p is None
    assert "are not there" in (lost.why or "")


def test_what_is_counted_has_no_noise_and_memory_has_no_interval(tmp_path: Path) -> None:
    timed(tmp_path, "fp32", {"c3d_tiny": 0.010, "x3d_tiny": 0.020})
    timed(tmp_path, "bf16", {"c3d_tiny": 0.010, "x3d_tiny": 0.020})
    (counted,) = found(tmp_path, "precision=fp32", "precision=bf16", "params")
    assert counted.kind == "counted"
    assert [each.is_beyond_noise for each in counted.changes] == [False, False]
    assert counted.agreement is not None and counted.agreement.tau is None
    assert counted.agreement.tied == 1
    (memory,) = found(tmp_path, "precision=fp32", "precision=bf16", "memory")
    assert memory.kind == "none"
    assert [each.is_beyond_noise for each in memory.changes] == [None, None]


def test_networks_of_one_side_have_no_rank_and_are_named(tmp_path: Path) -> None:
    timed(tmp_path, "fp32", {"c3d_tiny": 0.010, "x3d_tiny": 0.020, "s3d_tiny": 0.001})
    timed(tmp_path, "bf16", {"c3d_tiny": 0.010, "x3d_tiny": 0.020, "i3d_tiny": 0.002})
    (changes,) = found(tmp_path, "precision=fp32", "precision=bf16")
    assert (changes.only_a, changes.only_b) == (("s3d_tiny",), ("i3d_tiny",))
    assert [(c.a.rank, c.b.rank) for c in changes.changes] == [(1, 1), (2, 2)]


def test_other_machines_and_versions_are_said(tmp_path: Path) -> None:
    timed(tmp_path, "fp32", {"c3d_tiny": 0.010, "x3d_tiny": 0.020})
    other = msgspec.structs.replace(
        elsewhere(), cpu="Other CPU", versions={"python": "3.11.0", "torch": "2.12.0"}
    )
    for model in ("c3d_tiny", "x3d_tiny"):
        RunFile(tmp_path, "20260102T000000Z-111111").append(
            made_record(
                model,
                {"dataset": None, "split": None},
                accuracy=None,
                environment=other,
                run="20260102T000000Z-111111",
            )
        )
    (changes,) = found(tmp_path, "torch=2.11", "torch=2.12.0")
    assert "Different machines: A on Made-up CPU & Sons <i9>, B on Other CPU" in changes.notes[0]
    assert changes.notes[1] == "Versions differ: torch 2.11.0 in A, 2.12.0 in B."


def test_equal_values_share_a_rank() -> None:
    assert ranks_of(np.array([3.0, 1.0, 1.0, 2.0])) == [4, 1, 1, 3]


def test_tau_is_scipys_and_its_pairs_add_up() -> None:
    generator = np.random.default_rng(4)
    a = generator.integers(0, 20, 40).astype(float)
    b = a + generator.integers(-5, 5, 40)
    agreed = agreement(a, b)
    assert agreed.same + agreed.opposite + agreed.tied == 40 * 39 // 2
    assert agreed.tau == pytest.approx(stats.kendalltau(a, b).statistic)
    assert agreement(a, -a).opposite and agreement(a, -a).tau == pytest.approx(-1)


@pytest.mark.parametrize("name", ["rank", "model", "torch"])
def test_only_a_number_orders(name: str, tmp_path: Path) -> None:
    with pytest.raises(KinobenchError, match=f"--sort {name}: --diff ranks networks by a number"):
        found(tmp_path, "precision=fp32", "precision=bf16", name)


def run(*arguments: Any, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


def test_the_command_shows_writes_and_refuses(tmp_path: Path) -> None:
    timed(tmp_path, "fp32", {"c3d_tiny": 0.010, "x3d_tiny": 0.020})
    timed(tmp_path, "bf16", {"c3d_tiny": 0.030, "x3d_tiny": 0.020})
    asked = ("leaderboard", "--results", tmp_path, "--diff", "precision=fp32", "precision=bf16")
    told = run(*asked)
    assert "2 networks: 1 up, 1 down, 0 at the same rank. Changed by more than noise: 1." in told
    assert "x3.000" in told and "Kendall's tau -1.000" in told
    page = tmp_path / "page.md"
    assert run(*asked, "--output", page) == ""
    assert "| c3d_tiny  |  1 → 2 |  down 1 |" in page.read_text()
    (plain,) = json.loads(run(*asked, "--format", "json"))
    assert plain["changes"][1]["ratio"] == pytest.approx(3) and plain["agreement"]["opposite"] == 1
    assert "no format of --diff is named 'latex'" in run(*asked, "--format", "latex", code=2)
    assert "--strict: --diff has no use for it" in run(*asked, "--strict", code=2)
    assert "--columns: --diff has no use for it" in run(*asked, "--columns", "model", code=2)
    assert "no network has top-1 on both sides" in run(*asked, "--sort", "top1", code=2)
    assert not (tmp_path / "leaderboard.md").exists()  # nothing is ranked anew


@pytest.mark.parametrize("width", [30, 40, 50, 60, 80, 120])
def test_no_number_and_no_name_is_cut_in_any_terminal(width: int, tmp_path: Path) -> None:
    timed(tmp_path, "fp32", {"c3d_tiny": 0.010, "karpathy_single_frame_tiny": 0.020})
    timed(tmp_path, "bf16", {"c3d_tiny": 0.025, "karpathy_single_frame_tiny": 0.0202})
    terminal = PlainConsole(width=width, file=io.StringIO())
    terminal._force_terminal = True
    show(found(tmp_path, "precision=fp32", "precision=bf16"), terminal)
    assert isinstance(terminal.file, io.StringIO)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.file.getvalue())
    assert all(len(row) <= width for row in shown.splitlines())
    assert {"x2.500", "x1.010"} <= set(shown.split())
    rows = shown.splitlines()
    (at,) = (place for place, row in enumerate(rows) if row.startswith("karpathy"))
    first, second = rows[at].split()[0], (rows[at + 1].split() or [""])[0]
    assert "karpathy_single_frame_tiny" in (first, first + second)
    assert ("A (ms)" in shown, "95 %  " in shown) == (width not in (40, 50), width >= 80)


def test_lines_under_each_of_two_tables_are_printed_once(tmp_path: Path) -> None:
    scored(tmp_path, "fp32", {"x3d_tiny": 40})
    scored(tmp_path, "bf16", {"x3d_tiny": 10})
    timed(tmp_path, "fp32", {"c3d_tiny": 0.010})
    timed(tmp_path, "bf16", {"c3d_tiny": 0.010})
    several = found(tmp_path, "precision=fp32", "precision=bf16")
    console = PlainConsole(width=300, file=io.StringIO())
    show(several, console)
    assert isinstance(console.file, io.StringIO) and len(several) == 2
    assert console.file.getvalue().count("rank: 1 + the number") == 1
    assert console.file.getvalue().count("beyond noise: ") == 2


def test_the_repository_agrees_with_itself_and_a_slower_network_is_found(tmp_path: Path) -> None:
    quick, slower = REPOSITORY / "results" / "quick", tmp_path / "slower"
    shutil.copytree(quick / "predictions", slower / "predictions")
    records, _ = read_records(quick)
    for record in records:
        latency = record.latency
        assert latency is not None and latency.interval_s is not None
        if record.case.model == "c3d_tiny":
            ends = tuple(1.5 * end for end in latency.interval_s)
            latency = msgspec.structs.replace(
                latency, median_s=1.5 * latency.median_s, interval_s=ends
            )
        RunFile(slower, record.run).append(msgspec.structs.replace(record, latency=latency))
    by_score, by_latency = found(tmp_path, str(quick), str(slower))
    assert len(by_score.changes) == len(records) == len(by_latency.changes)
    assert by_score.agreement is not None and by_score.agreement.tau == pytest.approx(1)
    assert all(each.is_beyond_noise is False for each in by_score.changes)
    changed = [each.model for each in by_latency.changes if each.is_beyond_noise]
    assert changed == ["c3d_tiny"]
    assert by_latency.head == field("latency").head
