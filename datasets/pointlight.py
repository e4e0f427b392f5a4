"""The embedded dataset: moving dots whose motion alone tells the class.

It is generated on first use, as real H.264 files in UCF101's layout, and read by the same code as
UCF101. `dots` says why one frame tells nothing of the class, unordered frames tell 62.5 % and
ordered frames all of it; `encode` says why compression adds nothing to that.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import layouts
from .class_names import class_names
from .errors import DatasetError, UnknownNameError
from .split import Split
from .ucf101 import LIST_FOLDERS, read_split

SPLITS = ("test", "train")
TRAIN_PER_CLASS = 100
"""800 in all: a 3D network of four layers learns every motion from them, in minutes on a CPU."""
TEST_PER_CLASS = 40
"""320 in all: the 95 % interval of an accuracy is at most 5.5 points to either side."""
GENERATOR_VERSION = 1
"""To be raised with every change of the code that changes a picture."""

Progress = Callable[[int, int], None]
"""Called with the number of videos written so far, and of all."""

_STAMP = "pointlight.json"


def load(root: Path | None = None, split: str | None = None) -> Split:
    """Return one split of pointlight, generated first where it is looked for by default.

    Args:
        root: Where a generated dataset lies; None is `default_root()`, and generates it there.
        split: `test` (the default) or `train`.

    Raises:
        UnknownNameError: There is no such split.
        DatasetError: `root` holds no such dataset.
    """
    split = SPLITS[0] if split is None else split
    if split not in SPLITS:
        raise UnknownNameError("split of pointlight", split, SPLITS)
    if root is None:
        root = make_pointlight()
    elif not (root / _STAMP).is_file():
        raise layouts.POINTLIGHT.lacks(f"no {_STAMP} under {str(root)!r}")
    found = read_split(
        root,
        dataset="pointlight",
        split=split,
        list_name=f"{split}list01.txt",
        layout=layouts.POINTLIGHT,
    )
    made = _made_as(root)
    if made == content_digest():
        return found
    return Split(
        dataset=found.dataset,
        name=found.name,
        classes=found.classes,
        videos=found.videos,
        notes=(
            *found.notes,
            f"generated as pointlight-{made}, not as pointlight-{content_digest()}",
        ),
    )


def make_pointlight(
    root: Path | None = None,
    *,
    seed: int = 0,
    train_per_class: int = TRAIN_PER_CLASS,
    test_per_class: int = TEST_PER_CLASS,
    progress: Progress | None = None,
) -> Path:
    """Generate the dataset, unless it is there, and return its root.

    It is written beside `root` and renamed when it is whole: what is under `root` is never half of
    a dataset, and of two that generate at once the later one keeps the earlier one's.

    Args:
        root: The folder to make; None is `default_root(...)`.
        seed: Of every draw.
        train_per_class: Videos of each class in the training split.
        test_per_class: Videos of each class in the test split.
        progress: Told after every video.

    Raises:
        DatasetError: `root` holds something else, or can't be written.
    """
    digest = content_digest(seed, train_per_class, test_per_class)
    if root is None:
        root = default_root(seed, train_per_class, test_per_class)
    if _is_there(root, digest):
        return root
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{root.name}-", dir=root.parent) as beside:
            whole = Path(beside) / "pointlight"
            _write(whole, seed, {"test": test_per_class, "train": train_per_class}, progress)
            stamp = {"digest": digest, "seed": seed, "generator": GENERATOR_VERSION}
            (whole / _STAMP).write_text(json.dumps(stamp) + "\n", encoding="utf-8")
            try:
                whole.rename(root)
            except OSError:
                if not _is_there(root, digest):
                    raise
    except OSError as error:
        raise DatasetError(
            f"pointlight can't be generated in {str(root)!r} ({error.strerror or error}); choose "
            "another folder by --data-root"
        ) from error
    return root


def default_root(
    seed: int = 0, train_per_class: int = TRAIN_PER_CLASS, test_per_class: int = TEST_PER_CLASS
) -> Path:
    """Return where the dataset lies by default: under the user's cache, named for its content."""
    # An XDG variable that isn't an absolute path is to be ignored, says the XDG specification.
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():
        cache = Path.home() / ".cache"
    digest = content_digest(seed, train_per_class, test_per_class)
    return cache / "kinobench" / f"pointlight-{digest}"


def content_digest(
    seed: int = 0, train_per_class: int = TRAIN_PER_CLASS, test_per_class: int = TEST_PER_CLASS
) -> str:
    """Return the digest of everything that decides what the videos show."""
    from . import dots, encode

    deciding = {
        "generator": GENERATOR_VERSION,
        "seed": seed,
        "per_class": [test_per_class, train_per_class],
        "classes": class_names("pointlight"),
        "picture": [dots.SIZE_PX, dots.FRAMES, encode.FPS, encode.OPTIONS],
        "draws": [
            dots.DOTS,
            dots.RADIUS_PX,
            dots.SPEED_PX,
            dots.GROUND_LUMA,
            dots.CONTRAST_LUMA,
            dots.SUBSTEPS,
        ],
    }
    written = json.dumps(deciding, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:12]


def _is_there(root: Path, digest: str) -> bool:
    """Tell whether `root` holds the dataset of that digest; an empty or absent folder doesn't.

    Raises:
        DatasetError: It holds anything else.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    if (root / _STAMP).is_file():
        made = _made_as(root)
        if made == digest:
            return True
        raise DatasetError(
            f"{str(root)!r} holds pointlight-{made}, of another seed, size or version, where "
            f"pointlight-{digest} is asked for; choose another folder, or remove this one"
        )
    raise DatasetError(
        f"{str(root)!r} holds something else than pointlight; choose a new or empty folder"
    )


def _made_as(root: Path) -> str:
    """Return the digest that the dataset in `root` was generated under."""
    try:
        return str(json.loads((root / _STAMP).read_text(encoding="utf-8"))["digest"])
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{root / _STAMP}: not what the generator wrote; remove {str(root)!r} and generate it "
            "again"
        ) from error


def _write(root: Path, seed: int, per_class: dict[str, int], progress: Progress | None) -> None:
    """Write the lists and videos of both splits; the groups g01, g02, ... run through them."""
    import numpy as np

    from .dots import draw_scene, move, render
    from .encode import write_grey_video

    classes = class_names("pointlight")
    total = len(classes) * sum(per_class.values())
    written = 0
    lists = root / LIST_FOLDERS[0]
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text(
        "".join(f"{number} {name}\n" for number, name in enumerate(classes, 1)), encoding="utf-8"
    )
    first_group = 1
    for split_index, (split, count) in enumerate(per_class.items()):
        lines = []
        for label, motion in enumerate(classes):
            folder = root / "videos" / motion
            folder.mkdir(parents=True, exist_ok=True)
            for index in range(count):
                # Every video has a stream of its own: none depends on how many came before.
                generator = np.random.default_rng([seed, split_index, label, index])
                scene = draw_scene(generator)
                name = f"v_{motion}_g{first_group + index:02d}_c01.mp4"
                write_grey_video(
                    folder / name,
                    render(
                        move(scene, motion),
                        scene.radius_px,
                        scene.ground_luma,
                        scene.contrast_luma,
                    ),
                )
                number = f" {label + 1}" if split == "train" else ""
                lines.append(f"{motion}/{name}{number}\n")
                written += 1
                if progress is not None:
                    progress(written, total)
        (lists / f"{split}list01.txt").write_text("".join(lines), encoding="utf-8")
        first_group += count
