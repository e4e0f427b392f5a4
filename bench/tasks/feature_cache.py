"""Features of windows on disk, so that several heads, and several runs, compute them once."""

import hashlib
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from ...datasets.cache_root import cache_root
from ...datasets.errors import VideoError, reason_of
from ...datasets.files import replacing
from ...datasets.split import Video
from ...zoo import registry
from ..machine.environment import library_versions
from ..network.code_digest import imported_digest, source_digest
from ..network.digest import network_digest
from ..network.network import Network

FORMAT = 2


class FeaturesKey(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides the values of features.

    Attributes:
        video: The file, its size in bytes and the time of its last change in ns.
        starts: Digest of the beginnings of the windows.
        protocol: Digest of the protocol.
        backbone: Digest of the backbone's structure and weights.
        source: Digests of kinobench's code and the backbone's, and of the modules it imports.
        computed: Device, precision and mode; on a GPU its name as well.
        batch: Windows in a forward: another number rounds otherwise.
        versions: Versions of the libraries that decode, resize and compute.
        format: Version of the entry's format.
    """

    video: tuple[str, int, int]
    starts: str
    protocol: str
    backbone: str
    source: list[str]
    computed: tuple[str, ...]
    batch: int
    versions: dict[str, str]
    format: int = FORMAT


class FeaturesOf:
    """Names the features of the videos of one network."""

    def __init__(self, network: Network) -> None:
        """Take a network that has settled; its backbone's digest is computed here, once."""
        import torch

        case, module = network.case, cast(Any, network.module)
        build = registry.get(module.backbone.name).build
        where = torch.cuda.get_device_name(network.device) if case.device == "cuda" else ""
        self._fixed: dict[str, Any] = {
            "protocol": case.protocol.digest,
            "backbone": network_digest(module.backbone),
            "source": [source_digest(build), imported_digest(build)],
            "computed": (case.device, where, case.precision, case.mode),
            "batch": case.eval_batch,
            "versions": library_versions(),
        }

    def key(self, video: Video, starts_s: np.ndarray) -> FeaturesKey:
        """Return the key of the features of a video's windows.

        Raises:
            VideoError: There is no such file.
        """
        path = video.path.resolve()
        try:
            status = path.stat()
        except OSError as error:
            raise VideoError(path, f"can't be read: {reason_of(error)}") from error
        return FeaturesKey(
            video=(str(path), status.st_size, status.st_mtime_ns),
            starts=hashlib.sha256(np.ascontiguousarray(starts_s).tobytes()).hexdigest()[:16],
            **self._fixed,
        )


class FeatureCache:
    """A folder of features.

    Attributes:
        root: The folder.
        fault: Reason why it can't be written, after the first failure; then nothing more is kept.
    """

    def __init__(self, root: Path | None = None) -> None:
        """Keep entries under `root`, by default `cache_root() / "features"`; made when needed."""
        self.root = cache_root() / "features" if root is None else root
        self.fault: str | None = None

    def get(self, key: FeaturesKey) -> np.ndarray | None:
        """Return features `[windows, C]`, float32, or None if there is no whole entry."""
        line = msgspec.json.encode(key, order="sorted") + b"\n"
        try:
            content = self._path(line).read_bytes()
        except OSError:
            return None
        head, _, rest = content.partition(b"\n")
        if head + b"\n" != line:
            return None
        shape, _, rest = rest.partition(b"\n")
        digest, _, values = rest.partition(b"\n")
        if hashlib.sha256(values).hexdigest().encode() != digest:
            return None
        rows, channels = msgspec.json.decode(shape, type=tuple[int, int])
        return np.frombuffer(bytearray(values), dtype=np.float32).reshape(rows, channels)

    def put(self, key: FeaturesKey, features: np.ndarray) -> None:
        """Keep features `[windows, C]`; the file appears whole or not at all."""
        if self.fault is not None:
            return
        line = msgspec.json.encode(key, order="sorted") + b"\n"
        values = np.ascontiguousarray(features, dtype=np.float32).tobytes()
        digest = hashlib.sha256(values).hexdigest().encode()
        shape = msgspec.json.encode(features.shape)
        path = self._path(line)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as unfinished:
                unfinished.write_bytes(b"".join((line, shape, b"\n", digest, b"\n", values)))
        except OSError as error:
            self.fault = f"{self.root} can't be written: {reason_of(error)}"

    def _path(self, line: bytes) -> Path:
        digest = hashlib.sha256(line).hexdigest()
        return self.root / digest[:2] / f"{digest[2:32]}.features"
