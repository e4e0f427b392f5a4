"""A case's network outside of torch: exported, or taken from the cache, and loaded."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType
from typing import NamedTuple, cast
from weakref import finalize

import msgspec
import torch
from torch import nn
from torch.utils._pytree import tree_flatten

from ....datasets.errors import KinobenchError
from ....zoo.spec import Input, Streaming
from ...cost.random_inputs import random_inputs
from ...records.case import GRAPH_MODES, QUANTISED, Case, Runtime
from ...records.export import Export
from ..calibration import CalibrationClips
from ..code_digest import forward_digest
from ..dtypes import dtype_of
from ..gpu_memory import GpuMemory, OnGpu
from ..inputs import Inputs
from . import (
    aotinductor,
    onnxruntime,
    onnxruntime_gpu,
    openvino,
    quantise_onnxruntime,
    quantise_openvino,
    tensorrt,
)
from .cache import Entry, ExportCache, ExportKey, Made
from .captured import CapturedSession
from .errors import ExportError
from .known import KNOWN, installed_versions, provider_of, require
from .program import exported_program, on_device, write_onnx
from .pure import FirstStep, NextStep, Pure, names_of
from .quantising import Quantiser, Task
from .session import (
    AnyBatch,
    Captures,
    Logits,
    OperatorTimes,
    Session,
    activation_bytes_of,
    notes_of,
)
from .stream import ClipsByFrame, StreamSession


class Part(NamedTuple):
    """What is exported as one file: a network, or a step of it.

    Attributes:
        name: `forward`, `first step` or `next step`.
        module: It, as a module that gives tensors.
        inputs: Arguments of the shapes that the file takes.
        names: Names of its inputs and of its outputs in the file.
    """

    name: str
    module: nn.Module
    inputs: Inputs
    names: tuple[Sequence[str], Sequence[str]]


class Loaded(NamedTuple):
    """A network that a runtime has loaded for one batch.

    Attributes:
        forward: Arguments of the batch -> logits; in mode `stream` one frame after another.
        of_clips: Arguments of any number of whole clips -> logits.
        stream: In mode `stream`, returns a further forward of frames, before the first one.
        export: What the record says of it.
        notes: Remarks for the reader of the record.
        session: What makes the forwards.
        on_gpu: What its memory is measured by; None on a CPU.
    """

    forward: Callable[..., torch.Tensor]
    of_clips: Callable[..., torch.Tensor]
    stream: Callable[[], Callable[..., torch.Tensor]]
    export: Export
    notes: tuple[str, ...]
    session: Session
    on_gpu: OnGpu | None


class Deployed:
    """A network that is exported for one batch after another."""

    def __init__(
        self,
        module: nn.Module,
        case: Case,
        kinds: tuple[Input, ...],
        digest: str,
        cache: ExportCache | None = None,
        clips: CalibrationClips | None = None,
    ) -> None:
        """Take a network.

        Args:
            module: It, in eval mode on the CPU, in the type of its arguments.
            case: Its case.
            kinds: Its inputs.
            digest: Digest of its structure and weights as it was built; see `network_digest`.
            cache: Where exported networks are kept; None: in the usual folder.
            clips: Training clips, for a precision that a network is quantised to.

        Raises:
            KinobenchError: The runtime is not installed.
        """
        require(case.runtime)
        self._module, self._case, self._kinds, self._digest = module, case, kinds, digest
        code = forward_digest(case.model)
        if code is None:  # nobody knows when it changes: its exports are for this object alone
            folder = Path(mkdtemp(prefix="kinobench-"))
            finalize(self, shutil.rmtree, folder, ignore_errors=True)
            cache = ExportCache(folder)
        self._code = code or ""
        self._cache = ExportCache() if cache is None else cache
        self._clips = clips
        self._threads = case.threads or torch.get_num_threads()

    def at(self, batch: int) -> Loaded:
        """Export and load the network for a batch.

        Raises:
            ExportError: It can't be exported, or the runtime can't load it.
            KinobenchError: The runtime would run it elsewhere, or in another precision.
        """
        parts = self._parts(batch)
        entries = [self._entry(part) for part in parts]
        before = GpuMemory.now() if self._case.device == "cuda" else None
        begin = time.perf_counter()
        sessions = [self._session(entry.file) for entry in entries]
        load_s = time.perf_counter() - begin
        is_whole = len(sessions) == 1
        session = sessions[0] if is_whole else StreamSession(*sessions)
        whole = session if is_whole else ClipsByFrame(StreamSession(*sessions))
        notes = dict.fromkeys(note for entry in entries for note in entry.made.notes)
        notes |= dict.fromkeys(note for each in sessions for note in notes_of(each))
        return Loaded(
            forward=Logits(session),
            of_clips=AnyBatch(whole, batch),
            stream=lambda: Logits(StreamSession(*sessions)),
            export=_export(entries, session, load_s),
            notes=tuple(notes),
            session=session,
            on_gpu=before and OnGpu(before, partial(activation_bytes_of, session)),
        )

    def operator_times(self, batch: int, rounds: Sequence[Inputs]) -> list[OperatorTimes]:
        """Export and load the network for a batch, and return the times of each node of its graph.

        Args:
            batch: Clips in a forward.
            rounds: Arguments of a forward each.

        Raises:
            KinobenchError: The runtime doesn't say how long its nodes take.
        """
        timed = _OPERATOR_TIMES.get(self._case.runtime)
        if timed is None or self._case.mode == "stream":
            why = KNOWN[self._case.runtime].no_profile or "a stream has two graphs"
            raise KinobenchError(f"no times by operator in runtime {self._case.runtime!r}: {why}")
        (part,) = self._parts(batch)
        return timed(self._entry(part).file, self._case, self._threads, rounds)

    def _session(self, file: Path) -> Session:
        case = self._case
        session = _SESSIONS[case.runtime](file, case, self._threads)
        if case.mode in GRAPH_MODES and not isinstance(session, Captures):
            return CapturedSession(session, case.model)
        return session

    def _entry(self, part: Part) -> Entry:
        if self._case.precision in QUANTISED:
            return self._quantised(part)
        return self._exported(part)

    def _exported(self, part: Part) -> Entry:
        return self._exporters[self._case.runtime](part)

    @property
    def _exporters(self) -> Mapping[Runtime, Callable[[Part], Entry]]:
        """What makes the file that a runtime loads."""
        return {
            "onnxruntime": self._for_provider,
            "openvino": self._openvino,
            "aotinductor": self._package,
            "tensorrt": self._engine,
        }

    def _quantised(self, part: Part) -> Entry:
        """Return the network quantised; if it is there already, no clip is read."""
        case, quantiser = self._case, _QUANTISERS.get(self._case.runtime)
        if quantiser is None or self._clips is None:
            raise ExportError(
                f"{case.model} can't be quantised to {case.precision} for runtime {case.runtime!r}"
            )
        task = Task(case, tuple(part.names[0]), len(part.inputs[0]), self._clips, self._threads)
        key = self._key(f"{case.runtime} {case.precision}", part, quantiser.packages)
        more = {
            "method": quantiser.recipe(case),
            "clips": self._clips.digest,
            "provider": provider_of(case),
            "instructions": torch.backends.cpu.get_cpu_capability(),
        }
        key = msgspec.structs.replace(key, options={**key.options, **more})
        return self._cache.entry(
            key, lambda folder: quantiser.write(folder, self._exported(part), task)
        )

    def _onnx(self, part: Part) -> Entry:
        write = partial(
            write_onnx,
            module=part.module,
            inputs=part.inputs,
            names=part.names,
            model=self._case.model,
        )
        return self._cache.entry(self._key("onnx", part, ("onnx", "onnxscript")), write)

    def _for_provider(self, part: Part) -> Entry:
        """Export for ONNX Runtime, whose TensorRT provider keeps its engines next to the file."""
        case = self._case
        if provider_of(case) != "tensorrt":
            return self._onnx(part)
        options = tensorrt.built_for() | {"precision": case.precision, "mode": case.mode}
        packages = ("onnx", "onnxscript", "onnxruntime-gpu", "tensorrt")
        return self._cache.entry(
            self._key("onnxruntime-tensorrt", part, packages, options),
            lambda folder: onnxruntime_gpu.write_engines(
                folder, self._onnx(part), case, self._threads
            ),
        )

    def _openvino(self, part: Part) -> Entry:
        model = self._case.model

        def write(folder: Path) -> Made:
            try:
                from_onnx = self._onnx(part)
            except ExportError:
                from_onnx = None
            return openvino.write_ir(
                folder,
                from_onnx,
                partial(exported_program, part.module, part.inputs, model),
                model,
            )

        packages = ("onnx", "onnxscript", "openvino")
        return self._cache.entry(self._key("openvino", part, packages), write)

    def _package(self, part: Part) -> Entry:
        case = self._case
        options = aotinductor.compiled_for(case, self._threads)

        def write(folder: Path) -> Made:
            with on_device(part.module, part.inputs, case.device) as (module, inputs):
                program = partial(exported_program, module, inputs, case.model)
                return aotinductor.write_package(folder, program, case, self._threads)

        return self._cache.entry(self._key("pt2", part, (), options), write)

    def _engine(self, part: Part) -> Entry:
        options = tensorrt.built_for() | {"precision": self._case.precision}
        key = self._key("tensorrt", part, ("onnx", "onnxscript", "tensorrt"), options)
        return self._cache.entry(
            key, lambda folder: tensorrt.write_engine(folder, self._onnx(part), self._case)
        )

    def _key(
        self,
        kind: str,
        part: Part,
        packages: Sequence[str],
        options: Mapping[str, str | int | None] = MappingProxyType({}),
    ) -> ExportKey:
        return ExportKey(
            network=self._digest,
            code=self._code,
            shapes=tuple(tuple(each.shape) for each in part.inputs),
            dtype=str(dtype_of(self._case)),
            kind=kind,
            versions=installed_versions(packages) | {"torch": str(torch.__version__)},
            options={"part": part.name, "model": self._case.model} | dict(options),
        )

    def _parts(self, batch: int) -> list[Part]:
        """Return what is exported: the network, or the two kinds of its steps."""
        protocol, model = self._case.protocol, self._case.model
        generator = torch.Generator().manual_seed(0)
        drawn = random_inputs(self._kinds, batch, protocol.frames, protocol.size, generator)
        inputs = tuple(each.to(dtype_of(self._case)) for each in drawn)
        if self._case.mode != "stream":
            names = (names_of(self._kinds), ["logits"])
            return [Part("forward", Pure(self._module, model).eval(), inputs, names)]
        frame = inputs[0][:, :, 0]
        with torch.no_grad():
            _, state = cast(Streaming, self._module).step(frame.clone(), None)
        tensors, spec = tree_flatten(state)
        _refuse_other_state(tensors, model)
        states = [f"state_{number}" for number in range(len(tensors))]
        after = ["logits", *(f"next_{name}" for name in states)]
        first = FirstStep(self._module).eval()
        following = NextStep(self._module, spec).eval()
        return [
            Part("first step", first, (frame,), (["frame"], after)),
            Part("next step", following, (frame, *tensors), (["frame", *states], after)),
        ]


def onnxruntime_session(file: Path, case: Case, threads: int) -> Session:
    """Load an ONNX file by the case's provider."""
    on_cpu = provider_of(case) == "cpu"
    kind = onnxruntime.OnnxRuntimeSession if on_cpu else onnxruntime_gpu.OnnxRuntimeGpuSession
    return kind(file, case, threads)


_SESSIONS: Mapping[Runtime, Callable[[Path, Case, int], Session]] = {
    "onnxruntime": onnxruntime_session,
    "openvino": openvino.OpenVinoSession,
    "aotinductor": aotinductor.AotInductorSession,
    "tensorrt": tensorrt.TensorRtSession,
}

_QUANTISERS: Mapping[Runtime, Quantiser] = {
    "onnxruntime": Quantiser(
        quantise_onnxruntime.packages, quantise_onnxruntime.recipe, quantise_onnxruntime.write
    ),
    "openvino": Quantiser(
        quantise_openvino.packages, quantise_openvino.recipe, quantise_openvino.write
    ),
}


_OPERATOR_TIMES: Mapping[
    Runtime, Callable[[Path, Case, int, Sequence[Inputs]], list[OperatorTimes]]
] = {"onnxruntime": onnxruntime.operator_times, "openvino": openvino.operator_times}


def _refuse_other_state(state: Sequence[object], model: str) -> None:
    """Raise ExportError unless a stream's state is made of tensors alone."""
    for each in state:
        if not isinstance(each, torch.Tensor):
            raise ExportError(
                f"{model} can't be exported as a stream: its state holds a {type(each).__name__}, "
                "and an exported step takes tensors alone",
                "keep it in a tensor, or measure with --runtime torch",
            )


def _export(entries: Sequence[Entry], session: Session, load_s: float) -> Export:
    last = entries[-1].made
    return Export(
        format=last.format,
        path=last.path,
        opset=last.opset,
        export_s=sum(entry.made_s for entry in entries),
        cached=all(entry.cached for entry in entries),
        size_bytes=sum(entry.size_bytes for entry in entries),
        load_s=load_s,
        runs_on=session.runs_on,
        arithmetic=session.arithmetic,
        threads=session.threads,
        streams=session.streams,
        quantised=last.quantised,
    )
