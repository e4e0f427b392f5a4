"""A case's network, ready to be called: built, loaded, placed, in its precision and mode."""

import gc
import time
from collections.abc import Callable

import torch
from torch import nn

from ..datasets.errors import KinobenchError
from ..zoo import registry
from ..zoo.streaming import streams
from ..zoo.weights import load_weights
from .flops import count_cost
from .inputs import Inputs, random_inputs
from .record import Case, Cost, Mode, Precision
from .stream import FrameByFrame, Stream, count_step

_DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}

CUDNN_BENCHMARK = True
"""cuDNN tries its algorithms on the first call of a shape: what a server with fixed shapes does."""

Forward = Callable[..., torch.Tensor]
"""Called with the tensors of `Inputs`; gives logits `[B, classes]`."""


class Network:
    """The module of a case, and its forward as the case's mode runs it.

    Attributes:
        module: In eval mode; on the CPU in fp32 until `settle` places it.
        forward: What is timed: a forward of the case's `inputs`, on the device and in the
            precision -> logits `[B, classes]`. In mode `stream` it takes one frame
            `[B, 3, H, W]`, and the state of the frames before it is kept.
        classify: Logits of whole clips; in mode `stream`, frame by frame from an empty state.
        build_s: How long building, loading and placing took.
        first_call_s: The first forward in the case's mode, with whatever is compiled, captured or
            tuned in it.
        weights_digest: Of the checkpoint file; None for an untrained network.
        reference: eager fp32 outputs on `reference_inputs`, where the case is anything else.
    """

    def __init__(self, case: Case) -> None:
        """Build the network with a fixed seed, so that untrained ones are the same each time."""
        self.case = case
        self.device = torch.device(case.device)
        self.dtype = _DTYPES[case.precision]
        _allow_tf32(case.precision == "tf32")
        torch.backends.cudnn.benchmark = CUDNN_BENCHMARK
        begin = time.perf_counter()
        torch.manual_seed(0)
        architecture = registry.get(case.model)
        module = architecture.build(case.classes, case.protocol.frames, case.protocol.size)
        self.weights_digest = None
        if case.weights is not None:
            self.weights_digest = load_weights(module, case.model, case.weights)
        self.module = module.eval()
        self.build_s = time.perf_counter() - begin
        self.params = sum(parameter.numel() for parameter in self.module.parameters())
        self.kinds = architecture.inputs
        self.reference_inputs: list[Inputs] = []
        self.reference: torch.Tensor | None = None
        self.forward: Forward = self.module
        self.classify: Forward = self.module
        self.first_call_s = 0.0

    def settle(self) -> None:
        """Take on the case's device, precision and mode, and make the first forward, timed.

        Raises:
            KinobenchError: The network doesn't give logits `[B, classes]`, or can't stream.
        """
        begin = time.perf_counter()
        self.module = self.module.to(self.device)
        self.build_s += time.perf_counter() - begin
        if (self.case.precision, self.case.mode) != ("fp32", "eager"):
            self._keep_reference()
        self.module = self.module.to(self.dtype)
        if self.case.mode == "stream":
            self._refuse_to_stream_clips()
        with torch.inference_mode():
            (inputs,) = self.inputs(1)
            begin = time.perf_counter()
            self.forward = _MODES[self.case.mode](self.module, inputs)
            logits = self.forward(*inputs)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            self.first_call_s = time.perf_counter() - begin
        self.classify = FrameByFrame(self.module) if self.case.mode == "stream" else self.forward
        expected = (self.case.batch, self.case.classes)
        if tuple(logits.shape) != expected:
            given = zip(self.kinds, inputs, strict=True)
            raise KinobenchError(
                f"{self.case.model} gives {list(logits.shape)} for "
                f"{' and '.join(f'{kind} {list(each.shape)}' for kind, each in given)}; "
                f"logits must be [B, classes], {list(expected)}"
            )

    def inputs(self, count: int) -> list[Inputs]:
        """Return random arguments of `forward`, of the case's own shape, on the device."""
        drawn = self._random_inputs(count, seed=0)
        if self.case.mode == "stream":
            drawn = [(clip[:, :, 0],) for (clip,) in drawn]
        return [self.placed(inputs) for inputs in drawn]

    def placed(self, inputs: Inputs) -> Inputs:
        """Return arguments on the case's device, in its precision."""
        return tuple(each.to(self.device, self.dtype) for each in inputs)

    def _random_inputs(self, count: int, seed: int) -> list[Inputs]:
        protocol, generator = self.case.protocol, torch.Generator().manual_seed(seed)
        frames, size = protocol.frames, protocol.size
        return [
            random_inputs(self.kinds, self.case.batch, frames, size, generator)
            for _ in range(count)
        ]

    def cost(self) -> Cost:
        """Count one view, or in mode `stream` one frame; before `settle`."""
        protocol, generator = self.case.protocol, torch.Generator().manual_seed(0)
        inputs = random_inputs(self.kinds, 1, protocol.frames, protocol.size, generator)
        if self.case.mode == "stream":
            self._refuse_to_stream_clips()
            return count_step(self.module, inputs[0][:, :, 0])
        return count_cost(self.module, *inputs)

    def _refuse_to_stream_clips(self) -> None:
        if not streams(self.module):
            raise KinobenchError(
                f"{self.case.model} can't be run in mode 'stream': it needs the whole clip at once"
            )

    def weights_bytes(self) -> int:
        """Return the bytes of parameters and buffers."""
        tensors = [*self.module.parameters(), *self.module.buffers()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def let_go(self) -> None:
        """Give back the memory that it takes on its device; it can't be run any more."""
        del self.module, self.forward, self.classify
        self.reference = None
        gc.collect()
        if self.device.type == "cuda" and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _keep_reference(self) -> None:
        _allow_tf32(False)
        # Eight clips or a few more.
        self.reference_inputs = self._random_inputs(-(-8 // self.case.batch), seed=1)
        with torch.inference_mode():
            outputs = [
                self.module(*(each.to(self.device) for each in inputs)).float().cpu()
                for inputs in self.reference_inputs
            ]
        self.reference = torch.stack(outputs)
        _allow_tf32(self.case.precision == "tf32")


def _allow_tf32(allowed: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def _eager(module: nn.Module, inputs: Inputs) -> Forward:
    return module


def _compiled(module: nn.Module, inputs: Inputs) -> Forward:
    return torch.compile(module)


def _streaming(module: nn.Module, inputs: Inputs) -> Forward:
    return Stream(module)


def _cuda_graph(module: nn.Module, inputs: Inputs) -> Forward:
    """Capture one forward; each call copies its arguments into the captured ones and replays.

    Three forwards on a side stream come before the capture, as torch's notes on CUDA graphs ask.
    """
    captured_in = tuple(each.clone() for each in inputs)
    batch = len(captured_in[0])
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(side):
        for _ in range(3):
            module(*captured_in)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        captured_out = module(*captured_in)

    def replay(*inputs: torch.Tensor) -> torch.Tensor:
        # Any number of clips goes through the captured batch, the last ones beside old content.
        parts = []
        for arguments in zip(*(each.split(batch) for each in inputs), strict=True):
            clips = len(arguments[0])
            for captured, given in zip(captured_in, arguments, strict=True):
                captured[:clips].copy_(given)
            graph.replay()
            parts.append(captured_out[:clips])
            if len(inputs[0]) > batch:
                parts[-1] = parts[-1].clone()  # the next replay writes over it
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    return replay


_MODES: dict[Mode, Callable[[nn.Module, Inputs], Forward]] = {
    "eager": _eager,
    "compile": _compiled,
    "cudagraph": _cuda_graph,
    "stream": _streaming,
}
