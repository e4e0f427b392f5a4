"""The contact sheet and the card of pointlight-boxes."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from rich.console import Console

from kinobench.bench.cards import box_sheet, contact_sheet
from kinobench.bench.cards.box_sheet import clip_of, shown_video
from kinobench.bench.cards.dataset import make_card, show_card
from kinobench.datasets.pointlight_boxes import load, make_boxes
from kinobench.datasets.pointlight_boxes.level import OPTIONS, changed
from kinobench.datasets.truth import BoxTruth, KeyFrame


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    level = changed(["seconds=2", "empty=0.5"])
    return make_boxes(tmp_path_factory.mktemp("boxes") / "made", level=level, train=0, test=4)


def test_the_clip_is_centred_on_the_key_frame_within_its_second() -> None:
    assert clip_of(KeyFrame("0002", 2.5, ())) == range(67, 83)


def test_the_video_with_an_empty_key_frame_and_most_boxes_is_shown(made: Path) -> None:
    split = load(made)
    assert isinstance(split.truth, BoxTruth)
    counts = {name: [len(key.boxes) for key in keys] for name, keys in split.truth.videos.items()}
    shown = counts[shown_video(split).id]
    assert 0 in shown
    assert sum(shown) == max(sum(count) for count in counts.values() if 0 in count)


def test_a_sheet_has_a_row_a_key_frame_and_boxes_in_colour(made: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheet.png"
    contact_sheet.draw_sheet("pointlight-boxes", made, output, Console(file=io.StringIO()))
    picture = image.imread(output)[..., :3]
    assert picture.shape[0] > 2 * 0.9 * box_sheet.INCHES * box_sheet.DPI
    blue = (np.abs(picture - np.array([0x4C, 0xC2, 0xFF]) / 255) < 0.1).all(-1)
    columns = np.flatnonzero(blue.any(0)) / picture.shape[1]
    # Boxes are drawn in the key frame and over the streaks, not in the first and the last frame.
    assert columns.min() > 0.25 and not ((columns > 0.55) & (columns < 0.75)).any()
    assert columns.max() > 0.75
    assert output.stat().st_size < 300_000


def test_the_card_has_the_ceilings_the_options_and_what_a_copy_was_made_as(made: Path) -> None:
    card = make_card("pointlight-boxes", made)
    assert "22.8 % from one frame" in card.purpose
    assert {option.name: option.meaning for option in card.options} == OPTIONS
    assert {option.name: option.value for option in card.options}["seconds"] == "2"
    assert set(card.sided) == {"Left", "Right", "Clockwise", "CounterClockwise"}
    out = io.StringIO()
    show_card(card, Console(file=out, width=1000))
    assert "(empty=0.5, seconds=2, 4 test and 0 training videos)" in out.getvalue()


def test_the_purpose_says_the_ceilings() -> None:
    from kinobench.datasets.pointlight_boxes.ceilings import CEILINGS

    purpose = make_card("pointlight-boxes", None).purpose
    for ceiling in CEILINGS["test"].values():
        assert f"{100 * ceiling.expected:.1f} %" in purpose
