"""One side of the speed gate: a process that runs one forward when it is told to, and times it.

It is started as a program of its own, `python gate_side.py`, and imports the package `kinobench`
from whatever checkout it is told: the gate's own loop thus times a baseline that is older than the
gate. Of that checkout it needs `Case` and `Network` alone.

One JSON object comes in on the first line of stdin, a `Spec`; after that a word a line asks, and a
JSON line answers: `exact` counts, `settle` makes the first forwards, `turn` is one timed forward.
The end of stdin ends it, so that none is left behind however the command ends.
"""

import contextlib
import gc
import importlib
import importlib.machinery
import importlib.util
import json
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPIN_HZ = 2e9
"""Cycles of a second in which `torch.cuda._sleep` counts; what it really takes is calibrated."""
WARM_CALLS, WARM_S = 10, 0.2
SPUN = 2**15
"""Elements of the tensor that is worked on while several threads are to be kept busy."""

Timed = tuple[float, float | None]
"""Seconds of one forward: on the wall (on a GPU: of the device), and of the processor."""


def main() -> None:
    """Answer until stdin ends."""
    answers = _private_stdout()
    spec = json.loads(sys.stdin.buffer.readline() or b"null")
    if spec is None:
        return
    try:
        side = _Side(spec)
    except Exception as error:  # told to the command, whatever it is
        _answer(answers, _told(error))
        return
    _answer(answers, {"ready": True})
    for line in iter(sys.stdin.buffer.readline, b""):
        word = line.decode().strip()
        if word == "turn":
            wall_s, cpu_s = side.turn()
            answers.write(b"%r %r\n" % (wall_s, -1.0 if cpu_s is None else cpu_s))
            continue
        try:
            _answer(answers, {"exact": side.exact, "settle": side.settle}[word]())
        except Exception as error:
            _answer(answers, _told(error))
            return


class _Side:
    """A network of a checkout, built, and then settled."""

    def __init__(self, spec: dict[str, Any]) -> None:
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        tree = _tree(spec)
        _name_the_checkout(spec["root"])
        import torch

        self.inject: float = spec.get("inject") or 0.0
        self.core: int | None = spec.get("core")
        self.threads: int = spec.get("threads") or torch.get_num_threads()
        torch.set_num_threads(self.threads)
        torch.set_num_interop_threads(1)
        registry = importlib.import_module("kinobench.zoo.registry")
        for plugin in spec.get("plugins", ()):
            if Path(plugin).exists():  # a baseline may be older than the file
                registry.load_plugin(plugin)
        msgspec = importlib.import_module("msgspec")
        case_type = importlib.import_module("kinobench.bench.records.record").Case
        self.case = msgspec.convert(spec["case"], case_type)  # what it doesn't know is left out
        _check_name(registry, self.case.model)
        network = importlib.import_module("kinobench.bench.network.network")
        self.network = network.Network(self.case)
        self.turn: Callable[[], Timed] = self._not_settled
        if tree is not None:
            tree.refuse_strays()

    def exact(self) -> dict[str, Any]:
        """Return what has no noise; see `gate_exact.Facts`."""
        import torch

        network = self.network
        # What cuDNN chooses by timing differs from process to process, and with it kernels and
        # workspaces: here it chooses by its rules.
        torch.backends.cudnn.benchmark = False
        uncounted: dict[str, str] = {}
        facts: dict[str, Any] = {"params": network.params, "uncounted": uncounted}
        try:
            facts["macs"] = network.cost().macs
        except Exception as error:  # what can't be counted can still be timed
            facts["macs"], uncounted["MACs"] = None, f"{type(error).__name__}: {error}"
        compiled = self.case.mode in ("compile", "compile_cudagraph")
        before = _graphs() if compiled else 0
        network.settle()
        # A forward without a break is one graph.
        facts["graph_breaks"] = max(0, _graphs() - before - 1) if compiled else None
        with torch.inference_mode():
            (inputs,) = network.inputs(1)
            called = network.module if self.case.mode != "stream" else network.forward
            try:
                facts["operators"], facts["output_bytes"] = _dispatched(called, inputs)
            except Exception as error:
                facts["operators"] = facts["output_bytes"] = None
                uncounted["calls of operators"] = f"{type(error).__name__}: {error}"
            if network.device.type == "cuda":
                facts["launches"] = _launches(network.forward, inputs)
                facts["peak_bytes"] = _peak_bytes(network.forward, inputs)
            else:
                calls = facts["operators"]
                facts["launches"] = None if calls is None else sum(calls.values())
                facts["peak_bytes"] = None
        return facts

    def settle(self) -> dict[str, Any]:
        """Make the first forwards, and get ready for turns; tell how long a forward takes."""
        import torch

        if self.network.first_call_s == 0.0:
            self.network.settle()
        on_gpu = self.network.device.type == "cuda"
        with torch.inference_mode():
            self.rotation = self.network.inputs(2)
        once = self._gpu_turn if on_gpu else self._cpu_turn
        if self.core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {self.core})
        begin = time.perf_counter()
        times: list[float] = []
        inject, self.inject = self.inject, 0.0
        self.sleep_cycles = 0
        while len(times) < WARM_CALLS or time.perf_counter() - begin < WARM_S:
            wall_s, cpu_s = once()
            # The other side may be settling on the same core: half of the wall's time is its own.
            times.append(wall_s if cpu_s is None or self.threads > 1 else cpu_s)
        median_s = sorted(times)[len(times) // 2]
        self.inject = inject
        if on_gpu and inject:
            self.sleep_cycles = _cycles_of(inject * median_s)
        elif inject and self.threads > 1:
            self.spun = torch.rand(SPUN * self.threads)
        gc.collect()
        gc.freeze()
        gc.disable()
        self.turn = once
        return {"forward_s": median_s}

    def _not_settled(self) -> Timed:
        raise RuntimeError("a turn was asked for before `settle`")

    def _cpu_turn(self) -> Timed:
        import torch

        self.rotation.append(self.rotation.pop(0))
        inputs = self.rotation[0]
        with torch.inference_mode():
            cpu, begin = time.process_time(), time.perf_counter()
            self.network.forward(*inputs)
            if self.inject:
                self._slow_down(begin, cpu)
            wall_s = time.perf_counter() - begin
            return wall_s, time.process_time() - cpu

    def _slow_down(self, begin: float, cpu: float) -> None:
        """Work on for a share of what this very forward took.

        On one thread until the processor time says so: a neighbour that takes the core stretches
        the forward and the spin alike. On several, all of them work, until the wall clock says so.
        """
        if self.threads == 1:
            end = cpu + (1 + self.inject) * (time.process_time() - cpu)
            while time.process_time() < end:
                pass
            return
        end = begin + (1 + self.inject) * (time.perf_counter() - begin)
        while time.perf_counter() < end:
            self.spun.sin_()

    def _gpu_turn(self) -> Timed:
        import torch

        self.rotation.append(self.rotation.pop(0))
        inputs = self.rotation[0]
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        with torch.inference_mode():
            torch.cuda.synchronize()
            start.record()
            self.network.forward(*inputs)
            if self.sleep_cycles:
                torch.cuda._sleep(self.sleep_cycles)
            end.record()
            torch.cuda.synchronize()
        return start.elapsed_time(end) / 1e3, None


def _graphs() -> int:
    """Return how many graphs the compiler has made in this process.

    `torch._dynamo.explain` counts the same, but throws away what was compiled, and the network
    would have to settle twice.
    """
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


def _dispatched(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[dict[str, int], int]:
    """Return how often each operator is dispatched, and the bytes of all that they make anew."""
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

    with Recorder():
        forward(*inputs)
    return dict(sorted(counts.items())), made_bytes


def _storage(leaf: Any) -> int | None:
    """Return where a tensor's numbers lie; None for what is no tensor."""
    import torch

    return leaf.untyped_storage().data_ptr() if isinstance(leaf, torch.Tensor) else None


def _launches(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> int:
    """Return how many kernels a forward launches on the GPU, copies and fills included."""
    import torch
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    forward(*inputs)
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        forward(*inputs)
        torch.cuda.synchronize()
    return sum(event.device_type == DeviceType.CUDA for event in profiled.events())


def _peak_bytes(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> int:
    import torch

    forward(*inputs)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    forward(*inputs)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()


def _cycles_of(duration_s: float) -> int:
    """Return the argument with which `torch.cuda._sleep` lasts that long on this GPU."""
    import torch

    times = []
    for _ in range(5):
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        start.record()
        torch.cuda._sleep(int(0.01 * SPIN_HZ))
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return max(1, int(0.01 * SPIN_HZ * duration_s / sorted(times)[2]))


def _tree(spec: dict[str, Any]) -> Any:
    """Import from this side's version of a plugin's repository, if there is one."""
    if spec.get("repository") is None:
        return None
    file = Path(__file__).with_name("side_imports.py")
    found = importlib.util.spec_from_file_location("gate_imports", file)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    tree = module.Tree(spec["repository"], spec["tree"], spec["root"])
    tree.lead()
    return tree


def _name_the_checkout(root: str) -> None:
    """Make `kinobench` mean the package of that checkout, as its `bench.py` does."""
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != root]
    spec = importlib.machinery.ModuleSpec("kinobench", None, is_package=True)
    spec.submodule_search_locations = [root]
    sys.modules["kinobench"] = importlib.util.module_from_spec(spec)


def _private_stdout() -> Any:
    """Keep stdout for answers alone: whatever a network prints goes to stderr."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


class _MissingModelError(Exception):
    """This checkout has no such network."""


def _check_name(registry: Any, model: str) -> None:
    """See that there is a network of that name; other names that nobody knows are mistakes."""
    try:
        registry.check(model)
    except Exception as error:
        if type(error).__name__ == "UnknownNameError":  # of whatever checkout
            raise _MissingModelError(str(error)) from error
        raise


def _told(error: Exception) -> dict[str, Any]:
    missing = isinstance(error, _MissingModelError)
    kind = type(error).__name__
    return {
        "error": str(error) if missing else f"{kind}: {error}",
        "missing": missing,
        "out_of_memory": isinstance(error, MemoryError) or kind == "OutOfMemoryError",
        "unfit": kind == "StrayModuleError",
    }


def _answer(answers: Any, plain: dict[str, Any]) -> None:
    answers.write(json.dumps(plain).encode() + b"\n")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the command is gone: that is the end
        main()
