"""AOTInductor: what `torch.export` gives, compiled by torch ahead of time into a package.

The options are torch's defaults, as its documentation compiles a package: no autotuning, and no
freezing, which gained nothing on networks of 3D convolutions.
"""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from ....datasets.errors import KinobenchError
from ...machine import kernel_files
from ...machine.processor import processor_name
from ...records.case import GRAPH_MODES, Case
from .cache import Made
from .errors import ExportError, export_error
from .program import quiet

PACKAGE_FILE = "model.pt2"


def compiled_for(case: Case, threads: int) -> dict[str, str | int | None]:
    """Return what decides the code of a package, besides the network and the versions.

    Args:
        case: Its device and precision.
        threads: Threads on the CPU, which are written into the code.

    Raises:
        KinobenchError: There is no C++ compiler.
    """
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    found: dict[str, str | int | None] = {
        "compiler": _compiler(),
        "precision": case.precision,
        "processor": processor_name() or platform.machine(),
        "instructions": _instructions(),
        "vectors": str(pick_vec_isa()),  # it tries them out, once for a machine
    }
    if case.device == "cuda":
        gpu = torch.cuda.get_device_name()
        return found | {"gpu": gpu, "cuda": torch.version.cuda}
    return found | {"threads": threads}


def write_package(
    folder: Path, program: Callable[[], ExportedProgram], case: Case, threads: int
) -> Made:
    """Compile a network and pack it into one file.

    Args:
        folder: An empty folder.
        program: Returns the network as `torch.export` gives it, on the case's device.
        case: Its name, for messages, and its device.
        threads: Threads on the CPU.

    Raises:
        ExportError: It can't be exported or compiled; the message names the operator.
    """
    import torch._inductor

    exported = program()
    options = {
        "cpp.threads": threads,
        # Compiled headers would remain in torch's own folder of temporary files.
        "aot_inductor.precompile_headers": False,
    }
    try:
        with _compiling_in(folder, on_gpu=case.device == "cuda"):
            torch._inductor.aoti_compile_and_package(
                exported,
                package_path=str(folder / PACKAGE_FILE),
                inductor_configs=options,
            )
    except ExportError:
        raise
    except Exception as error:
        raise export_error(case.model, "compiled by AOTInductor", error) from error
    return Made(file=PACKAGE_FILE, format="pt2", path="torch.export, AOTInductor")


class AotInductorSession:
    """A loaded package, called as torch's C++ loader calls it; see `session.Session`.

    The Python object that torch gives reads a description of its arguments from JSON in each call,
    which takes longer than some networks do.
    """

    streams: int | None = None
    activation_bytes: int | None = 0
    """None of its own: torch's allocator gives out what a forward takes."""

    def __init__(self, file: Path, case: Case, threads: int) -> None:
        """Load a package.

        Args:
            file: The package.
            case: Its device and precision.
            threads: Threads on the CPU for which it was compiled.

        Raises:
            ExportError: Torch can't load it.
            KinobenchError: Torch has another number of threads than the package.
        """
        import torch._inductor

        on_gpu = case.device == "cuda"
        if not on_gpu and torch.get_num_threads() != threads:
            raise KinobenchError(
                f"torch has {torch.get_num_threads()} threads here, and the package of "
                f"{case.model} was compiled for {threads}: its own loops and torch's operators "
                "must have as many"
            )
        # It unpacks the file and maps what it needs; on a GPU it reads kernels when they first run.
        self._unpacked = tempfile.TemporaryDirectory(prefix="kinobench-package-")
        try:
            with quiet(), _temporary_files_in(Path(self._unpacked.name)):
                self._package = torch._inductor.aoti_load_package(
                    str(file), run_single_threaded=case.mode in GRAPH_MODES
                )
        except RuntimeError as error:
            raise export_error(case.model, "loaded by AOTInductor", error) from error
        finally:
            if not on_gpu:
                self._unpacked.cleanup()
        self._run = self._package.loader.boxed_run
        self.runs_on: tuple[str, ...] = (case.device,)
        self.arithmetic: str = case.precision
        self.threads: int | None = None if on_gpu else threads

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments on the device of the package -> outputs, the logits first.

        The code reads contiguous tensors and doesn't look at strides: of others it would compute
        something else.
        """
        return tuple(self._run([each.contiguous() for each in inputs]))


def _compiler() -> str:
    """Return the version of the C++ compiler that torch would take.

    Raises:
        KinobenchError: It finds none.
    """
    from torch._inductor import config, cpp_builder, exc

    try:
        found = cpp_builder.get_cpp_compiler()
    except exc.InvalidCxxCompiler as error:
        tried = ", ".join(name for name in config.cpp.cxx if name)
        raise KinobenchError(
            f"runtime 'aotinductor' needs a C++ compiler, and {tried} can't be run; install g++ "
            "(Debian, Ubuntu: `apt install g++`), set CXX to a compiler, or measure with "
            "--runtime torch"
        ) from error
    return cpp_builder.get_compiler_version_info(found).strip()


def _instructions() -> str:
    """Return the processor's instructions: the code is compiled for all that it has."""
    known = kernel_files.text(kernel_files.ROOT / "proc/cpuinfo") or ""
    for line in known.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return " ".join(sorted(value.split()))
    return torch.backends.cpu.get_cpu_capability()


@contextmanager
def _compiling_in(folder: Path, *, on_gpu: bool) -> Iterator[None]:
    """Compile with all temporary files below a folder, which are gone afterwards.

    On a CPU one process compiles: a package has one file of kernels. On a GPU processes of torch
    compile its kernels side by side; they end here.
    """
    from torch._inductor import config
    from torch._inductor.utils import fresh_cache

    patched: dict[str, Any] = {} if on_gpu else {"compile_threads": 1}
    with tempfile.TemporaryDirectory(dir=folder, prefix="compiling-") as temporary:
        try:
            with (
                quiet(),
                config.patch(patched),
                _temporary_files_in(Path(temporary)),
                fresh_cache(dir=temporary),
            ):
                yield
        finally:
            if on_gpu:
                from torch._inductor.async_compile import shutdown_compile_workers

                shutdown_compile_workers()


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Have libraries that read TMPDIR write below a folder, and Python's `tempfile` too.

    `tempfile` remembers the first folder that it finds: this one, which is gone afterwards, if
    nobody has asked it before.
    """
    before, remembered = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = remembered
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
