"""What a case takes from its weights: their protocol, their head, their classes."""

from pathlib import Path

import msgspec
import pytest
import torch

from kinobench.bench.evaluation.case import compare_classes
from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.records.case import Case
from kinobench.bench.records.job import Event, Note
from kinobench.bench.records.record import from_json
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import settings_of
from kinobench.bench.run.suite import Suite, parse
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split
from kinobench.zoo import registry

from ...fakes.command import call
from ...fakes.made_records import made_case, made_record


def case_of(model: str, **said: str | int) -> Case:
    (entry,) = plan(Suite(), settings_of(**said), (model,))
    return entry.case


def test_the_native_protocol_is_that_of_the_weights() -> None:
    case = case_of("slow_r50", weights="kinetics400", protocol="native", dataset="kinetics400")
    assert case.protocol == preset("pytorchvideo-8x8-256")
    case = case_of("mvit_v2_s", weights="kinetics400", protocol="native")
    assert (case.protocol.name, case.classes) == ("torchvision-16x4-224", 400)
    case = case_of("x3d_m", weights="kinetics400", protocol="native", views="1x1")
    assert case.protocol == preset("pytorchvideo-16x5-256").with_views(1, 1)


def test_a_suite_file_may_ask_for_the_native_protocol() -> None:
    suite = parse(
        'protocol = "native"\nweights = "kinetics400"\nmodels = ["x3d_s", "r3d_18"]\n', "my.toml"
    )
    names = [entry.case.protocol.name for entry in plan(suite, settings_of())]
    assert names == ["pytorchvideo-13x6-182", "torchvision-16x2-112"]


def test_without_weights_the_native_protocol_names_those_that_there_are(tmp_path: Path) -> None:
    mine = tmp_path / "mine.pt"
    mine.touch()
    with pytest.raises(KinobenchError, match="give --weights kinetics400, or name a protocol"):
        case_of("slow_r50", protocol="native")
    with pytest.raises(KinobenchError, match=r"mine\.pt' have no known protocol"):
        case_of("slow_r50", protocol="native", weights=str(mine))
    with pytest.raises(KinobenchError, match="no published weights of c3d"):
        case_of("c3d", protocol="native")


def test_one_checkpoint_is_one_case_however_it_is_called(tmp_path: Path) -> None:
    mine = tmp_path / "Mine.pt"
    mine.touch()
    names = ("kinetics400", "Kinetics400", "KINETICS400_V1")
    cases = [case_of("r3d_18", weights=name) for name in names]
    assert {case.weights for case in cases} == {"kinetics400"}
    assert len({case.digest for case in cases}) == 1
    assert case_of("r3d_18", weights=str(mine)).weights == str(mine)
    assert case_of("r3d_18", weights="none").weights is None


def test_a_dataset_of_other_classes_than_the_head_has_is_refused_before_anything_is_built() -> None:
    with pytest.raises(KinobenchError) as refused:
        case_of("x3d_m", weights="kinetics400", dataset="ucf101")
    assert str(refused.value) == (
        "weights 'kinetics400' of x3d_m have 400 classes, but ucf101 has 101; "
        "give --dataset kinetics400, or --dataset none for the cost alone"
    )
    with pytest.raises(KinobenchError, match="have 400 classes, but classes is 8; leave it out"):
        case_of("x3d_m", weights="kinetics400", classes=8)
    assert case_of("x3d_m", weights="kinetics400", dataset="none").classes == 400


def compared(case: Case, classes: tuple[str, ...] | None) -> list[str]:
    split = None
    if classes is not None:
        split = Split(dataset="mine", name="test", classes=classes, videos=())
    told: list[Event] = []
    compare_classes(case, split, told.append)
    return [event.text for event in told if isinstance(event, Note)]


def test_published_weights_know_their_classes_and_a_file_does_not() -> None:
    names = class_names("kinetics400")
    named = made_case("slow_4x16_r50", weights="kinetics400")
    assert compared(named, None) == []
    (note,) = compared(named, names)
    assert note.startswith("accuracy: weights kinetics400: no function of the origin's hub")
    with pytest.raises(KinobenchError, match="2 that only mine has"):
        compared(named, (*names[:398], "one", "two"))


def test_classes_that_could_not_be_checked_are_told_under_the_table() -> None:
    case = made_case("slow_4x16_r50", weights="mine.pt", dataset="mine")
    assert compared(case, None) == []
    (note,) = compared(case, ("one", "two"))
    assert note == (
        "accuracy: NOT CHECKED that the classes of weights 'mine.pt' are in the order of mine; "
        "if they aren't, it is wrong"
    )
    record = msgspec.structs.replace(made_record("slow_4x16_r50"), notes=(note,))
    (board,) = boards([record])
    assert any(note in line for line in footnotes(board))
    # A converted file: its own notes too.
    first, second = compared(made_case("vivit_b_16x2", weights="kinetics400"), ("one", "two"))
    assert "NOT CHECKED" in first and "not checked here" in second


def test_a_path_of_a_published_file_brings_its_protocol_and_classes_and_stays_a_path(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "X3D_XS.pyth")
    Path(path).touch()
    case = case_of("x3d_xs", weights=path, protocol="native")
    assert (case.weights, case.classes) == (path, 400)
    assert case.protocol == preset("pytorchvideo-4x12-182")
    with pytest.raises(KinobenchError) as refused:
        case_of("x3d_xs", weights=path, dataset="ucf101")
    message = str(refused.value)
    assert "have 400 classes, but ucf101 has 101" in message
    assert message.endswith("; X3D_XS.pyth is a published file's name: rename your own file")
    with pytest.raises(KinobenchError, match="2 that only mine has"):
        compared(made_case("x3d_xs", weights=path), (*class_names("kinetics400")[2:], "a", "b"))


@pytest.mark.usefixtures("shared_workers")
def test_a_run_loads_what_lies_in_the_cache_and_says_where_to_put_what_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    command = ("run", "--model", "x3d_xs", "--dataset", "none", "--measure", "memory", "--json")
    command += ("--weights", "Kinetics400", "--protocol", "native")
    without = call(monkeypatch, tmp_path, *command)
    assert without.exit_code == 1
    place = tmp_path / "home" / "hub" / "checkpoints" / "X3D_XS.pyth"
    url = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/X3D_XS.pyth"
    told, fetched, *_ = without.stderr.splitlines()
    assert told == f"fetching {url} to {place}"
    assert fetched.startswith(f"kinobench: {url} could not be fetched: ")
    error = from_json(without.stdout.encode()).error
    assert error is not None and error.kind == "refused"
    assert error.message.endswith(f"are not here; fetch {url} and put the file at {place}")
    module = registry.get("x3d_xs").build(400, 4, 182)
    torch.save({"model_state": module.state_dict()}, place)
    done = call(monkeypatch, tmp_path, *command)
    assert done.exit_code == 0, done.stderr
    record = from_json(done.stdout.encode())
    assert record.weights_digest is not None and len(record.weights_digest) == 16
    assert record.case.protocol.name == "pytorchvideo-4x12-182"
    assert record.case.weights == "kinetics400"
