"""Features of windows on disk, so that several heads, and several runs, compute them once."""

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from ...datasets.cache_root import cache_root
from ...datasets.errors import VideoError, reason_of
from ...datasets.files import replacing
from ...datasets.split import Video
from ..network.code_digest import source_digest
from ..network.digest import network_digest
from ..network.network import Network

FORMAT = 1


class FeaturesKey(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides the values of features.

    Attributes:
        video: The file, its size in bytes and the time of its last change in ns.
        starts: Digest of the beginnings of the windows.
        protocol: Digest of the protocol.
        backbone: Digest of the backbone's structure and weights.
        source: Digest of the code.
        computed: Device, precision and runtime.
        batch: Windows in a forward: another number rounds otherwise.
        torch: Its version.
        format: Version of the entry's format.
    """

    video: tuple[str, int, int]
    starts: str
    protocol: str
    backbone: str
    source: str
    computed: tuple[str, ...]
    batch: int
    torch: str
    format: int = FORMAT


def features_key(network: Network, video: Video, starts_s: np.ndarray) -> FeaturesKey:
    """Return the key of a video's features.

    Raises:
        VideoError: There is no such file.
    """
    import torch

    case, path = network.case, video.path.resolve()
    try:
        status = path.stat()
    except OSError as error:
        raise VideoError(path, f"can't be read: {reason_of(error)}") from error
    return FeaturesKey(
        video=(str(path), status.st_size, status.st_mtime_ns),
        starts=hashlib.sha256(np.ascontiguousarray(starts_s).tobytes()).hexdigest()[:16],
        protocol=case.protocol.digest,
        backbone=backbone_digest(network),
        source=source_digest(type(network.module)),
        computed=(case.device, case.precision, case.mode, case.runtime),
        batch=case.eval_batch,
        torch=str(torch.__version__),
    )


def backbone_digest(network: Network) -> str:
    """Return the digest of a localizer's backbone, which is computed once for a network."""
    found = _DIGESTS.get(id(network))
    if found is None:
        module = network.module
        found = _DIGESTS[id(network)] = network_digest(module.backbone)  # type: ignore[arg-type]
    return found


_DIGESTS: dict[int, str] = {}


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
