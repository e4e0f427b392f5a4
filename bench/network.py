"""A case's network, ready to be called: built, loaded, placed, in its precision and mode."""

import time
from collections.abc import Callable

import torch
from torch import nn

from ..datasets.errors import KinobenchError
from ..zoo import registry
from ..zoo.weights import load_weights, resolve_weights
from .record import Case, Mode, Precision

_DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}

CUDNN_BENCHMARK = True
"""cuDNN tries its algorithms on the first call of a shape: what a server with fixed shapes does."""

Forward = Callable[[torch.Tensor], torch.Tensor]


class Network:
    """The module of a case, and its forward as the case's mode runs it.

    Attributes:
        module: In eval mode; on the CPU in fp32 until `settle` places it.
        forward: `clip: [B, 3, T, H, W]` on the device, in the precision -> logits `[B, classes]`.
        build_s: How long building, loading and placing took.
        first_call_s: The first forward in the case's mode, with whatever is compiled, captured or
            tuned in it; where the cost was counted too, the CPU has run eager fp32 once before.
        weights_digest: Of the checkpoint file; None for an untrained network.
        reference: eager fp32 outputs on `reference_clips`, where the case is anything else.
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
            self.weights_digest = load_weights(module, resolve_weights(case.model, case.weights))
        self.module = module.eval()
        self.build_s = time.perf_counter() - begin
        self.params = sum(parameter.numel() for parameter in self.module.parameters())
        self.reference_clips: torch.Tensor | None = None
        self.reference: torch.Tensor | None = None
        self.forward: Forward = self.module
        self.first_call_s = 0.0

    def settle(self) -> None:
        """Take on the case's device, precision and mode, and make the first forward, timed.

        Raises:
            KinobenchError: The network doesn't give logits `[B, classes]`.
        """
        begin = time.perf_counter()
        self.module = self.module.to(self.device)
        self.build_s += time.perf_counter() - begin
        if (self.case.precision, self.case.mode) != ("fp32", "eager"):
            self._keep_reference()
        self.module = self.module.to(self.dtype)
        with torch.inference_mode():
            (clip,) = self.clips(1)
            begin = time.perf_counter()
            self.forward = _MODES[self.case.mode](self.module, clip)
            logits = self.forward(clip)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            self.first_call_s = time.perf_counter() - begin
        expected = (self.case.batch, self.case.classes)
        if tuple(logits.shape) != expected:
            raise KinobenchError(
                f"{self.case.model} gives {list(logits.shape)} for clips {list(clip.shape)}; "
                f"logits must be [B, classes], {list(expected)}"
            )

    def clips(self, count: int) -> list[torch.Tensor]:
        """Return random clips `[B, 3, T, H, W]` of the case's own shape, on the device."""
        return [clip.to(self.device, self.dtype) for clip in self._random_clips(count, seed=0)]

    def _random_clips(self, count: int, seed: int) -> list[torch.Tensor]:
        protocol, generator = self.case.protocol, torch.Generator().manual_seed(seed)
        shape = (self.case.batch, 3, protocol.frames, protocol.size, protocol.size)
        return [torch.randn(shape, generator=generator) for _ in range(count)]

    def weights_bytes(self) -> int:
        """Return the bytes of parameters and buffers."""
        tensors = [*self.module.parameters(), *self.module.buffers()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def _keep_reference(self) -> None:
        _allow_tf32(False)
        clips = self._random_clips(-(-8 // self.case.batch), seed=1)  # eight clips or a few more
        with torch.inference_mode():
            outputs = [self.module(clip.to(self.device)).float().cpu() for clip in clips]
        self.reference_clips, self.reference = torch.stack(clips), torch.stack(outputs)
        _allow_tf32(self.case.precision == "tf32")


def _allow_tf32(allowed: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def _eager(module: nn.Module, clip: torch.Tensor) -> Forward:
    return module


def _compiled(module: nn.Module, clip: torch.Tensor) -> Forward:
    return torch.compile(module)


def _cuda_graph(module: nn.Module, clip: torch.Tensor) -> Forward:
    """Capture one forward; each call copies its clip into the captured input and replays.

    Three forwards on a side stream come before the capture, as torch's notes on CUDA graphs ask.
    """
    captured_in = clip.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(side):
        for _ in range(3):
            module(captured_in)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        captured_out = module(captured_in)

    def replay(clip: torch.Tensor) -> torch.Tensor:
        # Any number of clips goes through the captured batch, the last ones beside old content.
        parts = []
        for part in clip.split(len(captured_in)):
            captured_in[: len(part)].copy_(part)
            graph.replay()
            parts.append(captured_out[: len(part)])
            if len(clip) > len(captured_in):
                parts[-1] = parts[-1].clone()  # the next replay writes over it
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    return replay


_MODES: dict[Mode, Callable[[nn.Module, torch.Tensor], Forward]] = {
    "eager": _eager,
    "compile": _compiled,
    "cudagraph": _cuda_graph,
}
