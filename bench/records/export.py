"""How a network got from torch into the runtime of a case, and what the runtime made of it."""

from typing import Literal

import msgspec

Format = Literal["onnx", "openvino", "pt2", "tensorrt"]


class Quantised(msgspec.Struct, frozen=True, kw_only=True):
    """A quantisation after training.

    Attributes:
        method: The library with its recipe, as text.
        clips: Training clips that were run through the network for the scales.
        clips_digest: Digest of these clips: which videos, and where the clips begin.
        macs_share: Share of the network's multiply-adds that run in the lower precision; None if
            the runtime doesn't say where it runs what.
        quantise_s: Seconds that it took.
    """

    method: str
    clips: int
    clips_digest: str
    macs_share: float | None
    quantise_s: float


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A network as a runtime has it.

    Attributes:
        format: Format of the file that the runtime loads.
        path: How the network got there, such as `torch.export, torch.onnx`.
        opset: Version of ONNX's operators; None for another format.
        export_s: Seconds that the export took when it was made, with the quantisation.
        cached: It was made by an earlier case or process, and taken from the cache.
        size_bytes: Size of the files that are loaded.
        load_s: Seconds from the files to a network that can be called.
        runs_on: What executes it, as the runtime says: providers or devices.
        arithmetic: The precision in which the runtime computes, as it says itself.
        threads: Threads of the runtime on the CPU; None on a GPU.
        streams: Requests that OpenVINO works on at once; None for other runtimes.
        quantised: The quantisation, if there was one.
    """

    format: Format
    path: str
    opset: int | None = None
    export_s: float
    cached: bool
    size_bytes: int
    load_s: float
    runs_on: tuple[str, ...]
    arithmetic: str
    threads: int | None = None
    streams: int | None = None
    quantised: Quantised | None = None
