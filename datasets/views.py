"""From a video's wanted frames to the views that a network sees."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .protocol import Interpolation, Protocol, ResizeOn

FRAMES_AT_ONCE = 16

Size = tuple[int, int]
Step = Callable[[torch.Tensor], torch.Tensor]


def make_views(
    frames: np.ndarray,
    places: Sequence[Sequence[int]],
    protocol: Protocol,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Resize, crop and normalise the frames of a video into its views.

    Every frame travels to the device and is resized once, however many views show it.

    Args:
        frames: `[U, H, W, 3]`, uint8, red, green, blue.
        places: `[clips][frames]`, indices into `frames`.
        protocol: The resize, the crops and the normalisation.
        device: Where the work is done and the views are.

    Returns:
        `[clips * crops, 3, frames, size, size]`, float32, normalised; all crops of the first clip,
        then all crops of the second.
    """
    height, width = protocol.resized(frames.shape[1], frames.shape[2])
    mean = torch.tensor(protocol.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(protocol.std, device=device).view(1, 3, 1, 1)

    def resize(pictures: torch.Tensor) -> torch.Tensor:
        if protocol.resize_on == "opencv":
            return _by_opencv(pictures, (height, width), protocol.interpolation)
        return _resized(pictures, (height, width), protocol.interpolation, protocol.antialias)

    def normalise(pictures: torch.Tensor) -> torch.Tensor:
        return pictures.sub_(mean).div_(std)

    in_order = _ORDERS[protocol.resize_on]
    # A few frames at a time: as floats, all frames of a large video would take gigabytes.
    pictures = torch.cat([in_order(part, resize, normalise) for part in _parts(frames, device)])
    clips = torch.tensor(places, device=device)
    size = protocol.size
    crops = []
    for top, left, mirrored in protocol.crops_of(height, width):
        crop = pictures[:, :, top : top + size, left : left + size]
        crops.append(crop.flip(-1) if mirrored else crop)
    views = [crop[clip].transpose(0, 1) for clip in clips for crop in crops]
    return torch.stack(views)


def resized_frames(
    frames: np.ndarray, protocol: Protocol, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Resize frames as the protocol does, and keep them bytes.

    Args:
        frames: `[U, H, W, 3]`, uint8, red, green, blue.
        protocol: The resize; in whatever order it is done there, bytes are resized here.
        device: Where the work is done and the result is.

    Returns:
        `[U, h, w, 3]`, uint8.
    """
    size = protocol.resized(frames.shape[1], frames.shape[2])

    def resize(pixels: torch.Tensor) -> torch.Tensor:
        if protocol.resize_on == "opencv":
            return _by_opencv(pixels, size, protocol.interpolation)
        return _bytes(_resized(pixels.float(), size, protocol.interpolation, protocol.antialias))

    return torch.cat([resize(part) for part in _parts(frames, device)]).permute(0, 2, 3, 1)


def _parts(frames: np.ndarray, device: torch.device | str) -> tuple[torch.Tensor, ...]:
    """Return frames `[U, H, W, 3]` as tensors `[<= FRAMES_AT_ONCE, 3, H, W]`, uint8."""
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(device)
    return pixels.permute(0, 3, 1, 2).split(FRAMES_AT_ONCE)


def _unit(pixels: torch.Tensor) -> torch.Tensor:
    """Return bytes, of any shape, as floats from 0 to 1."""
    return pixels.float().div_(255)


def _bytes(pictures: torch.Tensor) -> torch.Tensor:
    """Return colours from 0 to 255, of any shape, rounded to bytes; bicubic overshoots them."""
    return pictures.round().clamp_(0, 255).to(torch.uint8)


_ORDERS: dict[ResizeOn, Callable[[torch.Tensor, Step, Step], torch.Tensor]] = {
    "unit": lambda pixels, resize, normalise: normalise(resize(_unit(pixels))),
    # Colours first, frames second, as pytorchvideo has them: torch sums in another order otherwise.
    "normalised": lambda pixels, resize, normalise: resize(
        normalise(_unit(pixels)).transpose(0, 1)
    ).transpose(0, 1),
    "uint8": lambda pixels, resize, normalise: normalise(_unit(_bytes(resize(pixels.float())))),
    "opencv": lambda pixels, resize, normalise: normalise(_unit(resize(pixels))),
}
"""Frames `[U, 3, H, W]`, uint8, to pictures `[U, 3, h, w]`, float, normalised."""


def _resized(
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


def _by_opencv(pixels: torch.Tensor, size: Size, interpolation: Interpolation) -> torch.Tensor:
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
