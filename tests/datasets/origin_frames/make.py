"""Make a table of frames by running an origin's own code, from a checkout of its repository.

    python -m tests.datasets.origin_frames.make mmaction2 ~/mmaction2 --version 1.2.0

The origins can't be installed beside today's libraries. The functions that choose frames are taken
out of their files and run; what they import is replaced by the little of it that they call.
"""

import argparse
import ast
import functools
import logging
import math
import random
import sys
import typing
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import av
import numpy as np
import torch

from kinobench.datasets.protocol import PRESETS, Protocol

from .rows import LENGTHS, Clips, Table, Video, store, videos, written


class Origin(NamedTuple):
    """How an origin's clips are found.

    Attributes:
        repository: Its owner and name on GitHub.
        presets: Beginning of the names of its presets.
        ran: The files and functions that are run.
        clips: `(checkout, protocol)` to a function from a video to its clips.
        counts_frames: True if only the number of frames matters.
    """

    repository: str
    presets: str
    ran: str
    clips: Callable[[Path, Protocol], Callable[[Video], Clips]]
    counts_frames: bool = False


def names_of(path: Path, names: set[str], given: dict[str, Any]) -> dict[str, Any]:
    """Run the definitions of those names in a file, with what they need given."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if getattr(node, "name", None) in names]
    missing = names - {getattr(node, "name", "") for node in tree.body}
    if missing:
        sys.exit(f"{path} doesn't define {', '.join(sorted(missing))}: is it another version?")
    space = dict(given)
    exec(compile(ast.unparse(tree), str(path), "exec"), space)
    return space


def _grouped(frames: Any, protocol: Protocol) -> Clips:
    clips = np.asarray(frames).reshape(-1, protocol.frames)
    return tuple(tuple(map(int, clip)) for clip in clips)


# --- origins that count frames --------------------------------------------------------------------


def mmaction2(checkout: Path, protocol: Protocol) -> Callable[[Video], Clips]:
    """SampleFrames as the configurations use it: of a sparse clip, each picture is a clip."""
    registry = SimpleNamespace(register_module=lambda: lambda made: made)
    given = {"np": np, "BaseTransform": object, "TRANSFORMS": registry}
    given |= {"Optional": typing.Optional}
    path = checkout / "mmaction" / "datasets" / "transforms" / "loading.py"
    sampler = names_of(path, {"SampleFrames"}, given)["SampleFrames"](
        clip_len=1 if protocol.sparse else protocol.frames,
        frame_interval=protocol.stride,
        num_clips=protocol.clips * protocol.frames if protocol.sparse else protocol.clips,
        test_mode=True,
    )

    def clips(video: Video) -> Clips:
        found = sampler.transform({"total_frames": video.frames, "start_index": 0})
        return _grouped(found["frame_inds"], protocol)

    return clips


def tsn(checkout: Path, protocol: Protocol) -> Callable[[Video], Clips]:
    """TSNDataSet, whose files begin at 1."""
    given = {"np": np, "data": SimpleNamespace(Dataset=object)}
    kind = names_of(checkout / "dataset.py", {"TSNDataSet"}, given)["TSNDataSet"]
    dataset = kind.__new__(kind)
    dataset.num_segments, dataset.new_length = protocol.clips, protocol.frames

    def clips(video: Video) -> Clips:
        found = dataset._get_test_indices(SimpleNamespace(num_frames=video.frames))
        return _grouped(found - 1, protocol)

    return clips


# --- origins that go by time ----------------------------------------------------------------------


class _Container:
    """The part of a PyAV container that pytorchvideo's decoder calls."""

    def __init__(self, video: Video) -> None:
        self.frames = [SimpleNamespace(pts=stamp) for stamp in video.stamps]

    def seek(self, *_: Any, **__: Any) -> None:
        """Seek: all frames are decoded, as those before the window are left out later."""

    def decode(self, **_: Any) -> list[SimpleNamespace]:
        return self.frames


def pytorchvideo(checkout: Path, protocol: Protocol) -> Callable[[Video], Clips]:
    """Its sampler, its decoder's choice of frames, and its subsampling."""
    data = checkout / "pytorchvideo" / "data"
    types = ("Any", "Callable", "Dict", "List", "Optional", "Tuple", "Union")
    given: dict[str, Any] = {name: getattr(typing, name) for name in types}
    given |= {"math": math, "torch": torch, "av": av}
    given |= names_of(data / "utils.py", {"secs_to_pts", "pts_to_secs"}, given)
    given |= names_of(data / "encoded_video_pyav.py", {"_pyav_decode_stream"}, given)
    path = checkout / "pytorchvideo" / "transforms" / "functional.py"
    given |= names_of(path, {"uniform_temporal_subsample"}, given)
    sampling: dict[str, Any] = {"__name__": "clip_sampling"}
    exec((data / "clip_sampling.py").read_text(), sampling)
    length_s = protocol.frames * protocol.stride / protocol.fps if protocol.fps else 0

    def clips(video: Video) -> Clips:
        sampler = sampling["ConstantClipsPerVideoSampler"](length_s, protocol.clips)
        first = video.stamps[0]
        # EncodedVideoPyAV: what the stream announces, else the last timestamp.
        end = video.stamps[-1] if video.announced is None else video.announced
        duration = given["pts_to_secs"](end, video.unit_s, first)
        number_of = {stamp: number for number, stamp in enumerate(video.stamps)}
        found = []
        for _ in range(protocol.clips):
            window = sampler(0.0, duration, {})[:2]
            pts = [given["secs_to_pts"](s, video.unit_s, first, round_mode="ceil") for s in window]
            taken, _ = given["_pyav_decode_stream"](_Container(video), *pts, None, {"video": 0})
            numbers = torch.tensor([number_of[frame.pts] for frame in taken])
            subsample = given["uniform_temporal_subsample"]
            found.append(tuple(subsample(numbers, protocol.frames, 0).tolist()) if taken else None)
        return tuple(found)

    return clips


class _TorchvisionReader:
    """What torchvision's C++ video reader gives: each frame is its own number.

    pytorch/vision, torchvision/csrc/io/video_reader/video_reader.cpp and csrc/io/decoder: times are
    rounded to microseconds; a range's end is 100 later; the range has no end if it isn't positive.
    Rates are single precision numbers.
    """

    def __init__(self, video: Video) -> None:
        self.video = video

    def _us(self, units: int) -> int:
        exact = units * self.video.unit_s * 1_000_000
        nearest = math.floor(abs(exact) + Fraction(1, 2))
        return nearest if exact >= 0 else -nearest

    def _probe_video_from_memory(self, _: Any) -> SimpleNamespace:
        video, unit = self.video, self.video.unit_s
        duration = -1.0 if video.announced is None else float(video.announced)
        return SimpleNamespace(
            video_timebase=unit,
            has_video=True,
            video_duration=duration * (unit.numerator / unit.denominator),
            video_fps=float(np.float32(float(video.rate))),
            **dict.fromkeys(("has_audio", "audio_duration", "audio_sample_rate"), 0),
            audio_timebase=Fraction(1),
        )

    def _read_video_from_memory(
        self,
        _: Any,
        *,
        video_pts_range: tuple[int, int],
        video_timebase_numerator: int,
        video_timebase_denominator: int,
        **__: Any,
    ) -> tuple[torch.Tensor, None]:
        assert Fraction(video_timebase_numerator, video_timebase_denominator) == self.video.unit_s
        first, last = video_pts_range
        begin = self._us(first) if first > 0 else 0
        end = self._us(last) + 100 if last > 0 else math.inf
        times = [self._us(stamp) for stamp in self.video.stamps]
        numbers = [n for n, time in enumerate(times) if begin <= time <= end]
        frames = torch.tensor(numbers, dtype=torch.int64).reshape(-1, 1, 1, 1)
        return frames if numbers else torch.zeros(0), None


def pyslowfast(checkout: Path, protocol: Protocol) -> Callable[[Video], Clips]:
    """decode, with the settings of a test (datasets/kinetics.py)."""
    path = checkout / "slowfast" / "datasets" / "decoder.py"
    names = {"temporal_sampling", "get_start_end_idx", "get_multiple_start_end_idx"}
    names |= {"torchvision_decode", "decode"}
    given = {"math": math, "np": np, "random": random, "torch": torch}
    given["logger"] = logging.getLogger("pyslowfast")
    space = names_of(path, names, given)

    def clips(video: Video) -> Clips:
        space["io"] = _TorchvisionReader(video)
        found = []
        for clip in range(protocol.clips):
            frames, _, _ = space["decode"](
                b"file",
                [protocol.stride],
                [protocol.frames],
                clip,
                protocol.clips,
                video_meta={},
                target_fps=30,
                backend="torchvision",
                max_spatial_scale=protocol.size,
                use_offset=protocol.placement.endswith("offset"),
            )
            found.append(tuple(frames[0].flatten().tolist()))
        return tuple(found)

    return clips


ORIGINS = {
    "mmaction2": Origin(
        "open-mmlab/mmaction2",
        "mmaction2-",
        "mmaction/datasets/transforms/loading.py: SampleFrames.transform, test_mode",
        mmaction2,
        counts_frames=True,
    ),
    "tsn": Origin(
        "yjxiong/tsn-pytorch",
        "tsn-",
        "dataset.py: TSNDataSet._get_test_indices",
        tsn,
        counts_frames=True,
    ),
    "pytorchvideo_main": Origin(
        "facebookresearch/pytorchvideo",
        "pytorchvideo-main-",
        "pytorchvideo/data/clip_sampling.py: ConstantClipsPerVideoSampler; "
        "data/utils.py: secs_to_pts; data/encoded_video_pyav.py: _pyav_decode_stream; "
        "transforms/functional.py: uniform_temporal_subsample",
        pytorchvideo,
    ),
    "pyslowfast": Origin(
        "facebookresearch/SlowFast",
        "pyslowfast-",
        "slowfast/datasets/decoder.py: decode, backend torchvision, whose C++ decoder is replaced "
        "by its rules for the range of timestamps",
        pyslowfast,
    ),
}


def main() -> None:
    """Make one origin's table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("origin", choices=ORIGINS)
    parser.add_argument("checkout", type=Path, help="folder of the origin's repository")
    parser.add_argument("--version", required=True, help="tag or commit that is checked out there")
    asked = parser.parse_args()
    origin = ORIGINS[asked.origin]
    if origin.counts_frames:
        unit_s, rate = Fraction(1, 30), Fraction(30)
        inputs = [Video(length, rate, unit_s, length, 0) for length in LENGTHS]
    else:
        inputs = videos()
    source = {
        "repository": origin.repository,
        "version": asked.version,
        "ran": origin.ran,
        "made by": f"python -m tests.datasets.origin_frames.make {asked.origin} CHECKOUT",
    }
    rows = {}
    for name, protocol in PRESETS.items():
        if name.startswith(origin.presets):
            clips = functools.lru_cache(maxsize=None)(origin.clips(asked.checkout, protocol))
            rows[name] = [written(video, clips(video)) for video in inputs]
    print(store(asked.origin, Table(source, rows)))


if __name__ == "__main__":
    main()
