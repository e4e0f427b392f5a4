"""A sheet of pointlight-events: what happens in some videos over time, and what one sees of it.

The pictures are decoded from the files that a network would be shown: at even distances the frames
of a second, laid over each other as streaks that get lighter with time.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...datasets.pointlight_events import read_stamp
from ...datasets.pointlight_events.annotation import read_annotation, spans_of
from ...datasets.pointlight_events.settings import FPS
from ...datasets.pointlight_events.spans import FLICKER, STILL, Span
from ...datasets.split import Split
from .streaks import DPI, TIME_COLOURS, read_frames, streaks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VIDEOS = 3
"""Videos on the sheet."""
PICTURES = 14
"""Pictures of a video, one a column."""
INCHES = 0.75
"""Side of a picture on the sheet."""
_GREYS = {STILL: "0.93", FLICKER: "0.78"}
_LETTER = 0.0068
"""Share of a video's length that a letter of a span's name needs."""


class Shown(NamedTuple):
    """A video on the sheet: its name, its frames `[frames, H, W]`, uint8, and its spans."""

    name: str
    frames: np.ndarray
    spans: tuple[Span, ...]


def timelines_of(folder: Path, split: Split) -> bytes:
    """Draw the first videos of a split, and return the bytes of the PNG file.

    Raises:
        DatasetError: The folder isn't what the generator wrote, or a video can't be read.
    """
    entries = read_annotation(folder)
    shown = [
        Shown(video.id, read_frames(video.path), spans_of(entries[video.id]))
        for video in split.videos[:VIDEOS]
    ]
    return sheet_of(shown, split.classes, f"{read_stamp(folder).title}: the first test videos")


def sheet_of(shown: Sequence[Shown], classes: Sequence[str], title: str) -> bytes:
    """Draw videos, and return the bytes of the PNG file."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    palette = colormaps["Set2"].colors  # type: ignore[attr-defined]
    colours = {**_GREYS, **dict(zip(classes, palette, strict=False))}
    figure = Figure(figsize=(INCHES * PICTURES + 0.4, (INCHES + 0.62) * len(shown) + 0.7))
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=9, y=0.985)
    rows = figure.add_gridspec(
        len(shown), 1, left=0.02, right=0.98, top=0.9, bottom=0.13, hspace=0.42
    )
    for number, video in enumerate(shown):
        parts = rows[number].subgridspec(2, 1, height_ratios=[1, 0.28], hspace=0.08)
        pictures = parts[0].subgridspec(1, PICTURES, wspace=0.04)
        for column, window in enumerate(windows(len(video.frames))):
            place = figure.add_subplot(pictures[column])
            times = colormaps[TIME_COLOURS](np.linspace(0.1, 1, len(window)))[:, :3]
            laid = streaks(video.frames[window.start : window.stop], times)
            place.imshow(laid, aspect="auto", interpolation="nearest")
            place.set(xticks=[], yticks=[])
            if column == 0:
                place.set_title(video.name, fontsize=7, loc="left", pad=3)
        _draw_spans(figure.add_subplot(parts[1]), video.spans, colours)
    names = [Patch(color=colour, label=state) for state, colour in colours.items()]
    figure.legend(handles=names, loc="lower center", ncols=len(names), fontsize=7, frameon=False)
    out = io.BytesIO()
    figure.savefig(
        out, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True}
    )
    return out.getvalue()


def windows(frames: int) -> list[range]:
    """Return the frames of each picture: those of a second, about the middle of its column."""
    middles = (np.arange(PICTURES) + 0.5) * frames / PICTURES
    firsts = [round(middle - FPS / 2) for middle in middles]
    return [range(max(first, 0), min(first + FPS, frames)) for first in firsts]


def _draw_spans(place: "Axes", spans: Sequence[Span], colours: dict[str, object]) -> None:
    """Draw a bar a span, with its name if that fits, over an axis of seconds."""
    end_s = spans[-1].stop / FPS
    for span in spans:
        start_s, length_s = span.first / FPS, (span.stop - span.first) / FPS
        place.barh(0, length_s, 1, start_s, color=colours[span.state], linewidth=0)
        if span.is_event and length_s > _LETTER * end_s * len(span.state):
            middle_s = start_s + length_s / 2
            place.text(middle_s, 0, span.state, fontsize=6, ha="center", va="center")
    place.set(xlim=(0, end_s), ylim=(-0.5, 0.5), yticks=[])
    place.tick_params(labelsize=6, length=2, pad=1)
    place.set_xlabel("seconds", fontsize=6, labelpad=0)
