"""The runtimes: what each can do, and the packages and the extra of kinobench that it needs.

Nothing here imports torch, or a runtime.
"""

import importlib.util
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import msgspec

from ....datasets.errors import KinobenchError, program
from ...records.case import Case, Device, Hint, Mode, Precision, Provider, Runtime
from ...text.toml import one_of


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a runtime runs on.

    Attributes:
        device: Device of the case: where the clips are.
        precisions: Precisions that it has there.
        modes: Modes of a case that it has there.
    """

    device: Device
    precisions: tuple[Precision, ...]
    modes: tuple[Mode, ...] = ("eager",)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A runtime that kinobench can measure in.

    Attributes:
        summary: One line for `list runtimes`.
        module: The module that is imported for it; empty for torch.
        packages: Distributions whose versions decide its results, its own first.
        extra: The extra of kinobench that brings them; empty: none is needed.
        targets: What it runs on, by provider; the first of a device is the usual one.
        hints: The hints that it takes.
        no_profile: Why it has no times by operator; empty: it has them.
        races: `--runtime auto` tries it; False for one whose compiler takes longer than it saves.
    """

    summary: str
    module: str = ""
    packages: tuple[str, ...] = ()
    extra: str = ""
    targets: Mapping[Provider, Target]
    hints: tuple[Hint, ...] = ()
    no_profile: str = ""
    races: bool = True


_EXPORTED: tuple[Mode, ...] = ("eager", "stream")
_GRAPHS: tuple[Mode, ...] = ("eager", "cudagraph")

KNOWN: dict[Runtime, Known] = {
    "torch": Known(
        summary="PyTorch itself, eager or compiled: see --mode",
        targets={
            "cpu": Target(
                device="cpu",
                precisions=("fp32", "bf16", "fp16"),
                modes=("eager", "compile", "channels_last_3d", "stream"),
            ),
            "cuda": Target(
                device="cuda",
                precisions=("fp32", "tf32", "bf16", "fp16"),
                modes=(
                    *("eager", "compile", "cudagraph", "compile_cudagraph", "channels_last_3d"),
                    "stream",
                ),
            ),
        },
    ),
    "onnxruntime": Known(
        summary="ONNX Runtime, of a network exported to ONNX",
        module="onnxruntime",
        packages=("onnxruntime", "onnxruntime-gpu", "onnx", "onnxscript"),
        extra="onnxruntime",
        targets={
            "cpu": Target(device="cpu", precisions=("fp32", "int8"), modes=_EXPORTED),
            "cuda": Target(
                device="cuda", precisions=("fp32", "tf32", "fp16", "bf16"), modes=_GRAPHS
            ),
            "tensorrt": Target(
                # It computes float32 by TF32, and has no option that forbids it.
                device="cuda",
                precisions=("tf32", "fp16", "bf16"),
                modes=_GRAPHS,
            ),
        },
    ),
    "openvino": Known(
        summary="OpenVINO, of a network exported to ONNX or converted by itself",
        module="openvino",
        packages=("openvino", "nncf", "onnx", "onnxscript"),
        extra="openvino",
        targets={
            "cpu": Target(
                device="cpu", precisions=("fp32", "bf16", "fp16", "int8"), modes=_EXPORTED
            ),
            "gpu": Target(device="cpu", precisions=("fp32", "fp16", "int8"), modes=_EXPORTED),
        },
        hints=("latency", "throughput"),
    ),
    "aotinductor": Known(
        summary="a package that torch compiles ahead of time (AOTInductor)",
        targets={
            "cpu": Target(device="cpu", precisions=("fp32", "bf16", "fp16"), modes=_EXPORTED),
            "cuda": Target(
                device="cuda",
                precisions=("fp32", "tf32", "bf16", "fp16"),
                modes=(*_EXPORTED, "cudagraph"),
            ),
        },
        races=False,
        no_profile="it is one library, in which operators are fused and none is timed; "
        "`--runtime torch` times the modules",
    ),
    "tensorrt": Known(
        summary="TensorRT, of a network exported to ONNX",
        module="tensorrt",
        packages=("tensorrt", "onnx", "onnxscript"),
        extra="tensorrt",
        targets={
            "cuda": Target(
                device="cuda",
                precisions=("fp32", "tf32", "fp16", "bf16"),
                modes=_GRAPHS,
            ),
        },
        no_profile="TensorRT times layers only for a tool of its own, `trtexec --dumpProfile`",
    ),
}


def provider_of(case: Case) -> Provider:
    """Return what a case's runtime runs on.

    Raises:
        KinobenchError: The runtime can't run on the case's device.
    """
    if case.provider is not None:
        return case.provider
    for name, target in KNOWN[case.runtime].targets.items():
        if target.device == case.device:
            return name
    devices = tuple(dict.fromkeys(each.device for each in KNOWN[case.runtime].targets.values()))
    raise KinobenchError(
        f"runtime {case.runtime!r} doesn't run on device {case.device!r}; give --device "
        f"{one_of(devices)}"
    )


def problem_of(case: Case) -> str | None:
    """Return why a runtime can't run a case with such settings, and the cure; None if it can."""
    known = KNOWN[case.runtime]
    for option, value, has in (
        ("provider", case.provider, tuple(known.targets) if case.runtime != "torch" else ()),
        ("hint", case.hint, known.hints),
    ):
        if value is not None and value not in has:
            cure = f"give --{option} {one_of(has)}" if has else f"leave --{option} out"
            return f"runtime {case.runtime!r} has no {option} {value!r}; {cure}"
    try:
        provider = provider_of(case)
    except KinobenchError as error:
        return str(error)
    target = known.targets[provider]
    if target.device != case.device:
        return (
            f"provider {provider!r} of runtime {case.runtime!r} takes clips of device "
            f"{target.device!r}; give --device {target.device}"
        )
    settings: tuple[tuple[Literal["precision", "mode"], str, tuple[str, ...]], ...] = (
        ("precision", case.precision, target.precisions),
        ("mode", case.mode, target.modes),
    )
    for kind, asked, offered in settings:
        if asked not in offered:
            where = f"runtime {case.runtime!r} on {provider!r}"
            cure = f"give --{kind} {one_of(offered)}"
            others = _others(kind, asked, case)
            return f"{where} has no {kind} {asked!r}; {cure}{others}"
    return None


def _others(kind: Literal["precision", "mode"], asked: str, case: Case) -> str:
    """Return which other runtimes have a precision or a mode on the case's device."""
    have = [
        runtime
        for runtime, known in KNOWN.items()
        for target in known.targets.values()
        if target.device == case.device
        and asked in (target.precisions if kind == "precision" else target.modes)
    ]
    names = tuple(dict.fromkeys(have))
    return f", or --runtime {one_of(names)}" if names else ""


def require(runtime: Runtime) -> None:
    """Raise KinobenchError, which names the extra, if a runtime is not installed."""
    known = KNOWN[runtime]
    if not known.module or is_installed(runtime):
        return
    raise KinobenchError(
        f"runtime {runtime!r} is not installed; it takes `pip install '.[{known.extra}]'` in a "
        f"checkout, or `pip install 'kinobench[{known.extra}]'`; `{program()} list runtimes` shows "
        "what is there"
    )


def is_installed(runtime: Runtime) -> bool:
    """Return whether a runtime can be imported; it isn't."""
    known = KNOWN[runtime]
    return not known.module or importlib.util.find_spec(known.module) is not None


def installed() -> tuple[Runtime, ...]:
    """Return the runtimes that are installed, torch first."""
    return tuple(name for name in KNOWN if is_installed(name))


def versions_of(runtime: Runtime) -> dict[str, str]:
    """Return the versions of the packages that a runtime's results depend on, besides torch."""
    return installed_versions(KNOWN[runtime].packages)


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those of some packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
