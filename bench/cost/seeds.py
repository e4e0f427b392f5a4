"""The seed of whatever a network draws: by torch, by Python's `random`, or by NumPy."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_all(seed: int) -> None:
    """Seed the generators of torch, of Python and of NumPy; the seed remains set."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed all generators while the context lasts; afterwards they are as before."""
    with generators_restored():
        seed_all(seed)
        yield


@contextmanager
def generators_restored() -> Iterator[None]:
    """Leave all generators, when the context ends, as they were before it.

    Those of torch are that of the CPU and, where CUDA is in use, that of each GPU.
    """
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    of_python, of_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(gpus):
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)
