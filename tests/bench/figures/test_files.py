"""Files: each format, the same bytes each time, text as text, and colours that differ in grey."""

import re
import shutil
from pathlib import Path

import matplotlib
import pytest
from matplotlib.colors import to_rgb

from kinobench.bench.figures.picture import SUFFIXES, check_suffix
from kinobench.bench.figures.style import (
    MOST_LINES,
    STYLES,
    Style,
    check_width,
    drawing,
    mark,
    style_of,
)
from kinobench.datasets.errors import KinobenchError, UnknownNameError

from ...fakes.command import call
from ...fakes.media import REPOSITORY

BEGINS = {".svg": b"<?xml", ".pdf": b"%PDF-", ".png": b"\x89PNG"}


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORY / "results" / "quick", tmp_path / "quick"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_records_give_the_same_bytes(
    suffix: str, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    for name in ("one", "two"):
        file = quick / f"{name}{suffix}"
        given = ("plot", "pareto", "--results", quick, "--output", file)
        done = call(monkeypatch, quick, *given)
        assert done.exit_code == 0, done.stderr
        assert done.stdout == "" and f"{file}: top-1 (%) against latency (ms): " in done.stderr
        written.append(file.read_bytes())
    assert written[0] == written[1] and written[0].startswith(BEGINS[suffix])
    if suffix == ".svg":
        text = written[0].decode()
        assert re.search(r"<text [^>]*>slow_fusion</text>", text) and "font-size: 6.5px" in text
        assert "<title>top-1 (%) against latency" in text and "<desc>32 networks of" in text
        assert 'role="img"' in text and "<dc:date>" not in text
    if suffix == ".pdf":
        assert b"/FontFile2" in written[0] and b"/CreationDate" not in written[0]  # TrueType
    if suffix == ".png":
        assert b"On the front" in written[0]


def test_no_text_is_smaller_than_six_points(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("pareto", "latency"):
        call(monkeypatch, quick, "plot", kind, "--results", quick, "--output", f"{kind}.svg")
        sizes = re.findall(r"font(?:-size)?: ?([\d.]+)px", (quick / f"{kind}.svg").read_text())
        assert sizes and min(map(float, sizes)) >= 6


def test_the_settings_of_matplotlib_are_left_as_they_were() -> None:
    before = dict(matplotlib.rcParams)
    with drawing(STYLES["dark"]):
        assert matplotlib.rcParams["pdf.fonttype"] == 42
    assert dict(matplotlib.rcParams) == before


def _lightness(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_lightness(one), _lightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_colours_are_seen_and_no_two_lines_look_alike_without_them(style: Style) -> None:
    marks = [mark(style, number) for number in range(MOST_LINES)]
    assert len({(each.marker, str(each.dash)) for each in marks}) == MOST_LINES
    assert len({each.colour for each in marks}) == MOST_LINES
    assert _contrast(style.ink, style.ground) > 12 and _contrast(style.quiet, style.ground) >= 3
    assert all(_contrast(each.colour, style.ground) > 2 for each in marks)


def test_unknown_styles_endings_and_widths_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'slides'"):
        style_of("slide")
    with pytest.raises(KinobenchError, match=r"ends in \.svg, \.pdf or \.png"):
        check_suffix(Path("figure.jpg"))
    for width in (0.0, 1.9, 41.0, float("nan")):
        with pytest.raises(KinobenchError, match="--width"):
            check_width(width)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("parto",), "no figure is named 'parto': did you mean 'pareto'?"),
        (("pareto", "--x", "latncy"), "did you mean 'latency"),
        (("pareto", "--x", "energy"), "nothing to plot: no trained network has both j_per_clip"),
        (("views",), "nothing to plot: no trained network was scored with several"),
        (("sweep",), "nothing to plot: no network has a batch sweep; measure one: "),
        (("gate",), "nothing to plot: `kinobench check` stores its verdicts in --results"),
        (("confusion",), "confusion is of one network: name it"),
        (("latency", "--model", "c3d"), "no drawn network is named 'c3d'"),
        (("latency", "--x", "macs"), "--x macs: latency has none; it is of pareto"),
        (("pareto", "--output", "a.gif"), "ends in .svg, .pdf or .png"),
        (("pareto", "--style", "papr"), "no style is named 'papr': did you mean 'paper'?"),
        (("pareto", "--width", "1"), "it must be from 2 to 40"),
        (("pareto", "--board", "2"), "--board 2: there is 1 board: 1: pointlight quick"),
        (("gate", "--board", "2"), "--board 2: gate is of no board"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_drawn_has_a_message(
    given: tuple[str, ...], said: str, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, quick, "plot", *given, "--results", quick)
    assert done.exit_code == 2 and said in " ".join(done.stderr.split()), done.stderr
    assert not list(quick.glob("*.svg"))
