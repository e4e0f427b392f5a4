"""What a process has only one of stays as it is while the code of a plug-in runs.

A file that is imported may set the number of threads, the type of new tensors or the working folder
for its author's own scripts. Here that would change what is measured of it, and of all others, or
where the results are written. The same holds for a function of it that loads a dataset.
"""

import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

_DECISIVE = re.compile(
    r"(OMP|GOMP|KMP|MKL|OPENBLAS|ONEDNN|DNNL|ATEN|PYTORCH|CUDA|CUBLAS|CUDNN"
    r"|NVIDIA|MALLOC|LD)_.*|GLIBC_TUNABLES"
)
"""Variables of the environment that may change how fast a network is, or what it computes."""


@contextmanager
def kept() -> Iterator[list[str]]:
    """Keep the surroundings while other people's code runs; put back what it changes.

    The working folder, torch's settings for the whole process, and warnings as they are: none is an
    error. `print` goes to standard error, since standard output is the command's, and `input` finds
    an end. `sys.argv` has no arguments: those of the command are not for it. The number of threads
    between operators can be set only once in a process, which is kinobench's to do, so here it is
    not set. Variables of the environment stay: the code may need them later. So does `sys.path`.

    Yields:
        A list, to which a remark on each change is added when the context ends.
    """
    remarks: list[str] = []
    variables, here = dict(os.environ), Path.cwd()
    torch = sys.modules.get("torch")
    with ExitStack() as stack:
        stack.enter_context(chdir("."))  # which leaves for the folder of now
        stack.enter_context(redirect_stdout(sys.stderr))
        stack.enter_context(_nothing_typed())
        stack.enter_context(_no_arguments())
        stack.enter_context(_warnings_no_errors(remarks))
        if torch is not None:
            stack.enter_context(_torch_kept(torch, remarks))
        yield remarks
        if Path.cwd() != here:
            remarks.append("it changes the working folder, which is put back")
        changed = variables.items() ^ os.environ.items()
        for name in sorted({name for name, _ in changed if _DECISIVE.fullmatch(name)}):
            remarks.append(f"it changes the variable {name} of the environment, which stays so")


@contextmanager
def _nothing_typed() -> Iterator[None]:
    """Let `input` fail at once, where it would wait for a person."""
    before, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = before


@contextmanager
def _no_arguments() -> Iterator[None]:
    """Let a parser find its defaults, as in a script that is called without arguments."""
    before, sys.argv = sys.argv, sys.argv[:1]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _warnings_no_errors(remarks: list[str]) -> Iterator[None]:
    before = list(warnings.filters)
    yield
    strict = [each for each in warnings.filters if each[0] == "error" and each not in before]
    if strict:
        others = [each for each in warnings.filters if each not in strict]
        warnings.resetwarnings()
        warnings.filters.extend(others)  # type: ignore[attr-defined]
        remarks.append("it makes warnings errors, which is undone")


@contextmanager
def _torch_kept(torch: Any, remarks: list[str]) -> Iterator[None]:
    settings = _settings(torch)
    before = {name: read() for name, (read, _) in settings.items()}
    with _threads_between_operators_kept(torch, remarks):
        try:
            yield
        finally:
            for name, (read, write) in settings.items():
                now = read()
                if now != before[name]:
                    write(before[name])
                    remarks.append(f"it sets {name} to {now}; put back to {before[name]}")


@contextmanager
def _threads_between_operators_kept(torch: ModuleType, remarks: list[str]) -> Iterator[None]:
    def ignored(count: int) -> None:
        remarks.append(f"it sets torch's threads between operators to {count}, which is not done")

    before = torch.set_num_interop_threads
    torch.set_num_interop_threads = ignored  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_num_interop_threads = before  # type: ignore[attr-defined]


def _settings(torch: Any) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Return how to read and to write each setting of torch for the whole process."""
    cudnn = torch.backends.cudnn

    def set_device(device: Any) -> None:
        torch.set_default_device(None if device.type == "cpu" else device)

    def of_cudnn(field: str) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
        return lambda: getattr(cudnn, field), lambda value: setattr(cudnn, field, value)

    return {
        "torch's threads": (torch.get_num_threads, torch.set_num_threads),
        "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
        "torch's default device": (torch.get_default_device, set_device),
        "torch's gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
        "torch's deterministic algorithms": (
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        ),
        "torch's search for anomalies": (
            torch.is_anomaly_enabled,
            torch.autograd.set_detect_anomaly,
        ),
        "cudnn.enabled": of_cudnn("enabled"),
        "cudnn.benchmark": of_cudnn("benchmark"),
        "cudnn.deterministic": of_cudnn("deterministic"),
    }
