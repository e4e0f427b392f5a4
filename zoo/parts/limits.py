"""The clips that a network can be built for, checked before it is built."""

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity


def check_build_arguments(
    network: str,
    num_classes: int,
    frames: int,
    size: int,
    *,
    min_frames: int = 1,
    frames_multiple: int = 1,
    min_size: int = 32,
) -> None:
    """Refuse to build `network` for a clip `[B, 3, frames, size, size]` that it can't take.

    Args:
        network: The network's name, for the message.
        num_classes: Length of the logits; at least 1.
        frames: Frames in a clip.
        size: Height and width of a frame, in pixels.
        min_frames: The shortest clip that keeps at least one frame to the end.
        frames_multiple: `frames` must be a multiple of this.
        min_size: The smallest frame, in pixels; 32 is the stride of five halvings.

    Raises:
        KinobenchError: An argument is out of range; the message has its value and the range.
    """
    if num_classes < 1:
        raise KinobenchError(f"{network}: num_classes is {num_classes}; give 1 or more")
    if frames < min_frames:
        clip = f"a clip of {quantity(frames, 'frame')}"
        raise KinobenchError(f"{network}: {clip} is too short; give {min_frames} or more")
    if frames % frames_multiple:
        lower = frames - frames % frames_multiple
        nearest = f"{lower} or " if lower >= min_frames else ""
        raise KinobenchError(
            f"{network}: {quantity(frames, 'frame')} is not a multiple of {frames_multiple}; "
            f"give {nearest}{lower + frames_multiple}"
        )
    if size < min_size:
        raise KinobenchError(
            f"{network}: a frame of {size}x{size} is too small; give {min_size}x{min_size} or more"
        )


def check_patches(
    network: str, num_classes: int, frames: int, size: int, *, patch: int, tubelet: int
) -> None:
    """Refuse to build `network` for a clip `[B, 3, frames, size, size]` that patches don't tile.

    Args:
        network: The network's name, for the message.
        num_classes: Length of the logits; at least 1.
        frames: Frames in a clip, a multiple of `tubelet`.
        size: Height and width of a frame, in pixels, a multiple of `patch`; the origin would
            ignore the rest.
        patch: Height and width of a patch, in pixels.
        tubelet: Frames of a patch.

    Raises:
        KinobenchError: An argument is out of range; the message has its value and the range.
    """
    check_build_arguments(
        network,
        num_classes,
        frames,
        size,
        min_frames=tubelet,
        frames_multiple=tubelet,
        min_size=patch,
    )
    if size % patch:
        lower = size - size % patch
        raise KinobenchError(
            f"{network}: a frame of {size}x{size} is not made of patches of {patch}x{patch}; "
            f"give {lower}x{lower} or {lower + patch}x{lower + patch}"
        )
