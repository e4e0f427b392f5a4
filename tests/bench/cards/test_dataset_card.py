"""`data show`: what a dataset tests, and by what a copy of it was generated."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from kinobench.bench.cards.dataset import DatasetCard, make_card, show_card
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.pointlight import content_digest, make_pointlight, read_stamp
from kinobench.datasets.pointlight.levels import LEVELS, changed

from ...fakes.media import REPOSITORY

FEW = {"train_per_class": 1, "test_per_class": 1}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def printed(card: DatasetCard, width: int = 100) -> str:
    out = io.StringIO()
    show_card(card, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("name", LEVELS)
def test_a_level_says_what_it_tests_and_the_best_that_is_possible(name: str) -> None:
    card = make_card(name, None)
    assert card.purpose == LEVELS[name].purpose
    for words in ("the best possible is", "from one frame", "frames without their order", "100 %"):
        assert words in card.purpose
    assert (card.folder, card.made, card.notes) == (None, None, ())
    words = " ".join(printed(card).split())
    assert card.purpose in words and f"classes {card.num_classes}: " in words
    for option, value in LEVELS[name].options.items():
        assert f"{option} {value} " in words


def test_a_copy_is_shown_with_its_own_numbers(tmp_path: Path) -> None:
    level = changed(LEVELS["pointlight-noise"], ["noise=3", "size=32", "frames=2"])
    root = make_pointlight(tmp_path / "made", level=level, seed=4, **FEW)
    card = make_card("pointlight-noise", root)
    assert card.folder == str(root) and card.made == read_stamp(root)
    assert {option.name: option.value for option in card.options} == level.options
    (note,) = card.notes
    words = " ".join(printed(card).split())
    assert note in words
    assert f"generated as pointlight-noise-{read_stamp(root).digest} (noise=3, size=32" in words


def test_a_level_that_was_generated_is_found_where_it_lies_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kinobench.datasets import pointlight

    monkeypatch.setattr(pointlight, "content_digest", lambda *args, **kwargs: content_digest())
    root = make_pointlight(**FEW)
    assert root.parent == tmp_path / "cache" / "kinobench"
    card = make_card("pointlight", None)
    assert card.folder == str(root) and card.made is not None and card.notes == ()


def test_a_dataset_that_is_not_generated_has_no_options() -> None:
    card = make_card("ucf101", None)
    assert card.options == () and card.folder is None and card.classes is not None
    assert len(card.classes) == 101 and "human actions" in printed(card)


def test_what_is_not_there_is_an_error_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'pointlight-3'"):
        make_card("pointlight-4", None)
    with pytest.raises(DatasetError, match="data make pointlight-3 --data-root"):
        make_card("pointlight-3", tmp_path)


def test_a_narrow_card_is_folded_between_words() -> None:
    lines = printed(make_card("pointlight-long", None), 60).splitlines()
    assert max(map(len, lines)) <= 60 and len(lines) > 15


def test_the_command_prints_a_card_or_json_without_torch(tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "bench.py"), "data", "show", "pointlight-long"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "25 % from one frame" in done.stdout
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["classes"] == ["Ahead", "TurnRight", "TurnBack", "TurnLeft"]
    code = (
        "import sys; from kinobench.bench.cards import dataset as c; "
        "c.make_card('pointlight', None)"
        "; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_classes_that_forbid_mirroring_are_shown() -> None:
    card = make_card("sthv2", None)
    assert (card.name, len(card.sided), len(card.classes or ())) == ("ssv2", 6, 174)
    shown = printed(card)
    assert "never, since left and right distinguish Pulling something from left to right" in shown
    assert make_card("hmdb51", None).sided == ()
    assert "mirroring" not in printed(make_card("hmdb51", None))
