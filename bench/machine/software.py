"""Builds of the libraries that a result depends on, found without importing torch."""

import importlib.util
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any

import msgspec

EXTRAS = {
    "transformers": "transformers",
    "torchcodec": "torchcodec",
    "ray": "cluster",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "tensorrt": "tensorrt",
}
"""Optional libraries, and the extra of kinobench that brings each."""

_FULL = """
import json, torch
print(json.dumps({
    "cudnn": str(torch.backends.cudnn.version() or "") or None,
    "built_with": torch.__config__.show(),
    "threading": torch.__config__.parallel_info(),
    "cpu_capability": torch.backends.cpu.get_cpu_capability(),
}))
"""


class Software(msgspec.Struct, frozen=True, kw_only=True):
    """Builds of libraries.

    Attributes:
        torch_cuda: The CUDA that torch was built for; None is a build for the CPU alone.
        cudnn: Its version as installed, or as torch says.
        blas, openmp, cpu_capability: Torch's library for products, its library for threads, and
            the instructions that it chose. Only torch itself knows: None where it was not asked.
        ffmpeg: FFmpeg's libraries behind PyAV.
        decoders: Decoders of videos that are installed.
        extras: Versions of optional libraries; None is not installed.
    """

    torch_cuda: str | None
    cudnn: str | None
    blas: str | None
    openmp: str | None
    cpu_capability: str | None
    ffmpeg: dict[str, str]
    decoders: tuple[str, ...]
    extras: dict[str, str | None]


def read_software(full: bool = False) -> Software:
    """Find the builds; `full` asks torch in a process of its own, which takes seconds."""
    asked = _ask_torch() if full else {}
    built, threading = asked.get("built_with", ""), asked.get("threading", "")
    return Software(
        torch_cuda=torch_cuda(),
        cudnn=_dotted(asked.get("cudnn")) or installed_cudnn(),
        blas=_first(r"BLAS_INFO=(\w+)", built),
        openmp=_first(r"(OpenMP \d+.*)", threading) or _first(r"(OpenMP \d+[^\n]*)", built),
        cpu_capability=asked.get("cpu_capability"),
        ffmpeg=_ffmpeg(),
        decoders=("pyav", *(("torchcodec",) if _there("torchcodec") else ())),
        extras={name: _version_of(name) for name in EXTRAS},
    )


def _ask_torch() -> dict[str, Any]:
    command = [sys.executable, "-c", _FULL]
    try:
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        return msgspec.json.decode(done.stdout, type=dict[str, Any])
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return {}


def torch_cuda() -> str | None:
    """Return the CUDA that torch was built for; None is a build for the CPU alone.

    It is read from torch/version.py, which is written when torch is built.
    """
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        source = Path(spec.origin).with_name("version.py").read_text()
    except OSError:
        return None
    return _first(r"^cuda\b.*= *'([\d.]+)'", source)


def installed_cudnn() -> str | None:
    """Return the version of the package that brings cuDNN; None for another way."""
    for package in distributions():
        if (package.name or "").startswith("nvidia-cudnn-cu"):
            return package.version
    return None


def _dotted(number: str | None) -> str | None:
    """Return cuDNN's number, 92400 for 9.24.0, as a version."""
    if number is None or not number.isdecimal():
        return None
    value = int(number)
    major = 10_000 if value >= 90_000 else 1_000
    return f"{value // major}.{value % major // 100}.{value % 100}"


def _ffmpeg() -> dict[str, str]:
    import av

    return {
        library: ".".join(map(str, numbers)) for library, numbers in av.library_versions.items()
    }


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text, flags=re.MULTILINE)
    return found[1].strip() if found else None


def _there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _version_of(name: str) -> str | None:
    """Return the version of an optional library, also of its build for GPUs."""
    return _version(name) or _version(f"{name}-gpu")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
