"""Two networks on the same videos: which records, which numbers, which words."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from kinobench.bench.analysis.command import short_names
from kinobench.bench.analysis.compare import AccuracyDifference, Comparison, compare, differing
from kinobench.bench.analysis.pages import p_value, sentence, sentences
from kinobench.bench.analysis.sources import find, find_two
from kinobench.bench.cli.commands import app
from kinobench.bench.evaluation.predictions import Predictions, open_predictions
from kinobench.bench.records.results import Unreadable
from kinobench.bench.records.store import RunFile
from kinobench.bench.statistics.tests import mcnemar
from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.datasets.protocol import preset

from ...fakes.made_predictions import logits_table, write_file, write_shards
from ...fakes.made_records import made_accuracy, made_case, made_record

# Ten videos of eight classes, one view: A gets 0 to 5, B gets 2 to 8.
LABELS = np.arange(10) % 8
HITS_A, HITS_B = np.arange(10) < 6, (np.arange(10) >= 2) & (np.arange(10) <= 8)


def logits_of(hits: np.ndarray, labels: np.ndarray = LABELS, classes: int = 8) -> np.ndarray:
    """Logits `[videos, 1, classes]` of which just these hit; of the others the class comes last."""
    logits = np.tile(np.arange(classes, dtype=np.float32), (len(hits), 1))
    logits[np.arange(len(hits)), labels] = np.where(hits, 100, -100)
    return logits[:, None]


def stored(folder: Path, hits: np.ndarray, **columns: Any) -> Predictions:
    labels = columns.pop("labels", LABELS[: len(hits)])
    table = logits_table(logits_of(hits, labels), labels, **columns)
    return open_predictions(write_file(folder / "case.parquet", table))


def two(tmp_path: Path, **columns: Any) -> tuple[Predictions, Predictions]:
    return stored(tmp_path / "a", HITS_A, **columns), stored(tmp_path / "b", HITS_B, **columns)


def test_ten_videos_worked_by_hand(tmp_path: Path) -> None:
    found = compare(*two(tmp_path))
    assert (found.videos, found.clusters, found.left_out_a, found.left_out_b) == (10, None, 0, 0)
    top1 = found.top1
    assert (top1.a, top1.b, top1.difference) == (0.6, 0.7, pytest.approx(0.1))
    assert (top1.only_a, top1.only_b) == (2, 3)
    assert top1.p == pytest.approx(1.0)  # 2 P(X <= 2) of B(5, 1/2), no more than 1
    low, high = top1.interval or (0.0, 0.0)
    assert low < 0 < high
    assert sentence(top1) == (
        f"no significant difference: B is ahead by 10.0 points [{100 * low:.1f}, {100 * high:.1f}],"
        " which may be chance; p = 1; only A is right on 2 videos, only B on 3"
    )


def test_the_order_of_videos_and_the_number_of_views_do_not_matter(tmp_path: Path) -> None:
    a, b = two(tmp_path)
    turned = np.array([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    twice = np.repeat(logits_of(HITS_B)[turned], 2, axis=1)
    table = logits_table(twice, LABELS[turned], [f"v{n:06d}" for n in turned])
    shuffled = open_predictions(write_shards(tmp_path / "turned", table, 6))
    assert compare(a, shuffled) == compare(a, b)


def test_groups_of_one_name_in_two_classes_are_two_clusters(tmp_path: Path) -> None:
    groups = ["g01"] * 8 + ["g01", None]  # videos 0 and 8 are of class 0, 1 and 9 of class 1
    assert compare(*two(tmp_path, groups=groups)).clusters == 9
    nobody = two(tmp_path, groups=[None] * 10)
    assert compare(*nobody).clusters is None
    grouped = stored(tmp_path / "c", HITS_A, groups=groups)
    assert compare(nobody[0], grouped).clusters == compare(grouped, nobody[0]).clusters == 9


def test_videos_that_only_one_scored_are_left_out_and_told(tmp_path: Path) -> None:
    a, b = stored(tmp_path / "a", HITS_A), stored(tmp_path / "b", HITS_B[:9])
    found = compare(a, b)
    assert (found.videos, found.left_out_a, found.left_out_b) == (9, 1, 0)
    assert "Left out: 1 video that only A scored." in sentences(found)


def test_predictions_for_other_videos_labels_or_classes_are_refused(tmp_path: Path) -> None:
    a = stored(tmp_path / "a", HITS_A)
    other = stored(tmp_path / "b", HITS_B, videos=[f"w{n}" for n in range(10)])
    with pytest.raises(KinobenchError, match="have no video in common, as 'v000000' and 'w0'"):
        compare(a, other)
    shifted = stored(tmp_path / "c", HITS_B, labels=np.where(LABELS < 2, LABELS, (LABELS + 1) % 8))
    with pytest.raises(KinobenchError, match=r"'v000002' has the label 2 in .* and 3 in .* and 5"):
        compare(a, shifted)
    table = logits_table(logits_of(HITS_B, classes=9), LABELS)
    nine = open_predictions(write_file(tmp_path / "d.parquet", table))
    with pytest.raises(KinobenchError, match=r"has 8 classes and .* 9"):
        compare(a, nine)


def test_five_classes_have_no_top_5(tmp_path: Path) -> None:
    labels = LABELS % 5
    paths = [
        write_file(tmp_path / f"{n}.parquet", logits_table(logits_of(hits, labels, 5), labels))
        for n, hits in enumerate((HITS_A, HITS_B))
    ]
    found = compare(*map(open_predictions, paths))
    assert found.top5 is None
    assert "No top-5: there are no more than five classes." in sentences(found)


def made_difference(**changes: Any) -> AccuracyDifference:
    fields: dict[str, Any] = {
        "k": 1,
        "a": 0.712,
        "b": 0.723,
        "difference": 0.011,
        "interval": (0.003, 0.019),
        "only_a": 41,
        "only_b": 83,
        "p": 0.008,
    }
    return AccuracyDifference(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {},
            "B is better by 1.1 points [0.3, 1.9]; p = 0.008; "
            "only A is right on 41 videos, only B on 83",
        ),
        (
            {"difference": -0.011, "interval": (-0.019, -0.003), "only_a": 83, "only_b": 41},
            "A is better by 1.1 points [0.3, 1.9]; p = 0.008; "
            "only A is right on 83 videos, only B on 41",
        ),
        (
            {"interval": (-0.005, 0.027), "p": 0.21, "only_a": 1},
            "no significant difference: B is ahead by 1.1 points [-0.5, 2.7], which may be chance; "
            "p = 0.21; only A is right on 1 video, only B on 83",
        ),
        (
            {"difference": -0.011, "interval": (-0.027, 0.005), "p": 0.21},
            "no significant difference: A is ahead by 1.1 points [-0.5, 2.7], which may be chance; "
            "p = 0.21; only A is right on 41 videos, only B on 83",
        ),
        (
            {"difference": 0.0, "interval": (-0.008, 0.008), "p": 1.0, "only_a": 9, "only_b": 9},
            "no difference: A and B get equally many right [-0.8, 0.8]; p = 1; only A is right "
            "on 9 videos, only B on 9",
        ),
        (
            {"difference": 0.0, "interval": (0.0, 0.0), "p": 1.0, "only_a": 0, "only_b": 0},
            "A and B get the same videos right",
        ),
        (
            {"interval": (-0.001, 0.023)},
            "no significant difference: B is ahead by 1.1 points [-0.1, 2.3], which may be chance; "
            "p = 0.008; only A is right on 41 videos, only B on 83; the test alone would call it "
            "significant, the interval does not leave out 0",
        ),
        (
            {"p": 0.06},
            "no significant difference: B is ahead by 1.1 points [0.3, 1.9], which may be chance; "
            "p = 0.060; only A is right on 41 videos, only B on 83; the interval alone would call "
            "it significant, the test does not",
        ),
        (
            {"interval": None, "p": 1.0, "only_a": 0, "only_b": 1},
            "no significant difference: B is ahead by 1.1 points, which may be chance; p = 1; "
            "only A is right on 0 videos, only B on 1",
        ),
        (
            {"interval": (0.0003, 0.019), "p": 0.0004},
            "B is better by 1.10 points [0.03, 1.90]; p < 0.001; "
            "only A is right on 41 videos, only B on 83",
        ),
    ],
)
def test_a_difference_is_told_in_words(changes: dict, told: str) -> None:
    assert sentence(made_difference(**changes)) == told


@pytest.mark.parametrize(
    ("p", "told"),
    [
        (0.00099, "< 0.001"),
        (0.001, "= 0.001"),
        (0.0421, "= 0.042"),
        (0.04996, "= 0.04996"),
        (0.05003, "= 0.05003"),
        (0.0994, "= 0.099"),
        (0.0996, "= 0.10"),
        (0.424, "= 0.42"),
        (0.9996, "= 1"),
    ],
)
def test_p_is_told_with_the_digits_that_matter(p: float, told: str) -> None:
    assert p_value(p) == told


def test_a_real_difference_is_found_and_told() -> None:
    kind = np.repeat([0, 1, 2, 3], [1000, 41, 83, 500])  # both, only A, only B, neither
    a, b = kind <= 1, (kind == 0) | (kind == 2)
    found = differing(1, a, b)
    assert found.difference == 42 / 1624
    assert found.p == mcnemar(41, 83)
    tail = sum(math.comb(124, hits) for hits in range(42)) / 2**124
    assert found.p == pytest.approx(2 * tail, rel=1e-9)
    half = 1.959964 * math.sqrt(124 - 42**2 / 1624) / 1624
    assert found.interval == pytest.approx((42 / 1624 - half, 42 / 1624 + half), abs=1 / 1624)
    assert found.is_significant
    assert sentence(found).startswith(
        "B is better by 2.6 points [1.2, 3.9]; p < 0.001; only A is right on 41 videos"
    )


def test_few_clusters_and_none_are_told() -> None:
    made = Comparison(
        videos=100,
        left_out_a=0,
        left_out_b=2,
        clusters=None,
        resamples=10_000,
        top1=made_difference(),
        top5=made_difference(k=5, a=0.91, b=0.92),
    )
    told = "\n".join(sentences(made))
    assert "top-1: A 71.2 %, B 72.3 %: B is better by 1.1 points" in told
    assert "top-5: A 91.0 %, B 92.0 %: B is better by 1.1 points" in told
    assert "100 videos; p: exact McNemar test; [ ]: 95 % interval, paired bootstrap of" in told
    assert "every video counts as independent" in told
    one = sentences(msgspec.structs.replace(made, videos=1, clusters=1))
    assert "1 group is few: the interval is too narrow." in one
    assert any(line.startswith("1 video; ") and "1 source group, each" in line for line in one)
    few = msgspec.structs.replace(made, clusters=7)
    assert "draws of 7 source groups, each whole" in "\n".join(sentences(few))
    assert "7 groups are few: the interval is too narrow." in sentences(few)


def scored(
    results: Path,
    model: str,
    day: int = 1,
    hits: np.ndarray = HITS_A,
    case: dict[str, Any] | None = None,
    **accuracy: Any,
) -> Path:
    """Store a record of that day and its predictions; return where these lie."""
    run = f"202601{day:02d}T000000Z-000000"
    named = f"predictions/{model}/{run}"
    write_shards(results / named, logits_table(logits_of(hits), LABELS), 4)
    made = made_accuracy(**({"scored": 10, "expected": 10, "predictions": named} | accuracy))
    fields = {"run": run, "started": f"2026-01-{day:02d}T00:00:00Z", "accuracy": made}
    RunFile(results, run).append(made_record(model, case=case, **fields))
    return results / named


OTHER = {"protocol": preset("pointlight").with_views(2, 1)}


def test_the_newest_records_of_one_ground_are_compared(tmp_path: Path) -> None:
    scored(tmp_path, "c3d_tiny", 1)
    newer = scored(tmp_path, "c3d_tiny", 2)
    scored(tmp_path, "c3d_tiny", 3, case=OTHER)
    scored(tmp_path, "x3d_tiny", 4)
    newest = scored(tmp_path, "x3d_tiny", 5)
    scored(tmp_path, "x3d_tiny", 6, manifest="fedcba9876543210")
    assert [s.path for s in find_two("c3d_tiny", "x3d_tiny", tmp_path)] == [newer, newest]
    assert [s.path for s in find_two("x3d_tiny", "c3d_tiny", tmp_path)] == [newest, newer]


TRAINED: dict[str, Any] = {"case": {"weights": "pointlight"}}


def test_trained_weights_come_before_newer_random_ones(tmp_path: Path) -> None:
    """A suite that measures untrained networks leaves the comparison of the trained ones alone."""
    one = scored(tmp_path, "c3d_tiny", 1, **TRAINED)
    scored(tmp_path, "c3d_tiny", 2, case={"weights": "pointlight", "protocol": OTHER["protocol"]})
    other = scored(tmp_path, "x3d_tiny", 3, **TRAINED)
    random = [scored(tmp_path, model, 4) for model in ("c3d_tiny", "x3d_tiny")]
    assert [s.path for s in find_two("c3d_tiny", "x3d_tiny", tmp_path)] == [one, other]
    assert find("x3d_tiny", tmp_path).path == other
    # Where nothing trained is comparable, the random ones are, and only if they are asked for.
    assert [s.path for s in find_two("c3d_tiny@none", "x3d_tiny@untrained", tmp_path)] == random
    assert [s.path for s in find_two("c3d_tiny", "x3d_tiny@none", tmp_path)] == [one, random[1]]
    told = run("compare", "c3d_tiny", "x3d_tiny", "--results", tmp_path, code=3).splitlines()
    assert told[0].startswith("A: c3d_tiny (pointlight, fp32") and "2026-01-01" in told[0]
    assert told[1].startswith("B: x3d_tiny (pointlight, fp32") and "2026-01-03" in told[1]


def in_runtime(tmp_path: Path, day: int, runtime: str, **case: Any) -> Path:
    fields = TRAINED["case"] | {"runtime": runtime} | case
    return scored(tmp_path, "c3d_tiny", day, case=fields)


def test_a_network_is_compared_with_itself_in_another_runtime(tmp_path: Path) -> None:
    torch = in_runtime(tmp_path, 1, "torch")
    int8 = in_runtime(tmp_path, 2, "openvino", precision="int8")
    openvino = in_runtime(tmp_path, 3, "openvino")
    in_runtime(tmp_path, 4, "onnxruntime")
    # The model alone is in torch, though that is the oldest.
    assert find("c3d_tiny", tmp_path).path == torch
    pair = find_two("c3d_tiny@openvino-int8", "c3d_tiny", tmp_path)
    assert [s.path for s in pair] == [int8, torch]
    assert find("c3d_tiny@openvino", tmp_path).path == openvino
    assert find("c3d_tiny@pointlight@openvino-int8", tmp_path).path == int8
    assert short_names(*pair) == ("c3d_tiny@openvino-int8", "c3d_tiny@torch")
    assert "(pointlight, openvino, int8, eager, cpu)" in pair[0].title
    with pytest.raises(KinobenchError, match="no scored record with weights or runtime 'tensorrt'"):
        find("c3d_tiny@tensorrt", tmp_path)
    with pytest.raises(KinobenchError, match="c3d_tiny@pointlight@openvino-int8"):
        find("c3d_tiny@none@openvino-int8", tmp_path)


def test_random_weights_are_compared_where_there_are_no_trained_ones(tmp_path: Path) -> None:
    scored(tmp_path, "c3d_tiny", 1, **TRAINED)
    random = scored(tmp_path, "c3d_tiny", 2, case=OTHER)
    other = scored(tmp_path, "x3d_tiny", 3, case=OTHER)
    assert [s.path for s in find_two("c3d_tiny", "x3d_tiny", tmp_path)] == [random, other]


def test_a_model_is_compared_with_another_of_its_weights(tmp_path: Path) -> None:
    (tmp_path / "my.safetensors").touch()
    weights = str(tmp_path / "my.safetensors")
    shipped = scored(tmp_path, "c3d_tiny", 1, **TRAINED)
    mine = scored(tmp_path, "c3d_tiny", 2, case={"weights": weights})
    scored(tmp_path, "c3d_tiny", 3)
    named = f"c3d_tiny@{tmp_path}/./my.safetensors"  # a path is that of a file, not a text
    assert [s.path for s in find_two("c3d_tiny@pointlight", named, tmp_path)] == [shipped, mine]
    assert [s.path for s in find_two("c3d_tiny", "c3d_tiny", tmp_path)] == [shipped, mine]
    with pytest.raises(KinobenchError) as caught:
        find("c3d_tiny@kinetics400", tmp_path)
    assert str(caught.value) == (
        "c3d_tiny@kinetics400: c3d_tiny has no scored record with weights or runtime "
        "'kinetics400'; there are "
        f"c3d_tiny@none, c3d_tiny@{weights}, c3d_tiny@pointlight"
    )
    with pytest.raises(UnknownNameError, match="no scored model is named 'c3d_tny': did you"):
        find("c3d_tny@none", tmp_path)


def test_the_id_of_a_record_chooses_it_under_any_protocol(tmp_path: Path) -> None:
    trained = scored(tmp_path, "c3d_tiny", 1, **TRAINED)
    random = scored(tmp_path, "c3d_tiny", 2)
    probed = scored(tmp_path, "c3d_tiny", 3, case={"probe": "reversed"})
    wide = scored(tmp_path, "x3d_tiny", 4, case=OTHER)
    for path in (trained, random, probed, wide):
        found = find(str(path), tmp_path)
        assert found.record is not None
        assert find(found.record.id, tmp_path).path == path
        assert found.taken.record == found.record.id
        other = trained if path != trained else random
        assert [s.path for s in find_two(str(other), found.record.id, tmp_path)] == [other, path]
    with pytest.raises(KinobenchError) as caught:
        find("20260101T000000Z-000000-deadbeef", tmp_path)
    message = str(caught.value)
    assert message.startswith("no scored record is named '20260101T000000Z-000000-deadbeef': ")
    assert f"{found.record.id} (x3d_tiny@none)" in message and "(c3d_tiny@pointlight)" in message


def test_a_file_with_an_at_sign_in_its_path_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a@b.parquet", "a@b/c.parquet", "a/b@c.parquet"):
        write_file(Path(name), logits_table(logits_of(HITS_A), LABELS))
        assert find(name, tmp_path / "none").path == Path(name)


def test_a_model_is_compared_with_its_own_older_record(tmp_path: Path) -> None:
    paths = [scored(tmp_path, "c3d_tiny", day) for day in (1, 2, 3)]
    assert [s.path for s in find_two("c3d_tiny", "c3d_tiny", tmp_path)] == paths[1:]


@pytest.mark.parametrize(
    "other",
    [
        {"case": OTHER},
        {"case": {"split": "train"}},
        {"case": {"dataset": "ucf101"}},
        {"manifest": "fedcba9876543210"},
    ],
)
def test_records_of_two_grounds_are_refused(tmp_path: Path, other: dict) -> None:
    scored(tmp_path, "c3d_tiny")
    scored(tmp_path, "x3d_tiny", 2, **other)
    with pytest.raises(
        KinobenchError,
        match=r"were not scored on the same videos and under the same protocol: c3d_tiny on "
        r"pointlight test \(manifest 0123456789abcdef\) under pointlight \([0-9a-f]{16}\), x3d",
    ):
        find_two("c3d_tiny", "x3d_tiny", tmp_path)


def test_paths_say_themselves_under_which_protocol(tmp_path: Path) -> None:
    a = scored(tmp_path, "c3d_tiny")
    b = scored(tmp_path, "x3d_tiny", 2, case=OTHER)
    c = scored(tmp_path, "i3d_tiny", 3, manifest="fedcba9876543210")
    assert [s.path for s in find_two(str(a), str(b), tmp_path)] == [a, b]
    assert [s.path for s in find_two("c3d_tiny", str(b), tmp_path)] == [a, b]
    with pytest.raises(KinobenchError, match="were not scored on the same videos: "):
        find_two(str(a), str(c), tmp_path)
    with pytest.raises(KinobenchError, match="are the same predictions"):
        find_two(str(a), "c3d_tiny", tmp_path)


def test_a_path_finds_its_record_wherever_the_results_lie(tmp_path: Path) -> None:
    path = scored(tmp_path / "elsewhere", "c3d_tiny", 1, case={"weights": "k400"})
    found = find(str(path), tmp_path / "results")
    assert found.record is not None and found.record.case.weights == "k400"
    assert (found.aggregation, found.clips) == ("softmax", 1)
    assert found.title == "c3d_tiny (k400, fp32, eager, cpu), 2026-01-01"
    assert found.ground == "pointlight test, pointlight (1x1 views)"
    assert found.names(8) is not None and found.names(9) is None
    lonely = write_file(tmp_path / "a.parquet", logits_table(logits_of(HITS_A), LABELS))
    assert find(str(lonely), tmp_path / "results").record is None


def test_what_was_scored_under_a_probe_is_named_by_its_path_alone(tmp_path: Path) -> None:
    plain = scored(tmp_path, "c3d_tiny", 1)
    reverse = scored(tmp_path, "c3d_tiny", 2, case={"probe": "reversed"})
    scored(tmp_path, "i3d_tiny", 3, case={"probe": "reversed"})
    assert find("c3d_tiny", tmp_path).path == plain
    assert find(str(reverse), tmp_path).title == (
        "c3d_tiny (untrained, fp32, eager, cpu, reversed), 2026-01-02"
    )
    with pytest.raises(UnknownNameError, match="no scored model is named 'i3d_tiny'"):
        find("i3d_tiny", tmp_path)


def test_an_unknown_model_and_lost_predictions_are_told(tmp_path: Path) -> None:
    path = scored(tmp_path, "c3d_tiny")
    with pytest.raises(UnknownNameError, match="no scored model is named 'c3d_tny': did you mean"):
        find("c3d_tny", tmp_path)
    with pytest.raises(KinobenchError, match=r"there is no such file or folder of predictions"):
        find("no/such", tmp_path)
    for shard in path.iterdir():
        shard.unlink()
    path.rmdir()
    with pytest.raises(KinobenchError, match="is not there; measure it again"):
        find("c3d_tiny", tmp_path)


def test_predictions_that_are_not_all_of_the_record_are_refused(tmp_path: Path) -> None:
    path = scored(tmp_path, "c3d_tiny")
    (path / "shard-00002.parquet").unlink()
    with pytest.raises(KinobenchError, match="8 videos in it, and the record says 10"):
        find("c3d_tiny", tmp_path).open()


def run(*arguments: Any, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.stdout


def test_the_command_compares_two_models(tmp_path: Path) -> None:
    scored(tmp_path, "c3d_tiny", 1, HITS_A)
    scored(tmp_path, "x3d_tiny", 2, HITS_B)
    told = run("compare", "c3d_tiny", "x3d_tiny", "--results", tmp_path, code=3).splitlines()
    run_id = "20260101T000000Z-000000"
    record_id = f"{run_id}-{made_case().digest[:8]}"
    assert told[0] == (
        "A: c3d_tiny (untrained, fp32, eager, cpu), 2026-01-01: pointlight test, pointlight "
        f"(1x1 views); record {record_id}, begun 2026-01-01T00:00:00Z, predictions "
        f"{tmp_path / 'predictions' / 'c3d_tiny' / run_id}"
    )
    assert told[1].startswith("B: x3d_tiny (untrained")
    assert told[2].startswith("top-1: A 60.0 %, B 70.0 %: no significant difference: B is ahead")
    assert told[-1] == "B: untrained: the accuracy is that of random weights."
    also = ("--results", tmp_path, "--json")
    plain = json.loads(run("compare", "c3d_tiny", "x3d_tiny", *also, code=3))
    assert not plain["significant"]
    assert plain["top1"]["only_b"] == 3
    a = plain["a"]
    assert (a["model"], a["weights"], a["record"]) == ("c3d_tiny", None, record_id)
    assert (a["dataset"], a["split"], a["protocol"]) == ("pointlight", "test", "pointlight")
    assert (a["started"], a["run"], a["case"]) == (
        "2026-01-01T00:00:00Z",
        run_id,
        made_case().digest,
    )
    assert plain["words"]["top1"] in told[2]


def test_the_command_ends_with_0_where_the_difference_is_real(tmp_path: Path) -> None:
    a = stored(tmp_path / "a", np.arange(10) < 1)
    b = stored(tmp_path / "b", np.arange(10) < 9)
    assert "B is better by 80.0 points" in run("compare", a.path, b.path)


def test_the_command_tells_of_what_could_not_be_read(tmp_path: Path) -> None:
    lost = (Unreadable(id="v9", path="v9.mp4", reason="truncated"),)
    scored(tmp_path, "c3d_tiny", 1, unreadable=lost, expected=11, top1_of_expected=0.545)
    told = run("analyse", "c3d_tiny", "--results", tmp_path)
    assert "left out of 11 videos: 1 unreadable; if they count as wrong, top-1 is 54.50" in told


def test_the_command_analyses_a_model_and_a_file(tmp_path: Path) -> None:
    path = scored(tmp_path, "c3d_tiny")
    page = run("analyse", "c3d_tiny", "--results", tmp_path)
    title, _, taken, *_ = page.splitlines()
    assert title.startswith("# c3d_tiny (untrained, fp32, eager, cpu), 2026-01-01 on pointlight")
    assert taken.startswith(f"Record 20260101T000000Z-000000-{made_case().digest[:8]}, begun 2026")
    plain = json.loads(run("analyse", path, "--results", tmp_path, "--json"))
    assert plain["top1"] == 0.6 and len(plain["by_class"]) == 8
    assert plain["source"]["record"].startswith("20260101T000000Z-000000-")
    target = tmp_path / "page.md"
    assert run("analyse", path, "--results", tmp_path, "--output", target) == ""
    assert target.read_text() == page
    lonely = write_file(tmp_path / "a.parquet", logits_table(logits_of(HITS_A), LABELS))
    told = run("analyse", lonely, "--results", tmp_path / "none")
    assert "No record says how views are averaged: softmax is taken." in told
    assert "give --views to see fewer of them" in told
    assert "## Fewer temporal views" in run("analyse", lonely, "--views", "1x1")


def test_the_command_mixes_two_streams(tmp_path: Path) -> None:
    scored(tmp_path, "c3d_tiny", 1, HITS_A)
    scored(tmp_path, "x3d_tiny", 2, HITS_B)
    arguments = ("analyse", "c3d_tiny", "--fuse", "x3d_tiny", "--results", tmp_path)
    page = run(*arguments)
    assert "weight of c3d_tiny" in page
    assert page.index("Fused with x3d_tiny (untrained") < page.index("| videos")
    mixed = json.loads(run(*arguments, "--json"))["two_stream"]
    assert [mixed["weightings"][n]["top1"] for n in (0, 20)] == [0.7, 0.6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("analyse", "a.parquet", "--views", "2x1"), "write temporal x spatial, as in 10x3"),
        (("analyse", "a.parquet", "--aggregation", "max"), "no aggregation is named 'max'"),
        (("compare", "c3d", "x3d", "--results", "nowhere"), "there is no nowhere/runs"),
        (("compare", "a.parquet", "a.parquet"), "are the same predictions, a.parquet; give two"),
    ],
)
def test_wrong_usage_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_file(Path("a.parquet"), logits_table(logits_of(HITS_A), LABELS))
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2 and message in done.stderr
