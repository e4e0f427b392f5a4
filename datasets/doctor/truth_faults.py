"""What contradicts in an annotation with times or boxes, by itself and next to the files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..located.published import WRONG_AS_PUBLISHED
from ..plurals import quantity
from ..split import Split, Video
from ..truth import BoxTruth, EventTruth, TubeTruth
from .complaints import Complaint, complaint
from .copy import Copy, text_of
from .headers import Header

SPARE_S = 1.0
"""The length of a file may differ so much from the annotation's, which is often rounded."""
LATE_S = 0.1
"""Events may end so much after the video does: annotators' players and headers round otherwise."""
_FRAMES_OFF = 1
"""Decoders and scripts that extract frames differ by one frame."""
_NO_COMMAND = "no command corrects an annotation"


class _Seen(NamedTuple):
    """A video of a split that is there, with what its header says.

    Attributes:
        video: The video.
        header: Its header.
        begins_s: Second of the published video at which the file begins.
        end_s: That at which it ends; None if neither its header nor a rate says it.
    """

    video: Video
    header: Header
    begins_s: float
    end_s: float | None


def truth_faults(copy: Copy) -> Iterator[Complaint]:
    """Yield what is wrong with the annotations of splits of localization and detection.

    Args:
        copy: The files, with what was seen of them.
    """
    for split in copy.splits:
        seen = list(_seen(copy, split))
        if isinstance(split.truth, EventTruth):
            yield from _events(split, split.truth, seen)
        elif isinstance(split.truth, BoxTruth):
            yield from _key_frames(split, split.truth, seen)
        elif isinstance(split.truth, TubeTruth):
            yield from _tubes(split, split.truth, seen)


def _seen(copy: Copy, split: Split) -> Iterator[_Seen]:
    if split.truth is None:
        return
    for video in copy.found(split):
        header = copy.of(text_of(video)).header
        if header is None:
            continue
        clock = split.clock_of(video.id)
        length_s = header.duration_s
        if length_s is None and header.likely_frames is not None and clock.fps is not None:
            length_s = header.likely_frames / clock.fps
        end_s = None if length_s is None else clock.begins_s + length_s
        yield _Seen(video, header, clock.begins_s, end_s)


def _named(split: Split, label: int) -> str:
    return split.classes[label]


def _events(split: Split, truth: EventTruth, seen: Sequence[_Seen]) -> Iterator[Complaint]:
    behind: list[str] = []
    published: list[str] = []
    wrong = WRONG_AS_PUBLISHED.get(split.dataset, frozenset())
    late: list[str] = []
    for video, _, _, end_s in seen:
        for event in truth.videos[video.id].events:
            name = f"{video.id} {_named(split, event.label)} {event.start_s:g}-{event.end_s:g} s"
            if end_s is None:
                continue
            if event.start_s >= end_s:
                (published if video.id in wrong else behind).append(f"{name} of {end_s:.1f} s")
            elif event.end_s > end_s + LATE_S:
                late.append(f"{name} of {end_s:.1f} s")
    every = sum(len(of.events) for of in truth.videos.values())
    listed = f"of {quantity(every, 'event')} of {split.name}"
    yield from complaint(
        "contradicting",
        behind,
        f"{listed} beginning after their video's end, so that nothing can hit them",
        f"{_NO_COMMAND}; is the file whole, and of this video?",
    )
    what = f"{listed} beginning after their video's end (in the published annotation itself)"
    yield from complaint("other", published, what, is_bad=False)
    yield from complaint("other", late, f"{listed} ending after their video's end", is_bad=False)
    yield from _lengths(split, truth, seen)
    yield from _of_no_length(split, truth, listed)
    yield from _doubles(split, truth, listed)


def _lengths(split: Split, truth: EventTruth, seen: Sequence[_Seen]) -> Iterator[Complaint]:
    """Compare the lengths of files with those that the annotation says."""
    short: dict[str, str] = {}
    long: dict[str, str] = {}
    for video, _, begins_s, end_s in seen:
        wanted_s = truth.videos[video.id].duration_s
        if wanted_s is None or end_s is None:
            continue
        there_s = end_s - begins_s
        if abs(there_s - wanted_s) > SPARE_S:
            kind = short if there_s < wanted_s else long
            kind[video.id] = f"{there_s:.1f} s, annotated with {wanted_s:.1f} s"
    there = f"of {quantity(len(seen), 'video')} of {split.name}"
    again = "no command mends it: get them again, as they were when they were annotated"
    yield from complaint("short", short, f"{there} shorter than annotated", again)
    yield from complaint("trimmed elsewhere", long, f"{there} longer than annotated", again)


def _of_no_length(split: Split, truth: EventTruth, listed: str) -> Iterator[Complaint]:
    names = [
        f"{video} {_named(split, event.label)} {event.start_s:g} s"
        for video, of in truth.videos.items()
        for event in of.events
        if event.end_s <= event.start_s
    ]
    what = f"{listed} without a length, or that end before they begin: nothing can hit them"
    yield from complaint("other", names, what, is_bad=False)


def _doubles(split: Split, truth: EventTruth, listed: str) -> Iterator[Complaint]:
    """Yield events that are annotated again; two classes at one time are no doubles."""
    names = []
    for video, of in truth.videos.items():
        for event, count in Counter(of.events).items():
            name = f"{video} {_named(split, event.label)} {event.start_s:g}-{event.end_s:g} s"
            names += [name] * (count - 1)
    what = f"{listed} annotated again; the official rules count each"
    yield from complaint("duplicate", names, what, is_bad=False)


def _key_frames(split: Split, truth: BoxTruth, seen: Sequence[_Seen]) -> Iterator[Complaint]:
    absent: list[str] = []
    videos: set[str] = set()
    checked = 0
    for video, _, begins_s, end_s in seen:
        for frame in truth.videos[video.id]:
            if end_s is None or (video.id, frame.name) in truth.excluded:
                continue
            checked += 1
            if not begins_s <= frame.time_s < end_s:
                absent.append(f"{video.id} {frame.name} of {begins_s:.1f}-{end_s:.1f} s")
                videos.add(video.id)
    cure = f"{_NO_COMMAND}; is the file whole?"
    if split.dataset.startswith("ava"):
        cure += " One that was cut to the minutes 15 to 30 lies in a folder with 15min in its name"
    yield from complaint(
        "contradicting",
        absent,
        f"of {quantity(checked, 'key frame')} of {split.name} not in their video, in "
        f"{quantity(len(videos), 'video')}",
        cure,
    )
    boxes = [
        (f"{video} {frame.name}", (box.x1, box.y1, box.x2, box.y2), box)
        for video, frames in truth.videos.items()
        for frame in frames
        for box in frame.boxes
    ]
    listed = f"of {quantity(len(boxes), 'box', 'boxes')} of {split.name}"
    yield from _outside(listed, [(name, corners) for name, corners, _ in boxes])
    again = Counter((name, box) for name, _, box in boxes)
    doubles = [name for (name, _), count in again.items() for _ in range(count - 1)]
    yield from complaint(
        "duplicate",
        doubles,
        f"{listed} annotated again; the official rules count each",
        is_bad=False,
    )


def _tubes(split: Split, truth: TubeTruth, seen: Sequence[_Seen]) -> Iterator[Complaint]:
    beyond = [
        f"{video} {_named(split, tube.label)} {tube.first}-{tube.first + len(tube.boxes)} of "
        f"{of.frames}"
        for video, of in truth.videos.items()
        for tube in of.tubes
        if tube.first < 0 or tube.first + len(tube.boxes) > of.frames
    ]
    every = sum(len(of.tubes) for of in truth.videos.values())
    listed = f"of {quantity(every, 'tube')} of {split.name}"
    yield from complaint(
        "contradicting", beyond, f"{listed} reaching beyond their video's frames", _NO_COMMAND
    )
    yield from _other_frames(split, truth, seen)
    names = []
    doubles = []
    for video, of in truth.videos.items():
        again = Counter((tube.label, tube.first, tube.boxes.tobytes()) for tube in of.tubes)
        for (label, first, _), count in again.items():
            doubles += [f"{video} {_named(split, label)} from frame {first}"] * (count - 1)
        for tube in of.tubes:
            low, high = float(tube.boxes.min()), float(tube.boxes.max())
            names.append((f"{video} {_named(split, tube.label)}", (low, low, high, high)))
    yield from _outside(listed, names)
    what = f"{listed} annotated again; the official rules count each"
    yield from complaint("duplicate", doubles, what, is_bad=False)


def _other_frames(split: Split, truth: TubeTruth, seen: Sequence[_Seen]) -> Iterator[Complaint]:
    """Compare the frames of files, and their shape, with those of the annotation."""
    counts: dict[str, str] = {}
    shapes: dict[str, str] = {}
    for video, header, _, _ in seen:
        of = truth.videos[video.id]
        there = header.likely_frames
        if there is not None and abs(there - of.frames) > _FRAMES_OFF:
            counts[video.id] = f"{there}, annotated with {of.frames}"
        # A copy may be resized, but then both sides shrink alike, to even numbers.
        if abs(header.width * of.height - header.height * of.width) > 2 * (of.height + of.width):
            shapes[video.id] = f"{header.size}, annotated as {of.width}x{of.height}"
    there_ = f"of {quantity(len(seen), 'video')} of {split.name}"
    yield from complaint(
        "contradicting",
        counts,
        f"{there_} with another number of frames than annotated",
        "no command mends it: boxes would be of other frames; get them again",
    )
    yield from complaint(
        "contradicting",
        shapes,
        f"{there_} of another shape than annotated",
        "no command mends it: boxes would be of other places; get them again",
    )


def _outside(
    listed: str, boxes: Sequence[tuple[str, tuple[float, float, float, float]]]
) -> Iterator[Complaint]:
    names = [name for name, corners in boxes if min(corners) < 0 or max(corners) > 1]
    what = f"{listed} reaching out of the frame; they are scored as they are written"
    yield from complaint("other", names, what, is_bad=False)
