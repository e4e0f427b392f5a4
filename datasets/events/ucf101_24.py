"""The corrected annotations of UCF101-24: `pyannot.pkl`, or that with class names.

gurkirt/corrected-UCF101-Annots: video -> `annotations` (each with `label`, `sf`, `ef`, `boxes`) and
`numf`. Frames count from 0, `ef` is the one after the last, and boxes are x, y, width and height in
pixels of 320x240, in bytes: a sum of two has to be computed in larger numbers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from ..truth import Tube, TubesOfVideo
from .annotated import Notes, TubeFile
from .structure import structure_of

CLASSES = (
    *("Basketball", "BasketballDunk", "Biking", "CliffDiving", "CricketBowling", "Diving"),
    *("Fencing", "FloorGymnastics", "GolfSwing", "HorseRiding", "IceDancing", "LongJump"),
    *("PoleVault", "RopeClimbing", "SalsaSpin", "SkateBoarding", "Skiing", "Skijet"),
    *("SoccerJuggling", "Surfing", "TennisSwing", "TrampolineJumping", "VolleyballSpiking"),
    "WalkingWithDog",
)
"""The 24 classes of UCF101 that have boxes, in the order of the labels."""
WIDTH, HEIGHT, FPS = 320, 240, 25.0


def is_ucf101_24(content: object) -> bool:
    """Return whether the content of a pickle or a json has the form of these annotations."""
    if not isinstance(content, dict):
        return False
    videos = content.get("db", content)
    first = next(iter(videos.values()), None) if isinstance(videos, dict) else None
    return isinstance(first, dict) and {"annotations", "numf"} <= set(first)


def read_ucf101_24(file: Path) -> TubeFile:
    """Read the corrected annotations.

    The subsets are `train` and `test` where the file names the videos of the training split;
    otherwise there is one, without a name.

    Raises:
        DatasetError: The file can't be read, or an entry isn't what it should be; the message names
            the video.
    """
    return ucf101_24_tubes(file, structure_of(file))


def ucf101_24_tubes(file: Path, content: Any) -> TubeFile:
    """Return what a dictionary of the corrected annotations says; `file` is its name in messages.

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
    if not is_ucf101_24(content):
        raise DatasetError(
            f"{file}: no annotations of UCF101-24: give the corrected ones, pyannot.pkl of "
            "gurkirt/corrected-UCF101-Annots"
        )
    notes = Notes()
    written = content.get("db", content)
    classes = tuple(str(name) for name in content["classes"]) if "db" in content else CLASSES
    videos = {str(name): _video(file, name, about, notes) for name, about in written.items()}
    train = {str(name) for name in content.get("trainvideos", ())} if "db" in content else None
    subsets: dict[str, Mapping[str, TubesOfVideo]] = {"": videos}
    if train is not None:
        subsets = {
            "train": {name: each for name, each in videos.items() if name in train},
            "test": {name: each for name, each in videos.items() if name not in train},
        }
    return TubeFile(classes=classes, subsets=subsets, notes=notes.texts)


def _video(file: Path, name: object, about: Mapping[str, Any], notes: Notes) -> TubesOfVideo:
    where = f"{file}: video {str(name)!r}"
    frames = int(about["numf"])
    tubes = []
    for each in about["annotations"]:
        try:
            label, first, end = (int(each[key]) for key in ("label", "sf", "ef"))
            boxes = np.asarray(each["boxes"], np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{where}: an annotation lacks {error}; correct the file") from None
        if boxes.shape != (end - first, 4) or end <= first or first < 0:
            raise DatasetError(
                f"{where}: boxes of shape {list(boxes.shape)} for the frames {first} to {end - 1}; "
                "give one box a frame"
            )
        if not 0 <= label < len(CLASSES):
            raise DatasetError(f"{where}: label {label} isn't one of 0 to {len(CLASSES) - 1}")
        if end > frames:
            notes.add("annotated tubes that reach beyond the video's frames", str(name))
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        shares = corners / (WIDTH, HEIGHT, WIDTH, HEIGHT)
        if not np.isfinite(shares).all() or (boxes[:, 2:] < 0).any():
            raise DatasetError(f"{where}: a box has a NaN or a negative size; correct the file")
        if shares.min() < 0 or shares.max() > 1:
            notes.add("annotated tubes that reach out of the frame", str(name))
        tubes.append(Tube(label=label, first=first, boxes=shares))
    return TubesOfVideo(tubes=tuple(tubes), frames=frames, width=WIDTH, height=HEIGHT, fps=FPS)
