"""The dictionary of tubes of MultiSports and of ACT-detector's UCF101-24, in a pickle or in JSON.

Its keys are `labels`, `gttubes` (video -> label -> tubes of `[frame, x1, y1, x2, y2]` in pixels,
frames from 1), `nframes`, `train_videos` and `test_videos` (a list a split) and `resolution`
(height, width); see MCG-NJU/MultiSports, `evaluate_multisports.py`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError
from ..truth import Tube, TubesOfVideo
from .annotated import Notes, TubeFile
from .structure import structure_of

NOT_SCORED = frozenset(
    {
        "aerobic kick jump",
        "aerobic off axis jump",
        "aerobic butterfly jump",
        "aerobic balance turn",
        "basketball save",
        "basketball jump ball",
    }
)
"""Classes of MultiSports that its authors leave out (`evaluate_multisports.py`)."""
_KEYS = ("labels", "gttubes", "nframes", "resolution")


def is_act(content: object) -> bool:
    """Return whether the content of a pickle or a json has the form of these annotations."""
    return isinstance(content, dict) and "gttubes" in content


def read_act(file: Path) -> TubeFile:
    """Read annotations as MultiSports's; the subsets are `train` and `test`, then `test2`, ...

    Raises:
        DatasetError: The file can't be read, or an entry isn't what it should be; the message names
            the video.
    """
    return act_tubes(file, structure_of(file))


def act_tubes(file: Path, content: Any) -> TubeFile:
    """Return what a dictionary of tubes says; `file` is its name in messages.

    Raises:
        DatasetError: An entry isn't what it should be; the message names the video.
    """
    try:
        return _tubes(file, content)
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise DatasetError(
            f"{file}: not built as such annotations are ({type(error).__name__}: {error}); get it "
            "again"
        ) from error


def _tubes(file: Path, content: Any) -> TubeFile:
    missing = [key for key in _KEYS if not isinstance(content, dict) or key not in content]
    if missing:
        raise DatasetError(
            f"{file}: there is no {missing[0]!r}; give annotations as MultiSports's, with "
            f"{', '.join(_KEYS)}, train_videos and test_videos"
        )
    classes = tuple(str(name) for name in content["labels"])
    scored = frozenset(at for at, name in enumerate(classes) if name not in NOT_SCORED)
    notes = Notes()
    read: dict[str, TubesOfVideo] = {}
    subsets: dict[str, dict[str, TubesOfVideo]] = {}
    for subset, videos in _splits(file, content):
        for video in videos:
            if video not in read:
                read[video] = _video(file, content, video, len(classes), notes)
        subsets[subset] = {video: read[video] for video in videos}
    return TubeFile(
        classes=classes,
        subsets=subsets,
        scored=None if len(scored) == len(classes) else scored,
        notes=notes.texts,
    )


def _splits(file: Path, content: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    found = 0
    for kind in ("train", "test"):
        for number, videos in enumerate(content.get(f"{kind}_videos") or (), 1):
            if isinstance(videos, str):
                raise DatasetError(
                    f"{file}: {kind}_videos has {videos!r} where it should have a list a split"
                )
            found += 1
            yield (kind if number == 1 else f"{kind}{number}"), [str(each) for each in videos]
    if not found:
        yield "", [str(each) for each in content["gttubes"]]


def _video(
    file: Path, content: Mapping[str, Any], video: str, classes: int, notes: Notes
) -> TubesOfVideo:
    where = f"{file}: video {video!r}"
    for key in ("gttubes", "nframes", "resolution"):
        if video not in content[key]:
            raise DatasetError(f"{where} is in a split, and not in {key!r}; correct the file")
    try:
        height, width = (int(each) for each in content["resolution"][video])
        frames = int(content["nframes"][video])
    except (TypeError, ValueError):
        raise DatasetError(
            f"{where}: resolution {content['resolution'][video]!r} is no (height, width), or "
            f"{content['nframes'][video]!r} no number of frames"
        ) from None
    if min(height, width, frames) < 1:
        raise DatasetError(f"{where}: it has {frames} frames of {width}x{height} pixels")
    tubes = []
    for written, listed in content["gttubes"][video].items():
        label = _label(written, classes, where)
        for each in listed:
            number, boxes = frames_and_boxes(each, where)
            if number[0] < 1 or number[-1] > frames:
                notes.add("annotated tubes that reach beyond the video's frames", video)
            shares = boxes / (width, height, width, height)
            if shares.min() < 0 or shares.max() > 1:
                notes.add("annotated tubes that reach out of the frame", video)
            tubes.append(Tube(label=label, first=int(number[0]) - 1, boxes=shares))
    return TubesOfVideo(tubes=tuple(tubes), frames=frames, width=width, height=height)


def _label(written: object, classes: int, where: str) -> int:
    try:
        label = int(written)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        label = -1
    if not 0 <= label < classes:
        raise DatasetError(f"{where}: label {written!r} isn't one of 0 to {classes - 1}")
    return label


def frames_and_boxes(written: Any, where: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of a tube's frames and its boxes, in pixels as written.

    Raises:
        DatasetError: It is no array `[frames, 5]` of finite numbers, its frames don't follow each
            other, or a box has its right or lower edge before the other.
    """
    try:
        rows = np.asarray(written, np.float64)
    except (TypeError, ValueError):
        rows = np.empty(0)
    if rows.ndim != 2 or rows.shape[1] not in (5, 6) or not len(rows):
        raise DatasetError(
            f"{where}: a tube of shape {list(rows.shape)}; give [frames, 5]: frame, x1, y1, x2, y2"
        )
    if not np.isfinite(rows).all():
        raise DatasetError(f"{where}: a tube has a number that is NaN or infinite; correct it")
    numbers = rows[:, 0].astype(np.int64)
    if (rows[:, 0] != numbers).any() or (np.diff(numbers) != 1).any():
        raise DatasetError(
            f"{where}: the frames of a tube don't follow each other "
            f"(it begins {numbers[:3].tolist()}); give a box for each frame from first to last"
        )
    boxes = rows[:, 1:5]
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise DatasetError(
            f"{where}: a tube has a box whose right or lower edge is before the other"
        )
    return numbers, boxes
