"""The warnings about torch.jit that fvcore and pytorchvideo cause."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def jit_unmentioned() -> Iterator[None]:
    """Silence torch's warnings that torch.jit is deprecated: fvcore and pytorchvideo use it.

    A project that turns warnings into errors could do nothing about it.
    """
    with warnings.catch_warnings():
        for kind in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("ignore", "`torch.jit", kind)
        yield
