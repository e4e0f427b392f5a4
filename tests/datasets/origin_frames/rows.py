"""Tables of the frames that the presets' origins take: the videos, and how a row is written.

A row is a video and the clips that a preset's origin takes of it:

    90 30000/1001 1/30000 90090 0 | 0 8: 8x7 | 17: 8x5 7 8

90 frames at 30000/1001 a second; a time unit of 1/30000 s; a stream announced as 90090 units long
(`-`: it announces nothing); the first timestamp is 0. Then the clips in their order: two that start
at the frames 0 and 8, each with seven steps of 8 to the next picture, and one that starts at 17,
whose last step but one is 7. `none`: the origin takes no frames.
"""

import json
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import count, groupby, islice, pairwise
from pathlib import Path
from typing import NamedTuple

from kinobench.datasets.protocol.timed_placement import Timeline

FOLDER = Path(__file__).parent
Clips = tuple[tuple[int, ...] | None, ...]


class Table(NamedTuple):
    """The frames that one version of an origin takes under its presets.

    Attributes:
        source: What was run: its repository, version, files and functions.
        rows: Videos and clips, by the preset's name.
    """

    source: dict[str, str]
    rows: dict[str, list[str]]


class Video(NamedTuple):
    """A video as its container counts: see the module's text."""

    frames: int
    rate: Fraction
    unit_s: Fraction
    announced: int | None
    start: int

    @property
    def stamps(self) -> list[int]:
        """Timestamps in the file."""
        return [self.start + stamp for stamp in self.timeline.stamps]

    @property
    def timeline(self) -> Timeline:
        """The same without the first timestamp, as kinobench takes it."""
        return _known(self).timeline

    @property
    def times_s(self) -> list[float]:
        """The same in seconds."""
        return _known(self).times_s

    @property
    def duration_s(self) -> float:
        """Time at which the last frame disappears."""
        return float(self.timeline.end * self.unit_s)


class _Known(NamedTuple):
    timeline: Timeline
    times_s: list[float]


@cache
def _known(video: Video) -> _Known:
    step = 1 / video.rate / video.unit_s
    factor, divisor = 2 * step.numerator, step.denominator
    # To the nearest unit.
    *stamps, end = (
        (number * factor + divisor) // (2 * divisor) for number in range(video.frames + 1)
    )
    timeline = Timeline(tuple(stamps), end, video.unit_s, video.rate, video.announced, video.start)
    unit_s = video.unit_s
    return _Known(timeline, [stamp * unit_s.numerator / unit_s.denominator for stamp in stamps])


LENGTHS = [*range(1, 221), *range(221, 1400, 15), 3000]
"""300 lengths, in frames, for origins that count frames."""

_RATES = [Fraction(rate) for rate in (25, 30, 24, 15, 10, 12, 50, 60)]
_NTSC = [Fraction(rate * 1000, 1001) for rate in (30, 24, 60)]


def videos() -> list[Video]:
    """Return 300 videos of the lengths, rates and units that containers have."""
    drawn = random.Random(16)
    return list(dict.fromkeys(islice(_drawn(drawn), 320)))[:300]


def _drawn(drawn: random.Random) -> Iterator[Video]:
    for number in count():
        frames = drawn.randint(1, 120) if number % 3 == 0 else drawn.randint(60, 900)
        rate = drawn.choice(_NTSC if number % 4 == 0 else _RATES)
        kind = ("mp4", "avi", "mkv", "mp4", "ts", "edited")[number % 6]
        unit_s = {
            "avi": 1 / rate,
            "mkv": Fraction(1, 1000),
            "ts": Fraction(1, 90000),
        }.get(kind, 1 / (rate.numerator * Fraction(512 if rate.denominator == 1 else 1)))
        length = int(frames / rate / unit_s + Fraction(1, 2))
        start = {"avi": number % 4 // 2, "ts": 126000, "mp4": 0, "edited": length // 7}.get(kind, 0)
        if kind == "edited":  # an edit list can leave more or less than the frames' own length
            length += drawn.choice((-1, 1)) * drawn.randint(0, length // 3)
        yield Video(frames, rate, unit_s, None if kind == "mkv" else length, start)


def _runs(steps: Sequence[int]) -> str:
    runs = ((step, len(list(same))) for step, same in groupby(steps))
    return " ".join(f"{step}x{times}" if times > 1 else str(step) for step, times in runs)


def written(video: Video, clips: Clips) -> str:
    """Return a row as text."""
    announced = "-" if video.announced is None else video.announced
    parts = [f"{video.frames} {video.rate} {video.unit_s} {announced} {video.start}"]
    shaped = [
        (clip[0], _runs([b - a for a, b in pairwise(clip)])) if clip else None for clip in clips
    ]
    for steps, same in groupby(shaped, key=lambda clip: clip and clip[1]):
        starts = " ".join(str(clip[0]) if clip else "none" for clip in same)
        parts.append(f"{starts}: {steps}" if steps else starts)
    return " | ".join(parts)


def read(row: str) -> tuple[Video, Clips]:
    """Read a row back."""
    head, *groups = row.split(" | ")
    frames, rate, unit_s, announced, start = head.split()
    length = None if announced == "-" else int(announced)
    video = Video(int(frames), Fraction(rate), Fraction(unit_s), length, int(start))
    clips: list[tuple[int, ...] | None] = []
    for group in groups:
        starts, _, runs = group.partition(": ")
        steps: list[int] = []
        for run in runs.split():
            step, _, times = run.partition("x")
            steps += [int(step)] * int(times or 1)
        for first in starts.split():
            if first == "none":
                clips.append(None)
                continue
            clip = [int(first)]
            for step in steps:
                clip.append(clip[-1] + step)
            clips.append(tuple(clip))
    return video, tuple(clips)


def load(origin: str) -> Table:
    """Read the table of an origin."""
    return Table(**json.loads((FOLDER / f"{origin}.json").read_text()))


def store(origin: str, table: Table) -> Path:
    """Write the table of an origin, a line for each row."""
    path = FOLDER / f"{origin}.json"
    path.write_text(json.dumps(table._asdict(), indent=1) + "\n")
    return path
