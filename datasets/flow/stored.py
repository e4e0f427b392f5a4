"""Optical flow that lies next to a video's pictures: `flow_x_00001.jpg`, `flow_y_00001.jpg`.

A picture has the displacement from the frame of its number to the next, in 8 bits: 0 is -20
pixels, 255 is +20 (yjxiong/dense_flow and yjxiong/temporal-segment-networks, bound 20). They are
pixels of the pictures as they are stored: a resize changes their number, and not their values, as
in those codebases.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch

from ..errors import VideoError
from ..protocol import Protocol
from ..sources.listing import walk
from ..sources.paths import path_of
from ..sources.pictures import FLOW, numbered, start_of
from ..views.pixels import resized_frames
from .methods import need_two_frames
from .views import views_of

NO_MOTION = 128
"""What no displacement is in 8 bits."""
READ = "optical flow is read from the folder's own pictures, not computed (bound 20 pixels)"
NOT_READ = (
    "optical flow is computed: the folder's own is from one frame to the next, and the clips ask "
    "for other pairs"
)


class StoredFlow:
    """The pictures of flow in a folder of frames.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path, along: dict[int, str], across: dict[int, str]) -> None:
        """Take the names of the pictures in x and in y, by the place of the frame they begin at."""
        self.path = path
        self._along, self._across = along, across

    def has(self, numbers: Sequence[int], places: Sequence[Sequence[int]]) -> bool:
        """Report whether all neighbours in clips are the same frame, or a frame and the next."""
        return all(
            numbers[second] - numbers[first] in (0, 1)
            for clip in places
            for first, second in pairwise(clip)
        )

    def views(
        self, numbers: Sequence[int], places: Sequence[Sequence[int]], protocol: Protocol
    ) -> torch.Tensor:
        """Return the flow of clips as `flow_views` does.

        Args:
            numbers: The numbers, in the video, of the frames that places are indices into.
            places: `[clips][frames]`, for which `has` is true.
            protocol: The resize and the crops.

        Raises:
            VideoError: A picture is missing or damaged.
        """
        need_two_frames(min(map(len, places)))
        clips = [tuple((numbers[a], numbers[b]) for a, b in pairwise(clip)) for clip in places]
        pairs = sorted({pair for clip in clips for pair in clip})
        pictures = [None if a == b else self._picture(a) for a, b in pairs]
        shape = next((each.shape for each in pictures if each is not None), None)
        if shape is None:
            shape = self._picture(numbers[0]).shape
        whole = np.stack(
            [np.full(shape, NO_MOTION, np.uint8) if p is None else p for p in pictures]
        )
        flows = resized_frames(whole, protocol)[..., :2].permute(0, 3, 1, 2)
        place_of = {pair: place for place, pair in enumerate(pairs)}
        return views_of(flows, [[place_of[pair] for pair in clip] for clip in clips], protocol)

    def _picture(self, number: int) -> np.ndarray:
        """Return the flow from a frame to the next: `[H, W, 3]`, uint8: x, y, and nothing."""
        sides = []
        for names in (self._along, self._across):
            if number not in names:
                raise VideoError(self.path, f"there is no flow from frame {number} to the next")
            name = names[number]
            content = np.frombuffer(path_of(f"{self.path}/{name}").read_bytes(), np.uint8)
            grey = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
            if grey is None:
                raise VideoError(self.path, f"{name} is damaged")
            sides.append(grey)
        if sides[0].shape != sides[1].shape:
            raise VideoError(self.path, f"flow of frame {number} has two sizes in x and y")
        return np.stack([*sides, np.zeros_like(sides[0])], axis=-1)


def stored_flow(path: str | Path) -> StoredFlow | None:
    """Return the flow that lies next to the pictures of a video; None if there is none."""
    folder = path_of(path)
    if not folder.is_dir():
        return None
    names = [each.name for each in walk(folder, 0) if not each.is_folder]
    own = start_of(names)
    if own is None:
        return None
    frames = list(numbered(names, own))
    for along, across in FLOW.items():
        in_x, in_y = numbered(names, along), numbered(names, across)
        if in_x and in_y:
            place_of = {number: place for place, number in enumerate(frames)}
            return StoredFlow(
                folder,
                {place_of[n]: each[0] for n, each in in_x.items() if n in place_of},
                {place_of[n]: each[0] for n, each in in_y.items() if n in place_of},
            )
    return None
