"""Draw the pictures of the documentation: `python docs/pictures.py` writes those that are kept.

They are plain SVG, made of numbers alone, so that the same code gives the same bytes everywhere
and a test can compare them.
"""

from collections.abc import Iterable, Sequence
from html import escape
from math import log10
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PICTURES = HERE / "pictures"
QUICK = HERE.parent / "results" / "quick"
"""A run of the quick suite, stored with its records and what ranking needs."""

_END, _MIDDLE, _BOLD = ' text-anchor="end"', ' text-anchor="middle"', ' font-weight="600"'
INK, GREY, PALE, BLUE, ORANGE = "#1b1f24", "#656d76", "#e4e8ec", "#0969da", "#bc4c00"
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


# --- accuracy against latency of the quick suite --------------------------------------------------


class Dot(NamedTuple):
    """A network of the quick suite."""

    name: str
    latency_ms: float
    top1: float


def quick_dots() -> list[Dot]:
    """Return the networks of the stored run; latency includes optical flow."""
    from kinobench.bench.records.store import read_records

    records, problems = read_records(QUICK)
    if problems:
        raise SystemExit("\n".join(problems))
    dots = []
    for record in records:
        if record.latency is None or record.accuracy is None or record.accuracy.top1 is None:
            raise SystemExit(f"{record.case.model}: the stored run has no latency or no accuracy")
        flow_s = record.flow_time.median_s if record.flow_time else 0.0
        dots.append(
            Dot(
                record.case.model.removesuffix("_tiny"),
                1000 * (record.latency.reached_s + flow_s * record.case.batch),
                100 * record.accuracy.top1,
            )
        )
    return sorted(dots, key=lambda dot: (-dot.top1, dot.latency_ms))


def front(dots: Sequence[Dot]) -> set[str]:
    """Return the names of those than which none is both faster and at least as accurate."""
    return {
        dot.name
        for dot in dots
        if not any(
            other != dot and other.latency_ms <= dot.latency_ms and other.top1 >= dot.top1
            for other in dots
        )
    }


def quick_picture() -> str:
    """Draw top-1 against latency, with the limits of what a network can know."""
    dots = quick_dots()
    best = front(dots)
    left, right, top, bottom = 56.0, 744.0, 64.0, 430.0
    low, high = 0.5, 25.0

    def across(ms: float) -> float:
        return left + (right - left) * log10(ms / low) / log10(high / low)

    def down(percent: float) -> float:
        return bottom - (bottom - top) * percent / 100

    shapes = [
        label(
            left, 24, "Accuracy and speed of the quick suite", size=16, more=' font-weight="600"'
        ),
        label(
            left,
            42,
            f"{len(dots)} small trained networks on moving dots, one thread of a CPU, batch 1",
            fill=GREY,
        ),
    ]
    for percent in (0, 25, 50, 75, 100):
        shapes += [
            line(left, down(percent), right, down(percent)),
            label(left - 8, down(percent) + 4, f"{percent} %", fill=GREY, size=11, more=_END),
        ]
    for ms in (0.5, 1, 2, 5, 10, 20):
        shapes += [
            line(across(ms), bottom, across(ms), bottom + 5, GREY),
            label(across(ms), bottom + 18, f"{ms:g} ms", fill=GREY, size=11, more=_MIDDLE),
        ]
    shapes.append(
        label(
            (left + right) / 2,
            bottom + 36,
            "latency, including optical flow",
            fill=GREY,
            more=_MIDDLE,
        )
    )
    shapes.append(label(left - 8, down(87.5) + 4, "top-1", fill=GREY, size=11, more=_END))
    for percent, text in (
        (12.5, "the limit for single frames: 12.5 %"),
        (62.5, "the limit for frames without their order: 62.5 %"),
    ):
        shapes += [
            line(left, down(percent), right, down(percent), ORANGE, ' stroke-dasharray="4 4"'),
            label(left + 6, down(percent) + 14, text, fill=ORANGE, size=11),
        ]
    taken = [_around(across(dot.latency_ms), down(dot.top1)) for dot in dots]
    taken += [(left, down(p) + 3, left + 290, down(p) + 18) for p in (12.5, 62.5)]
    labels = []
    for dot in sorted(dots, key=lambda dot: (dot.name not in best, -dot.top1, dot.latency_ms)):
        x, y = across(dot.latency_ms), down(dot.top1)
        placed = _label_box(x, y, dot.name, taken, (left, top - 4, right + 12, bottom))
        colour = BLUE if dot.name in best else GREY
        shapes.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}" fill-opacity="0.85"/>'
        )
        if placed is not None:
            taken.append(placed)
            labels.append(label(placed[0], placed[3] - 3, dot.name, fill=colour, size=11))
    shapes += labels
    shapes.append(
        f'<circle cx="{left + 4:.1f}" cy="{bottom + 56:.1f}" r="4.5" fill="{BLUE}"/>'
        + label(left + 14, bottom + 60, "no other is both faster and as accurate", fill=GREY)
    )
    return svg(760, 504, "Top-1 against latency of the quick suite", shapes)


_Box = tuple[float, float, float, float]


def _around(x: float, y: float) -> _Box:
    return x - 5, y - 5, x + 5, y + 5


def _label_box(x: float, y: float, text: str, taken: Sequence[_Box], inside: _Box) -> _Box | None:
    """Return the first place next to a dot in which its name covers nothing else."""
    wide, high = 6.2 * len(text), 13.0
    for shift in (0.0, -9.0, 9.0, -16.0, 16.0):
        for begin in (x + 8, x - 8 - wide):
            box = (begin, y + shift - high / 2, begin + wide, y + shift + high / 2)
            fits = inside[0] <= box[0] and box[2] <= inside[2]
            fits = fits and inside[1] <= box[1] and box[3] <= inside[3]
            if fits and not any(_overlap(box, other) for other in taken):
                return box
    return None


def _overlap(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


KEPT = {"clips.svg": clips_picture, "quick.svg": quick_picture}
"""File in `docs/pictures/` -> what draws it."""


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for file, draw in KEPT.items():
        (PICTURES / file).write_text(draw(), encoding="utf-8")
        print(PICTURES / file)
