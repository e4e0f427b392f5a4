"""Reading clips at given times of a long video, in bounded memory: each frame is decoded once.

A window is a clip whose first picture you place by a time. Where windows overlap, a frame is kept
until the last of them that shows it was handed out; where none is, nothing is decoded but the
groups of pictures that hold what is wanted (groups.py).
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ..copy_digest import StoredVideo
from ..errors import VideoError
from ..protocol import Protocol
from ..protocol.placement import TIMESTAMP_SLACK_S
from .clips import open_video
from .frame_folder import FrameFolder
from .numbering import IndexIsWrongError
from .remarks import KINDS, UNTIMED

PictureOf = Callable[[np.ndarray], np.ndarray]
"""Makes of a frame `[H, W, 3]`, uint8, what is kept of it: an array of one shape for all frames."""


class WindowReader:
    """An open video, or folder of pictures, from which clips at given times are read.

    Picture i of a window that starts at `start_s` is the one on screen at
    `start_s + i * stride / fps`, by the protocol's `fps`. If the protocol has none, the window is
    that picture of the file which is on screen at `start_s`, and each `stride`-th one after it.
    Before the first picture that one is shown, after the last the last. Placement, clips and the
    rule for short videos don't apply: the starts say it all.

    Times count from the beginning of the published video, not from that of the container: the
    file's first frame appears at `begins_s`, whatever its timestamp is. A folder's pictures follow
    each other by their numbers, of which the first is 1 (or 0 if there is a picture 0); a number
    that is missing leaves its time to the one before.

    Attributes:
        protocol: Says the frames, the stride and the rate of a window.
        begins_s: Second of the published video at which the file begins.
        times_s: `[N]`, float64: when each frame appears, from the published video's beginning.
        end_s: When the last frame disappears, likewise.

    Raises:
        VideoError: It can't be read.
        ValueError: It is a folder of pictures, and neither you nor the protocol say their rate.
    """

    times_s: np.ndarray
    end_s: float

    def __init__(
        self,
        path: str | Path,
        protocol: Protocol,
        *,
        begins_s: float = 0.0,
        folder_fps: float | None = None,
        picture_of: PictureOf = np.array,
    ) -> None:
        """Open the video and index its frames.

        Args:
            path: A video file, or a folder of numbered pictures.
            protocol: Says the frames, the stride and the rate of a window.
            begins_s: Second of the published video at which the file begins (AVA's folders of
                frames begin at 900).
            folder_fps: Pictures a second, if it is a folder; None: the protocol's rate.
            picture_of: Called once for each frame that is wanted, however many windows show it,
                such as with a resize: what it gives is kept and handed out.
        """
        self.protocol, self.begins_s = protocol, begins_s
        self._picture_of = picture_of
        self._video = open_video(path)
        self._folder_fps = folder_fps or protocol.fps
        self._is_untimed = isinstance(self._video, FrameFolder) and folder_fps is None
        if isinstance(self._video, FrameFolder) and self._folder_fps is None:
            raise ValueError(
                f"{self._video.path} is a folder of pictures, and protocol {protocol.name!r} has "
                "no rate; say how many pictures a second it has by folder_fps"
            )
        self._take_times()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._video.__exit__(kind, error, trace)

    def _take_times(self) -> None:
        video = self._video
        if isinstance(video, FrameFolder):
            assert self._folder_fps is not None
            numbers = np.array(video.numbers, dtype=np.float64) - min(1, video.numbers[0])
            times_s, duration_s = numbers / self._folder_fps, (numbers[-1] + 1) / self._folder_fps
        else:
            times_s, duration_s = np.array(video.times_s), video.duration_s
        self.times_s = times_s + self.begins_s
        self.end_s = float(duration_s + self.begins_s)

    @property
    def span_s(self) -> float:
        """Seconds from the first to the last picture of a window; without a rate on average."""
        steps = (self.protocol.frames - 1) * self.protocol.stride
        if self.protocol.fps is not None:
            return steps / self.protocol.fps
        return steps * (self.end_s - self.begins_s) / len(self.times_s)

    @property
    def stored(self) -> StoredVideo:
        """How the video is stored."""
        return self._video.stored

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is unusual about the file, as far as it was read; see remarks.py."""
        found = {*self._video.remarks, *([UNTIMED] if self._is_untimed else [])}
        return tuple(kind for kind in KINDS if kind in found)

    def frame_numbers(self, starts_s: Sequence[float]) -> np.ndarray:
        """Return which frames make some windows: `[windows, frames]`, numbers in the file.

        Args:
            starts_s: Time of the first picture of each window, ascending.

        Raises:
            ValueError: They don't ascend, or aren't finite.
            VideoError: A window has no instant within the video.
        """
        starts = np.asarray(starts_s, dtype=np.float64)
        if starts.ndim != 1 or not np.isfinite(starts).all() or (np.diff(starts) < 0).any():
            raise ValueError(f"starts_s must be finite and ascend: {list(starts_s)[:8]}...")
        steps = np.arange(self.protocol.frames) * self.protocol.stride
        if self.protocol.fps is None:
            numbers = self._shown(starts)[:, None] + steps
            numbers = np.minimum(numbers, len(self.times_s) - 1)
            last = starts
        else:
            instants = starts[:, None] + steps / self.protocol.fps
            numbers = self._shown(instants)
            last = instants[:, -1]
        outside = (starts >= self.end_s) | (last < self.begins_s - TIMESTAMP_SLACK_S)
        if outside.any():
            start = float(starts[outside.argmax()])
            raise VideoError(
                self._video.path,
                f"a window at {start:.2f} s lies outside of the video, which lasts from "
                f"{self.begins_s:.2f} to {self.end_s:.2f} s",
            )
        return numbers

    def _shown(self, instants: np.ndarray) -> np.ndarray:
        """Return the frames that are on screen at some instants; see `frame_at`."""
        after = np.searchsorted(self.times_s, instants + TIMESTAMP_SLACK_S, side="right")
        return np.maximum(after - 1, 0)

    def read(self, starts_s: Sequence[float]) -> Iterator[np.ndarray]:
        """Yield a clip for each start, `[frames, H, W, 3]`, uint8, or what `picture_of` makes.

        Each is a new array. As much as the windows that overlap show is in memory, no more.

        Args:
            starts_s: Time of the first picture of each window, ascending.

        Raises:
            ValueError, VideoError: See `frame_numbers`; or a wanted frame can't be decoded.
        """
        if not len(starts_s):
            return
        done: list[int] = []  # digests of the windows that were handed out
        try:
            yield from self._read(starts_s, done)
        except IndexIsWrongError:
            # The decoder contradicts the headers, and decides. Windows that were handed out stand
            # if it gives the same ones again.
            self._video.index_by_decoding()
            self._take_times()
            yield from self._read(starts_s, done)

    def _read(self, starts_s: Sequence[float], done: list[int]) -> Iterator[np.ndarray]:
        """Yield the windows that aren't done, and note each; compare those that are."""
        earlier = list(done)
        for place, (window, digest) in enumerate(self._windows(self.frame_numbers(starts_s))):
            if place >= len(earlier):
                done.append(digest)
                yield window
            elif digest != earlier[place]:
                raise VideoError(
                    self._video.path,
                    "its decoder contradicts its headers only after windows were read; decode it "
                    "once into another file",
                )

    def _windows(self, numbers: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
        """Yield each window, with a digest of its pictures."""
        wanted = np.unique(numbers).tolist()
        last_use = {}
        for place, window in enumerate(numbers.tolist()):
            last_use.update(dict.fromkeys(window, place))
        pictures: dict[int, tuple[np.ndarray, int]] = {}
        turn, left = 0, set(numbers[0].tolist())
        for at, frame in self._video.converted_frames(wanted):
            number = wanted[at]
            pictures[number] = self._kept(frame), zlib.crc32(_bytes_of(frame))
            left.discard(number)
            # After the last window the decoder goes on: it may find the frames that came wrong.
            while not left and turn < len(numbers):
                window = numbers[turn].tolist()
                digest = hash(tuple(pictures[each][1] for each in window))
                yield np.stack([pictures[each][0] for each in window]), digest
                for each in set(window):
                    if last_use[each] == turn:
                        del pictures[each]
                turn += 1
                coming = numbers[turn].tolist() if turn < len(numbers) else []
                left = {each for each in coming if each not in pictures}

    def _kept(self, frame: np.ndarray) -> np.ndarray:
        """Return what is kept of a frame, whose memory is the next one's as well."""
        picture = self._picture_of(frame)
        return picture.copy() if np.may_share_memory(picture, frame) else picture


def read_windows(
    path: str | Path,
    protocol: Protocol,
    starts_s: Sequence[float],
    *,
    begins_s: float = 0.0,
    folder_fps: float | None = None,
    picture_of: PictureOf = np.array,
) -> Iterator[np.ndarray]:
    """Yield a clip of a video for each start, `[frames, H, W, 3]`, uint8; see `WindowReader`.

    Nothing is opened until the first is asked for.
    """
    with WindowReader(
        path, protocol, begins_s=begins_s, folder_fps=folder_fps, picture_of=picture_of
    ) as reader:
        yield from reader.read(starts_s)


def _bytes_of(frame: np.ndarray) -> bytes:
    """Return every fourth row of a frame: enough to tell frames from each other."""
    return np.ascontiguousarray(frame[::4]).tobytes()
