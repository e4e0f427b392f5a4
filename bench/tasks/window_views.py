"""The windows of a long video as a network's clips, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from ...datasets.errors import KinobenchError
from ...datasets.protocol import Protocol
from ...datasets.split import Split, Video
from ...datasets.video.windows import WindowReader
from ...datasets.views.transform import FrameTransform


class Pictures:
    """Makes a network's picture of each frame that any window shows, once.

    Attributes:
        frame: Height and width of the last frame, as it was shown; (0, 0) before the first.
    """

    def __init__(self, protocol: Protocol) -> None:
        """Prepare for frames of any size.

        Raises:
            KinobenchError: The protocol has several crops, and a picture can be only one of them.
        """
        if protocol.crops != 1:
            raise KinobenchError(
                f"protocol {protocol.name!r} has {protocol.crops} crops; windows and key frames "
                "have one: take its centre crop alone, by with_views(1, 1)"
            )
        self._protocol = protocol
        self._transform: FrameTransform | None = None
        self.frame = (0, 0)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """`[H, W, 3]`, uint8 -> `[3, size, size]`, float32, normalised."""
        shape = (int(frame.shape[0]), int(frame.shape[1]))
        if self._transform is None or shape != self.frame:
            self.frame = shape
            self._transform = FrameTransform(
                self._protocol, shape, torch.device("cpu"), torch.float32
            )
        height, width = self._transform.size
        pictures = torch.empty(3, 1, height, width)
        whole = torch.from_numpy(np.ascontiguousarray(frame))
        self._transform.write(whole.permute(2, 0, 1)[None], pictures)
        size, (top, left, _) = self._protocol.size, self._transform.crops[0]
        return pictures[:, 0, top : top + size, left : left + size].numpy()


def open_windows(
    split: Split, video: Video, protocol: Protocol, pictures: Pictures
) -> WindowReader:
    """Open a video of a split, of which a copy may begin later than it was published.

    Raises:
        VideoError: It can't be read.
    """
    clock = split.clock_of(video.id)
    return WindowReader(
        video.path,
        protocol,
        begins_s=clock.begins_s,
        folder_fps=clock.fps,
        picture_of=pictures,
    )


def features_of(
    forward: Callable[[torch.Tensor], torch.Tensor],
    reader: WindowReader,
    starts_s: np.ndarray,
    batch: int,
    place: "TensorPlace",
) -> np.ndarray:
    """Return the features of windows, `[windows, C]`, float32.

    Args:
        forward: `[n, 3, frames, size, size]` -> features `[n, C]`.
        reader: An open video, whose pictures `Pictures` makes.
        starts_s: Beginnings of the windows, ascending; at least one.
        batch: Windows in a forward.
        place: The device and the type of the clips.
    """
    with torch.inference_mode():
        rows = [
            forward(clips).float().cpu().numpy()
            for clips in clips_of(reader, starts_s.tolist(), batch, place)
        ]
    return np.concatenate(rows)


def clips_of(
    reader: WindowReader, starts_s: Sequence[float], batch: int, places: "TensorPlace"
) -> Iterator[torch.Tensor]:
    """Yield `[n, 3, frames, size, size]`, at most `batch` windows at a time, in order.

    Args:
        reader: An open video, whose pictures `Pictures` makes.
        starts_s: Beginnings of the windows, ascending.
        batch: Windows at a time.
        places: The device and the type of the clips.
    """
    kept: list[np.ndarray] = []
    for window in reader.read(starts_s):
        kept.append(window)
        if len(kept) == batch:
            yield places.put(np.stack(kept))
            kept = []
    if kept:
        yield places.put(np.stack(kept))


class TensorPlace:
    """The device and the type of a network's clips."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        """Take both."""
        self._device, self._dtype = device, dtype

    def put(self, windows: np.ndarray) -> torch.Tensor:
        """`[n, frames, 3, size, size]`, float32 -> `[n, 3, frames, size, size]` on the device."""
        clips = torch.from_numpy(windows).permute(0, 2, 1, 3, 4)
        return clips.contiguous().to(self._device, self._dtype)
