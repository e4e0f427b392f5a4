"""What a network takes of one video, read as an evaluation's settings say."""

from collections.abc import Iterator
from functools import partial
from math import prod

from ...datasets.copy_digest import StoredVideo
from ...datasets.split import Video
from ...datasets.video.clips import Clips
from ...datasets.video.stores import Room
from ...datasets.views.decoded import FrameKeeping
from ...datasets.views.probes import read_probed
from ...zoo.spec import input_shapes
from ..network.inputs import VideoInputs, video_inputs
from .evaluation import Evaluation


def read_inputs(
    evaluation: Evaluation,
    keeping: FrameKeeping,
    opened: dict[str, StoredVideo],
    video: Video,
    room: Room,
) -> VideoInputs:
    """Read what the network takes of a video; `opened` gets how it is stored, under its id.

    Raises:
        VideoError: The video can't be read.
    """
    protocol, probe = evaluation.protocol, evaluation.probe
    remarks: list[str] = []

    def read(room: Room) -> Clips:
        remarks.clear()  # of a first attempt
        return read_probed(
            video.path,
            protocol,
            probe,
            video.id,
            keeping.store_of(room),
            evaluation.decoder,
            remarks.append,
            partial(opened.__setitem__, video.id),
        )

    clips = evaluation.guard.read(video, room, read)
    # The cache identifies frames by their numbers, which blurred ones share with the originals.
    cache = None if probe == "blurred" else evaluation.flow_cache
    found = video_inputs(
        video.path, clips, protocol, evaluation.kinds, evaluation.flow, cache, probe != "blurred"
    )
    return found._replace(remarks=(*remarks, *found.remarks))


def flow_bytes(evaluation: Evaluation) -> Iterator[int]:
    """Yield the bytes of the optical flow in a view, if the network takes any."""
    kinds, protocol = evaluation.kinds, evaluation.protocol
    shapes = input_shapes(kinds, 1, protocol.frames, protocol.size)
    for kind, shape in zip(kinds, shapes, strict=True):
        if kind == "flow":
            yield 4 * prod(shape)
