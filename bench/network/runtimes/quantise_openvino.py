"""Quantisation by NNCF, of a network in OpenVINO's format."""

import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from ....datasets.errors import KinobenchError
from ...records.case import Case, Provider
from .cache import Entry, Made
from .errors import export_error
from .executed_macs import of_openvino
from .known import provider_of
from .openvino import IR_FILE
from .quantising import Task, quantised
from .telemetry import without_telemetry

packages = ("openvino", "nncf")
_TARGETS: dict[Provider, str] = {"cpu": "CPU", "gpu": "GPU"}


def recipe(case: Case) -> str:
    """Return the method; the preset and the model type follow from the network's graph."""
    target = _TARGETS[provider_of(case)]
    return f"NNCF quantize: target device {target}, fast bias correction"


def write(folder: Path, exported: Entry, task: Task) -> Made:
    """Quantise a network and write it into an empty folder, in OpenVINO's format.

    Raises:
        ExportError: NNCF or OpenVINO can't do it.
    """
    with without_telemetry():
        import nncf
        import openvino

        begin = time.perf_counter()
        model = openvino.Core().read_model(str(exported.file))
        batches = _Batches(task, folder.parent)
        if model.is_dynamic():  # its converter left the batch open
            model.reshape(batches.shapes(model))
        is_transformer = has_attention(model)
        preset = nncf.QuantizationPreset.MIXED if is_transformer else None
        target = nncf.TargetDevice[_TARGETS[provider_of(task.case)]]
        try:
            with _quiet(nncf):
                made = nncf.quantize(
                    model,
                    nncf.Dataset(batches),
                    subset_size=len(batches),
                    preset=preset,
                    model_type=nncf.ModelType.TRANSFORMER if is_transformer else None,
                    target_device=target,
                    fast_bias_correction=True,
                )
            openvino.save_model(made, str(folder / IR_FILE), compress_to_fp16=False)
            share = _share(openvino, folder / IR_FILE, task)
        except KinobenchError:  # of the clips
            raise
        except Exception as error:
            raise export_error(task.case.model, "quantised by NNCF", error) from error
    kind = "model type transformer, preset mixed" if is_transformer else "preset performance"
    about, notes = quantised(task, f"{recipe(task.case)}, {kind}", begin, share)
    return Made(
        file=IR_FILE,
        format="openvino",
        path=f"{exported.made.path}, NNCF",
        opset=exported.made.opset,
        quantised=about,
        notes=(*exported.made.notes, *notes),
        before_s=exported.earlier_s,
    )


def has_attention(model: Any) -> bool:
    """Return whether a network is a transformer: it has attention and layer normalisation."""
    operators = {node.get_type_name() for node in model.get_ops()}
    if "ScaledDotProductAttention" in operators:
        return True
    products = (node for node in model.get_ops() if node.get_type_name() == "MatMul")
    attends = any(
        value.get_node().get_type_name() == "Softmax"
        for node in products
        for value in node.input_values()
    )
    return attends and "MVN" in operators


def _share(openvino: Any, file: Path, task: Task) -> float | None:
    """Return the share of the multiply-adds in int8 of the network as it is executed here."""
    core = openvino.Core()
    model = core.read_model(str(file))
    compiled = core.compile_model(
        model,
        _TARGETS[provider_of(task.case)],
        {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"},
    )
    return of_openvino(compiled.get_runtime_model(), model).share


class _Batches:
    """Arguments of forwards as NNCF takes them, as often as it wants them."""

    def __init__(self, task: Task, folder: Path) -> None:
        self._task, self._folder = task, folder

    def __len__(self) -> int:
        return -(-self._task.clips.count // self._task.batch)

    def shapes(self, model: Any) -> dict[Any, list[int]]:
        """Return the shape of each input of a network."""
        inputs = next(self._task.batches(self._folder))
        return {place: list(each.shape) for place, each in zip(model.inputs, inputs, strict=True)}

    def __iter__(self) -> Iterator[Any]:
        for inputs in self._task.batches(self._folder):
            given = tuple(each.numpy() for each in inputs)
            yield given[0] if len(given) == 1 else given


@contextmanager
def _quiet(nncf: Any) -> Iterator[None]:
    """Keep NNCF from logging and from drawing bars: its failures are exceptions."""
    logger = logging.getLogger("nncf")
    level = logger.level
    nncf.set_log_level(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
