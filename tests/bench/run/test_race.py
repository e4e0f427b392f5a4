"""`--runtime auto`: who wins a race, what it is refused for, and that predictions stay."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.network.runtimes.known import installed
from kinobench.bench.records.latency import Drift
from kinobench.bench.records.stores import predictions_in
from kinobench.bench.run import race as racing
from kinobench.bench.run import run as running
from kinobench.bench.run.options import DataRoots, Options
from kinobench.bench.run.plan import plan
from kinobench.bench.run.planned import Planned
from kinobench.bench.run.race import Race, Runner, settled, winner_of
from kinobench.bench.run.settings import settings_of
from kinobench.bench.run.suite import Suite
from kinobench.bench.text.terminal import PlainConsole
from kinobench.datasets.errors import KinobenchError

MODELS = ("c3d_tiny", "two_stream_tiny")
"""One that takes a clip, and one that takes optical flow too."""


def planned(*models: str, **asked: Any) -> list[Planned]:
    given = {"runtime": "auto", "measure": "accuracy", "dataset": "pointlight", "threads": 1}
    return plan(Suite(), settings_of(**(given | asked)), models or ("c3d_tiny",))


def options(results: Path, **changes: Any) -> Options:
    fields: dict[str, Any] = {
        "data_roots": DataRoots(),
        "results": results,
        "plugins": (),
        "timeout_s": 600.0,
        "memory_limit_bytes": None,
        "skip_unreadable": False,
        "strict": False,
    }
    return Options(**(fields | changes))


def console() -> PlainConsole:
    return PlainConsole(stderr=True)


def ran(runtime: Any, time_s: float | None, out: str | None = None) -> Runner:
    return Runner(runtime=runtime, time_s=time_s, out=out)


def test_what_compiles_longer_than_a_race_saves_takes_no_part() -> None:
    (entry,) = planned()
    assert entry.candidates == ("torch", "onnxruntime", "openvino")


@pytest.mark.parametrize(
    ("runners", "winner"),
    [
        ((ran("torch", 0.1), ran("onnxruntime", 0.05), ran("openvino", 0.02)), "openvino"),
        ((ran("torch", 0.1), ran("openvino", 0.097)), "torch"),  # not worth an export
        ((ran("torch", 0.1), ran("openvino", 0.01, "its logits differ")), "torch"),
        ((ran("torch", None, "killed"), ran("openvino", 0.5)), "openvino"),
    ],
)
def test_the_fastest_wins_if_its_logits_are_right_and_it_is_clearly_faster(
    runners: tuple[Runner, ...], winner: str
) -> None:
    assert winner_of(runners) == winner


def test_without_any_time_every_reason_is_given() -> None:
    with pytest.raises(KinobenchError, match="torch: out of memory; openvino: export: no"):
        winner_of((ran("torch", None, "out of memory"), ran("openvino", None, "export: no")))


@pytest.mark.parametrize(
    ("largest", "spread", "out"),
    [(1e-6, 1.0, False), (2e-3, 1.0, True), (2e-3, 10.0, False), (None, 1.0, True)],
)
def test_a_difference_beyond_rounding_is_out_whatever_its_time(
    largest: float | None, spread: float, out: bool
) -> None:
    drift = Drift(largest_logit_difference=largest, logit_spread=spread, top1_flips=0, clips=8)
    assert (racing._other_outputs(drift) is not None) is out


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"measure": None}, "latency, memory would be that of whichever won: name the runtimes"),
        ({"measure": "accuracy,latency"}, "give --measure accuracy"),
        ({"precision": "bf16"}, "--precision bf16: --runtime auto"),
        ({"hint": "throughput"}, "--hint throughput: --runtime auto"),
        ({"runtime": "auto,torch"}, "leave the others out"),
    ],
)
def test_what_a_choice_would_decide_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(KinobenchError, match=message):
        planned(**asked)


def test_the_candidates_are_the_installed_runtimes_of_the_device() -> None:
    (entry,) = planned()
    racing = tuple(each for each in installed() if each != "aotinductor")
    assert entry.candidates == racing and entry.candidates[0] == "torch"
    (entry,) = planned(measure="accuracy,flops", precision="fp32")
    assert entry.case.runtime == "torch"
    (entry,) = planned(runtime="torch")
    assert entry.candidates == ()


def test_a_cluster_does_not_race(tmp_path: Path) -> None:
    with pytest.raises(KinobenchError, match="--cluster auto: --runtime auto races on this"):
        settled(planned(), options(tmp_path, cluster="auto"), console())


def test_a_race_is_kept_named_and_run_again_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = {"torch": 0.08, "onnxruntime": 0.02, "openvino": 0.04}
    raced: list[str] = []

    def runner(case: Any, options: Options) -> Runner:
        raced.append(case.runtime)
        assert (case.batch, case.dataset, case.threads) == (8, None, 1)
        return ran(case.runtime, times[case.runtime])

    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(racing, "_runner", runner)
    (entry,) = planned()
    entry = msgspec.structs.replace(entry, candidates=tuple(times))
    (won,) = settled([entry], options(tmp_path), console())
    assert (won.case.runtime, won.candidates) == ("onnxruntime", ())
    said = capsys.readouterr().err
    assert "c3d_tiny: --runtime auto takes onnxruntime: torch 80.00 ms" in said
    times["openvino"] = 0.001
    (again,) = settled([entry], options(tmp_path), console())
    assert again.case == won.case and len(raced) == 3  # a run that is continued has the same case
    (fresh,) = settled([entry], options(tmp_path, fresh=True), console())
    assert fresh.case.runtime == "openvino" and len(raced) == 6
    other = msgspec.structs.replace(entry, case=planned(eval_batch=4)[0].case)
    assert racing._key(other, "code") != racing._key(entry, "code")
    old = Race(case="x", at_s=0.0, batch=8, runners=(ran("torch", 0.1),))
    assert "--fresh races again" in old.text("c3d_tiny", 7200.0)


CANDIDATES = ("torch", "onnxruntime", "openvino")
TIE = 0.01
"""Two classes are tied if their logits are closer than this share of the logits' spread."""


def among_candidates(model: str) -> Planned:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    (entry,) = planned(model, split="test")
    return msgspec.structs.replace(entry, candidates=CANDIDATES)


def test_a_real_race_has_a_time_for_each_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = msgspec.structs.replace(racing.BUDGET, min_s=0.01, max_s=0.02, warmup_max_s=0.01)
    monkeypatch.setattr(racing, "BUDGET", short)
    race = racing._race(among_candidates("single_frame_tiny"), options(tmp_path), console())
    assert [each.runtime for each in race.runners] == list(CANDIDATES)
    assert all(each.time_s and each.out is None for each in race.runners)
    assert [each.export_s is None for each in race.runners] == [True, False, False]


@pytest.mark.parametrize("model", MODELS)
def test_each_runtime_predicts_what_eager_does_on_the_whole_test_split(
    model: str, tmp_path: Path
) -> None:
    """Whichever runtime wins on a machine, the predictions are those of eager, but for ties."""
    entry = among_candidates(model)
    cases = [msgspec.structs.replace(entry.case, runtime=each) for each in CANDIDATES]
    every = [Planned(case, entry.measures) for case in cases]
    records = list(running.measure(every, Suite(), options(tmp_path), console()))
    logits = {}
    for record in records:
        assert record.error is None and record.accuracy is not None
        assert record.accuracy.scored == 320
        opened = open_predictions(predictions_in(record.accuracy, tmp_path))
        chunks = [chunk.logits[:, 0] for chunk in opened.chunks()]
        logits[record.case.runtime] = np.concatenate(chunks)
    eager = logits["torch"]
    ordered = np.sort(eager, axis=-1)
    spread = eager.std(axis=-1).mean()
    clear = ordered[:, -1] - ordered[:, -2] > TIE * spread
    assert clear.sum() >= 310
    for runtime in CANDIDATES[1:]:
        other = logits[runtime]
        assert 0 < np.abs(other - eager).max() <= TIE * spread / 2
        assert (other.argmax(-1) == eager.argmax(-1))[clear].all()
