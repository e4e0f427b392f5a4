"""Frames of one size as a network's pictures: resized, cut to what any crop shows, normalised."""

from functools import lru_cache

import torch

from ..protocol import Protocol
from .pixels import Step, Steps, normalised_bytes, resize_order, resize_step
from .resizing import Size


@lru_cache(maxsize=16)
def colour_scale(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Return the mean or the deviation of each colour on a device, `[3, 1, 1, 1]`.

    They are kept, since the first copy to a GPU waits until it has nothing else to do.
    """
    return torch.tensor(values, device=device).view(3, 1, 1, 1)


class FrameTransform:
    """The resize, the cut and the normalisation of frames of one size.

    Attributes:
        size: Height and width of a picture, which is all that any crop shows.
        crops: The crops of the picture, one a spatial view.
    """

    def __init__(
        self, protocol: Protocol, frame: Size, device: torch.device, dtype: torch.dtype
    ) -> None:
        """Prepare for frames.

        Args:
            protocol: The resize, the crops and the normalisation.
            frame: Height and width of the frames.
            device: The device that does the work.
            dtype: The type of the pictures' numbers.
        """
        to = protocol.resized(*frame)
        crops = protocol.crops_of(*to)
        top, left = (min(corner[axis] for corner in crops) for axis in (0, 1))
        lowest, rightmost = (
            max(corner[axis] for corner in crops) + protocol.size for axis in (0, 1)
        )
        self.size = lowest - top, rightmost - left
        self.crops = [crop._replace(top=crop.top - top, left=crop.left - left) for crop in crops]
        self._device, self._dtype = device, dtype

        def cut(pictures: torch.Tensor) -> torch.Tensor:
            return pictures[:, :, top:lowest, left:rightmost]

        def normalise_on(place: torch.device) -> Step:
            mean, std = (colour_scale(values, place) for values in (protocol.mean, protocol.std))
            return lambda pictures: pictures.sub_(mean).div_(std)

        self._steps = Steps(
            cut,
            resize_step(protocol, to),
            normalise_on(device),
            normalised_bytes(normalise_on(torch.device("cpu"))),
        )
        self._order = resize_order(protocol, frame, to, (top, lowest), (left, rightmost), device)

    def write(self, frames: torch.Tensor, pictures: torch.Tensor) -> None:
        """Write frames `[n, 3, H, W]`, uint8, as pictures `[3, n, *size]` of the dtype."""
        if self._dtype is torch.float32:
            self._order(frames, pictures, self._steps)
        else:
            scratch = torch.empty(pictures.shape, device=self._device)
            self._order(frames, scratch, self._steps)
            pictures.copy_(scratch)
