"""The file that a runtime loads: exported, compiled or quantised, or taken from the cache."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType
from weakref import finalize

import torch

from ...records.case import QUANTISED, Case, Runtime
from ..calibration import CalibrationClips
from ..code_digest import forward_digest
from ..dtypes import dtype_of
from . import (
    aotinductor,
    onnxruntime_gpu,
    openvino,
    quantise_onnxruntime,
    quantise_openvino,
    tensorrt,
)
from .cache import Entry, ExportCache, ExportKey, Made
from .errors import ExportError
from .known import installed_versions, provider_of
from .parts import Part
from .program import exported_program, on_device, write_onnx
from .quantising import Quantiser, Task


class Exporter:
    """Makes the files of a case, each once."""

    def __init__(
        self,
        case: Case,
        digest: str,
        threads: int,
        cache: ExportCache | None = None,
        clips: CalibrationClips | None = None,
    ) -> None:
        """Take a case.

        Args:
            case: The case.
            digest: Digest of its network's structure and weights; see `network_digest`.
            threads: Threads of the runtime on the CPU.
            cache: Where exported networks are kept; None: in the usual folder.
            clips: Training clips, for a precision that a network is quantised to.
        """
        self._case, self._digest, self._threads, self._clips = case, digest, threads, clips
        code = forward_digest(case.model)
        if code is None:  # nobody knows when it changes: its exports are for this object alone
            folder = Path(mkdtemp(prefix="kinobench-"))
            finalize(self, shutil.rmtree, folder, ignore_errors=True)
            cache = ExportCache(folder)
        self._code = code or ""
        self._cache = ExportCache() if cache is None else cache

    def entry(self, part: Part) -> Entry:
        """Return what the case's runtime loads for a part of its network.

        Raises:
            ExportError: It can't be exported, compiled or quantised; the message names the
                operator.
            KinobenchError: Something that makes the file is missing: a compiler, clips.
        """
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
        options = {
            "method": quantiser.recipe(case),
            "clips": self._clips.digest,
            "provider": provider_of(case),
            "instructions": torch.backends.cpu.get_cpu_capability(),
        }
        key = self._key(f"{case.runtime} {case.precision}", part, quantiser.packages, options)
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


_QUANTISERS: Mapping[Runtime, Quantiser] = {
    "onnxruntime": Quantiser(
        quantise_onnxruntime.packages, quantise_onnxruntime.recipe, quantise_onnxruntime.write
    ),
    "openvino": Quantiser(
        quantise_openvino.packages, quantise_openvino.recipe, quantise_openvino.write
    ),
}
