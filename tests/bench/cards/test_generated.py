"""The card and the sheet of pointlight-events: its options, what a copy is, and its timelines."""

import io
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from rich.console import Console

from kinobench.bench.cards.contact_sheet import draw_sheet
from kinobench.bench.cards.dataset import make_card, show_card
from kinobench.bench.cards.generated import GENERATED
from kinobench.bench.cards.timeline_sheet import PICTURES, Shown, sheet_of, windows
from kinobench.datasets.pointlight_events import make_events
from kinobench.datasets.pointlight_events.settings import OPTIONS, changed
from kinobench.datasets.pointlight_events.spans import Span

SMALL = changed(["length=4.5", "event=0.5..1", "gap=0.5..1", "dots=3", "size=32"])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_events(tmp_path / "made", settings=SMALL, test=2, train=0)


def test_the_card_has_the_options_and_the_rule_of_a_copy(small: Path) -> None:
    card = make_card("pointlight-events", small)
    assert [option.name for option in card.options] == list(OPTIONS)
    assert {option.name: option.value for option in card.options}["event"] == "0.5..1"
    assert (card.rule, card.scoring, card.num_classes) == ("activitynet", "map", 6)
    out = io.StringIO()
    show_card(card, Console(file=out, width=200))
    assert "by the rule activitynet" in out.getvalue()
    assert "(length=4.5, event=0.5..1" in out.getvalue()


def test_without_a_copy_it_has_the_usual_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    card = make_card("pointlight-events", None)
    assert card.folder is None and card.rule == ""
    assert {option.name: option.value for option in card.options}["event"] == "1..6"
    assert "ucf101" not in GENERATED


def test_the_sheet_shows_seconds_at_even_distances() -> None:
    shown = windows(640)
    assert len(shown) == PICTURES
    assert {len(each) for each in shown} == {16}
    assert shown[0] == range(15, 31) and shown[-1] == range(609, 625)
    assert windows(20)[0] == range(9) and windows(20)[-1].stop == 20


def test_the_sheet_has_a_bar_in_the_colours_of_what_happens() -> None:
    frames = np.full((64, 32, 32), 40, dtype=np.uint8)
    frames[:, 8, 8] = 200
    spans = (Span("Still", 0, 16), Span("Left", 16, 48), Span("Flicker", 48, 64))
    picture = sheet_of([Shown("a video", frames, spans)], ["Left", "Right"], "a title")
    pixels = matplotlib.image.imread(io.BytesIO(picture))[..., :3]
    for colour, least in (((0.4, 0.76, 0.65), 5000), ((0.93,) * 3, 2000), ((0.78,) * 3, 2000)):
        assert (np.abs(pixels - colour).max(-1) < 0.01).sum() > least, colour


def test_the_sheet_is_drawn_of_a_copy(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "sheet.png"
    draw_sheet("pointlight-events", small, file, Console(file=io.StringIO()))
    assert matplotlib.image.imread(file).shape[1] > 900
