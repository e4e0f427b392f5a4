"""Bytes of decoded frames to resized, cropped and normalised pictures, in each origin's order.

Codebases resize bytes, colours from 0 to 1, or normalised colours. What is rounded on the way, and
when, decides the values of the pixels.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ..protocol import Interpolation, Protocol, ResizeOn
from .resizing import LinearResize, Size, Span, linear_resize

FRAMES_AT_ONCE = 16
"""Frames that are floats before they are cropped, over all threads: all of a large video would take
gigabytes."""

Step = Callable[[torch.Tensor], torch.Tensor]


class Steps(NamedTuple):
    """Steps that are applied to frames, whatever the order.

    Attributes:
        cut: Cuts out the pixels that any crop shows.
        resize: Resizes `[n, 3, H, W]`, floats, or bytes for OpenCV.
        normalise: Normalises colours from 0 to 1, `[3, ...]`, in place.
        colours: `[3, 256]`, float32, on the CPU: what `normalise` makes of each byte of a colour.
    """

    cut: Step
    resize: Step
    normalise: Step
    colours: torch.Tensor


ResizeOrder = Callable[[torch.Tensor, torch.Tensor, Steps], None]
"""Writes frames `[n, 3, H, W]`, uint8, as pictures `[3, n, h, w]`, float."""


def resized_frames(
    frames: np.ndarray, protocol: Protocol, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Resize frames as the protocol does, and keep them bytes.

    Args:
        frames: `[U, H, W, 3]`, uint8, red, green, blue.
        protocol: The resize; whatever it resizes, bytes are resized here.
        device: The device that does the work and has the result.

    Returns:
        `[U, h, w, 3]`, uint8.
    """
    size = protocol.resized(frames.shape[1], frames.shape[2])

    resize = resize_step(protocol, size)

    def resized(part: torch.Tensor) -> torch.Tensor:
        return resize(part) if protocol.resize_on == "opencv" else to_bytes(resize(part.float()))

    pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(device)
    parts = [resized(part) for part in split_frames(pixels, FRAMES_AT_ONCE)]
    return torch.cat(parts).permute(0, 2, 3, 1)


def resize_step(protocol: Protocol, size: Size) -> Step:
    """Return the protocol's resize of `[n, 3, H, W]` to a size, floats, or bytes for OpenCV."""
    if protocol.resize_on == "opencv":
        return partial(opencv_resize, size=size, interpolation=protocol.interpolation)
    return partial(
        resize_floats,
        size=size,
        interpolation=protocol.interpolation,
        antialias=protocol.antialias,
    )


def resize_order(
    protocol: Protocol, size: Size, to: Size, rows: Span, columns: Span, device: torch.device
) -> ResizeOrder:
    """Return how frames become pictures.

    Args:
        protocol: Protocol that gives the resize.
        size: The frames' height and width.
        to: The same after the resize.
        rows: The resized rows that any crop shows.
        columns: The resized columns that any crop shows.
        device: The device that does the work.
    """
    if size == to:
        return cut_alone
    if device.type == "cpu" and protocol.resize_on in LINEAR:
        return by_products(
            linear_resize(size, to, rows, columns, protocol.interpolation, protocol.antialias)
        )
    return RESIZE_ORDERS[protocol.resize_on]


def split_frames(frames: torch.Tensor, most: int) -> tuple[torch.Tensor, ...]:
    """Return frames `[U, H, W, 3]` as parts `[<= most, 3, H, W]`."""
    parts: tuple[torch.Tensor, ...] = frames.permute(0, 3, 1, 2).split(most)
    return parts


def unit_colours(pixels: torch.Tensor) -> torch.Tensor:
    """Return bytes, of any shape, as floats from 0 to 1."""
    return pixels.float().div_(255)


def to_bytes(pictures: torch.Tensor) -> torch.Tensor:
    """Return colours from 0 to 255, of any shape, rounded to bytes; bicubic overshoots them."""
    return pictures.round().clamp_(0, 255).to(torch.uint8)


def cut_alone(pixels: torch.Tensor, pictures: torch.Tensor, steps: Steps) -> None:
    """Write frames `[n, 3, H, W]` that need no resize; every order gives the same."""
    _write_bytes(steps.cut(pixels), pictures, steps)


def by_products(resize_and_cut: LinearResize) -> ResizeOrder:
    """Return the order that is quickest on a CPU, if nothing is rounded before the end.

    Resizing and normalising are both linear: their order makes a difference in rounding only.
    """

    def write(pixels: torch.Tensor, pictures: torch.Tensor, steps: Steps) -> None:
        """Write frames `[n, 3, H, W]`, each while it is in a processor's cache."""
        frames = pixels.permute(0, 2, 3, 1).numpy()
        for frame, target in zip(frames, pictures.split(1, dim=1), strict=True):
            cut_out = torch.from_numpy(resize_and_cut(frame)).transpose(1, 2)
            steps.normalise(target.copy_(cut_out.unsqueeze(1)).div_(255))

    return write


def resize_unit(pixels: torch.Tensor, pictures: torch.Tensor, steps: Steps) -> None:
    """Write frames `[n, 3, H, W]` that are resized as colours from 0 to 1."""
    resized = steps.resize(unit_colours(pixels))
    steps.normalise(pictures.copy_(steps.cut(resized).transpose(0, 1)))


def resize_normalised(pixels: torch.Tensor, pictures: torch.Tensor, steps: Steps) -> None:
    """Write frames `[n, 3, H, W]` that are resized as normalised colours.

    Colours first, frames second, as pytorchvideo has them: torch sums in another order otherwise.
    """
    normalised = steps.normalise(unit_colours(pixels).transpose(0, 1))
    pictures.copy_(steps.cut(steps.resize(normalised)))


def resize_bytes(pixels: torch.Tensor, pictures: torch.Tensor, steps: Steps) -> None:
    """Write frames `[n, 3, H, W]` that are resized as colours from 0 to 255, and rounded."""
    resized = to_bytes(steps.resize(pixels.float()))
    _write_bytes(steps.cut(resized), pictures, steps)


def resize_by_opencv(pixels: torch.Tensor, pictures: torch.Tensor, steps: Steps) -> None:
    """Write frames `[n, 3, H, W]` that are resized as bytes."""
    _write_bytes(steps.cut(steps.resize(pixels)), pictures, steps)


def normalised_bytes(normalise: Step) -> torch.Tensor:
    """Return what a normalisation makes of each byte of a colour, `[3, 256]`, on the CPU."""
    every = unit_colours(torch.arange(256, dtype=torch.uint8))
    return normalise(every.repeat(3, 1, 1, 1)).view(3, 256)


def _write_bytes(pixels: torch.Tensor, pictures: torch.Tensor, steps: Steps) -> None:
    """Write bytes `[n, 3, h, w]` as normalised pictures `[3, n, h, w]`."""
    if pixels.device.type != "cpu":
        steps.normalise(pictures.copy_(pixels.transpose(0, 1)).div_(255))
        return
    import cv2  # here, since it takes long to import

    # Looking a byte up writes a picture once, and computing takes four passes. The values are the
    # same, bit for bit: each depends on its byte alone.
    tables = steps.colours.numpy()
    for place, frame in enumerate(pixels.numpy()):
        # Bytes of a colour lie together, or those of a pixel do.
        planes = frame if frame.strides[2] == 1 else cv2.split(frame.transpose(1, 2, 0))
        for plane, table, picture in zip(planes, tables, pictures[:, place].numpy(), strict=True):
            looked_up = cv2.LUT(plane, table, picture)
            if looked_up is not picture:  # OpenCV takes no memory of other strides
                picture[:] = looked_up


LINEAR: tuple[ResizeOn, ...] = ("unit", "normalised")
"""Resizes of floats that stay floats."""

RESIZE_ORDERS: dict[ResizeOn, ResizeOrder] = {
    "unit": resize_unit,
    "normalised": resize_normalised,
    "uint8": resize_bytes,
    "opencv": resize_by_opencv,
}


def resize_floats(
    pictures: torch.Tensor, size: Size, interpolation: Interpolation, antialias: bool
) -> torch.Tensor:
    """Return pictures `[U, 3, H, W]`, float, as `[U, 3, *size]`."""
    if pictures.shape[2:] == size:
        return pictures
    filtered = interpolation != "nearest"
    return F.interpolate(
        pictures,
        size=size,
        mode=interpolation,
        align_corners=False if filtered else None,
        antialias=antialias and filtered,
    )


def opencv_resize(pixels: torch.Tensor, size: Size, interpolation: Interpolation) -> torch.Tensor:
    """Return frames `[U, 3, H, W]`, uint8, as `[U, 3, *size]`, uint8."""
    import cv2  # here, since it takes long to import and few protocols need it

    filters = {
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "nearest": cv2.INTER_NEAREST,
    }
    frames = pixels.permute(0, 2, 3, 1).cpu().numpy()
    resized = np.stack(
        [cv2.resize(frame, size[::-1], interpolation=filters[interpolation]) for frame in frames]
    )
    return torch.from_numpy(resized).to(pixels.device).permute(0, 3, 1, 2)
