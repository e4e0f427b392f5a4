"""One side of the speed gate: a process that runs and times one forward on request.

It runs as a program, `python side.py`, and imports the package `kinobench` from the checkout that
the command names. So the gate's own loop can time a baseline that is older than the gate. It needs
only `Case` and `Network` of that checkout.

The first line of stdin is a JSON object with the checkout, the case and the settings. Each further
line is a request, and each answer is a line of JSON: `exact` counts, `settle` makes the first
forwards, `turn` makes one timed forward (its answer is two numbers). The process ends when stdin
ends, so none is left behind, however the command ends.

With `--serve DESCRIPTOR` it is a server of such processes: it loads, and forks one on request. See
`side_server.py`.
"""

import contextlib
import gc
import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPIN_HZ = 2e9
"""Cycles per second that `torch.cuda._sleep` is assumed to count; the real rate is calibrated."""
WARM_CALLS, WARM_S, FORKED_WARM_S = 10, 0.2, 0.1
SPIN_ELEMENTS = 2**15
"""Elements, for each thread, of the tensor whose computation keeps several threads busy."""

_CASE = ("bench.records.case", "bench.records.record", "bench.record")
_NETWORK = ("bench.network.network", "bench.network")
"""Modules that have the class, the newest layout first: a baseline may be of any."""

Timed = tuple[float, float | None]
"""Seconds of one forward: by the wall clock (on a GPU: the device's), and of processor time."""


def main() -> None:
    """Answer until stdin ends, or serve until the socket closes."""
    # Both before the imports of a repository are replaced: they are the gate's own.
    keep_memory, server = _memory_kept(), _beside("side_server")
    if len(sys.argv) == 3:  # side.py --serve DESCRIPTOR

        def in_fork(loaded: _Loaded | Exception) -> None:
            with keep_memory():
                _answer_requests(loaded)

        server.serve(int(sys.argv[2]), _Loaded, _Loaded.prepare, in_fork)
        return
    with keep_memory():
        _answer_requests(None)


class _Loaded:
    """A version of the code, loaded and not yet run: that is all that forked processes share."""

    def __init__(self, spec: dict[str, Any]) -> None:
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        self.tree = _tree(spec)
        _name_the_checkout(spec["root"])
        import torch  # noqa: F401

        self.registry = importlib.import_module("kinobench.zoo.registry")
        for plugin in spec.get("plugins", ()):
            if Path(plugin).exists():  # a baseline may be older than the file
                self.registry.load_plugin(plugin)
        self.case_type = _from_first(_CASE, "Case")
        self.network_type = _from_first(_NETWORK, "Network")

    def prepare(self, model: str) -> None:
        """Import what else a network needs, once for all forks; if that fails, a fork raises it."""
        with contextlib.suppress(Exception):
            importlib.import_module("torch._dynamo")  # torch imports it at the first convolution
            for library in getattr(self.registry.get(model), "libraries", ()):
                importlib.import_module(library)


def _answer_requests(loaded: _Loaded | Exception | None) -> None:
    """Answer until stdin ends.

    Args:
        loaded: The code, or the error of loading it; None: it is still to be loaded.
    """
    answers = _private_stdout()
    spec = json.loads(sys.stdin.buffer.readline() or b"null")
    if spec is None:
        return
    try:
        if isinstance(loaded, Exception):
            raise loaded
        side = _Side(spec, loaded or _Loaded(spec))
        side.warm_s = WARM_S if loaded is None else FORKED_WARM_S
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

    warm_s = WARM_S

    def __init__(self, spec: dict[str, Any], loaded: _Loaded) -> None:
        import torch

        self.inject: float = spec.get("inject") or 0.0
        self.core: int | None = spec.get("core")
        self.threads: int = spec.get("threads") or torch.get_num_threads()
        torch.set_num_threads(self.threads)
        with contextlib.suppress(RuntimeError):  # a plug-in may have set it, and once is all
            torch.set_num_interop_threads(1)
        msgspec = importlib.import_module("msgspec")
        # What the version doesn't know of a case is left out.
        self.case = msgspec.convert(spec["case"], loaded.case_type)
        _check_runtime(spec["case"], self.case)
        _check_name(loaded.registry, self.case.model)
        self.network = loaded.network_type(self.case)
        self.turn: Callable[[], Timed] = self._not_settled
        if loaded.tree is not None:
            loaded.tree.refuse_strays()

    def exact(self) -> dict[str, Any]:
        """Return the counts, which have no noise; see `counts.Facts`."""
        import torch

        network, counts = self.network, _beside("side_counts")
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
        before = counts.graphs() if compiled else 0
        _settle(network)
        # A forward without breaks is one graph.
        facts["graph_breaks"] = max(0, counts.graphs() - before - 1) if compiled else None
        if getattr(self.case, "runtime", "torch") != "torch":
            return facts | _of_export(network)
        with torch.inference_mode():
            (inputs,) = network.inputs(1)
            called = network.module if self.case.mode != "stream" else network.forward
            try:
                facts["operators"], facts["output_bytes"] = counts.dispatched(called, inputs)
            except Exception as error:
                facts["operators"] = facts["output_bytes"] = None
                uncounted["calls of operators"] = f"{type(error).__name__}: {error}"
            if network.device.type == "cuda":
                facts["launches"] = counts.launches(network.forward, inputs)
                facts["peak_bytes"] = counts.peak_bytes(network.forward, inputs)
            else:
                calls = facts["operators"]
                facts["launches"] = None if calls is None else sum(calls.values())
                facts["peak_bytes"] = None
        return facts

    def settle(self) -> dict[str, Any]:
        """Make the first forwards and get ready for turns; return the time of a forward."""
        import torch

        if self.network.first_call_s == 0.0:
            _settle(self.network)
        on_gpu = self.network.device.type == "cuda"
        with torch.inference_mode():
            self.rotation = self.network.inputs(2)
        # A baseline may be older than this.
        self.fresh = getattr(self.network, "fresh", lambda inputs: inputs)
        once = self._gpu_turn if on_gpu else self._cpu_turn
        if self.core is not None and hasattr(os, "sched_setaffinity"):
            _bind_all_threads(self.core)
        begin = time.perf_counter()
        times: list[float] = []
        inject, self.inject = self.inject, 0.0
        self.sleep_cycles = 0
        while len(times) < WARM_CALLS or time.perf_counter() - begin < self.warm_s:
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
        with torch.inference_mode():
            inputs = self.fresh(self.rotation[0])
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
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        with torch.inference_mode():
            inputs = self.fresh(self.rotation[0])
            torch.cuda.synchronize()
            start.record()
            self.network.forward(*inputs)
            if self.sleep_cycles:
                torch.cuda._sleep(self.sleep_cycles)
            end.record()
            torch.cuda.synchronize()
        return start.elapsed_time(end) / 1e3, None


def _settle(network: Any) -> None:
    """Make the first forward, without the second network that drift is measured by."""
    takes = inspect.signature(network.settle).parameters  # a baseline may be older
    network.settle(**({"reference": False} if "reference" in takes else {}))


def _of_export(network: Any) -> dict[str, Any]:
    """Return the counts of a network in another runtime than torch, which dispatches nothing."""
    return {
        "operators": None,
        "output_bytes": None,
        "launches": None,
        "peak_bytes": None,
        "nodes": getattr(network, "nodes", lambda: None)(),  # a baseline may be older
        "file_bytes": network.export.size_bytes,
        "opset": network.export.opset,
    }


def _bind_all_threads(core: int) -> None:
    """Keep this process to one core, with the threads that a runtime has started and pinned."""
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.sched_setaffinity(int(thread.name), {core})


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
    tree = _beside("side_imports").Tree(spec["repository"], spec["tree"], spec["root"])
    tree.lead()
    return tree


def _beside(name: str) -> Any:
    """Return a module of the gate's own, by its path: the checkout may have another, or none."""
    found = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _memory_kept() -> Callable[[], Any]:
    """Return the gate's own `memory_kept`: it has the allocator keep memory between forwards."""
    package = importlib.machinery.ModuleSpec("gate_machine", None, is_package=True)
    package.submodule_search_locations = [str(Path(__file__).resolve().parents[1] / "machine")]
    sys.modules["gate_machine"] = importlib.util.module_from_spec(package)
    kept: Callable[[], Any] = importlib.import_module("gate_machine.allocator").memory_kept
    for name in [each for each in sys.modules if each.split(".")[0] == "gate_machine"]:
        del sys.modules[name]  # else they would be files of the candidate in the baseline
    return kept


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


class _NoRuntimeError(Exception):
    """This checkout doesn't know the runtime."""


def _check_runtime(asked: dict[str, Any], case: Any) -> None:
    """Raise _NoRuntimeError if the checkout would run a network in torch instead."""
    runtime = asked.get("runtime") or "torch"
    if getattr(case, "runtime", "torch") != runtime:
        raise _NoRuntimeError(
            f"this version of kinobench runs networks in torch alone, and knows no runtime "
            f"{runtime!r}: give --against a commit that knows it, or leave --runtime out"
        )


def _error_answer(error: Exception) -> dict[str, Any]:
    missing = isinstance(error, _MissingModelError)
    kind = type(error).__name__
    return {
        "error": str(error) if missing or kind == "_NoRuntimeError" else f"{kind}: {error}",
        "missing": missing,
        "out_of_memory": isinstance(error, MemoryError) or kind == "OutOfMemoryError",
        "unfit": kind in ("StrayModuleError", "_NoRuntimeError"),
    }


def _answer(answers: Any, plain: dict[str, Any]) -> None:
    answers.write(json.dumps(plain).encode() + b"\n")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the command has ended
        main()
