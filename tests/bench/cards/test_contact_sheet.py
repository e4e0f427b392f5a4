"""The contact sheet of pointlight: streaks with known colours, and a picture of real files."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from rich.console import Console

from kinobench.bench.cards import contact_sheet
from kinobench.bench.cards.contact_sheet import movements, shown_frames
from kinobench.bench.cards.streaks import BACKGROUND, streaks
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.pointlight import dots, make_pointlight
from kinobench.datasets.pointlight.levels import LEVELS, POINTLIGHT, changed

from ...fakes.media import REPOSITORY

LONG = LEVELS["pointlight-long"]
COLOURS = np.linspace([0.0, 0.0, 1.0], [1.0, 0.0, 0.0], 16)
"""From blue to red."""


def luma(track: np.ndarray) -> np.ndarray:
    return dots.render(track, 1.5, 50.0, 100.0)


def test_a_dot_that_moves_leaves_a_streak_from_the_first_colour_to_the_last() -> None:
    track = np.stack([np.arange(10.0, 26.0), np.full(16, 20.0)], -1)[:, None]
    laid = streaks(luma(track), COLOURS)
    assert laid.shape == (64, 64, 3)
    line = laid[20, 10:26]
    np.testing.assert_allclose(line[0], COLOURS[0], atol=0.1)
    np.testing.assert_allclose(line[-1], COLOURS[-1], atol=0.1)
    assert (np.diff(line[:, 0]) > -0.02).all() and (np.diff(line[:, 2]) < 0.02).all()
    np.testing.assert_allclose(laid[40], BACKGROUND)


def test_a_dot_that_stands_still_has_the_mean_of_all_colours() -> None:
    laid = streaks(luma(np.full((16, 1, 2), 30.0)), COLOURS)
    np.testing.assert_allclose(laid[30, 30], COLOURS.mean(0))
    np.testing.assert_allclose(laid[0, 0], BACKGROUND)


def test_a_dot_in_one_frame_has_that_frames_colour() -> None:
    track = np.full((16, 1, 2), 10.0)
    track[5] = 50.0
    np.testing.assert_allclose(streaks(luma(track), COLOURS)[50, 50], COLOURS[5])


def test_frames_are_spread_over_the_video_or_stand_where_movements_begin_and_end() -> None:
    assert shown_frames(POINTLIGHT) == [0, 4, 8, 11, 15]
    assert shown_frames(changed(POINTLIGHT, ["frames=2"])) == [0, 1]
    assert shown_frames(LONG) == [0, 15, 32, 48, 63]
    assert movements(POINTLIGHT) == [range(16)]
    assert movements(LONG) == [range(16), range(48, 64)]


@pytest.mark.parametrize(
    ("name", "settings"),
    [("pointlight", ["frames=4"]), ("pointlight-long", ["frames=12", "rest=4"])],
)
def test_a_sheet_of_real_files_has_a_row_for_each_class(
    name: str, settings: list[str], tmp_path: Path
) -> None:
    level = changed(LEVELS[name], settings)
    root = make_pointlight(tmp_path / "made", level=level, train_per_class=1, test_per_class=2)
    output = tmp_path / "new" / "sheet.png"
    contact_sheet.draw_sheet(name, root, output, Console(file=io.StringIO()))
    picture = image.imread(output)
    classes = 4 if level.rest else 8
    assert picture.shape[0] > classes * 0.8 * contact_sheet.INCHES * contact_sheet.DPI
    coloured = np.ptp(picture[..., :3], axis=-1) > 0.2
    columns = np.flatnonzero(coloured.any(0))
    # Streaks and their scale stand on the right; frames are grey.
    assert columns.min() > 0.5 * picture.shape[1]
    assert coloured.any(1).mean() > 0.5
    assert output.stat().st_size < 300_000


def test_the_command_draws_a_sheet_beside_the_card(tmp_path: Path) -> None:
    level = changed(POINTLIGHT, ["frames=2", "size=32"])
    make_pointlight(tmp_path / "made", level=level, train_per_class=1, test_per_class=1)
    command = [sys.executable, str(REPOSITORY / "bench.py"), "data", "show", "pointlight"]
    done = subprocess.run(
        [*command, "--data-root", "made", "--output", "sheet.png"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 0 and done.stderr == "kinobench: contact sheet: sheet.png\n"
    assert "frames=2" in done.stdout
    assert image.imread(tmp_path / "sheet.png").ndim == 3


@pytest.mark.parametrize(
    ("name", "output", "message"),
    [
        ("ucf101", "sheet.png", "give one of pointlight, pointlight-3"),
        ("pointlight", "sheet.jpg", "is a PNG file"),
    ],
)
def test_what_can_not_be_drawn_is_told(
    name: str, output: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(KinobenchError, match=message):
        contact_sheet.draw_sheet(name, None, tmp_path / output, Console(file=io.StringIO()))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    level = changed(POINTLIGHT, ["frames=2", "size=32"])
    root = make_pointlight(tmp_path / "made", level=level, train_per_class=1, test_per_class=1)
    (tmp_path / "file").touch()
    with pytest.raises(KinobenchError, match=r"--output .*can't be written"):
        contact_sheet.draw_sheet(
            "pointlight", root, tmp_path / "file" / "sheet.png", Console(file=io.StringIO())
        )
