"""Draw the pictures of the documentation: `python docs/pictures.py` writes those that are kept.

They are SVG, made of numbers alone, so that the same code gives the same bytes everywhere and a
test can compare them; those of `kinobench plot` are the same with the same matplotlib.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
PICTURES = HERE / "pictures"
QUICK = HERE.parent / "results" / "quick"
"""A run of the quick suite, stored with its records and what ranking needs."""
DEPLOY = QUICK.with_name("deploy")
"""A run of the suite deploy, if one is stored."""

_BOLD = ' font-weight="600"'
INK, GREY, PALE, BLUE = "#1b1f24", "#656d76", "#e4e8ec", "#0969da"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


def svg(width: int, height: int, title: str, shapes: Iterable[str]) -> str:
    """Return a whole picture, on white so that it can be read on any page."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="{FONT}" font-size="12" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="6" fill="#ffffff"/>',
            *shapes,
            "</svg>\n",
        ]
    )


def label(x: float, y: float, text: str, *, fill: str = INK, size: int = 12, more: str = "") -> str:
    """Return a line of text whose baseline begins at `(x, y)`."""
    begin = f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}"{more}>'
    return f"{begin}{escape(text)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = PALE, more: str = "") -> str:
    """Return a line."""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"{more}/>'
    )


# --- which frames each protocol takes -------------------------------------------------------------

CLIP_PROTOCOLS = (
    "common-112",
    "pytorchvideo",
    "pyslowfast",
    "mmaction2",
    "torchvision",
    "tsn",
)
RATE, SECONDS = 30, 10


def clips_of(name: str) -> tuple[tuple[int, ...], ...]:
    """Return the frames that a protocol takes of a video of 300 frames, as kinobench reads them."""
    from kinobench.datasets.protocol import preset

    times_s = [frame / RATE for frame in range(RATE * SECONDS)]
    return preset(name).frame_indices(times_s, float(SECONDS))


def clips_picture() -> str:
    """Draw the clips of each protocol: a row for each clip, a mark for each frame."""
    from kinobench.datasets.protocol import preset

    left, top, step, row = 20.0, 58.0, 2.45, 9.0
    right = left + step * RATE * SECONDS
    shapes = [
        label(left, 24, "Which frames does a protocol take?", size=16, more=_BOLD),
        label(
            left,
            42,
            f"One video of {SECONDS} seconds, {RATE} frames per second. "
            "A row is a clip, a mark is a frame.",
            fill=GREY,
        ),
    ]
    y = top + 12
    for name in CLIP_PROTOCOLS:
        protocol, clips = preset(name), clips_of(name)
        if all(len(clip) == 1 for clip in clips):
            clips = (tuple(frame for (frame,) in clips),)
            what = f"{protocol.clips} single frames"
        else:
            what = f"{protocol.clips} clips of {protocol.frames} frames"
        shapes.append(
            f'<text x="{left:.1f}" y="{y:.1f}"><tspan font-weight="600" fill="{INK}">'
            f'{escape(protocol.name)}</tspan><tspan fill="{GREY}">  {escape(what)}'
            f"; first frame {clips[0][0]}, last frame {clips[-1][-1]}</tspan></text>"
        )
        y += 8
        for clip in clips:
            shapes.append(line(left, y + 3, right, y + 3))
            marks = "".join(f"M{left + step * frame:.1f} {y:.1f}v6" for frame in clip)
            shapes.append(f'<path d="{marks}" stroke="{BLUE}" stroke-width="1.8" fill="none"/>')
            y += row
        y += 20
    y -= 8
    for second in range(SECONDS + 1):
        x = left + step * RATE * second
        shapes += [
            line(x, y - 4, x, y, GREY),
            label(x, y + 14, f"{second} s", fill=GREY, size=11, more=' text-anchor="middle"'),
        ]
    return svg(round(right + 20), round(y + 26), "Frames that each protocol takes", shapes)


# --- figures of stored records, by `kinobench plot` -----------------------------------------------

WIDTH_IN = 13.0


def plotted(*asked: str, results: Path = QUICK) -> str:
    """Return a figure that the command `plot` draws of stored records."""
    program = [sys.executable, str(HERE.with_name("bench.py")), "plot", *asked]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figure.svg"
        given = ["--results", str(results), "--output", str(file)]
        subprocess.run(program + given, check=True, capture_output=True)
        return file.read_text(encoding="utf-8")


def quick_picture(style: str = "slides") -> str:
    """Draw top-1 against latency of the quick suite."""
    return plotted("pareto", "--style", style, "--width", f"{WIDTH_IN:g}")


def quick_dark_picture() -> str:
    """Draw the same on black."""
    return quick_picture("dark")


def latency_picture() -> str:
    """Draw the samples of the latencies of a few networks."""
    models = [part for name in LATENCIES for part in ("--model", name)]
    return plotted("latency", "--width", "6", *models)


LATENCIES = ("early_fusion_tiny", "vivit_tiny", "slow_fusion_tiny", "x3d_tiny", "i3d_tiny")


def gate_picture() -> str:
    """Draw the history of the checks with which the speed gate was tried."""
    checks = QUICK.with_name("gate_checks.jsonl.gz")
    return plotted("gate", "--width", "6", "--checks", str(checks))


def runtimes_picture(style: str = "slides") -> str:
    """Draw what the fastest runtime gains over eager PyTorch, for the networks of deploy."""
    asked = ("runtimes", "--style", style, "--width", f"{WIDTH_IN:g}")
    return plotted(*asked, results=DEPLOY)


def runtimes_dark_picture() -> str:
    """Draw the same on black."""
    return runtimes_picture("dark")


KEPT = {
    "clips.svg": clips_picture,
    "quick.svg": quick_picture,
    "quick-dark.svg": quick_dark_picture,
    "latency.svg": latency_picture,
    "gate.svg": gate_picture,
}
"""File in `docs/pictures/` -> what draws it."""
if DEPLOY.is_dir():
    KEPT |= {"runtimes.svg": runtimes_picture, "runtimes-dark.svg": runtimes_dark_picture}


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for file, draw in KEPT.items():
        (PICTURES / file).write_text(draw(), encoding="utf-8")
        print(PICTURES / file)
