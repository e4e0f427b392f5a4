"""A long video through a localizer: windows to features, features to segments."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from ...datasets.copy_digest import StoredVideo
from ...datasets.split import Split, Video
from ...datasets.video.windows import WindowReader
from ...zoo.localizers.grid import TimeGrid
from ...zoo.localizers.suppression import Detections, Suppression, suppress
from ..network.network import Network
from .evaluate import VideoPredictions
from .feature_cache import FeatureCache, FeaturesOf
from .window_views import Pictures, TensorPlace, features_of, open_windows


class Windows(NamedTuple):
    """The windows of a video.

    Attributes:
        starts_s: Their beginnings. Each is centred on a time of the grid, except that the first and
            the last ones stay inside the video: no frame is shown twice for want of others.
        grid: Where they are.
        end_s: End of the video.
    """

    starts_s: np.ndarray
    grid: TimeGrid
    end_s: float


def windows_of(reader: WindowReader, step: int, fps: float | None) -> Windows:
    """Place windows over a whole video, `step` frames apart, from its beginning to its end.

    Args:
        reader: The open video.
        step: Frames from one window to the next.
        fps: Frames a second by which the protocol counts; None: those of the file.
    """
    begin_s, end_s = float(reader.begins_s), float(reader.end_s)
    frame_s = (end_s - begin_s) / max(1, len(reader.times_s)) if fps is None else 1.0 / fps
    step_s = step * frame_s
    count = max(1, int(np.ceil((end_s - begin_s) / step_s - 1e-6)))
    centres_s = begin_s + step_s * np.arange(count)
    window_s = float(reader.span_s) + frame_s
    latest_s = max(begin_s, end_s - window_s)
    starts_s = np.clip(centres_s - float(reader.span_s) / 2, begin_s, latest_s)
    return Windows(starts_s, TimeGrid(begin_s, step_s, window_s), end_s)


class Localize:
    """Predicts the segments of one video after another; see `evaluate.Predict`."""

    def __init__(
        self,
        network: Network,
        split: Split,
        cache: FeatureCache | None,
        read: Callable[[Video, Callable[[], Any]], Any],
    ) -> None:
        """Take a network that has settled.

        Args:
            network: Its module is a `Localized`.
            split: The videos' split, which knows when each copy begins.
            cache: Store of features; None computes them each time.
            read: Reads a video, guarded; called with it and a function that reads.
        """
        self._network, self._split, self._cache, self._read = network, split, cache, read
        self._named = None if cache is None else FeaturesOf(network)
        self._module: Any = network.module
        features: Any = self._module.features
        self._forward = network.eager(features)
        suppression: Any = self._module.suppression
        self.suppression: Suppression = suppression

    def __call__(self, video: Video, opened: dict[str, StoredVideo]) -> VideoPredictions:
        """Return the segments of a video, after non-maximum suppression."""
        remarks: list[str] = []

        def features() -> tuple[np.ndarray, Windows, bool]:
            remarks.clear()  # of a first attempt
            return self._features(video, opened, remarks)

        begin = time.perf_counter()
        rows, windows, was_kept = self._read(video, features)
        found = self._segments(rows, windows)
        columns: dict[str, np.ndarray] = {
            "label": found.label.astype(np.int32),
            "start_s": found.start_s,
            "end_s": found.end_s,
            "score": found.score,
        }
        length_s = windows.end_s - windows.grid.first_s
        facts = {"windows": float(len(rows)), "video_s": length_s}
        facts["window_s"] = windows.grid.window_s
        if was_kept:
            facts["kept"] = 1.0
        else:
            facts |= {"timed_s": time.perf_counter() - begin, "timed_video_s": length_s}
        return VideoPredictions(columns, facts, tuple(dict.fromkeys(remarks)))

    def _features(
        self, video: Video, opened: dict[str, StoredVideo], remarks: list[str]
    ) -> tuple[np.ndarray, Windows, bool]:
        """Return the features of a video's windows, `[windows, C]`, and whether they were kept."""
        network, case = self._network, self._network.case
        protocol = case.protocol
        with open_windows(self._split, video, protocol, Pictures(protocol)) as reader:
            opened[video.id] = reader.stored
            windows = windows_of(reader, case.step or 1, protocol.fps)
            key = self._named.key(video, windows.starts_s) if self._named else None
            kept = self._cache.get(key) if self._cache and key else None
            if kept is not None:
                return kept, windows, True
            place = TensorPlace(network.device, network.dtype)
            found = features_of(self._forward, reader, windows.starts_s, case.eval_batch, place)
            remarks += reader.remarks
        if self._cache and key:
            self._cache.put(key, found)
        return found, windows, False

    def _segments(self, rows: np.ndarray, windows: Windows) -> Detections:
        """Return what is left after non-maximum suppression, the best first."""
        network = self._network
        with torch.inference_mode():
            features = torch.from_numpy(rows).to(network.device, network.dtype).T[None]
            mask = torch.ones(1, features.shape[2], dtype=torch.bool, device=network.device)
            self._module.grid = windows.grid
            segments, scores = self._module.localize(features.contiguous(), mask)
        return suppress(
            segments[0].double().cpu().numpy(),
            scores[0].double().cpu().numpy(),
            self.suppression,
            duration_s=windows.end_s,
        )
