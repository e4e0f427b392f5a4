"""The ground truth next to predictions, so that they can be scored without the dataset."""

from pathlib import Path

import msgspec

from ...datasets.split import Split
from ...datasets.truth import BoxTruth, EventTruth
from ..evaluation.damage import reading
from ..evaluation.digests import digest_of, keep_digest, kept_digests, refuse_damaged
from ..records.files import FREE_SPACE, writing

FILE = "truth.json"


class StoredTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What the predictions of a folder are scored by.

    Attributes:
        classes: Names of the classes, in the order of the labels.
        manifest: Digest of the split.
        videos: Ids of the split's videos, in order.
        events: The truth of localization; None for detection.
        boxes: The truth of detection; None for localization.
    """

    classes: tuple[str, ...]
    manifest: str
    videos: tuple[str, ...]
    events: EventTruth | None = None
    boxes: BoxTruth | None = None


def keep_truth(folder: Path, split: Split) -> None:
    """Write a split's truth into the folder of its predictions, unless it is there.

    Raises:
        KinobenchError: It can't be written.
    """
    path = folder / FILE
    truth = split.truth
    content = msgspec.json.encode(
        StoredTruth(
            classes=split.classes,
            manifest=split.manifest,
            videos=tuple(video.id for video in split.videos),
            events=truth if isinstance(truth, EventTruth) else None,
            boxes=truth if isinstance(truth, BoxTruth) else None,
        ),
        order="deterministic",
    )
    if path.exists() and (kept_digests(folder) or {}).get(FILE) == digest_of(content):
        return
    keep_digest(folder, FILE, digest_of(content))
    with writing(path, cure=FREE_SPACE, make_folder=False, own=True) as unfinished:
        unfinished.write_bytes(content)


def read_truth(folder: Path) -> StoredTruth:
    """Read the truth next to predictions.

    Raises:
        DamagedError: It is not there, or not as it was written.
    """
    path = folder / FILE
    refuse_damaged(path, kept_digests(folder))
    with reading(path):
        return msgspec.json.decode(path.read_bytes(), type=StoredTruth)


def has_truth(folder: Path) -> bool:
    """Return whether a folder's predictions are of localization or detection."""
    return (folder / FILE).exists()
