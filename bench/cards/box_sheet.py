"""A contact sheet of pointlight-boxes: the key frames of a video, and what moves in their boxes."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.pointlight.encode import FPS
from ...datasets.split import Split, Video
from ...datasets.truth import BoxTruth, KeyFrame

CLIP = 16
"""Frames around a key frame that are shown: those of the default protocol."""
INCHES, DPI = 1.6, 100
"""Side of a picture on the sheet, and pixels per inch."""
_BOX_COLOUR = "#4cc2ff"
_LOWEST = 0.85
"""Names are written under a box, but for one that ends lower: at its bottom."""


def shown_video(split: Split) -> Video:
    """Return the video with most boxes of those that have a key frame without any; else of all."""
    truth = split.truth
    assert isinstance(truth, BoxTruth)  # the dataset's
    counts = [[len(key.boxes) for key in truth.videos[video.id]] for video in split.videos]
    having = [each for each, count in enumerate(counts) if 0 in count] or range(len(counts))
    return split.videos[max(having, key=lambda each: sum(counts[each]))]


def sheet_of_boxes(
    split: Split,
    video: Video,
    frames: NDArray[np.uint8],
    laid: list[NDArray[np.float64]],
    title: str,
) -> bytes:
    """Draw a row for each key frame of a video, and return the bytes of the PNG file.

    Args:
        split: The split, whose truth has the boxes.
        video: The video.
        frames: Its frames, `[frames, H, W]`.
        laid: For each key frame its clip with frames laid over each other, `[H, W, 3]`, 0 to 1.
        title: Heading of the sheet.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    assert isinstance(split.truth, BoxTruth)  # the dataset's
    keys = split.truth.videos[video.id]
    figure = Figure(figsize=(INCHES * 4 + 0.9, INCHES * len(keys) + 0.9), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=9)
    axes = figure.subplots(len(keys), 4, squeeze=False)
    for row, key, streaks in zip(axes, keys, laid, strict=True):
        clip = clip_of(key)
        row[0].set_ylabel(f"key frame\n{key.name}", rotation=0, ha="right", va="center", fontsize=8)
        for place, frame in zip(row, (clip[0], clip[CLIP // 2], clip[-1]), strict=False):
            place.imshow(frames[frame], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        row[3].imshow(streaks, interpolation="nearest")
        draw_boxes(row[1], key, split.classes, frames.shape[1], named=False)
        draw_boxes(row[3], key, split.classes, frames.shape[1], named=True)
        for place in row:
            place.set(xticks=[], yticks=[])
    headings = ("first frame of the clip", "key frame", "last frame", "all 16, the last lightest")
    for place, heading in zip(axes[0], headings, strict=True):
        place.set_title(heading, fontsize=8)
    out = io.BytesIO()
    figure.savefig(
        out, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True}
    )
    return out.getvalue()


def clip_of(key: KeyFrame) -> range:
    """Return the frames of the clip around a key frame."""
    middle = round(key.time_s * FPS)
    return range(middle - CLIP // 2, middle + CLIP // 2)


def draw_boxes(
    place: Any, key: KeyFrame, classes: tuple[str, ...], size: int, *, named: bool
) -> None:
    """Draw the boxes of a key frame, with the names of their labels if they are to be named."""
    from matplotlib.patches import Rectangle

    for box in key.boxes:
        corner = box.x1 * size - 0.5, box.y1 * size - 0.5
        width, height = (box.x2 - box.x1) * size, (box.y2 - box.y1) * size
        place.add_patch(
            Rectangle(corner, width, height, fill=False, edgecolor=_BOX_COLOUR, linewidth=0.8)
        )
        if named:
            text = "\n".join(classes[label] for label in box.labels)
            is_low = box.y2 > _LOWEST
            place.text(
                corner[0] + width / 2,
                corner[1] + height,
                text,
                color="white",
                fontsize=5.5,
                ha="center",
                va="bottom" if is_low else "top",
                bbox={"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 1},
            )
