"""Optical flow on disk, so that a video's flow is computed once.

An entry is one file: a line of JSON that identifies the flow, then the flow, compressed without
loss. The file's name is the digest of that line. The line has everything that could change a value:
the video (path, size in bytes, time of its last change), the frames, how they were resized, the
method with all its parameters and OpenCV's version. A file that is cut short, altered or of another
flow is ignored: the flow is computed again and replaces it.
"""

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from ..cache_root import cache_root
from ..errors import KinobenchError, VideoError, reason_of
from ..files import open_regular, replacing
from ..sources.paths import path_of

FORMAT = 1
COMPRESSION = 1
"""zlib's level: 6 takes four times as long for a tenth less."""


class FlowKey(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides the values of a flow.

    Attributes:
        video: The file, its size in bytes and the time of its last change in ns.
        pairs: The frames of the file that it is between: `[P][2]`.
        height, width: Size of the frames after the resize, in pixels.
        resize: Text that describes the resize; it differs whenever the pixels could.
        method: Name of the method.
        parameters: All of its parameters.
        opencv: OpenCV's version.
        format: Version of the entry's format.
    """

    video: tuple[str, int, int]
    pairs: tuple[tuple[int, int], ...]
    height: int
    width: int
    resize: str
    method: str
    parameters: Mapping[str, float]
    opencv: str
    format: int = FORMAT

    @property
    def line(self) -> bytes:
        """The key as one line of JSON, the same for the same key."""
        return msgspec.json.encode(self, order="sorted") + b"\n"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the flow: `[P, 2, height, width]`."""
        return len(self.pairs), 2, self.height, self.width


class FlowCache:
    """A folder of flows.

    Attributes:
        root: The folder.
        fault: Reason why it can't be written, after the first failure; then nothing more is kept.
    """

    def __init__(self, root: str | Path | None = None) -> None:
        """Keep entries under `root`, by default `cache_root() / "flow"`; made when needed."""
        self.root = cache_root() / "flow" if root is None else Path(root)
        self.fault: str | None = None

    def of_video(self, path: str | Path, numbers: Sequence[int]) -> "VideoFlowCache":
        """Return the part for chosen frames of a video.

        Args:
            path: The file.
            numbers: The numbers, in the file, of the frames that the flow will be computed from.

        Raises:
            VideoError: There is no such file.
        """
        file = path_of(path).resolve()
        try:
            status = file.stat()
        except OSError as error:
            raise VideoError(path, f"can't be read: {reason_of(error)}") from error
        video = (str(file), status.st_size, status.st_mtime_ns)
        return VideoFlowCache(self, video, tuple(numbers))

    def path_of(self, key: FlowKey) -> Path:
        """Return the file of an entry, whether it exists or not."""
        digest = hashlib.sha256(key.line).hexdigest()
        return self.root / digest[:2] / f"{digest[2:32]}.flow"

    def get(self, key: FlowKey) -> np.ndarray | None:
        """Return the flow of a key, `[P, 2, H, W]`, uint8, or None if there is no whole entry."""
        try:
            with open_regular(self.path_of(key)) as file:
                if file.readline() != key.line:
                    return None
                # zlib ends in a checksum of what was compressed.
                pixels = zlib.decompress(file.read())
        except (OSError, zlib.error):
            return None
        if len(pixels) != np.prod(key.shape):
            return None
        return np.frombuffer(bytearray(pixels), dtype=np.uint8).reshape(key.shape)

    def put(self, key: FlowKey, flow: np.ndarray) -> None:
        """Keep a flow, `[P, 2, H, W]`, uint8; its file appears whole or not at all.

        Raises:
            KinobenchError: The file can't be written.
        """
        if flow.dtype != np.uint8 or flow.shape != key.shape:
            raise ValueError(f"flow of {flow.dtype} {flow.shape}, not of uint8 {key.shape}")
        path = self.path_of(key)
        compressed = zlib.compress(np.ascontiguousarray(flow).data, COMPRESSION)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path, durable=False, own=True) as unfinished:
                unfinished.write_bytes(key.line + compressed)
        except OSError as error:
            raise KinobenchError(
                f"the flow cache {self.root} can't be written: {reason_of(error)}; "
                "name another folder, or set KINOBENCH_CACHE"
            ) from error


class VideoFlowCache(NamedTuple):
    """The flows of one video.

    Attributes:
        cache: The folder.
        video: The file, its size in bytes and the time of its last change in ns.
        numbers: The numbers, in the file, of the frames that the flow is computed from.
    """

    cache: FlowCache
    video: tuple[str, int, int]
    numbers: tuple[int, ...]

    def get_or_compute(
        self,
        pairs: Sequence[tuple[int, int]],
        height: int,
        width: int,
        resize: str,
        method: str,
        parameters: Mapping[str, float],
        opencv: str,
        compute: Callable[[], np.ndarray],
    ) -> np.ndarray:
        """Return the kept flow `[P, 2, height, width]`, uint8, or else compute it and keep it.

        `pairs` are indices into `numbers`; the other arguments are `FlowKey`'s.
        """
        key = FlowKey(
            video=self.video,
            pairs=tuple((self.numbers[first], self.numbers[second]) for first, second in pairs),
            height=height,
            width=width,
            resize=resize,
            method=method,
            parameters=parameters,
            opencv=opencv,
        )
        flow = self.cache.get(key)
        if flow is None:
            flow = compute()
            if self.cache.fault is None:
                try:
                    self.cache.put(key, flow)
                except KinobenchError as error:  # a full disk is no reason to lose a result
                    self.cache.fault = str(error)
        return flow
