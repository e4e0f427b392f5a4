"""A contact sheet of pointlight: some frames of a video of each class, and its motion as streaks.

The pictures are decoded from the files that a network would be shown.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from ...datasets import catalog
from ...datasets.errors import KinobenchError
from ...datasets.pointlight import level_of, read_stamp
from ...datasets.pointlight.levels import LEVELS, Level
from ...datasets.pointlight.turns import moving_frames
from ...datasets.pointlight_boxes.level import NAME as BOXES
from ...datasets.pointlight_events.settings import NAME as EVENTS
from ...datasets.split import Split
from ...datasets.truth import BoxTruth
from ..records.files import writing
from ..run.prepare import make_dataset
from .box_sheet import CLIP, clip_of, sheet_of_boxes, shown_video
from .streaks import DPI, TIME_COLOURS, read_frames, streaks

INCHES = 1.1
"""Side of a picture on the sheet."""


class Strip(NamedTuple):
    """A video on the sheet: its class, and its frames `[frames, H, W]`, uint8."""

    name: str
    frames: np.ndarray


def draw_sheet(name: str, root: Path | None, output: Path, console: Console) -> None:
    """Draw the contact sheet of a dataset that kinobench generates, as a PNG file.

    Args:
        name: The dataset.
        root: Its folder; None: the default one, where it is generated first.
        output: The file.
        console: Shows progress.

    Raises:
        KinobenchError: There is no such level, the folder isn't of it, or the file can't be
            written.
    """
    if name not in (*LEVELS, BOXES, EVENTS):
        raise KinobenchError(
            f"--output {output}: a contact sheet shows motion that is known; give one of "
            f"{', '.join((*LEVELS, BOXES, EVENTS))}"
        )
    if output.suffix.lower() != ".png":
        raise KinobenchError(f"--output {output}: a contact sheet is a PNG file; name it so")
    dataset = catalog.get(name)
    folder = make_dataset(dataset, None, console) if root is None else root
    split = catalog.load_split(dataset, folder, None)
    picture = _picture_of(name, split, folder)
    with writing(output, option="--output") as unfinished:
        unfinished.write_bytes(picture)


def _picture_of(name: str, split: Split, folder: Path) -> bytes:
    if name == EVENTS:
        from .timeline_sheet import timelines_of

        return timelines_of(folder, split)
    return _boxes_sheet(split) if name == BOXES else _level_sheet(split, folder)


def _level_sheet(split: Split, folder: Path) -> bytes:
    made = read_stamp(folder)
    first = {video.label: video.path for video in reversed(split.videos)}
    strips = [
        Strip(class_name, read_frames(first[label]))
        for label, class_name in enumerate(split.classes)
    ]
    title = f"{made.title}: the first test video of each class"
    return sheet_of(strips, level_of(made), title)


def _boxes_sheet(split: Split) -> bytes:
    assert isinstance(split.truth, BoxTruth)  # it is pointlight-boxes
    video = shown_video(split)
    frames = read_frames(video.path)
    clips = [frames[clip_of(key)] for key in split.truth.videos[video.id]]
    laid = [streaks(clip, time_colours(CLIP)) for clip in clips]
    title = f"{split.dataset}: the key frames of {video.id}"
    return sheet_of_boxes(split, video, frames, laid, title)


def time_colours(frames: int) -> np.ndarray:
    """Return the colour of each of so many frames, `[frames, 3]`, 0 to 1."""
    from matplotlib import colormaps

    colours: np.ndarray = colormaps[TIME_COLOURS](np.linspace(0.1, 1, frames))[:, :3]
    return colours


def sheet_of(strips: Sequence[Strip], level: Level, title: str) -> bytes:
    """Draw a row for each video, and return the bytes of the PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.figure import Figure

    shown = shown_frames(level)
    spans = movements(level)
    columns = len(shown) + len(spans)
    size = (INCHES * columns + 1.6, INCHES * len(strips) + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=9)
    axes = figure.subplots(len(strips), columns, squeeze=False)
    colours = time_colours(len(spans[0]))
    for row, strip in zip(axes, strips, strict=True):
        row[0].set_ylabel(strip.name, rotation=0, ha="right", va="center", fontsize=9)
        for place, frame in zip(row, shown, strict=False):
            place.imshow(
                strip.frames[frame], cmap="gray", vmin=0, vmax=255, interpolation="nearest"
            )
        for place, span in zip(row[len(shown) :], spans, strict=True):
            laid = streaks(strip.frames[span.start : span.stop], colours)
            place.imshow(laid, interpolation="nearest")
        for place in row:
            place.set(xticks=[], yticks=[])
    for place, frame in zip(axes[0], shown, strict=False):
        place.set_title(f"frame {frame + 1}", fontsize=8)
    for place, span in zip(axes[0][len(shown) :], spans, strict=True):
        place.set_title(f"frames {span.start + 1} to {span.stop}", fontsize=8)
    scale = ScalarMappable(Normalize(0, 1), ListedColormap(colours))
    bar = figure.colorbar(scale, ax=axes[:, -1], fraction=0.15, aspect=40, ticks=[0, 1])
    bar.ax.set_yticklabels(["first", "last"], fontsize=8)
    bar.set_label("frame of the movement", fontsize=8, labelpad=-12)
    out = io.BytesIO()
    figure.savefig(
        out, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True}
    )
    return out.getvalue()


def shown_frames(level: Level) -> list[int]:
    """Return the frames on the sheet: evenly spread, or where each movement begins and ends."""
    if level.rest:
        first, second = moving_frames(level.frames, level.rest)
        return [first[0], first[-1], level.frames // 2, second[0], second[-1]]
    return sorted({round(place) for place in np.linspace(0, level.frames - 1, 5)})


def movements(level: Level) -> list[range]:
    """Return the frames of each movement."""
    if level.rest:
        return list(moving_frames(level.frames, level.rest))
    return [range(level.frames)]
