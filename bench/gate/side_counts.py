"""The counts of a forward, for one side of the speed gate.

`side.py` loads this file by its path. It needs torch, and nothing of the checkout.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any


def graphs() -> int:
    """Return the number of graphs that the compiler has made in this process.

    `torch._dynamo.explain` counts the same, but discards the compiled code, so the network would
    have to settle twice.
    """
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


def dispatched(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[dict[str, int], int]:
    """Return the calls of each operator, and the bytes of all new tensors that they make."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    counts: Counter[str] = Counter()
    made_bytes = 0

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(
            self, operator: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            nonlocal made_bytes
            result = operator(*args, **(kwargs or {}))
            counts[str(operator)] += 1
            given = {_storage(leaf) for leaf in tree_leaves((args, kwargs))}
            for leaf in tree_leaves(result):
                if isinstance(leaf, torch.Tensor) and _storage(leaf) not in given:
                    made_bytes += leaf.numel() * leaf.element_size()
            return result

    with Recorder():  # type: ignore[no-untyped-call]
        forward(*inputs)
    return dict(sorted(counts.items())), made_bytes


def _storage(leaf: Any) -> int | None:
    """Return the address of a tensor's storage; None for anything else."""
    import torch

    return leaf.untyped_storage().data_ptr() if isinstance(leaf, torch.Tensor) else None


def launches(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> int:
    """Return the number of kernels that a forward launches on the GPU, with copies and fills."""
    import torch
    from torch._C._autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    forward(*inputs)
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        forward(*inputs)
        torch.cuda.synchronize()
    return sum(event.device_type == DeviceType.CUDA for event in profiled.events())


def peak_bytes(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> int:
    """Return the most bytes that are allocated on the GPU during a forward."""
    import torch

    forward(*inputs)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    forward(*inputs)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()
