"""Clips to train on: a random one of each video, cropped at random, mirrored if that is right.

What is drawn for a clip depends on the seed, the epoch and the video alone, neither on how many
processes read nor on where a training was continued.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import Dataset, Sampler, get_worker_info

from ...datasets.errors import KinobenchError, VideoError
from ...datasets.names import FlowMethod
from ...datasets.protocol import Protocol
from ...datasets.protocol.placement import Indices
from ...datasets.protocol.timed_placement import TIMED_PLACEMENTS
from ...datasets.sides import sided_classes
from ...datasets.split import Split
from ...datasets.video.clips import Clips, open_video, with_true_index
from ...datasets.video.reader import VideoReader
from ...datasets.video.stores import new_room
from ...zoo.spec import Input, input_shapes
from ..network.inputs import InputMaker, Inputs, video_inputs
from .recipe import Recipe
from .targets import target_of

STARTS = 1000
"""A random clip is one of this many, which are spread evenly over the video."""
LARGE_BYTES = 2**27
"""Frames of a clip that take more, 21 of 1920x1080, are cut as they are decoded, and not kept."""
KEPT_BYTES = 2**31
"""Bytes of frames of short videos that a process keeps rather than decode in every epoch."""


class Draw(NamedTuple):
    """A video and the epoch that it is drawn for."""

    epoch: int
    number: int


class Batch(NamedTuple):
    """Clips of one step: the arguments of a forward, and the targets; see `target_of`."""

    inputs: Inputs
    labels: torch.Tensor


class Square(NamedTuple):
    """A square part of frames, in pixels; mirrored unless the classes forbid it."""

    top: int
    left: int
    side: int
    mirrored: bool


@dataclass(frozen=True)
class Squares:
    """The same square of each frame of a video, cut as the frame is decoded.

    Attributes:
        shape: Shape of the frames together, `[U, H, W, 3]`.
        frames: `[U, size, size, 3]`, uint8.
        cut: Frames `[n, H, W, 3]` -> squares `[n, size, size, 3]`.
    """

    shape: tuple[int, ...]
    frames: np.ndarray
    cut: Callable[[np.ndarray], np.ndarray]

    def __setitem__(self, place: int, frame: np.ndarray) -> None:
        """Cut a frame `[H, W, 3]`, uint8."""
        self.frames[place] = self.cut(np.ascontiguousarray(frame)[None])[0]


class ShuffledVideos(Sampler[Draw]):
    """The videos in an order that the seed decides, and, when all were drawn, in another one.

    An epoch continues where the one before it stopped.
    """

    def __init__(self, videos: int, seed: int, clips_per_epoch: int) -> None:
        """Begin with epoch 0, of `clips_per_epoch` clips; 0: one of each video."""
        self.videos, self.seed, self.epoch = videos, seed, 0
        self.clips_per_epoch = clips_per_epoch or videos

    def __len__(self) -> int:
        """Return the number of clips of an epoch."""
        return self.clips_per_epoch

    def __iter__(self) -> Iterator[Draw]:
        """Yield what to read."""
        first = self.epoch * self.clips_per_epoch
        last = first + self.clips_per_epoch
        for passage in range(first // self.videos, -(-last // self.videos)):
            order = np.random.default_rng([self.seed, passage]).permutation(self.videos)
            start = passage * self.videos
            for index in order[max(first - start, 0) : last - start]:
                yield Draw(self.epoch, int(index))


class TrainingClips(Dataset[Batch]):
    """A clip of each video, as a batch of one."""

    def __init__(
        self,
        split: Split,
        protocol: Protocol,
        kinds: Sequence[Input],
        flow: FlowMethod,
        recipe: Recipe,
        seed: int,
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            split: The videos and their labels.
            protocol: Frames and stride of a clip, size, normalisation.
            kinds: The inputs that the network takes.
            flow: Method that computes optical flow, on the cropped clip, as the network sees it.
            recipe: The scales, and whether to mirror.
            seed: Decides everything that is drawn.

        Raises:
            KinobenchError: The split is empty.
        """
        if not split.videos:
            raise KinobenchError(f"{split.dataset} {split.name} has no videos to train on")
        self.split, self.kinds, self.flow, self.seed = split, tuple(kinds), flow, seed
        self.scale = recipe.scale
        self.flips = recipe.flip and not sided_classes(split.classes)
        self.protocol = protocol
        placement = "spread" if protocol.placement in TIMED_PLACEMENTS else protocol.placement
        self._every_start = msgspec.structs.replace(
            protocol, clips=STARTS, crops=1, placement=placement
        )
        # A cropped clip already has the network's size: the rest is as in testing.
        self._cropped = msgspec.structs.replace(
            protocol,
            clips=1,
            crops=1,
            short_side=protocol.size,
            exact_size=None,
        )
        self._kept: dict[int, np.ndarray] = {}
        self._kept_bytes = 0
        self._failed: set[int] = set()

    def __len__(self) -> int:
        """Return the number of videos."""
        return len(self.split.videos)

    def __getitem__(self, draw: Draw) -> Batch:
        """Return a clip of the video, or of the next one that can be read.

        Raises:
            KinobenchError: None of them can be read.
        """
        for offset in range(len(self)):
            index = (draw.number + offset) % len(self)
            try:
                return self._clip(Draw(draw.epoch, index))
            except VideoError as error:
                if index not in self._failed:
                    self._failed.add(index)
                    print(f"left out of training: {error}", file=sys.stderr)
        raise KinobenchError(
            f"no video of {self.split.dataset} {self.split.name} can be read; the lines above say "
            "why of each"
        )

    def _clip(self, draw: Draw) -> Batch:
        video = self.split.videos[draw.number]
        generator = np.random.default_rng([self.seed, draw.epoch, draw.number])
        frames = self._frames(draw.number, generator)
        numbers = tuple(range(len(frames)))
        found = video_inputs(
            video.path,
            Clips(frames, (numbers,), numbers),
            self._cropped,
            self.kinds,
            self.flow,
            None,
            stored=False,  # its pictures aren't cut as these frames are
        )
        maker = InputMaker(self.kinds, self._cropped, torch.device("cpu"))
        shapes = input_shapes(self.kinds, 1, self._cropped.frames, self._cropped.size)
        inputs = []
        for shape, source in zip(shapes, maker.take(found), strict=True):
            inputs.append(torch.empty(shape))
            source.write(0, inputs[-1])
        target = target_of(video, len(self.split.classes), self.split.scoring, generator)
        return Batch(tuple(inputs), target)

    def _frames(self, index: int, generator: np.random.Generator) -> np.ndarray:
        """Return a random square of a random clip of a video, `[T, size, size, 3]`, uint8."""
        drawn = int(generator.integers(STARTS))
        if index in self._kept:
            return self._cut(self._kept[index], self._square(self._kept[index].shape, generator))
        with open_video(self.split.videos[index].path) as video:
            starts, clip, read = with_true_index(video, lambda: self._read(video, drawn, generator))
        wanted = sorted(set(clip))
        order = [wanted.index(number) for number in clip]
        if isinstance(read, Squares):
            return read.frames[order]
        frames = read[order]
        reader = get_worker_info()
        room = KEPT_BYTES // (reader.num_workers if reader else 1)
        if starts[0] == starts[-1] and self._kept_bytes + frames.nbytes <= room:
            self._kept[index] = frames  # the video has no other clip
            self._kept_bytes += frames.nbytes
        return self._cut(frames, self._square(frames.shape, generator))

    def _read(
        self, video: VideoReader, drawn: int, generator: np.random.Generator
    ) -> "tuple[Indices, tuple[int, ...], np.ndarray | Squares]":
        """Return the clip at every start, one of them, and the frames of that."""
        starts = video.placed(self._every_start)
        clip = starts[drawn]
        read = video.write_frames(sorted(set(clip)), lambda shape: self._store(shape, generator))
        return starts, clip, read

    def _store(
        self, shape: tuple[int, ...], generator: np.random.Generator
    ) -> "np.ndarray | Squares":
        """Return what takes frames `[U, H, W, 3]`: large ones are cut as they are decoded."""
        if math.prod(shape) <= LARGE_BYTES:
            return new_room(shape)
        size, square = self.protocol.size, self._square(shape, generator)
        frames = np.empty((shape[0], size, size, 3), dtype=np.uint8)
        return Squares(shape, frames, lambda frame: self._cut(frame, square))

    def _square(self, shape: tuple[int, ...], generator: np.random.Generator) -> "Square":
        """Draw a square of frames `[U, H, W, 3]`, and whether it is mirrored."""
        protocol = self.protocol
        height, width = shape[1:3]
        whole = min(height, width) * protocol.size / protocol.short_side
        side = max(1, round(whole / generator.uniform(*self.scale)))
        top = int(generator.integers(height - side, endpoint=True))
        left = int(generator.integers(width - side, endpoint=True))
        return Square(top, left, side, bool(generator.random() < 0.5))

    def _cut(self, frames: np.ndarray, drawn: "Square") -> np.ndarray:
        """Cut a square of frames, bring it to the network's size, and mirror it or not.

        Args:
            frames: `[T, H, W, 3]`, uint8.
            drawn: The square.

        Returns:
            `[T, size, size, 3]`, uint8.
        """
        protocol, (top, left, side, mirrored) = self.protocol, drawn
        square = frames[:, top : top + side, left : left + side]
        if side != protocol.size:
            # Bytes, in the order that they come in, take a sixth of the time of floats.
            resized = functional.interpolate(
                torch.from_numpy(square).permute(0, 3, 1, 2),
                size=(protocol.size, protocol.size),
                mode="bilinear",
                antialias=protocol.antialias,
            )
            square = resized.permute(0, 2, 3, 1).numpy()
        if self.flips and mirrored:
            square = square[:, :, ::-1]
        return np.ascontiguousarray(square)


def collate(clips: Sequence[Batch]) -> Batch:
    """Put clips together."""
    inputs = zip(*(clip.inputs for clip in clips), strict=True)
    return Batch(
        tuple(torch.cat(each) for each in inputs), torch.cat([clip.labels for clip in clips])
    )
