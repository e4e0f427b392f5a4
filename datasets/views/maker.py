"""Views that a network sees, from a video's wanted frames."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ..protocol import Protocol
from ..protocol.cropping import Crop
from .decoded import Pictures
from .pixels import FRAMES_AT_ONCE, split_frames
from .transform import FrameTransform, colour_scale

Frames = np.ndarray | torch.Tensor | Pictures


def make_views(
    frames: np.ndarray | Pictures,
    places: Sequence[Sequence[int]],
    protocol: Protocol,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Resize, crop and normalise the frames of a video into its views.

    Args:
        frames: `[U, H, W, 3]`, uint8, red, green, blue; or pictures that were made of them.
        places: `[clips][frames]`, indices into `frames`.
        protocol: The resize, the crops and the normalisation.
        device: The device that does the work and has the views.

    Returns:
        `[clips * crops, 3, frames, size, size]`, float32, normalised; all crops of the first clip,
        then all crops of the second.
    """
    maker = ViewMaker(protocol, device)
    maker.take(frames, places)
    shape = (len(maker), 3, len(places[0]), protocol.size, protocol.size)
    views = torch.empty(shape, device=device)
    maker.write(0, views)
    return views


class ViewMaker:
    """Makes the views of one video after the other, always in the same memory.

    Every frame travels to the device once, as bytes; what no crop shows of it is cut off, before it
    becomes a float where nothing is resized; it is resized and normalised once, however many views
    show it; and each view is written once, where the caller wants it.

    Large frames come as pictures that were made as they were decoded; they travel as such.

    The memory is used again, since fresh pages cost the system more time than filling them.
    """

    def __init__(
        self,
        protocol: Protocol,
        device: torch.device | str,
        dtype: torch.dtype = torch.float32,
        threads: int = 1,
    ) -> None:
        """Prepare for videos.

        Args:
            protocol: The resize, the crops and the normalisation.
            device: The device that does the work and has the views.
            dtype: The type of the views' numbers.
            threads: Frames, and views, that a CPU works on side by side. Several of them share it
                better with threads that decode than OpenMP's, which keep it busy as they wait.
        """
        self.protocol = protocol
        self.device = torch.device(device)
        self.dtype = dtype
        for values in (protocol.mean, protocol.std):
            colour_scale(values, self.device)  # copied there before anything waits for it
        self._memory = torch.empty(0, dtype=dtype, device=device)
        self._pictures = self._memory
        self._places: list[list[int]] = []
        self._runs: list[list[tuple[slice, slice]]] = []
        self._chosen = torch.empty(0, 0, dtype=torch.int64, device=device)
        self._crops: list[Crop] = []
        several = threads > 1 and self.device.type == "cpu"
        self._frames_at_once = max(2, FRAMES_AT_ONCE // threads) if several else FRAMES_AT_ONCE
        self._pool = ThreadPoolExecutor(threads, "views", _alone) if several else None
        self._copying = torch.cuda.Stream(device) if self.device.type == "cuda" else None

    def __len__(self) -> int:
        """Return the number of views of the video that was taken last."""
        return len(self._places) * len(self._crops)

    def take(self, frames: Frames, places: Sequence[Sequence[int]]) -> None:
        """Resize and normalise the frames of a video.

        Args:
            frames: `[U, H, W, 3]`, uint8, red, green, blue; not needed any more afterwards. A
                tensor is on the device already, as `send` gives it. Pictures are as they shall be;
                on a CPU they are shown from where they are.
            places: `[clips][frames]`, indices into `frames`.
        """
        frame = frames.shape[1], frames.shape[2]
        transform = FrameTransform(self.protocol, frame, self.device, self.dtype)
        self._crops = transform.crops
        self._places = [list(clip) for clip in places]
        self._runs = [_even_runs(clip) for clip in self._places]
        if self._copying is not None:  # from pinned memory, so that nothing waits for the GPU
            chosen = torch.tensor(self._places).pin_memory()
            self._chosen = chosen.to(self.device, non_blocking=True)
        sent = self.send(frames)
        if isinstance(sent, Pictures):
            assert sent.values is not None and sent.values.dtype is self.dtype
            self._pictures = sent.values
            return
        self._pictures = self._room(len(sent), *transform.size)
        parts = split_frames(sent, self._frames_at_once)

        def make(at: int) -> None:
            begin = at * self._frames_at_once
            transform.write(parts[at], self._pictures[:, begin : begin + len(parts[at])])

        self._each(make, len(parts))

    def write(self, first: int, views: torch.Tensor) -> None:
        """Write as many views as there is room for, from view `first` on.

        Args:
            first: The first view to be written.
            views: `[n, 3, frames, size, size]`, of the maker's dtype and on its device.
        """
        size = self.protocol.size

        def write(at: int) -> None:
            view = views[at]
            clip, crop = divmod(first + at, len(self._crops))
            top, left, mirrored = self._crops[crop]
            shown = self._pictures[:, :, top : top + size, left : left + size]
            if self._copying is None:  # on a CPU index_select takes 25 times as long
                for times, places in self._runs[clip]:
                    pictures = shown[:, places]
                    view[:, times].copy_(pictures.flip(-1) if mirrored else pictures)
            else:
                chosen = self._chosen[clip]
                if mirrored:
                    view.copy_(shown.index_select(1, chosen).flip(-1))
                else:
                    torch.index_select(shown, 1, chosen, out=view)

        self._each(write, len(views))

    def _each(self, task: Callable[[int], None], count: int) -> None:
        """Do a task for each number below a count, several at a time if there are threads."""
        if self._pool is None:
            for number in range(count):
                task(number)
            return
        inference = torch.is_inference_mode_enabled()

        def attempt(number: int) -> None:
            with torch.inference_mode(inference):  # threads don't inherit it
                task(number)

        for _ in self._pool.map(attempt, range(count)):
            pass

    def _room(self, frames: int, height: int, width: int) -> torch.Tensor:
        """Return `[3, frames, height, width]`, whatever is in it."""
        elements = 3 * frames * height * width
        if elements > self._memory.numel():
            self._memory = self._pictures = torch.empty(0, device=self.device)  # free it first
            self._memory = torch.empty(elements, dtype=self.dtype, device=self.device)
        return self._memory[:elements].view(3, frames, height, width)

    def send(self, frames: Frames) -> torch.Tensor | Pictures:
        """Return frames `[U, H, W, 3]`, or pictures, on the device.

        They travel while the GPU computes: on a stream of their own, which alone is waited for,
        so that their memory can be used again.
        """
        if isinstance(frames, Pictures):
            return frames if frames.values is None else frames.moved(self._sent(frames.values))
        if isinstance(frames, torch.Tensor):
            return frames
        return self._sent(torch.from_numpy(np.ascontiguousarray(frames)))

    def _sent(self, pixels: torch.Tensor) -> torch.Tensor:
        if self._copying is None or pixels.device.type == self.device.type:
            return pixels.to(self.device)
        with torch.cuda.stream(self._copying):
            sent = pixels.to(self.device, non_blocking=True)
        self._copying.synchronize()
        sent.record_stream(torch.cuda.current_stream(self.device))
        return sent


def _even_runs(places: Sequence[int]) -> list[tuple[slice, slice]]:
    """Cut a clip's places into runs of even steps forward: slices of the clip, and of the pictures.

    A run is copied in one call: between calls a thread waits its turn among those that decode.
    """
    runs: list[tuple[slice, slice]] = []
    begin = 0
    while begin < len(places):
        end = begin + 1
        step = places[end] - places[begin] if end < len(places) else 1
        if step > 0:
            while end < len(places) and places[end] - places[end - 1] == step:
                end += 1
        stop = places[end - 1] + 1
        runs.append((slice(begin, end), slice(places[begin], stop, max(step, 1))))
        begin = end
    return runs


def _alone() -> None:
    """Let the operators of this thread use no other threads."""
    torch.set_num_threads(1)
