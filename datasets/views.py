"""From a video's wanted frames to the views that a network sees."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .protocol import Protocol, crop_corners, resized

FRAMES_AT_ONCE = 16


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
    height, width = resized(frames.shape[1], frames.shape[2], protocol.short_side)
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(device)
    # A few frames at a time: as floats, all frames of a large video would take gigabytes.
    pictures = torch.cat(
        [_resized(part, height, width, protocol) for part in pixels.split(FRAMES_AT_ONCE)]
    )
    mean = torch.tensor(protocol.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(protocol.std, device=device).view(1, 3, 1, 1)
    pictures.sub_(mean).div_(std)
    clips = torch.tensor(places, device=device)
    corners = crop_corners(height, width, protocol.size, protocol.crops)
    crops = [
        pictures[:, :, top : top + protocol.size, left : left + protocol.size]
        for top, left in corners
    ]
    views = [crop[clip].transpose(0, 1) for clip in clips for crop in crops]
    return torch.stack(views)


def _resized(pixels: torch.Tensor, height: int, width: int, protocol: Protocol) -> torch.Tensor:
    """Return frames `[U, H, W, 3]`, uint8, as `[U, 3, height, width]`, float from 0 to 1."""
    pictures = pixels.permute(0, 3, 1, 2).float().div_(255)
    if pictures.shape[2:] == (height, width):
        return pictures
    filtered = protocol.interpolation != "nearest"
    return F.interpolate(
        pictures,
        size=(height, width),
        mode=protocol.interpolation,
        align_corners=False if filtered else None,
        antialias=protocol.antialias and filtered,
    )
