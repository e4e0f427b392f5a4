"""A case's network outside of torch: exported, and loaded by its runtime."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from ....datasets.errors import KinobenchError
from ....zoo.spec import Input
from ...records.case import GRAPH_MODES, Case, Runtime
from ...records.export import Export
from ..calibration import CalibrationClips
from ..gpu_memory import GpuMemory, OnGpu
from ..inputs import Inputs
from . import aotinductor, onnxruntime, onnxruntime_gpu, openvino, tensorrt
from .cache import Entry, ExportCache
from .captured import CapturedSession
from .exporter import Exporter
from .known import KNOWN, provider_of, require
from .parts import Part, parts_of
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
            KinobenchError: The runtime is not installed, or has no such provider or device here.
        """
        require(case.runtime)
        if case.runtime in _REFUSALS:
            _REFUSALS[case.runtime](case)
        self._module, self._case, self._kinds = module, case, kinds
        self._threads = case.threads or torch.get_num_threads()
        self._exporter = Exporter(case, digest, self._threads, cache, clips)

    def at(self, batch: int) -> Loaded:
        """Export and load the network for a batch.

        Raises:
            ExportError: It can't be exported, or the runtime can't load it.
            KinobenchError: The runtime would run it elsewhere, or in another precision.
        """
        parts = self._parts(batch)
        entries = [self._exporter.entry(part) for part in parts]
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
        return timed(self._exporter.entry(part).file, self._case, self._threads, rounds)

    def _session(self, file: Path) -> Session:
        case = self._case
        session = _SESSIONS[case.runtime](file, case, self._threads)
        if case.mode in GRAPH_MODES and not isinstance(session, Captures):
            return CapturedSession(session, case.model)
        return session

    def _parts(self, batch: int) -> list[Part]:
        return parts_of(self._module, self._case, self._kinds, batch)


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

_REFUSALS: Mapping[Runtime, Callable[[Case], None]] = {
    "onnxruntime": onnxruntime.refuse_absent,
    "openvino": openvino.refuse_absent,
}
"""What looks for a case's provider before anything is exported."""

_OPERATOR_TIMES: Mapping[
    Runtime, Callable[[Path, Case, int, Sequence[Inputs]], list[OperatorTimes]]
] = {"onnxruntime": onnxruntime.operator_times, "openvino": openvino.operator_times}


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
