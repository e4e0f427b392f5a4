"""The training clips with which a network is quantised: which, and how they are read.

Which clips they are follows from the list of the videos and from a seed. So a quantisation that is
kept somewhere can be recognised without decoding a video.
"""

import hashlib
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from ...datasets import catalog
from ...datasets.errors import KinobenchError, VideoError
from ...datasets.lists.split_names import no_training_split, training_of
from ...datasets.names import DEFAULT_DECODER, DEFAULT_FLOW, Decoder, FlowMethod
from ...datasets.own import NOTHING_SAID, OwnVideos
from ...datasets.protocol import Protocol
from ...datasets.protocol.timed_placement import TIMED_PLACEMENTS
from ...datasets.sources.paths import path_of
from ...datasets.split import Split, Video
from ...datasets.video.clips import Clips, open_video, with_true_index
from ...datasets.video.reader import VideoReader
from ...datasets.video.stores import new_room
from ...zoo.spec import Input, input_shapes
from ..records.case import Case
from .inputs import InputMaker, Inputs, video_inputs

SEED = 0
"""Decides which training clips are taken."""
PLACES = 1000
"""A clip begins at one of so many places, which are spread evenly over its video."""


class Draw(NamedTuple):
    """A clip: a video, and at which of `PLACES` it begins."""

    video: Video
    place: int


class CalibrationClips:
    """Training clips, each at a random place of its video, cropped in the centre.

    Attributes:
        count: Number of clips.
        were_read: How many of them could be read, once they were.
        left_out: Videos that could not be read, each with the reason, once the clips were read.
    """

    def __init__(
        self,
        split: Split,
        protocol: Protocol,
        kinds: Sequence[Input],
        count: int,
        *,
        flow: FlowMethod | None = None,
        decoder: Decoder = DEFAULT_DECODER,
        seed: int = SEED,
    ) -> None:
        """Choose clips; nothing is read yet.

        Args:
            split: The videos that the network may learn from.
            protocol: Decides the frames of a clip, its size and its colours.
            kinds: Inputs of the network.
            count: Number of clips; where there are fewer videos, some give several.
            flow: Method of the optical flow.
            decoder: The library that decodes the videos.
            seed: Decides which clips these are.
        """
        self.split, self.kinds, self.count, self.seed = split, tuple(kinds), count, seed
        self.left_out: tuple[str, ...] = ()
        self._flow, self._decoder = flow or DEFAULT_FLOW, decoder
        placement = "spread" if protocol.placement in TIMED_PLACEMENTS else protocol.placement
        self._places = msgspec.structs.replace(protocol, clips=PLACES, crops=1, placement=placement)
        self._one_view = msgspec.structs.replace(protocol, clips=1, crops=1)
        self._read: tuple[np.memmap, ...] | None = None
        self.were_read = 0

    @cached_property
    def draws(self) -> tuple[Draw, ...]:
        """The clips: one of each video, in a random order, and more where that is not enough.

        Videos whose files are not there are passed over.

        Raises:
            KinobenchError: None of the files is there.
        """
        found: list[Draw] = []
        absent: set[int] = set()
        videos = self.split.videos
        for passage in itertools.count():
            generator = np.random.default_rng([self.seed, passage])
            for number in map(int, generator.permutation(len(videos))):
                place = int(generator.integers(PLACES))
                if number in absent:
                    continue
                if passage == 0 and not _is_there(videos[number]):
                    absent.add(number)
                    continue
                found.append(Draw(videos[number], place))
                if len(found) == self.count:
                    return tuple(found)
            if not found:
                raise KinobenchError(self._nothing_there())
        raise AssertionError

    def _nothing_there(self) -> str:
        named = f"{self.split.dataset} {self.split.name}"
        if not self.split.videos:
            return f"{named} has no videos to quantise a network with"
        return (
            f"none of the {len(self.split.videos)} training videos of {named} is there, such as "
            f"{self.split.videos[0].path}; a network is quantised with {self.count} clips of them: "
            "copy them there, or give the folder that has them with --data-root"
        )

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of everything that decides the clips; no video is decoded."""
        decisive = {
            "dataset": self.split.dataset,
            "split": self.split.name,
            "manifest": self.split.manifest,
            "seed": self.seed,
            "clips": [(draw.video.id, draw.place) for draw in self.draws],
            "protocol": self._one_view.digest,
            "kinds": self.kinds,
            "flow": self._flow if "flow" in self.kinds else None,
            "decoder": self._decoder,
        }
        return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()[:16]

    def batches(self, batch: int, folder: Path) -> Iterator[Inputs]:
        """Yield the clips as arguments of forwards of `batch`, float32; read once for all calls.

        Places that are left in the last forward are filled with its last clip.

        Args:
            batch: Clips in a forward.
            folder: A folder for a file of all clips, which is gone when this process ends.

        Raises:
            KinobenchError: None of the videos can be read.
        """
        if self._read is None:
            self._read = self._all(folder)
        for first in range(0, self.were_read, batch):
            places = np.minimum(np.arange(first, first + batch), self.were_read - 1)
            yield tuple(torch.from_numpy(np.array(each[places])) for each in self._read)

    def _all(self, folder: Path) -> tuple[np.memmap, ...]:
        """Read the clips into files without a name: those of large networks are gigabytes."""
        protocol = self._one_view
        shapes = input_shapes(self.kinds, 1, protocol.frames, protocol.size)
        rooms = []
        for shape in shapes:
            with tempfile.TemporaryFile(dir=folder) as file:
                whole = (self.count, *shape[1:])
                rooms.append(np.memmap(file, dtype=np.float32, mode="w+", shape=whole))
        left_out: dict[str, str] = {}
        self.were_read = 0
        for inputs in self._decoded(left_out):
            for room, given in zip(rooms, inputs, strict=True):
                room[self.were_read] = given.numpy()[0]
            self.were_read += 1
        self.left_out = tuple(left_out.values())
        if self.were_read == 0:
            raise KinobenchError(
                f"no training video of {self.split.dataset} {self.split.name} can be read, so the "
                f"network can't be quantised: {self.left_out[0]}"
            )
        return tuple(rooms)

    def _decoded(self, left_out: dict[str, str]) -> Iterator[Inputs]:
        """Yield the arguments of one clip after another; what can't be read goes to `left_out`."""
        protocol = self._one_view
        maker = InputMaker(self.kinds, protocol, torch.device("cpu"))
        shapes = input_shapes(self.kinds, 1, protocol.frames, protocol.size)
        for draw in self.draws:
            try:
                clips = self._clip(draw)
                found = video_inputs(draw.video.path, clips, protocol, self.kinds, self._flow, None)
            except VideoError as error:
                left_out[draw.video.id] = str(error)
                continue
            inputs = []
            for shape, source in zip(shapes, maker.take(found), strict=True):
                inputs.append(torch.empty(shape))
                source.write(0, inputs[-1])
            yield tuple(inputs)

    def _clip(self, draw: Draw) -> Clips:
        with open_video(draw.video.path, self._decoder) as video:
            return with_true_index(video, lambda: self._cut(video, draw.place))

    def _cut(self, video: VideoReader, place: int) -> Clips:
        clip = video.placed(self._places)[place]
        wanted = sorted(set(clip))
        places = (tuple(wanted.index(number) for number in clip),)
        return Clips(video.write_frames(wanted, new_room), places, tuple(wanted))


def _is_there(video: Video) -> bool:
    try:
        return video.path.exists()
    except (OSError, ValueError):  # the second for a NUL in its name
        return False


def training_split(case: Case, root: str | None = None, own: OwnVideos = NOTHING_SAID) -> Split:
    """Return the training videos of a case's dataset, which its accuracy is not measured on.

    Args:
        case: The case.
        root: Folder of the dataset; None: the dataset's own place.
        own: What is said about own videos.

    Raises:
        KinobenchError: The case has no dataset, that has no training split, or it is not there.
    """
    if case.dataset is None:
        raise KinobenchError(
            f"{case.model}: --precision {case.precision} takes training clips of a dataset; give "
            "--dataset NAME"
        )
    dataset = catalog.get(case.dataset)
    folder = None if root is None else path_of(root)
    names = catalog.split_names(dataset, folder, own)
    name = training_of(names, case.split)
    if name is None:
        raise KinobenchError(no_training_split(case.precision, case.dataset, names, case.split))
    return catalog.load_split(dataset, folder, name, own)
