"""A case: one row of a table, before it is measured. No torch."""

import hashlib
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from ...datasets.names import DEFAULT_DECODER, Decoder, FlowMethod, Probe, Task
from ...datasets.protocol import Protocol

Device = Literal["cpu", "cuda"]
Precision = Literal["fp32", "tf32", "bf16", "fp16", "int8"]
QUANTISED: tuple[Precision, ...] = ("int8",)
"""Precisions whose scales are found by running clips through the network."""
CALIBRATION_CLIPS = 128
"""Clips for that where nobody says how many."""
Runtime = Literal["torch", "onnxruntime", "openvino", "aotinductor", "tensorrt"]
Provider = Literal["cpu", "cuda", "tensorrt", "gpu"]
"""What a runtime runs on: an execution provider of ONNX Runtime, or a device of OpenVINO, whose
`gpu` is Intel's."""
Hint = Literal["latency", "throughput"]
"""What OpenVINO chooses its streams and threads for."""
Mode = Literal["eager", "compile", "cudagraph", "compile_cudagraph", "channels_last_3d", "stream"]
GRAPH_MODES: tuple[Mode, ...] = ("cudagraph", "compile_cudagraph")
"""Modes that replay a CUDA graph."""
LogitsType = Literal["float32", "float16"]

_Count = Annotated[int, msgspec.Meta(ge=1)]
"""Held against records as they are read: times and rates are divided by them."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a table: a network, its clips, its dataset, and how it runs.

    Attributes:
        model: The registry's name; it names the variant too.
        weights: A published checkpoint's name or a path; None is an untrained network.
        classes: Outputs of the head.
        protocol: The clips; its number of views counts for accuracy, speed is that of one view.
        dataset, split: The videos on which accuracy is measured; None without a dataset.
        batch: Views in one forward, for latency and memory.
        threads: Threads of one operator on the CPU; None leaves them to the device's default.
        eval_batch: Views in one forward while accuracy is measured.
        flow: Method of the optical flow; None for a network that takes none.
        decoder: The library that decodes the videos while accuracy is measured.
        cold_l2: The GPU's L2 cache is overwritten before each sample of a latency.
        probe: The change to the clips on which accuracy is measured; see datasets/names.py.
        runtime: The library that executes the network. All but torch run it as it was exported.
        provider: What the runtime runs on; None is its usual one for the device.
        hint: OpenVINO's performance hint; None is `latency`.
        calibration: Training clips with which a network is quantised; None for a precision that
            needs none.
        task: What the network says of a video.
        step: Frames from the beginning of a window to that of the next one, of the frames that the
            protocol counts, for a network that localizes: its batch is so many windows of one
            video. None for other tasks.
        boxes: Boxes in each clip for cost and latency, for a network that says what happens in
            boxes; None for other tasks.
        proposals: Name and digest of the file of boxes that a detector is scored on; None: it is
            given the annotated ones.
    """

    model: str
    weights: str | None = None
    classes: _Count
    protocol: Protocol
    dataset: str | None = None
    split: str | None = None
    device: Device = "cpu"
    precision: Precision = "fp32"
    mode: Mode = "eager"
    batch: _Count = 1
    threads: _Count | None = None
    eval_batch: _Count = 8
    flow: FlowMethod | None = None
    decoder: Decoder = DEFAULT_DECODER
    cold_l2: bool = False
    probe: Probe | None = None
    runtime: Runtime = "torch"
    provider: Provider | None = None
    hint: Hint | None = None
    calibration: _Count | None = None
    task: Task = "classification"
    step: _Count | None = None
    boxes: _Count | None = None
    proposals: str | None = None

    @property
    def is_reference(self) -> bool:
        """It is eager fp32 in torch, whose outputs those of all others are compared with."""
        return (self.runtime, self.precision, self.mode) == ("torch", "fp32", "eager")

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of everything that decides the case, but for names of protocols."""
        return _digest(self)


@lru_cache(maxsize=2**16)
def _digest(case: Case) -> str:
    """Return a case's digest, computed once for equal cases: thousands of records share a few."""
    decisive = msgspec.to_builtins(case) | {"protocol": case.protocol.digest}
    for field, usual in _LATER.items():
        if getattr(case, field) == usual:
            del decisive[field]
    return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()[:16]


_LATER = {
    "flow": None,
    "decoder": DEFAULT_DECODER,
    "cold_l2": False,
    "probe": None,
    "runtime": "torch",
    "provider": None,
    "hint": None,
    "calibration": None,
    "task": "classification",
    "step": None,
    "boxes": None,
    "proposals": None,
}
"""Fields that older records lack, each with its value there: a digest has only other values."""
