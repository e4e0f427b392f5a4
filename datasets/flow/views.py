"""Views of the optical flow of a video's wanted frames."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from ..names import FlowMethod
from ..protocol import Protocol
from ..views.decoded import Pictures
from ..views.pixels import resized_frames
from .cache import VideoFlowCache
from .methods import (
    Parameters,
    flow_input,
    mirror_flow,
    need_two_frames,
    opencv_version,
    pair_flows,
    parameters_of,
    quantise_flow,
)


def flow_views(
    frames: np.ndarray | Pictures,
    places: Sequence[Sequence[int]],
    protocol: Protocol,
    method: FlowMethod = "dis",
    *,
    parameters: Parameters | None = None,
    threads: int = 1,
    cache: VideoFlowCache | None = None,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Return the flow of the views that `make_views` gives of the same frames, in the same order.

    It is computed between neighbouring pictures of a clip, as bytes, after the protocol's resize
    and before its crops, so that a displacement counts the pixels that the network sees and may
    point out of the crop. A flow that several views show is computed once.

    Args:
        frames: `[U, H, W, 3]`, uint8, red, green, blue; or what was made of them for flow.
        places: `[clips][frames]`, indices into `frames`; two frames a clip or more.
        protocol: The resize and the crops.
        method: One of `FLOW_METHODS`.
        parameters: Parameters that differ from `PARAMETERS[method]`.
        threads: OpenCV's threads.
        cache: The video's flows on disk, `FlowCache().of_video(path, numbers)`; None keeps nothing.
        device: The device of the views; the flow itself is computed on the CPU.

    Returns:
        `[clips * crops, 2 * (frames - 1), size, size]`, float32, from -1 (20 pixels to the left or
        up) to 1: channel 2k is the displacement in x and 2k + 1 in y from picture k to k + 1.

    Raises:
        KinobenchError: The errors of `compute_flow` and `FlowCache.put`.
    """
    need_two_frames(min(map(len, places)))
    clips = [tuple(pairwise(clip)) for clip in places]
    pairs = sorted({pair for clip in clips for pair in clip})
    place_of = {pair: place for place, pair in enumerate(pairs)}
    height, width = protocol.resized(frames.shape[1], frames.shape[2])
    chosen = parameters_of(method, parameters)

    def compute() -> np.ndarray:
        if isinstance(frames, Pictures):
            assert frames.resized is not None
            resized = frames.resized
        else:
            resized = resized_frames(frames, protocol).numpy()
        flows = pair_flows(resized, pairs, method, parameters=chosen, threads=threads)
        return np.stack([quantise_flow(flow) for flow in flows])

    if cache is None:
        kept = compute()
    else:
        kept = cache.get_or_compute(
            pairs, height, width, _resize(protocol), method, chosen, opencv_version(), compute
        )
    flows = torch.from_numpy(kept).to(device)
    return views_of(flows, [[place_of[pair] for pair in clip] for clip in clips], protocol)


def views_of(
    flows: torch.Tensor, clips: Sequence[Sequence[int]], protocol: Protocol
) -> torch.Tensor:
    """Cut the views of clips from flow in 8 bits.

    Args:
        flows: `[P, 2, height, width]`, uint8, after the protocol's resize.
        clips: `[clips][frames - 1]`, indices into `flows`.
        protocol: The crops.

    Returns:
        `[clips * crops, 2 * (frames - 1), size, size]`, float32, from -1 to 1.
    """
    height, width = flows.shape[-2:]
    views = []
    for clip in clips:
        shown = flows[list(clip)]
        for top, left, mirrored in protocol.crops_of(height, width):
            crop = shown[:, :, top : top + protocol.size, left : left + protocol.size]
            views.append((mirror_flow(crop) if mirrored else crop).flatten(0, 1))
    return flow_input(torch.stack(views))


def _resize(protocol: Protocol) -> str:
    """Return what decides the pixels of the resize, except its size."""
    by = "opencv" if protocol.resize_on == "opencv" else "torch"
    return f"{protocol.interpolation} by {by}, antialias {'on' if protocol.antialias else 'off'}"
