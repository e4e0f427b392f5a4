"""One side of the speed gate: a process that runs and times one forward on request.

It runs as a program, `python side.py`, and imports the package `kinobench` from the checkout that
the command names. So the gate's own loop can time a baseline that is older than the gate. It needs
only `Case` and `Network` of that checkout.

The first line of stdin is a JSON object with the checkout, the case and the settings. Each further
line is a request, and each answer is a line of JSON: `exact` counts, `settle` makes the first
forwards, `turn` makes one timed forward (its answer is two numbers). The process ends when stdin
ends, so none is left behind, however the command ends.
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
"""Cycles per second that `torch.cuda._sleep` is assumed to count; the real rate is calibrated."""
WARM_CALLS, WARM_S = 10, 0.2
SPIN_ELEMENTS = 2**15
"""Elements, for each thread, of the tensor whose computation keeps several threads busy."""

_CASE = ("bench.records.case", "bench.records.record", "bench.record")
_NETWORK = ("bench.network.network", "bench.network")
"""Modules that have the class, the newest layout first: a baseline may be of any."""

Timed = tuple[float, float | None]
"""Seconds of one forward: by the wall clock (on a GPU: the device's), and of processor time."""


def main() -> None:
    """Answer until stdin ends."""
    answers = _private_stdout()
    spec = json.loads(sys.stdin.buffer.readline() or b"null")
    if spec is None:
        return
    try:
        side = _Side(spec)
    except Exception as error:  # the command reports it
        _answer(answers, _error_answer(error))
        return
    _answer(answers, {"ready": True})
    for line in iter(sys.stdin.buffer.readline, b""):
        request = line.decode().strip()
        if request == "turn":
            wall_s, cpu_s = side.turn()
            answers.write(b"%r %r\n" % (wall_s, -1.0 if cpu_s is None else cpu_s))
            continue
        try:
            _answer(answers, {"exact": side.exact, "settle": side.settle}[request]())
        except Exception as error:
            _answer(answers, _error_answer(error))
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
        case_type = _from_first(_CASE, "Case")
        self.case = msgspec.convert(spec["case"], case_type)  # what it doesn't know is left out
        _check_name(registry, self.case.model)
        self.network = _from_first(_NETWORK, "Network")(self.case)
        self.turn: Callable[[], Timed] = self._not_settled
        if tree is not None:
            tree.refuse_strays()

    def exact(self) -> dict[str, Any]:
        """Return the counts, which have no noise; see `counts.Facts`."""
        import torch

        network = self.network
        # If cuDNN times its kernels, it chooses other ones and workspaces in each process; here it
        # goes by its rules.
        torch.backends.cudnn.benchmark = False
        uncounted: dict[str, str] = {}
        facts: dict[str, Any] = {"params": network.params, "uncounted": uncounted}
        try:
            facts["macs"] = network.cost().macs
        except Exception as error:  # the network can still be timed
            facts["macs"], uncounted["MACs"] = None, f"{type(error).__name__}: {error}"
        compiled = self.case.mode in ("compile", "compile_cudagraph")
        before = _graphs() if compiled else 0
        network.settle()
        # A forward without breaks is one graph.
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
        """Make the first forwards and get ready for turns; return the time of a forward."""
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
            # The other side may settle on the same core, and use half of the wall clock's time.
            times.append(wall_s if cpu_s is None or self.threads > 1 else cpu_s)
        median_s = sorted(times)[len(times) // 2]
        self.inject = inject
        if on_gpu and inject:
            self.sleep_cycles = _cycles_of(inject * median_s)
        elif inject and self.threads > 1:
            self.spin_values = torch.rand(SPIN_ELEMENTS * self.threads)
        gc.collect()
        gc.freeze()
        gc.disable()
        self.turn = once
        return {"forward_s": median_s}

    def _not_settled(self) -> Timed:
        raise RuntimeError("`turn` was requested before `settle`")

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
        """Work on for a share of the time that this forward took.

        One thread works by processor time, because another process on its core stretches the
        forward and this work alike. Several threads all work, by the wall clock.
        """
        if self.threads == 1:
            end = cpu + (1 + self.inject) * (time.process_time() - cpu)
            while time.process_time() < end:
                pass
            return
        end = begin + (1 + self.inject) * (time.perf_counter() - begin)
        while time.perf_counter() < end:
            self.spin_values.sin_()

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
    """Return the number of graphs that the compiler has made in this process.

    `torch._dynamo.explain` counts the same, but discards the compiled code, so the network would
    have to settle twice.
    """
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


def _dispatched(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[dict[str, int], int]:
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

    with Recorder():
        forward(*inputs)
    return dict(sorted(counts.items())), made_bytes


def _storage(leaf: Any) -> int | None:
    """Return the address of a tensor's storage; None for anything else."""
    import torch

    return leaf.untyped_storage().data_ptr() if isinstance(leaf, torch.Tensor) else None


def _launches(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> int:
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


def _peak_bytes(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> int:
    import torch

    forward(*inputs)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    forward(*inputs)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()


def _cycles_of(duration_s: float) -> int:
    """Return the argument for which `torch.cuda._sleep` takes `duration_s` on this GPU."""
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


def _from_first(modules: tuple[str, ...], name: str) -> Any:
    """Return a class of the checkout, from the first of the modules that it has there."""
    for module in modules:
        try:
            return getattr(importlib.import_module(f"kinobench.{module}"), name)
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("kinobench."):
                raise  # a library that this environment lacks
        except AttributeError:  # a package of that name, in a newer layout
            continue
    raise ImportError(f"the checkout has no {name} in {', '.join(modules)}: it is no kinobench")


def _tree(spec: dict[str, Any]) -> Any:
    """Make imports use this side's version of a plugin's repository, if there is one."""
    if spec.get("repository") is None:
        return None
    file = Path(__file__).with_name("side_imports.py")
    found = importlib.util.spec_from_file_location("side_imports", file)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    tree = module.Tree(spec["repository"], spec["tree"], spec["root"])
    tree.lead()
    return tree


def _name_the_checkout(root: str) -> None:
    """Make `kinobench` the package of that checkout, as its `bench.py` does."""
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != root]
    spec = importlib.machinery.ModuleSpec("kinobench", None, is_package=True)
    spec.submodule_search_locations = [root]
    sys.modules["kinobench"] = importlib.util.module_from_spec(spec)


def _private_stdout() -> Any:
    """Keep stdout for the answers; everything that a network prints goes to stderr."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


class _MissingModelError(Exception):
    """This checkout has no such network."""


def _check_name(registry: Any, model: str) -> None:
    """Raise _MissingModelError if the checkout has no network of that name."""
    try:
        registry.check(model)
    except Exception as error:
        if type(error).__name__ == "UnknownNameError":  # the class is that of the checkout
            raise _MissingModelError(str(error)) from error
        raise


def _error_answer(error: Exception) -> dict[str, Any]:
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
    with contextlib.suppress(BrokenPipeError):  # the command has ended
        main()
