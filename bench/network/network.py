"""A case's network, ready to be called: built, loaded, placed, in its precision and mode."""

import gc
import time
from collections.abc import Callable, Sequence
from functools import cache, cached_property, partial
from typing import Any

import msgspec
import torch
from torch import nn

from ...datasets.errors import KinobenchError
from ...datasets.plurals import some
from ...datasets.split import Split
from ...zoo import registry
from ...zoo.build import named, no_late_layers
from ...zoo.spec import BOXES_PER_CLIP, streams
from ..cost.architectures import is_own
from ..cost.flops import Count, count_apart
from ..cost.on_device import count_anybodys
from ..cost.parameters import UNREGISTERED, unregistered_layers, weights_of
from ..cost.random_inputs import random_inputs
from ..cost.seeds import seed_all
from ..cost.shape import Shape
from ..cost.traffic import Traffic
from ..records.case import CALIBRATION_CLIPS, GRAPH_MODES, QUANTISED, Case, Mode
from ..records.computed import Computed
from ..records.export import Export
from ..records.results import Cost
from .arithmetic import allow_tf32
from .build import build_network
from .calibration import CalibrationClips, training_split
from .cuda_graph import CapturedForward
from .digest import network_digest
from .dtypes import dtype_of, in_dtype
from .gpu_memory import OnGpu
from .identity import SEED, computed_by, computed_of
from .inputs import Inputs, shifted_copies
from .layout import laid_out, lay_out_weights, laying_out
from .outputs import described, logits_of
from .own_clips import WRITES, Witness, copied, on_copies
from .reference import reference_outputs
from .runtimes.deployed import Deployed, Loaded
from .runtimes.session import OperatorTimes, nodes_of
from .second import built_again
from .settings import choose_arithmetic
from .stream import FrameByFrame, Stream, count_step
from .task_shapes import clips_of_a_cost, expected_logits

DRAWN = 8
"""Clips of a batch that are random; the others are copies of them, each shifted.

Random numbers for 64 clips of 16x224x224 take a CPU seconds, in each measurement of each batch.
"""

Forward = Callable[..., Any]
"""Called with the tensors of `Inputs`; gives what `logits_of` finds logits `[B, classes]` in."""


class Network:
    """The module of a case, and its forward as the case's mode runs it.

    Attributes:
        module: The module in eval mode, on the CPU in fp32 until `settle` places it.
        forward: The timed forward: the case's `inputs`, on the device and in the precision ->
            logits `[B, classes]`. In mode `stream` it takes one frame `[B, 3, H, W]` and keeps the
            state of the frames before it. Give it what `fresh` returns: it may write there.
        forward_clips: The same of whole clips: in mode `stream` frame by frame, from an empty
            state. It leaves its arguments as they are.
        classify: The forward for accuracy, of whole clips; never a CUDA graph. It leaves its
            arguments as they are.
        build_s: Seconds that building, loading and placing took.
        prepare_s: Seconds that compiling, capturing, or loading into another runtime took; None in
            modes that do neither.
        export: How the network got into another runtime than torch, once it has settled.
        on_gpu: What the memory of such a network is measured by, on a GPU.
        first_call_s: Seconds of the first forward after that.
        params: Number of parameters; None if it isn't known.
        notes: Remarks on the network, the checkpoint and the mode for the reader of the record.
        weights_digest: Digest of the checkpoint file; None for an untrained network.
        computed: What it computes, once `identify` was called and, for a case of eager fp32 on the
            CPU, the first forward was made; None if it fails on the CPU, as a note then says.
        traffic: Bytes that a forward of one clip must move, once `cost` has counted it as the case
            runs it: in float32 and eagerly.
        reference: Outputs of eager fp32 on `reference_inputs`, for drift; None if the case is
            eager fp32 itself, if nobody asked for them, or if eager fp32 fails.
    """

    def __init__(self, case: Case, training: Callable[[], Split] | None = None) -> None:
        """Build the network with a fixed seed, so that untrained ones are the same each time.

        That sets the seed, TF32 and cuDNN for the whole process: see `settings_restored`.

        Args:
            case: The case.
            training: Returns the videos whose clips quantise the network, where the case's
                precision needs that; None: those of the case's dataset, in the dataset's own place.
        """
        self.case = case
        self._training = training or partial(training_split, case)
        self.device = torch.device(case.device)
        self.dtype = dtype_of(case)
        choose_arithmetic(case.precision)
        begin = time.perf_counter()
        self.shape = Shape(case.protocol.frames, case.protocol.size, case.classes)
        with torch.inference_mode(False):  # exporters refuse weights that were made in it
            built = build_network(case.model, self.shape, case.weights)
        self.module, self.weights_digest = built.module, built.weights_digest
        self.build_s = time.perf_counter() - begin
        weights = weights_of(self.module)
        self.params = weights.params
        architecture = registry.get(case.model)
        self.kinds, self._is_own = architecture.inputs, is_own(architecture)
        self.reference_inputs: list[Inputs] = []
        self.reference: torch.Tensor | None = None
        self.forward: Forward = self.module
        self.forward_clips: Forward = self.module
        self.classify: Forward = self.module
        self.prepare_s: float | None = None
        self.first_call_s = 0.0
        self.export: Export | None = None
        self.on_gpu: OnGpu | None = None
        self._deployed: Deployed | None = None
        self._loaded: Loaded | None = None
        self.notes: list[str] = [*built.notes]
        if weights.reason is not None:
            self.notes.append(f"parameters: not known: {weights.reason}")
        if layers := unregistered_layers(self.module):
            self.notes.append(f"parameters: {some(layers)}: {UNREGISTERED}")
        self.computed: Computed | None = None
        self.traffic: Traffic | None = None
        self._forward_writes = self._module_writes = False
        self._settled = False

    @cached_property
    def digest(self) -> str:
        """Digest of the network as it was built and loaded.

        Read it before `settle` changes the dtype: a case then has the same digest here and on a
        cluster.
        """
        return network_digest(self.module)

    def identify(self, *, at_first_forward: bool = False) -> None:
        """Find out what the network is: its `digest`, and what it computes.

        Call it before `settle`, which changes the dtype. The clip that it takes for `computed` is
        the first of `inputs`.

        Args:
            at_first_forward: `settle` will be called, whose first forward shows what the network
                computes if the case is eager fp32 on the CPU: none is made for it here.
        """
        _ = self.digest
        if at_first_forward and self._is_plain:
            return
        protocol = self.case.protocol
        try:
            self.computed = computed_by(self.module, self.kinds, protocol.frames, protocol.size)
        except Exception as error:
            message = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self.notes.append(
                "accuracy: a change of what the network computes would not be noticed, as it fails "
                f"in fp32 on the CPU ({message})"
            )

    @property
    def _is_plain(self) -> bool:
        """The case computes as `computed` does, so that its first clip shows it."""
        case = self.case
        return case.is_reference and case.device == "cpu" and case.batch == 1

    def settle(self, *, reference: bool = True, to_classify: bool = False) -> None:
        """Take on the case's device, precision and mode, and make the first forward, timed.

        A second call takes on the mode again; the reference remains that of the first call.

        Args:
            reference: True to measure drift, which takes a second network, and of it a forward in
                eager fp32 of eight clips or of the batch, if that is more; if that fails, `notes`
                says so.
            to_classify: True if nothing but `classify` will be called: another runtime than torch
                then takes the network for the evaluation's batch alone.

        Raises:
            KinobenchError: The network doesn't give logits `[B, classes]`, makes layers in its
                forward, or can't stream.
        """
        if self._settled:
            self.rebatch(self.case.batch)
            return
        if self.case.mode == "stream":
            self._refuse_to_stream_clips()
        if reference and not self.case.is_reference:
            self._keep_reference()
        if self.case.runtime != "torch":
            self._deploy(self.case.eval_batch if to_classify else self.case.batch)
            return
        begin = time.perf_counter()
        self.module = self.module.to(self.device)
        self.build_s += time.perf_counter() - begin
        self._settled = True
        self.module = in_dtype(self.module, self.dtype)
        if self.case.mode == "channels_last_3d" and not lay_out_weights(self.module):
            self.notes.append(
                "mode channels_last_3d: the network has no 5D weights; only its clips have "
                "that layout"
            )
        self._take_mode()

    def rebatch(self, batch: int) -> None:
        """Continue with another batch in the case's mode, and make the first forward, timed."""
        # A graph's pool, or what a runtime loaded, is free before the next one.
        self.forward = self.forward_clips = self.classify = self.module
        self._loaded = None
        if self.case.mode in ("compile", "compile_cudagraph"):
            torch.compiler.reset()  # it compiles for eight shapes, and runs others eagerly
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.case = msgspec.structs.replace(self.case, batch=batch)
        self._take_mode()

    def _deploy(self, batch: int) -> None:
        """Take on another runtime than torch: the module remains on the CPU, to be exported."""
        digest = self.digest
        with torch.inference_mode(False):
            self.module = in_dtype(self.module, self.dtype)
        self._deployed = Deployed(
            self.module, self.case, self.kinds, digest, clips=self._calibration()
        )
        self._settled = True
        self.case = msgspec.structs.replace(self.case, batch=batch)
        self._load(self._deployed)

    def _calibration(self) -> CalibrationClips | None:
        """Return the clips that quantise the network; None if nothing does."""
        case = self.case
        if case.precision not in QUANTISED:
            return None
        return CalibrationClips(
            self._training(),
            case.protocol,
            self.kinds,
            case.calibration or CALIBRATION_CLIPS,
            flow=case.flow,
            decoder=case.decoder,
        )

    def _load(self, deployed: Deployed) -> None:
        """Load the network for the case's batch, and make the first forward; both are timed."""
        loaded = self._loaded = deployed.at(self.case.batch)
        self.export, self.prepare_s = loaded.export, loaded.export.load_s
        self.on_gpu = loaded.on_gpu
        self.notes += [note for note in loaded.notes if note not in self.notes]
        self.forward, self.forward_clips = loaded.forward, loaded.of_clips
        self.classify = loaded.of_clips
        # A quantised network is scored as it was timed: for another batch it has other scales.
        if self.case.batch != self.case.eval_batch and self.export.quantised is None:
            self.classify = self._deployed_classifier(deployed)
        with torch.inference_mode():
            (inputs,) = self.inputs(1)
            begin = time.perf_counter()
            output = self.forward(*inputs)
            self._wait()
            self.first_call_s = time.perf_counter() - begin
        self._refuse_other_logits(output, inputs)

    def _deployed_classifier(self, deployed: Deployed) -> Forward:
        """Return a forward for the evaluation's batch, which is exported when it is called."""

        @cache
        def made() -> Forward:
            return deployed.at(self.case.eval_batch).of_clips

        return lambda *inputs: made()(*inputs)

    def _take_mode(self) -> None:
        if self._deployed is not None:
            self._load(self._deployed)
            return
        with torch.inference_mode(), no_late_layers(self.module, self.case.model):
            (inputs,) = self.inputs(1)
            witness = Witness(inputs)
            output = self._first_forward(inputs)
            self._forward_writes = witness.changed()
        self._module_writes = self._forward_writes
        if isinstance(self.forward, CapturedForward):
            self._module_writes = self.forward.writes
        if self._module_writes and WRITES not in self.notes:
            self.notes.append(WRITES)
        self.classify = self.forward_clips = self._of_clips(self.module, self.forward)
        if self.case.mode in GRAPH_MODES:
            # A graph keeps the algorithms that cuDNN chose by timing them. Each run chooses
            # differently: one that continues another would not give the same bits.
            self.forward_clips, self.classify = self.forward, self.eager(self.module)
        self._refuse_other_logits(output, inputs)

    def _first_forward(self, inputs: Inputs) -> Any:
        """Make the forward of the mode, and return what its first call gives; both are timed."""
        make, mode = _MODES[self.case.mode], self.case.mode
        seed_all(SEED)  # for a network that draws numbers in its forward
        begin = time.perf_counter()
        self.forward = make(self.module, inputs, self.case.model)
        if mode in _PREPARED:
            if mode == "compile":
                # That compiles it; a capture has done it already.
                self.forward(*copied(inputs))
            self._wait()
            self.prepare_s = time.perf_counter() - begin
            begin = time.perf_counter()
        output = self.forward(*inputs)
        self._wait()
        self.first_call_s = time.perf_counter() - begin
        return output

    def _refuse_other_logits(self, output: Any, inputs: Inputs) -> None:
        logits = logits_of(output, self.case.model)
        expected = expected_logits(self.case)
        if not expected.allows(tuple(logits.shape)):
            given = zip(self.kinds, inputs, strict=True)
            raise KinobenchError(
                f"{named(registry.get(self.case.model))} gives {described(output)} for "
                f"{' and '.join(f'{kind} {list(each.shape)}' for kind, each in given)}; "
                f"{expected.text}"
            )
        if self._is_plain and self.computed is None:
            self.computed = computed_of(logits)

    def eager(self, module: nn.Module) -> Forward:
        """Return the eager forward of whole clips of the network, or of another like it.

        It leaves its arguments as they are.
        """
        return self._of_clips(module, module)

    def _of_clips(self, module: nn.Module, forward: Forward) -> Forward:
        """Return a forward that takes whole clips, in any memory format, and leaves them."""
        if self.case.mode == "stream":
            forward = FrameByFrame(module)
        elif self.case.mode == "channels_last_3d":
            forward = laying_out(forward)
        return on_copies(forward) if self._module_writes else forward

    @property
    def takes_one_batch(self) -> bool:
        """`forward_clips` computes batches of the case's size, whatever it is given.

        So do a graph and an exported network.
        """
        return self.case.mode in GRAPH_MODES or self._deployed is not None

    def stream(self) -> Forward:
        """Return a forward of frames `[B, 3, H, W]` in mode `stream`, before the first one."""
        return Stream(self.module) if self._loaded is None else self._loaded.stream()

    def loaded_again(self) -> Forward | None:
        """Load the network into its runtime once more, as `forward`; None in torch."""
        return None if self._deployed is None else self._deployed.at(self.case.batch).forward

    def again(self) -> Forward:
        """Return another `classify`, for a thread of its own, that shares nothing with this one.

        Raises:
            KinobenchError: The builder doesn't give another network of the same kind.
        """
        if self._deployed is not None:
            return self._deployed_classifier(self._deployed)
        return self.eager(self.another())

    def another(self) -> nn.Module:
        """Build the network again, with the same weights, on its device and in its precision.

        Raises:
            KinobenchError: The builder doesn't give another network of the same kind.
        """
        second = built_again(self.case.model, self.shape, self.module)
        second.eval()
        return in_dtype(second.to(self.device), self.dtype)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def inputs(self, count: int) -> list[Inputs]:
        """Return random arguments of `forward`, of the case's own shape, on the device.

        No two of a batch are the same; see `DRAWN`.
        """
        if "boxes" in self.kinds:  # their rows name clips, so that no copy can be shifted
            return [self.placed(inputs) for inputs in self._random_inputs(count, seed=0)]
        drawn = self._random_inputs(count, seed=0, at_most=DRAWN)
        if self.case.mode == "stream":
            drawn = [(clip[:, :, 0],) for (clip,) in drawn]
        sent = [tuple(each.to(self.device, self.dtype) for each in inputs) for inputs in drawn]
        batch = self.case.batch
        return [self.placed(tuple(shifted_copies(each, batch) for each in few)) for few in sent]

    def fresh(self, inputs: Inputs) -> Inputs:
        """Return arguments for one call of `forward`: copies, if it writes into them."""
        return copied(inputs) if self._forward_writes else inputs

    def one_clip(self) -> Inputs:
        """Return random arguments of one clip, whole, on the device; the same each time."""
        (inputs,) = self._random_inputs(1, seed=2, at_most=1)
        return self.placed(inputs)

    def placed(self, inputs: Inputs) -> Inputs:
        """Return arguments on the case's device, in its precision and memory format."""
        placed = tuple(
            each.to(self.device, torch.float32 if kind == "boxes" else self.dtype)
            for kind, each in zip(self.kinds, inputs, strict=True)
        )
        return laid_out(placed) if self.case.mode == "channels_last_3d" else placed

    def _random_inputs(self, count: int, seed: int, at_most: int | None = None) -> list[Inputs]:
        """Draw batches, float32 on the CPU, whole or of so many clips at most."""
        protocol, generator = self.case.protocol, torch.Generator().manual_seed(seed)
        frames, size = protocol.frames, protocol.size
        batch = min(self.case.batch, at_most or self.case.batch)
        boxes = self.case.boxes or BOXES_PER_CLIP
        return [
            random_inputs(self.kinds, batch, frames, size, generator, boxes) for _ in range(count)
        ]

    def cost(self) -> Cost:
        """Count one view, in mode `stream` one frame, or a localizer's windows; before `settle`."""
        protocol, generator = self.case.protocol, torch.Generator().manual_seed(0)
        views = clips_of_a_cost(self.case)
        boxes = self.case.boxes or BOXES_PER_CLIP
        inputs = random_inputs(self.kinds, views, protocol.frames, protocol.size, generator, boxes)
        if self.case.mode == "stream":
            self._refuse_to_stream_clips()
            return self._count(inputs[0][:, :, 0], count=count_step)
        return self._count(*inputs)

    def _count(self, *inputs: torch.Tensor, count: Count | None = None) -> Cost:
        if self._is_own:  # a test compares the zoo's with their counts on a real device
            counted = count_apart(self.module, *inputs, count=count)
        else:
            device = self.device.type
            counted = count_anybodys(self.module, *inputs, device=device, count=count)
        if self.dtype == torch.float32 and self.case.mode == "eager":
            self.traffic = counted.traffic
        return counted.cost

    def _refuse_to_stream_clips(self) -> None:
        if not streams(self.module):
            raise KinobenchError(
                f"{self.case.model} can't be run in mode 'stream': it needs the whole clip at once"
            )

    def nodes(self) -> dict[str, int] | None:
        """Return how many nodes of each type the graph in a runtime has, once it is loaded.

        None in torch, and where a runtime doesn't say.
        """
        return None if self._loaded is None else nodes_of(self._loaded.session)

    def operator_times(self, rounds: Sequence[Inputs]) -> list[OperatorTimes]:
        """Return the times of each node of the graph in a runtime, of a forward for each round.

        Raises:
            KinobenchError: The runtime doesn't say them, or the network is in torch.
        """
        if self._deployed is None:
            raise KinobenchError(f"{self.case.model} is in no runtime but torch")
        return self._deployed.operator_times(self.case.batch, rounds)

    def weights_bytes(self) -> int | None:
        """Return the bytes of parameters and buffers; None if unknown: `notes` says why."""
        return weights_of(self.module).total_bytes

    def let_go(self) -> None:
        """Free the memory that it takes on its device; it can't be run any more."""
        del self.module, self.forward, self.forward_clips, self.classify
        self._deployed = self._loaded = None
        self.reference = None
        gc.collect()
        if self.device.type == "cuda" and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _keep_reference(self) -> None:
        """Keep what eager fp32 gives for eight clips or a few more, or note why it fails.

        A network of its own computes it: nothing of the mode or of the precision can reach it.
        """
        allow_tf32(False)
        try:
            inputs = self._random_inputs(-(-8 // self.case.batch), seed=1)
            self.reference = self._reference_outputs(inputs)
            self.reference_inputs = inputs
        except KinobenchError as error:
            self.notes.append(f"drift: not known: {error}")
        except Exception as error:  # if the network is at fault, it fails again in its own mode
            message = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self.notes.append(f"drift: not known: eager fp32 fails on the same clips ({message})")
        finally:
            allow_tf32(self.case.precision == "tf32")
        gc.collect()  # the second network: its memory is needed now
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _reference_outputs(self, inputs: list[Inputs]) -> torch.Tensor:
        second = built_again(self.case.model, self.shape, self.module)
        second.eval()
        whole = self.case.task != "classification"  # windows, and clips and boxes, belong together
        return reference_outputs(second.to(self.device), inputs, self.device, whole=whole)


def _eager(module: nn.Module, inputs: Inputs, model: str) -> Forward:
    return module


def _compiled(module: nn.Module, inputs: Inputs, model: str) -> Forward:
    # Once for each shape: from the second on torch would compile for any size, which is slower.
    return torch.compile(module, dynamic=False)


def _streaming(module: nn.Module, inputs: Inputs, model: str) -> Forward:
    return Stream(module)


def _compiled_and_captured(module: nn.Module, inputs: Inputs, model: str) -> Forward:
    return CapturedForward(torch.compile(module, dynamic=False), inputs, model)


_MODES: dict[Mode, Callable[[nn.Module, Inputs, str], Forward]] = {
    "eager": _eager,
    "compile": _compiled,
    "cudagraph": CapturedForward,
    "compile_cudagraph": _compiled_and_captured,
    "channels_last_3d": _eager,
    "stream": _streaming,
}
_PREPARED: tuple[Mode, ...] = ("compile", "cudagraph", "compile_cudagraph")
