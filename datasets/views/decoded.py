"""What is kept of decoded frames: their bytes, or what is made of each as it is decoded."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..protocol import Protocol
from ..video.stores import Room
from .pixels import resized_frames
from .resizing import Size
from .transform import FrameTransform

CPU = torch.device("cpu")

SMALL_FRAME_BYTES = 2**19
"""Frames of up to 480x360 are kept as they are, whatever is made of them: many are small together,
and a CPU's threads resize them side by side, which takes less time than one after the other."""
LEAST_GAIN = 2
"""Larger frames are kept, too, unless what is made of them takes this many times less memory."""
GPU_TRIES, GPU_WAIT_S = 300, 0.2
"""A forward gives its memory back in less than the minute that these make."""


@dataclass(frozen=True)
class Pictures:
    """What a network needs of a video's frames, made of each as it comes, so that none is kept.

    Attributes:
        shape: Shape of the frames together, `[U, H, W, 3]`.
        values: `[3, U, h, w]`, what any crop shows, as a `FrameTransform` writes it; None for a
            network that takes optical flow alone.
        resized: `[U, h, w, 3]`, uint8: the `resized_frames` that optical flow is computed of; None
            for a network that takes none.
        protocol: The resize, the crops and the normalisation.
        write: Writes a frame `[H, W, 3]`, uint8, as pictures `[3, 1, h, w]`.
    """

    shape: tuple[int, ...]
    values: torch.Tensor | None
    resized: np.ndarray | None
    protocol: Protocol
    write: Callable[[torch.Tensor, torch.Tensor], None]

    def __setitem__(self, place: int, frame: np.ndarray) -> None:
        """Make the pictures of a frame `[H, W, 3]`, uint8.

        Raises:
            MemoryError: There is no memory for it.
        """
        whole = np.ascontiguousarray(frame)
        with _memory_errors():
            if self.values is not None:
                self.write(torch.from_numpy(whole), self.values[:, place : place + 1])
            if self.resized is not None:
                self.resized[place] = resized_frames(whole[None], self.protocol)[0].numpy()

    def moved(self, values: torch.Tensor) -> "Pictures":
        """Return the same pictures on another device."""
        return replace(self, values=values)


class FrameKeeping:
    """Decides, for each video, what is kept of its frames, and makes it.

    Memory follows the protocol's size, not the file's. Several threads may read videos at once.
    """

    def __init__(
        self,
        protocol: Protocol,
        *,
        rgb: bool = True,
        flow: bool = False,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Prepare for videos.

        Args:
            protocol: The resize, the crops and the normalisation.
            rgb: True if the network takes the frames.
            flow: True if it takes their optical flow.
            device: Device that resizes the frames; what is made of them is kept on the CPU.
            dtype: Type of the numbers that the network takes.
        """
        self.protocol, self.rgb, self.flow, self.dtype = protocol, rgb, flow, dtype
        self.device = torch.device(device)
        self._turn = threading.Lock()
        self._stream = torch.cuda.Stream(device) if self.device.type == "cuda" else None

    def store_of(self, room: Room) -> Callable[[tuple[int, ...]], np.ndarray | Pictures]:
        """Return what gives a store for frames `[U, H, W, 3]`, in memory that `room` gives."""

        def store(shape: tuple[int, ...]) -> np.ndarray | Pictures:
            count, height, width, colours = shape
            frame_bytes = height * width * colours
            kept_bytes = self._values_bytes((height, width)) + self._resized_bytes((height, width))
            if frame_bytes <= max(SMALL_FRAME_BYTES, LEAST_GAIN * kept_bytes):
                return room(shape)
            return self._pictures(shape, room((count * kept_bytes,)))

        return store

    def _values_bytes(self, frame: Size) -> int:
        """Return the bytes of what any crop shows of a frame."""
        height, width = FrameTransform(self.protocol, frame, CPU, self.dtype).size
        return 3 * height * width * self.dtype.itemsize if self.rgb else 0

    def _resized_bytes(self, frame: Size) -> int:
        height, width = self.protocol.resized(*frame)
        return 3 * height * width if self.flow else 0

    def _pictures(self, shape: tuple[int, ...], memory: np.ndarray) -> Pictures:
        count, frame = shape[0], (shape[1], shape[2])
        transform = FrameTransform(self.protocol, frame, self.device, self.dtype)
        middle = count * self._values_bytes(frame)
        values = resized = None
        if self.rgb:
            numbers = torch.from_numpy(memory[:middle]).view(self.dtype)
            values = numbers.view(3, count, *transform.size)
        if self.flow:
            resized = memory[middle:].reshape(count, *self.protocol.resized(*frame), 3)

        def write(pixels: torch.Tensor, pictures: torch.Tensor) -> None:
            if self._stream is None:
                transform.write(pixels[None].permute(0, 3, 1, 2), pictures)
            else:
                self._write_by_gpu(transform, pixels, pictures, self._stream)

        return Pictures(shape, values, resized, self.protocol, write)

    def _write_by_gpu(
        self,
        transform: FrameTransform,
        pixels: torch.Tensor,
        pictures: torch.Tensor,
        stream: torch.cuda.Stream,
    ) -> None:
        """Make pictures on the GPU, and fetch them.

        One frame at a time, whichever thread it comes from, on a stream that waits for no forward.
        """
        with self._turn, torch.cuda.stream(stream):
            made = patiently(lambda: self._made_by_gpu(transform, pixels))
            pictures.copy_(made)  # waits until it is there

    def _made_by_gpu(self, transform: FrameTransform, pixels: torch.Tensor) -> torch.Tensor:
        made = torch.empty((3, 1, *transform.size), dtype=self.dtype, device=self.device)
        transform.write(pixels.to(self.device)[None].permute(0, 3, 1, 2), made)
        return made


def patiently(attempt: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Return the attempt's result, once a GPU that forwards fill has memory for it.

    Raises:
        torch.OutOfMemoryError: It has none for a minute.
    """
    for _ in range(GPU_TRIES - 1):
        try:
            return attempt()
        except torch.OutOfMemoryError:
            pass
        # Only here is the memory of the failed attempt no longer referenced.
        torch.cuda.empty_cache()
        time.sleep(GPU_WAIT_S)
    return attempt()


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Turn the error of torch's allocator for the CPU into Python's."""
    try:
        yield
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise MemoryError(str(error)) from error
