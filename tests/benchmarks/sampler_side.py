"""One side of sampler_speed.py: reads clips as it is asked to, and writes what it took.

Each side is a library with its own way of sampling clips. It gives the frames of each clip, in the
form in which it gives them: kinobench and PyAV every wanted frame once, as bytes; torchcodec a
tensor of clips, as bytes; pytorchvideo all frames of a clip's time, as floats, of which it takes
every so many.
"""

import importlib
import json
import math
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

RATE = 30
"""Frames a second of the files."""


class Clips(NamedTuple):
    """What is read of a file.

    Attributes:
        count: Clips.
        frames: Frames of a clip.
        stride: Frames from one to the next.
        middle: True for one clip from the middle of the file.
    """

    count: int
    frames: int
    stride: int
    middle: bool

    def span_s(self) -> float:
        """Return the time of a clip."""
        return self.frames * self.stride / RATE


Read = Callable[[Path, Clips], int]
"""Reads the clips of a file, and returns how many frames they have in all."""


def main() -> None:
    """Answer each line, a measurement in JSON, with the seconds and the frames, or what failed."""
    read = SIDES[sys.argv[1]]
    try:
        reader = read()
    except Exception as error:
        reader, failure = None, f"{type(error).__name__}: {error}"
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        clips = Clips(*asked["clips"])
        paths = [Path(path) for path in asked["files"]]
        answer: dict[str, object] = {}
        if reader is None:
            answer["failure"] = " ".join(failure.split())
        else:
            try:
                answer |= _measured(reader, paths, clips, asked["readers"], asked["stay"])
            except Exception as error:
                answer["failure"] = " ".join(f"{type(error).__name__}: {error}".split())
        print(json.dumps(answer), flush=True)


def _measured(
    read: Read, paths: list[Path], clips: Clips, readers: int, stay: bool
) -> dict[str, object]:
    begin, begin_cpu = time.perf_counter(), time.process_time()
    if readers == 1:
        frames = sum(read(path, clips) for path in paths)
    elif stay:
        frames = sum(_staying(readers).map(lambda path: read(path, clips), paths))
    else:
        with ThreadPoolExecutor(readers) as pool:
            frames = sum(pool.map(lambda path: read(path, clips), paths))
    return {
        "taken_s": time.perf_counter() - begin,
        "cpu_s": time.process_time() - begin_cpu,
        "frames": frames,
    }


@cache
def _staying(readers: int) -> ThreadPoolExecutor:
    """Return threads that stay from round to round, as those of an evaluation do."""
    return ThreadPoolExecutor(readers)


def _kinobench() -> Read:
    from kinobench.datasets.video.clips import read_clips

    memory = threading.local()

    def room(shape: tuple[int, ...]) -> np.ndarray:
        """Give the memory of the file before, as an evaluation does."""
        if getattr(memory, "bytes", np.empty(0)).size < math.prod(shape):
            memory.bytes = np.empty(math.prod(shape), np.uint8)
        given: np.ndarray = memory.bytes[: math.prod(shape)].reshape(shape)
        return given

    def read(path: Path, clips: Clips) -> int:
        found = read_clips(path, _protocol(clips), room)
        return sum(map(len, found.places))

    return read


def _protocol(clips: Clips) -> Any:
    from kinobench.datasets.protocol import preset

    name = "common-112" if (clips.frames, clips.stride) == (16, 4) else "pytorchvideo-32x2-256"
    protocol = preset(name).with_views(clips.count, 1)
    assert (protocol.frames, protocol.stride) == (clips.frames, clips.stride)
    return protocol


def _pyav() -> Read:
    import av
    from av.video.reformatter import VideoReformatter

    from kinobench.datasets.video.clips import open_video

    numbers: dict[tuple[Path, Clips], list[tuple[int, ...]]] = {}

    def read(path: Path, clips: Clips) -> int:
        if (path, clips) not in numbers:  # the first time, which warms up
            with open_video(path) as video:
                numbers[path, clips] = list(
                    _protocol(clips).frame_indices(video.times_s, video.duration_s, video.timeline)
                )
        wanted = {number for clip in numbers[path, clips] for number in clip}
        last = max(wanted)
        converter, frames = VideoReformatter(), {}
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "NONE"
            stream.codec_context.thread_count = 1
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    picture = converter.reformat(frame, format="rgb24", threads=1)
                    frames[number] = picture.to_ndarray()
                if number == last:
                    break
        return sum(number in frames for clip in numbers[path, clips] for number in clip)

    return read


def _torchcodec() -> Read:
    import torchcodec.samplers
    from torchcodec.decoders import VideoDecoder

    def read(path: Path, clips: Clips) -> int:
        decoder = VideoDecoder(str(path), num_ffmpeg_threads=1)
        begin = len(decoder) // 2 - clips.frames * clips.stride // 2
        window = (
            {"sampling_range_start": begin, "sampling_range_end": begin + 1} if clips.middle else {}
        )
        found = torchcodec.samplers.clips_at_regular_indices(
            decoder,
            num_clips=clips.count,
            num_frames_per_clip=clips.frames,
            num_indices_between_frames=clips.stride,
            **window,
        )
        return int(found.data.shape[0] * found.data.shape[1])

    return read


def _pytorchvideo() -> Read:
    # Its package imports parts that need an older torchvision; these two modules don't.
    encoded = importlib.import_module("pytorchvideo.data.encoded_video_pyav")
    sampling = importlib.import_module("pytorchvideo.data.clip_sampling")

    def read(path: Path, clips: Clips) -> int:
        found = 0
        with path.open("rb") as file:
            video = encoded.EncodedVideoPyAV(file, video_name=path.name, decode_audio=False)
            sampler = sampling.ConstantClipsPerVideoSampler(clips.span_s(), clips.count)
            end_s, is_last = 0.0, False
            while not is_last:
                start_s, end_s, _, _, is_last = sampler(end_s, video.duration, None)
                if clips.middle:
                    start_s = float(video.duration) / 2 - clips.span_s() / 2
                clip = video.get_clip(start_s, start_s + clips.span_s())["video"]
                # As pytorchvideo.transforms.functional.uniform_temporal_subsample does it.
                every = sampling_of(clip.shape[1], clips.frames)
                found += clip[:, every].shape[1]
            video.close()
        return found

    return read


def sampling_of(count: int, wanted: int) -> Any:
    """Return the places of so many frames of a clip, evenly."""
    import torch

    return torch.linspace(0, count - 1, wanted).clamp(0, count - 1).long()


SIDES: dict[str, Callable[[], Read]] = {
    "kinobench": _kinobench,
    "PyAV": _pyav,
    "torchcodec": _torchcodec,
    "pytorchvideo": _pytorchvideo,
}

if __name__ == "__main__":
    main()
