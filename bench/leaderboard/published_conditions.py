"""What differs between a record and a printed number, but for the number: clip, views, dataset."""

import re
from typing import NamedTuple

from ...datasets.lists.split_names import MEAN, kind_of, number_of
from ...datasets.plurals import quantity
from ...datasets.protocol import preset
from ...zoo.checkpoints.named import named_weights, without_part
from ...zoo.tables.published_speeds import Speed
from ...zoo.tables.reasons import reasons
from ...zoo.tables.rows import Weights
from ...zoo.tables.sources import url_of
from ..records.case import Case
from ..records.record import Record

WIDEST_POINTS = 6.0
"""Width of a 95 % interval of an accuracy, in points, above which it meets too much. Of UCF101's
3,783 videos in groups, or HMDB51's 1,530, it is 3 to 5."""

WHOLE = {"kinetics400": 19_906}
"""Validation videos of datasets that published weights are of, as annotated; the CVDF's list."""
LEAST_SHARE = 0.98
"""Share of them from which on a copy is as whole as those that were printed of: these had 19,761 to
19,881 videos."""

_DATASET = re.compile(
    r"(?P<base>[a-z]+\d*[a-z]*)(?:-split(?P<split>\d)|(?P<mean>-3split)| \((?P<part>val|test)\))?"
    r"(?P<rest> \(.*\))?"
)
_SCORED_ON = {"sports1m": "test"}
"""The part of a dataset that accuracies are printed of; of all others it is `val`."""
_VIEWS = re.compile(r"(\d+)x(\d+)")


class Condition(NamedTuple):
    """Something in which a record isn't what was printed.

    Attributes:
        reason: Name of the known reason in `reasons.csv`; empty if only something is unknown, which
            explains no difference.
        text: What differs, in a few words.
    """

    reason: str
    text: str

    @property
    def evidence(self) -> str:
        """What that did in print; empty if nothing is known of it."""
        return reasons()[self.reason].text if self.reason else ""

    @property
    def url(self) -> str:
        """Address of that evidence."""
        return url_of(reasons()[self.reason].source) if self.reason else ""


def dataset_of(printed: str) -> str:
    """Return the name of the dataset that a printed accuracy is of, without its part."""
    found = _DATASET.fullmatch(printed)
    return printed if found is None else found["base"]


def of_shape(
    case: Case, frames: int | None, size: int | None, classes: int | None = None
) -> list[Condition]:
    """Return how a case's input and classes differ from printed ones; None: they aren't printed."""
    protocol, found = case.protocol, []
    if frames is None or size is None:
        found.append(Condition("", "the source doesn't print its clip"))
    if frames not in (None, protocol.frames) or size not in (None, protocol.size):
        wanted = " of ".join(
            [*([f"{frames} frames"] if frames else []), *([f"{size} pixels"] if size else [])]
        )
        here = f"{quantity(protocol.frames, 'frame')} of {protocol.size} pixels"
        found.append(Condition("clip", f"printed for {wanted}, here {here}"))
    if classes not in (None, case.classes):
        text = f"printed for {quantity(classes or 0, 'class', 'classes')}, here {case.classes}"
        found.append(Condition("classes", text))
    return found


def of_stride(case: Case, stride: int | None) -> list[Condition]:
    """Return whether a clip's pictures are as far apart as printed, at 30 frames a second."""
    protocol = case.protocol
    if stride is None or protocol.sparse or protocol.frames == 1:
        return []
    here = protocol.stride * 30 / protocol.fps if protocol.fps else float(protocol.stride)
    if here == stride:
        return []
    return [Condition("clip", f"printed for a stride of {stride}, here {here:g}")]


def of_views(case: Case, printed: str | None, frames: int | None) -> list[Condition]:
    """Return how the views of a video differ.

    Tables of TSN and TSM print the pictures of a clip for its temporal views: 8x3 for three crops
    of a clip of 8 pictures.

    Args:
        case: The case.
        printed: The printed views, as `10x3`.
        frames: The printed frames of a clip.
    """
    protocol = case.protocol
    here = f"{protocol.clips}x{protocol.crops}"
    if printed is None:
        return [Condition("", "the source doesn't print its views")]
    found = _VIEWS.fullmatch(printed)
    if found is None:
        return [Condition("views", f"printed for {printed}, here {here} views")]
    clips, crops = int(found[1]), int(found[2])
    if clips == frames and case.model.startswith(("tsn_", "tsm_")):
        clips = 1
    if (clips, crops) == (protocol.clips, protocol.crops):
        return []
    return [Condition("views", f"printed for {clips}x{crops} views, here {here}")]


def of_checkpoint(case: Case, entry: Weights) -> list[Condition]:
    """Return how a case's protocol differs from that of a published checkpoint's test."""
    files = _of_file(case, entry)
    if entry.protocol is None:
        return [*files, Condition("", "the protocol of its test isn't known")]
    protocol = preset(entry.protocol)
    if protocol.digest == case.protocol.digest:
        return files
    found = of_shape(case, protocol.frames, protocol.size)
    found += of_views(case, f"{protocol.clips}x{protocol.crops}", None)
    text = f"printed for protocol {protocol.name}, here {case.protocol.name}"
    return [*files, *(found or [Condition("protocol", text)])]


def _of_file(case: Case, entry: Weights) -> list[Condition]:
    """Return whether a user's file may be another than the checkpoint that has its name."""
    if named_weights(case.model, case.weights) is None and entry.digest is None:
        text = f"a file named as {entry.name}'s, whose digest isn't printed, may be another"
        return [Condition("", text)]
    part = without_part(case.weights or "")[1]
    return [] if part is None else [Condition("", f"part {part} of its file was taken")]


def of_videos(record: Record, printed: str) -> list[Condition]:
    """Return how the scored videos differ from those of a printed dataset, such as `ucf101-split1`.

    That of the dataset itself is not checked; see `dataset_of`.
    """
    case, accuracy, found = record.case, record.accuracy, []
    parts = _DATASET.fullmatch(printed)
    if parts is None or parts["rest"]:
        found.append(Condition("", f"the source isn't clear on its videos: {printed}"))
    elif not _is_split(case.split, parts):
        found.append(Condition("split", f"printed for {printed}, here split {case.split}"))
    if accuracy is None:
        return found
    copy = accuracy.copy
    if accuracy.scored < accuracy.expected or (copy is not None and copy.found < copy.listed):
        text = f"{accuracy.scored:,} of {accuracy.expected:,} videos were scored"
        found.append(Condition("copy", text))
    elif accuracy.scored < LEAST_SHARE * (whole := _whole(case)):
        text = f"{accuracy.scored:,} videos were scored, and {case.dataset} has {whole:,}"
        found.append(Condition("copy", text))
    if case.precision != "fp32":
        found.append(Condition("", f"the arithmetic here is {case.precision}"))
    ends = accuracy.interval_top1
    if ends is not None and 100 * (ends[1] - ends[0]) > WIDEST_POINTS:
        width = f"{100 * (ends[1] - ends[0]):.1f}"
        text = f"the interval of {quantity(accuracy.scored, 'video')} is {width} points wide"
        found.append(Condition("", text))
    return found


def _whole(case: Case) -> int:
    """Return how many videos a case's part of its dataset has; 0 if that isn't known here."""
    return WHOLE.get(case.dataset or "", 0) if kind_of(case.split or "") == "val" else 0


def _is_split(split: str | None, parts: re.Match[str]) -> bool:
    if split is None:
        return False
    if parts["mean"]:
        return split == MEAN
    if parts["split"]:
        return number_of(split) == int(parts["split"])
    return kind_of(split) == (parts["part"] or _SCORED_ON.get(parts["base"], "val"))


def of_machine(record: Record, speed: Speed) -> list[Condition]:
    """Return how device, arithmetic, mode and batch differ from those of a printed speed."""
    case, found = record.case, []
    device = record.environment.name_of(case.device)
    if speed.device is None:
        text = f"the source doesn't name its device, here {device}"
        found.append(Condition("device", text))
    elif speed.device.casefold() not in device.casefold():
        found.append(Condition("device", f"printed for {speed.device}, here {device}"))
    if case.mode != "eager":
        found.append(Condition("", f"the mode here is {case.mode}"))
    if record.latency is not None and record.latency.is_rough:
        found.append(Condition("", "the latency here is disturbed, or its interval is wide"))
    if speed.precision is None:
        found.append(Condition("", "the source doesn't name one arithmetic"))
    elif speed.precision != case.precision:
        found.append(Condition("", f"printed for {speed.precision}, here {case.precision}"))
    if speed.batch is None:
        found.append(Condition("", "the source doesn't print its batch"))
    elif speed.batch != case.batch:
        found.append(Condition("", f"printed for batch {speed.batch}, here {case.batch}"))
    return found
