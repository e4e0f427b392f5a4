"""Settings of torch that a measurement changes for the whole process, and then restores."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..cost.seeds import generators_restored
from ..records.case import Precision
from .arithmetic import Arithmetic, allow_tf32

CUDNN_BENCHMARK = True
"""cuDNN tries its algorithms on the first call of a shape: what a server with fixed shapes does."""


def choose_arithmetic(precision: Precision) -> None:
    """Set what torch keeps for the whole process: TF32, and how cuDNN chooses its algorithms."""
    allow_tf32(precision == "tf32")
    torch.backends.cudnn.benchmark = CUDNN_BENCHMARK


@contextmanager
def settings_restored() -> Iterator[None]:
    """Leave torch's settings and random numbers, when the context ends, as they were before it.

    These are TF32, cuDNN's choice of algorithms, the threads of an operator, and the state of the
    generators of torch, of Python and of NumPy. A `Network` changes them; use this
    in every process that goes on after a measurement, such as a notebook.
    """
    cudnn, arithmetic = torch.backends.cudnn, Arithmetic.now()
    threads, flags = torch.get_num_threads(), (cudnn.benchmark, cudnn.deterministic)
    try:
        with generators_restored():
            yield
    finally:
        torch.set_num_threads(threads)
        cudnn.benchmark, cudnn.deterministic = flags
        arithmetic.restore()
