"""The torture shelf's reader: a program that reads damaged files, and says how each ended.

    python -m tests.fakes.torture FOLDER FIRST COUNT

reads `COUNT` mutants of the whole files in FOLDER, as `plan` lists them, from number `FIRST` on. It
prints the number of each before it reads it, and its outcome after that, so that whoever listens
knows at which it died or hung.
"""

import resource
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from kinobench.datasets.errors import VideoError
from kinobench.datasets.protocol import preset
from kinobench.datasets.protocol.timed_placement import Timeline
from kinobench.datasets.video.clips import Clips, cut_clips, open_video
from kinobench.datasets.video.orientation import Matrices, upright

from .damages import DAMAGES, damaged

MEMORY_BYTES = 2 * 2**30
"""Memory of the process: a file of some kilobytes needs no more."""
PROTOCOLS = ("pointlight", "common-112")
"""One that goes by the numbers of frames, and one that goes by their times: they take turns."""


class Outcome(StrEnum):
    """How a mutant ended.

    Attributes:
        WHOLE: The frames are those of the undamaged file, at the same numbers.
        EQUAL: The frames are those that a decoder of the whole mutant gives.
        FEWER: So they are, but the mutant has fewer frames than the undamaged file, as PyAV sees
            it, too: nothing in it says that there were more.
        ERROR: A VideoError names it.
        NOTE: A note says that something is wrong with it.
        UNSTEADY: PyAV itself gives other frames each time, of what its memory had before.
        WRONG: The frames are others, without a word.
        ESCAPED: Another error than a VideoError.
        KILLED: The process died.
        HUNG: It took longer than the limit.
    """

    WHOLE = "whole"
    EQUAL = "equal"
    FEWER = "fewer"
    ERROR = "error"
    NOTE = "note"
    UNSTEADY = "unsteady"
    WRONG = "wrong"
    ESCAPED = "escaped"
    KILLED = "killed"
    HUNG = "hung"


class Mutant(NamedTuple):
    """A damaged file.

    Attributes:
        source: Name of the undamaged file.
        kind: Of damage.
        seed: Of damage.
    """

    source: str
    kind: str
    seed: int


def plan(sources: Sequence[str], count: int) -> list[Mutant]:
    """Return so many mutants of files, of each kind of damage in turn."""
    kinds = tuple(DAMAGES)
    return [
        Mutant(sources[number % len(sources)], kinds[number // len(sources) % len(kinds)], number)
        for number in range(count)
    ]


def read(path: Path, whole: Path, seed: int) -> tuple[Outcome, str]:
    """Read the clips of a mutant; return how that ended, and the error or what is wrong."""
    protocol = preset(PROTOCOLS[seed % len(PROTOCOLS)])
    try:
        with open_video(path) as video:
            clips = cut_clips(video, protocol)
            timeline, notes, stream = video.timeline, video.remarks, video._stream.index
    except VideoError as error:
        return Outcome.ERROR, error.reason
    except Exception as error:
        return Outcome.ESCAPED, f"{type(error).__name__}: {error}"
    outcome, others = _compared(clips, timeline, path, stream, whole)
    count, expected = len(timeline.stamps), len(_of_whole(whole))
    text = f"{others} of {len(clips.numbers)} wanted frames; {count} of {expected} frames"
    if outcome is not Outcome.WRONG and (count < expected or others) and notes:
        return Outcome.NOTE, "; ".join((text, *notes))
    if outcome in (Outcome.WHOLE, Outcome.EQUAL) and count < expected:
        return Outcome.FEWER, text
    return outcome, text


def _compared(
    clips: Clips, timeline: Timeline, path: Path, stream: int, whole: Path
) -> tuple[Outcome, int]:
    """Return what a mutant's frames are, and how many of them are not the undamaged file's."""
    frames = np.asarray(clips.frames)
    expected = _of_whole(whole)
    changed = [
        (number, frame)
        for number, frame in zip(clips.numbers, frames, strict=True)
        if number >= len(expected) or not np.array_equal(frame, expected[number].pixels)
    ]
    if not changed:
        return Outcome.WHOLE, 0
    own, again = decoded(path, stream), decoded(path, stream, keeps=True)
    for number, frame in changed:
        pts = timeline.stamps[number] + timeline.start
        if any(np.array_equal(frame, each.pixels) for each in _meant(own, number, pts)):
            continue
        pairs = zip(_meant(own, number, pts), _meant(again, number, pts), strict=True)
        is_steady = all(np.array_equal(one.pixels, other.pixels) for one, other in pairs)
        return Outcome.WRONG if is_steady else Outcome.UNSTEADY, len(changed)
    return Outcome.EQUAL, len(changed)


def _meant(frames: list["Picture"], number: int, pts: int) -> list["Picture"]:
    """Return the frames that a number may mean.

    That of the same time; that of the same place; and that of the same place after the first key
    frame, where what is before it needs what was cut off.
    """
    first = next((place for place, frame in enumerate(frames) if frame.is_key), 0)
    of_time = [frame for frame in frames if frame.pts == pts][:1]
    return [*of_time, *frames[number:][:1], *frames[first + number :][:1]]


class Picture(NamedTuple):
    """A frame that PyAV gave."""

    pixels: np.ndarray
    pts: int | None
    is_key: bool


@cache
def _of_whole(path: Path) -> list[Picture]:
    with open_video(path) as video:
        stream = video._stream.index
    return decoded(path, stream)


def decoded(path: Path, number: int, *, keeps: bool = False) -> list[Picture]:
    """Decode a stream of a whole file with PyAV alone, going on after each packet that fails.

    Args:
        path: The file.
        number: That of its stream.
        keeps: Keep the decoder's own frames, so that it needs other memory for each.
    """
    frames: list[Picture] = []
    kept: list[av.VideoFrame] = []
    converter, matrices = VideoReformatter(), Matrices()
    with av.open(str(path), metadata_errors="ignore") as container:
        stream = container.streams[number]
        assert isinstance(stream, av.VideoStream)
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    kept += [frame] if keeps else []
                    pixels = converter.reformat(frame, format="rgb24", threads=1).to_ndarray()
                    matrix = matrices.of(frame)
                    pixels = pixels if matrix is None else upright(pixels, matrix)
                    frames.append(Picture(pixels, frame.pts, bool(frame.key_frame)))
            except av.FFmpegError:
                continue
    return frames


def main(folder: Path, first: int, count: int) -> None:
    """Read the mutants of a plan from number `first` on; print two lines for each."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    sources = sorted(path.name for path in folder.iterdir())
    for number, mutant in enumerate(plan(sources, count)[first:], first):
        whole = folder / mutant.source
        path = folder.parent / f"mutant-{number}{whole.suffix}"
        path.write_bytes(damaged(whole.read_bytes(), mutant.kind, mutant.seed))
        print(number, flush=True)
        begin = time.monotonic()
        outcome, text = read(path, whole, mutant.seed)
        took_s = time.monotonic() - begin
        print(f"{number}\t{outcome}\t{took_s:.2f}\t{' '.join(text.split())}", flush=True)
        path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
