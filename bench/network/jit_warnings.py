"""The warnings about torch.jit that fvcore and pytorchvideo cause."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def jit_unmentioned() -> Iterator[None]:
    """Leave unsaid that torch means to drop torch.jit, which fvcore and pytorchvideo lean on.

    Where warnings are errors, it would be nothing that the user's project could mend.
    """
    with warnings.catch_warnings():
        for kind in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("ignore", "`torch.jit", kind)
        yield
