"""Reading chosen frames with torchcodec: the frames that PyAV gives, by the same numbers and rules.

The index stays PyAV's (`VideoReader`), which reads the packets' headers; torchcodec, with the
machine's own FFmpeg, decodes and converts. It is given that index, and the time of every frame that
comes back is compared with it.

torchcodec passes on neither the damage of a frame nor FFmpeg's log. So kinobench listens to that
log: if FFmpeg logs anything while it decodes, or if torchcodec fails, PyAV decodes the same frames
once more, without converting them, and decides. PyAV alone decodes what torchcodec can't open (raw
streams and recordings without a duration), mirrored pictures, and files in which another version of
FFmpeg may give other frames.
"""

import ctypes
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..errors import KinobenchError, VideoError
from ..plurals import quantity
from ..sources.paths import SourcePath
from .container import reading_errors
from .ffmpeg_messages import Messages
from .numbering import refuse_wrong_numbers
from .orientation import is_mirrored, quarter_turns
from .reader import VideoReader
from .remarks import ELSEWHERE, ORDER
from .stores import AnyStore

CURE = (
    "it takes `pip install 'torchcodec>=0.11'` (kinobench's extra `torchcodec`) and FFmpeg's "
    "shared libraries (`apt-get install ffmpeg`, `conda install ffmpeg` or `brew install ffmpeg`)"
)


class _UnopenedError(Exception):
    """torchcodec can't open a file: it needs a duration, and names that are Unicode."""


class TorchcodecReader(VideoReader):
    """An open video file whose frames torchcodec decodes, in the caller's thread alone."""

    def write_frames(
        self, numbers: Sequence[int], store_of: Callable[[tuple[int, ...]], AnyStore]
    ) -> AnyStore:
        """Decode the file once and write the chosen frames; see `VideoReader.write_frames`.

        torchcodec converts colours, to exactly the values of PyAV's conversion if FFmpeg has a
        direct one. Else (odd sizes, more than 8 bits, a rotated picture) it interpolates chroma
        bicubically, and PyAV bilinearly.

        Raises:
            VideoError: A wanted frame can't be decoded, or is damaged, or the size changes.
            KinobenchError: torchcodec can't be loaded.
        """
        refuse_wrong_numbers(numbers, len(self))
        loaded = load()
        if self._may_differ() or self._is_mirrored():
            return super().write_frames(numbers, store_of)
        store: AnyStore | None = None
        failure: VideoError | None = None
        with loaded.messages.listening() as messages:
            try:
                for place, picture in enumerate(self._pictures(loaded, numbers)):
                    shape = (len(numbers), *picture.shape)
                    if store is not None and shape != store.shape:
                        raise VideoError(self.path, "the picture changes its size")
                    store = self._stored(store, store_of, shape, place, picture)
            except VideoError as error:
                failure = error
            except _UnopenedError:
                return super().write_frames(numbers, store_of)
        if failure is not None or messages:
            for _ in self.sound_frames(numbers):
                pass  # raises where a frame is damaged
        if failure is not None:
            raise failure
        assert store is not None  # some were asked for, and each came
        return store

    def _may_differ(self) -> bool:
        """Report whether the machine's FFmpeg may give other frames than PyAV's does.

        Where a decoder decides which frames there are, versions differ: before the first key frame
        of a cut stream some give what others leave out. And in MPEG program streams some give the
        last frame no time, and torchcodec drops it. And it opens files alone, no members of
        archives, nor URLs.
        """
        if isinstance(self.path, SourcePath) and self.path.is_elsewhere:
            self._remarks.add(ELSEWHERE)
            return True
        return self._index.is_decoded or self._container.format.name == "mpeg"

    def _is_mirrored(self) -> bool:
        """Report whether the first frame is shown otherwise than by quarter turns alone.

        torchcodec only turns. It doesn't say either whether a frame is interlaced.
        """
        if self._is_avi:
            return False  # it has no place for a display matrix
        with reading_errors(self.path, "decoding fails"), self._steps() as steps:
            first = next((each.frame for step in steps for each in step.frames), None)
        if first is None:
            return False
        self._shown_size(first)
        matrix = self._matrices.of(first)
        return matrix is not None and (is_mirrored(matrix) or quarter_turns(matrix) is None)

    def _pictures(self, loaded: "Loaded", numbers: Sequence[int]) -> Iterator[np.ndarray]:
        """Yield the chosen frames, `[H, W, 3]`, uint8."""
        number_of = self._index.number_of
        stamps = range(len(self)) if number_of is None else sorted(number_of)
        # If the first frame is the only key frame, torchcodec doesn't seek once it decoded that:
        # not every container can be sought, nor is all that follows a key frame built on it alone.
        index = [
            {"pts": pts, "duration": 1, "key_frame": int(number == 0)}
            for number, pts in enumerate(stamps)
        ]
        try:
            decoder = loaded.video_decoder(
                str(self.path.absolute()),
                stream_index=self._stream.index,
                dimension_order="NHWC",
                num_ffmpeg_threads=1,
                device="cpu",
                custom_frame_mappings=json.dumps({"frames": index}),
            )
        except (RuntimeError, ValueError, TypeError, UnicodeError) as error:
            raise _UnopenedError from error
        try:
            if number_of is None:
                yield from self._by_place(decoder, loaded.next_frame, numbers)
            else:
                yield from self._by_time(decoder, loaded.next_frame, numbers, stamps)
        except (RuntimeError, ValueError, IndexError) as error:
            raise VideoError(
                self.path, f"torchcodec can't decode it, though PyAV can: {_first_line(error)}"
            ) from error

    def _by_place(
        self, decoder: Any, next_frame: "NextFrame", numbers: Sequence[int]
    ) -> Iterator[np.ndarray]:
        wanted = set(numbers)
        last_s = 0.0
        for place in range(len(self)):  # to the end, to see that all of them are there
            picture, found_s, _ = next_frame(decoder._decoder)
            if place > 0 and found_s < last_s and not self._is_avi:
                self._remarks.add(ORDER)
            last_s = float(found_s)
            if place in wanted:
                yield picture.numpy()
        try:
            next_frame(decoder._decoder)
        except IndexError:  # there is none
            return
        raise RuntimeError(f"it gives more than {quantity(len(self), 'frame')}")

    def _by_time(
        self, decoder: Any, next_frame: "NextFrame", numbers: Sequence[int], stamps: Sequence[int]
    ) -> Iterator[np.ndarray]:
        half_s = float(self._index.unit_s) / 2
        picture, found_s, _ = next_frame(decoder._decoder)
        while found_s < float(stamps[0] * self._index.unit_s) - half_s:
            picture, found_s, _ = next_frame(decoder._decoder)
        for number in numbers:
            if number > 0:
                # One at a time: of a batch, torchcodec copies each frame once more, with all of
                # torch's threads.
                frame = decoder.get_frame_at(number)
                picture, found_s = frame.data, frame.pts_seconds
            expected_s = float(stamps[number] * self._index.unit_s)
            if abs(found_s - expected_s) > half_s:
                raise RuntimeError(
                    f"frame {number} should come at {expected_s:.3f} s, and one of "
                    f"{float(found_s):.3f} s does"
                )
            yield picture.numpy()


NextFrame = Callable[[Any], tuple[Any, Any, Any]]
"""Gives a decoder's next frame, its time and its duration, in seconds."""


class Loaded(NamedTuple):
    """The parts of torchcodec that are used.

    Attributes:
        video_decoder: `VideoDecoder`.
        next_frame: Gives the next frame of a decoder that decodes in order, whatever its timestamp;
            `VideoDecoder` itself drops one that has none.
        messages: The log of the FFmpeg that torchcodec uses.
        versions: The versions of torchcodec and of that FFmpeg.
    """

    video_decoder: Callable[..., Any]
    next_frame: NextFrame
    messages: Messages
    versions: dict[str, str]


@cache
def load() -> Loaded:
    """Load torchcodec and FFmpeg's libraries; imports torch.

    Raises:
        KinobenchError: One of them is not installed, or they don't fit; the message has the cure.
    """
    try:
        import torchcodec
        from torchcodec._core.ops import get_next_frame
        from torchcodec.decoders import VideoDecoder

        ffmpeg = ctypes.CDLL(torchcodec.core_library_path)  # and what it is linked to
        ffmpeg.av_version_info.restype = ctypes.c_char_p
        versions = {
            "torchcodec": torchcodec.__version__,
            "ffmpeg": ffmpeg.av_version_info().decode(),
        }
        messages = Messages(ffmpeg)
    except ModuleNotFoundError as error:
        if error.name != "torchcodec":
            raise KinobenchError(f"this torchcodec can't be used: {error}; {CURE}") from error
        raise KinobenchError(f"torchcodec is not installed; {CURE}") from error
    except (ImportError, AttributeError, RuntimeError, OSError, TypeError) as error:
        raise KinobenchError(
            f"torchcodec can't be loaded ({_first_line(error)}); {CURE}, and a torchcodec made for "
            "this torch"
        ) from error
    return Loaded(VideoDecoder, get_next_frame, messages, versions)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
