"""Static quantisation by ONNX Runtime, of a network in ONNX."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ....datasets.errors import KinobenchError
from ...records.case import Case
from .cache import Entry, Made
from .errors import export_error
from .executed_macs import of_onnx_profile
from .program import ONNX_FILE
from .quantising import Task, has_vnni, quantised

packages = ("onnxruntime", "onnx")


def recipe(case: Case) -> str:
    """Return the method.

    Its kernels on x86 add up products of bytes in 16 bits where the processor has no VNNI, which
    saturates: weights of 7 bits don't (the library's documentation of quantisation, "When and why
    do I need to try reduce_range?").
    """
    bits = "8" if has_vnni() else "7 (the processor has no VNNI)"
    return (
        "ONNX Runtime quantize_static after quant_pre_process: QDQ, activations uint8, weights "
        f"int8 per channel in {bits} bits, calibrated by MinMax"
    )


def write(folder: Path, exported: Entry, task: Task) -> Made:
    """Quantise a network and write it into an empty folder, in ONNX.

    Raises:
        ExportError: ONNX Runtime can't do it.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    begin = time.perf_counter()
    large = exported.size_bytes > _MOST_IN_A_FILE
    try:
        with TemporaryDirectory(dir=folder.parent) as kept, _quiet():
            prepared = Path(kept) / ONNX_FILE
            whole = exported.file
            if not large:  # it looks in other folders for weights that lie beside the file
                whole = Path(kept) / "whole.onnx"
                onnx.save_model(onnx.load_model(str(exported.file)), str(whole))
            quant_pre_process(
                str(whole),
                str(prepared),
                skip_symbolic_shape=not large,  # it fails on some networks; all shapes are numbers
                save_as_external_data=large,
            )
            quantize_static(
                str(prepared),
                str(folder / ONNX_FILE),
                _Feeds(task, folder.parent),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=not has_vnni(),
                calibrate_method=CalibrationMethod.MinMax,
                use_external_data_format=large,
            )
            share = _share(folder / ONNX_FILE, Path(kept), task)
    except KinobenchError:  # of the clips
        raise
    except Exception as error:
        raise export_error(task.case.model, "quantised by ONNX Runtime", error) from error
    about, notes = quantised(task, recipe(task.case), begin, share)
    return Made(
        file=ONNX_FILE,
        format="onnx",
        path=f"{exported.made.path}, ONNX Runtime quantize_static",
        opset=exported.made.opset,
        quantised=about,
        notes=(*exported.made.notes, *notes),
        before_s=exported.earlier_s,
    )


_MOST_IN_A_FILE = 2**30
"""Protobuf takes 2 GiB at most; weights of larger networks lie in a file of their own."""


class _Feeds:
    """Arguments of forwards as ONNX Runtime's `CalibrationDataReader` gives them."""

    def __init__(self, task: Task, folder: Path) -> None:
        self._names = task.names
        self._batches = task.batches(folder)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next arguments by their names; None after the last."""
        inputs = next(self._batches, None)
        return None if inputs is None else _named(self._names, [each.numpy() for each in inputs])


def _named(names: Sequence[str], arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return dict(zip(names, arrays, strict=True))


def _share(file: Path, folder: Path, task: Task) -> float | None:
    """Return the share of the multiply-adds in int8 of the network as it is executed here."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task.threads
    options.log_severity_level = 3  # errors
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    inputs = next(task.batches(folder))
    session.run(None, _named(task.names, [each.numpy() for each in inputs]))
    return of_onnx_profile(Path(session.end_profiling())).share


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from its advice about pre-processing, which has been done."""
    logger: Any = logging.getLogger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
