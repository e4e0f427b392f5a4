"""A name that nobody knows gets the one suggested that was most likely meant."""

import re
from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import UnknownNameError, nearest_name, program, reason_of
from kinobench.zoo import registry

from ..fakes.media import REPOSITORY


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        # All words, and others between or after them.
        ("i3d_flow", "i3d_inception_flow"),
        ("I3D-Flow", "i3d_inception_flow"),
        ("i3d_two_stream", "i3d_inception_two_stream"),
        ("flow_inception_i3d", "i3d_inception_flow"),
        ("slowfast_101", "slowfast_r101"),
        ("x3d-m", "x3d_m"),
        ("x3dm", "x3d_m"),
        ("X3D_M", "x3d_m"),
        # The family before what is merely spelled alike.
        ("slowfast_r51", "slowfast_r50"),
        ("c3d_tny", "c3d_tiny"),
        ("slow_fast_r50", "slowfast_r50"),
        ("slwfast_tiny", "slowfast_tiny"),
        ("late_fusion_pol_r50", "late_fusion_pool_r50"),
        ("videomae_vitl", "videomae_vit_l"),
    ],
)
def test_the_network_that_was_meant_is_suggested(typed: str, meant: str) -> None:
    assert nearest_name(typed, registry.listed()) == meant


@pytest.mark.parametrize("typed", ["quux", "zzzzzzzzzz", "", "_", "--"])
def test_nothing_is_suggested_for_what_is_like_nothing(typed: str) -> None:
    assert nearest_name(typed, registry.listed()) is None


def test_a_suggestion_is_the_same_in_whatever_order_the_names_come() -> None:
    names = ["x3d_s", "x3d_m", "x3d_l"]
    assert nearest_name("x3d", names) == nearest_name("x3d", names[::-1]) == "x3d_l"
    assert nearest_name("x3d", []) is None


def test_the_message_quotes_the_name_and_says_the_cure() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'i3d_inception_flow'"):
        raise UnknownNameError("model", "i3d_flow", ["x3d_l", "i3d_inception_flow"])


@pytest.mark.parametrize(("typed", "known"), [("tpu", ["cpu", "cuda"]), ("mp4", ["md", "json"])])
def test_a_short_name_that_is_alike_by_chance_is_not_suggested(
    typed: str, known: list[str]
) -> None:
    assert nearest_name(typed, known) is None
    with pytest.raises(UnknownNameError, match=f"known: {', '.join(sorted(known))}$"):
        raise UnknownNameError("device", typed, known)


@pytest.mark.parametrize(
    ("typed", "meant"), [("bf61", "bf16"), ("fp23", "fp32"), ("k400", "kinetics400")]
)
def test_a_slip_and_an_abbreviation_are_understood(typed: str, meant: str) -> None:
    assert nearest_name(typed, ["bf16", "fp32", "kinetics400", "ucf101"]) == meant


def test_an_abbreviation_of_two_names_is_of_none() -> None:
    assert nearest_name("k400", ["kinetics400", "karpathy_400"]) is None


def test_names_that_begin_with_the_unknown_one_are_listed() -> None:
    with pytest.raises(UnknownNameError) as caught:
        raise UnknownNameError("model", "X3D", ["x3d_m", "x3d_l", "c3d"])
    assert str(caught.value) == "no model is named 'X3D': these begin with it: x3d_l, x3d_m"
    with pytest.raises(UnknownNameError, match=r"n_0, .*, n_7 and 3 more$"):
        raise UnknownNameError("model", "n", [f"n_{number}" for number in range(10)] + ["n_99"])


def test_a_model_and_a_dataset_that_are_not_there_are_told_of_plugins() -> None:
    with pytest.raises(UnknownNameError, match="`kinobench list models` shows all; if it is your"):
        registry.check("slowfast")
    with pytest.raises(
        UnknownNameError,
        match=r"\? `kinobench list datasets` shows .* --plugin FILE$",
    ):
        catalog.get("ufc101")


@pytest.mark.parametrize(
    ("called", "named"),
    [
        ("/usr/local/bin/kinobench", "kinobench"),
        (str(REPOSITORY / "bench.py"), f"python {REPOSITORY / 'bench.py'}"),
        (str(REPOSITORY / "bench" / "cli" / "__main__.py"), "python -m kinobench"),
        ("/opt/other/bench.py", "kinobench"),
        ("/opt/pytest/__main__.py", "kinobench"),
        ("", "kinobench"),
    ],
)
def test_cures_name_the_program_that_was_called(
    called: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [called])
    assert program() == named
    with pytest.raises(UnknownNameError, match=re.escape(f"`{named} list models`")):
        registry.check("no_such_model")


def test_the_script_is_named_as_it_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr("sys.argv", ["bench.py"])
    assert program() == "python bench.py"


def test_why_a_file_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "nowhere", "there is no such file or folder"),
        (tmp_path, "it is a folder, not a file"),
    ):
        with pytest.raises(OSError, match=r"Errno") as caught:
            path.read_text()
        assert reason_of(caught.value) == reason
    assert reason_of(OSError("odd")) == "odd"
