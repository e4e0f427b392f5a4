"""The inputs of a network: RGB clips, optical flow, or both."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ...datasets.flow.cache import FlowCache
from ...datasets.flow.stored import NOT_READ, READ, stored_flow
from ...datasets.flow.views import flow_views
from ...datasets.names import FlowMethod
from ...datasets.protocol import Protocol
from ...datasets.video.clips import Clips
from ...datasets.views.decoded import FrameKeeping, Pictures
from ...datasets.views.maker import ViewMaker
from ...zoo.spec import Input

Inputs = tuple[torch.Tensor, ...]
"""The arguments of one forward, each with the batch first."""


def shifted_copies(drawn: torch.Tensor, batch: int) -> torch.Tensor:
    """Return `[batch, ..., H, W]`: `drawn: [n, ..., H, W]`, and copies of it until it is enough.

    Every frame of the first copy is shifted (and wraps around) by one pixel, of the second by two,
    and so on, so that the first `n * H * W` are all different.
    """
    if batch <= len(drawn):
        return drawn[:batch]
    whole = drawn.new_empty((batch, *drawn.shape[1:]))
    for copy, part in enumerate(whole.split(len(drawn))):
        shift = divmod(copy, drawn.shape[-1])
        part.copy_(drawn[: len(part)].roll(shift, (-2, -1)))
    return whole


class VideoInputs(NamedTuple):
    """A video as it was read; its RGB views are made on the network's device.

    Attributes:
        clips: The decoded frames, or the pictures that were made of them as they were decoded.
        flow: `[V, 2 * (T - 1), size, size]`; None for a network without optical flow.
        remarks: What is unusual about the file; see datasets/video/remarks.py.
    """

    clips: Clips
    flow: torch.Tensor | None
    remarks: tuple[str, ...] = ()


def video_inputs(
    path: str | Path,
    clips: Clips,
    protocol: Protocol,
    kinds: Sequence[Input],
    method: FlowMethod,
    cache: FlowCache | None,
    stored: bool = True,
) -> VideoInputs:
    """Compute what a network of these `kinds` needs in addition to the frames of a video.

    Flow that lies next to the pictures of a folder is read, unless `stored` is False.

    Raises:
        KinobenchError: The flow can't be computed or stored; see `flow_views`.
        VideoError: Flow that is stored can't be read.
    """
    if "flow" not in kinds:
        return VideoInputs(clips, None)
    own = stored_flow(path) if stored else None
    if own is not None and own.has(clips.numbers, clips.places):
        return VideoInputs(clips, own.views(clips.numbers, clips.places, protocol), (READ,))
    remarks = () if own is None else (NOT_READ,)
    kept = None if cache is None else cache.of_video(path, clips.numbers)
    flow = flow_views(kept_frames(clips), clips.places, protocol, method, cache=kept)
    return VideoInputs(clips, flow, remarks)


def keeping_for(
    kinds: Sequence[Input], protocol: Protocol, device: torch.device, dtype: torch.dtype
) -> FrameKeeping:
    """Return what is kept of decoded frames for a network that takes `kinds` in a dtype."""
    return FrameKeeping(
        protocol, rgb="rgb" in kinds, flow="flow" in kinds, device=device, dtype=dtype
    )


def kept_frames(clips: Clips) -> np.ndarray | Pictures:
    """Return the frames of clips that were written to an array, or to what `keeping_for` gives."""
    assert isinstance(clips.frames, np.ndarray | Pictures)
    return clips.frames


class FlowViews:
    """The views of a video's optical flow."""

    def __init__(self, flow: torch.Tensor) -> None:
        """Take `flow: [V, 2 * (T - 1), size, size]`."""
        self.flow = flow

    def __len__(self) -> int:
        """Return the number of views."""
        return len(self.flow)

    def write(self, first: int, views: torch.Tensor) -> None:
        """Write views from `first` on into `views: [n, 2 * (T - 1), size, size]`."""
        views.copy_(self.flow[first : first + len(views)])


ViewSource = ViewMaker | FlowViews
"""All views of a video, of one kind: `len()` is their number, and `write` writes some of them."""


class InputMaker:
    """Makes the arguments of forwards from videos that were read, one after the other."""

    def __init__(
        self,
        kinds: Sequence[Input],
        protocol: Protocol,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Prepare for a network that takes `kinds` in a dtype, on a device."""
        self._kinds = tuple(kinds)
        self._rgb = ViewMaker(protocol, device, dtype, threads=torch.get_num_threads())

    def take(self, inputs: VideoInputs) -> tuple[ViewSource, ...]:
        """Return the source of each argument; it is valid until the next video is taken."""
        sources: list[ViewSource] = []
        for kind in self._kinds:
            if kind == "rgb":
                self._rgb.take(kept_frames(inputs.clips), inputs.clips.places)
                sources.append(self._rgb)
            else:
                assert inputs.flow is not None
                sources.append(FlowViews(inputs.flow))
        return tuple(sources)
