"""TensorRT's Python API, as its documentation has it, computing on the CPU what it is told.

It has no more names than TensorRT 11 has: a misspelled one is an AttributeError.
"""

import ctypes
import enum
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch

DEVICE_BYTES = 4096


class ILogger:
    """What TensorRT writes to."""

    Severity = enum.Enum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE")

    def log(self, severity: Any, message: str) -> None:
        raise NotImplementedError


class FakeTensorRt:
    """The module; an engine doubles its one input of 6 numbers.

    Attributes:
        flags: Flags of the builder's configuration when it built.
        failing: `parse`, `build`, `load` or `execute`; what fails, with a line in the log.
        addresses: What was set for a tensor's name, by name.
        streams: Streams on which it was executed.
    """

    ILogger = ILogger
    TensorIOMode = enum.Enum("TensorIOMode", "NONE INPUT OUTPUT")
    BuilderFlag = enum.Enum("BuilderFlag", "TF32 REFIT")

    class NetworkDefinitionCreationFlag(enum.IntEnum):
        """As TensorRT numbers them."""

        EXPLICIT_BATCH = 0
        STRONGLY_TYPED = 1

    def __init__(self) -> None:
        self.flags: set[str] = {"TF32"}
        self.failing: str | None = None
        self.addresses: dict[str, int] = {}
        self.streams: list[int] = []
        self.Builder = partial(_Builder, self)
        self.OnnxParser = partial(_OnnxParser, self)
        self.Runtime = partial(_Runtime, self)

    def fails(self, step: str, logger: ILogger) -> bool:
        if self.failing == step:
            logger.log(ILogger.Severity.ERROR, f"Error Code 4: {step} failed")
            logger.log(ILogger.Severity.WARNING, "a warning afterwards")
        return self.failing == step


class _Config:
    def __init__(self, fake: FakeTensorRt) -> None:
        self.fake = fake

    def set_flag(self, flag: Any) -> None:
        self.fake.flags.add(flag.name)

    def clear_flag(self, flag: Any) -> None:
        self.fake.flags.discard(flag.name)


class _Builder:
    def __init__(self, fake: FakeTensorRt, logger: ILogger) -> None:
        self.fake, self.logger = fake, logger

    def create_network(self, flags: int) -> object:
        assert flags == 1 << 1
        return object()

    def create_builder_config(self) -> _Config:
        return _Config(self.fake)

    def build_serialized_network(self, network: object, config: _Config) -> bytes | None:
        return None if self.fake.fails("build", self.logger) else b"an engine"


class _OnnxParser:
    num_errors = 1

    def __init__(self, fake: FakeTensorRt, network: object, logger: ILogger) -> None:
        self.fake, self.logger = fake, logger

    def parse_from_file(self, path: str) -> bool:
        return not self.fake.fails("parse", self.logger)

    def get_error(self, number: int) -> Any:
        return SimpleNamespace(node_operator=lambda: "Einsum", desc=lambda: "no such rank\n")


class _Context:
    def __init__(self, fake: FakeTensorRt, logger: ILogger) -> None:
        self.fake, self.logger = fake, logger

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.fake.addresses[name] = address
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        self.fake.streams.append(stream_handle)
        if self.fake.fails("execute", self.logger):
            return False
        given, gives = (_floats(self.fake.addresses[each]) for each in ("clip", "logits"))
        for place in range(6):
            gives[place] = 2 * given[place]
        return True


def _floats(address: int) -> Any:
    return (ctypes.c_float * 6).from_address(address)


class _Engine:
    num_io_tensors = 2
    device_memory_size_v2 = DEVICE_BYTES

    def __init__(self, fake: FakeTensorRt, logger: ILogger) -> None:
        self.fake, self.logger = fake, logger

    def get_tensor_name(self, number: int) -> str:
        return ("clip", "logits")[number]

    def get_tensor_mode(self, name: str) -> Any:
        modes = FakeTensorRt.TensorIOMode
        return modes.INPUT if name == "clip" else modes.OUTPUT

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (2, 3)

    def get_tensor_dtype(self, name: str) -> Any:
        return SimpleNamespace(name="FLOAT")

    def create_execution_context(self) -> _Context:
        return _Context(self.fake, self.logger)


class _Runtime:
    def __init__(self, fake: FakeTensorRt, logger: ILogger) -> None:
        self.fake, self.logger = fake, logger

    def deserialize_cuda_engine(self, plan: bytes) -> _Engine | None:
        assert plan == b"an engine"
        return None if self.fake.fails("load", self.logger) else _Engine(self.fake, self.logger)


class FakeStream:
    """A CUDA stream; `order` tells who waited for whom."""

    order: list[str]
    cuda_stream = 77

    def wait_stream(self, other: "FakeStream") -> None:
        FakeStream.order.append(f"{type(self).__name__} waits for {type(other).__name__}")


class CurrentStream(FakeStream):
    """Torch's own."""


def fake_gpu(monkeypatch: Any) -> None:
    """Give torch a GPU whose memory is the host's."""
    FakeStream.order = []
    empty: Callable[..., torch.Tensor] = torch.empty

    def on_host(*shape: Any, device: Any = None, **others: Any) -> torch.Tensor:
        return empty(*shape, **others)

    for name, value in {
        "is_available": lambda: True,
        "Stream": FakeStream,
        "current_stream": CurrentStream,
        "current_device": lambda: 0,
        "get_device_name": lambda: "A GPU",
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(torch, "empty", on_host)
