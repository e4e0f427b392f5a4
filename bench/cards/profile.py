"""`show MODEL --profile`: its settings, and its table: time of each module against the roofline."""

from typing import TYPE_CHECKING, NamedTuple, cast

from rich.console import Console

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..machine.environment import physical_cores
from ..records.case import Device, Hint, Precision, Provider, Runtime
from ..records.results import Bound
from ..run.settings import one_runtime, settings_of
from .terminal import print_folded, print_line, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..measure.modules import Profile
    from ..measure.operators import OperatorTime, RuntimeProfile

ABSENT = "–"
"""The cell of a number that is not known."""
BEATEN = "> 100 %"
"""The share of a bound that the measured time is below."""


class ProfileSettings(NamedTuple):
    """Device and settings for timing modules; `threads` is None on a GPU.

    In another runtime than torch, operators are timed instead of modules.
    """

    device: Device
    precision: Precision
    batch: int
    threads: int | None
    runtime: Runtime = "torch"
    provider: Provider | None = None
    hint: Hint | None = None


def profile_settings(
    profile: bool,
    device: str | None,
    precision: str | None,
    batch: int | None,
    threads: int | None,
    runtime: str | None = None,
    provider: str | None = None,
    hint: str | None = None,
) -> ProfileSettings | None:
    """Return the settings of a profile from the command line; None without `--profile`.

    Raises:
        KinobenchError: A value is unknown, values contradict each other, or one is given without
            `--profile`.
    """
    given = {"device": device, "precision": precision, "batch": batch, "threads": threads}
    given |= {"runtime": runtime, "provider": provider, "hint": hint}
    named = [f"--{name} {value}" for name, value in given.items() if value is not None]
    if not profile:
        if named:
            raise KinobenchError(f"{named[0]}: nothing is timed; add --profile, or leave it out")
        return None
    settings = settings_of(
        device=device,
        precision=precision,
        threads=threads,
        runtime=runtime,
        provider=provider,
        hint=hint,
    )
    one_runtime(settings)
    where: Device = settings.device or "cpu"
    if settings.precision == "tf32" and where != "cuda":
        raise KinobenchError("--precision tf32: a CPU has no such arithmetic; add --device cuda")
    return ProfileSettings(
        where,
        settings.precision or "fp32",
        batch or 1,
        settings.threads or (physical_cores() if where == "cpu" else None),
        cast(Runtime, (settings.runtime or ("torch",))[0]),
        settings.provider,
        settings.hint,
    )


def show_profile(profile: "Profile", console: Console) -> None:
    """Print a line for each module; no name is cut."""
    peak, whole = profile.peak, profile.roofline
    threads = "" if profile.threads is None else f", threads {profile.threads}"
    heading = f"{profile.device}, {profile.precision}, eager, batch {profile.batch}{threads}"
    print_line(f"Profile: {heading}", console, style="bold")
    copied_mib = peak.copied_bytes / 2**20
    print_folded(
        f"peak {peak.flops_per_s / 1e9:,.1f} GFLOP/s (product of {peak.rows}x{peak.rows} in "
        f"{peak.precision}), {peak.bytes_per_s / 1e9:,.1f} GB/s (copy of {copied_mib:,.0f} MiB); "
        f"ridge {whole.ridge:,.1f} FLOPs/byte",
        console,
    )
    rows = [("module", "MMACs", "MB", "FLOPs/B", "ms", "share", "limit")]
    macs = whole.flops // 2
    levels = (("(weights, input, output)", whole.network), ("(all operators)", whole.operators))
    for name, bound in levels:
        rows.append(_row(name, macs, bound, profile.median_s))
    for module in profile.modules:
        indent = "  " * module.name.count(".")
        rows.append(_row(indent + module.name, module.macs, module.bound, module.median_s))
    print_table(rows, console)
    print_folded(_footnote(profile), console)
    for note in profile.notes:
        print_folded(note, console)


def show_operators(profile: "RuntimeProfile", console: Console) -> None:
    """Print a line for each operator of a runtime, in the order in which they run."""
    threads = "" if profile.threads is None else f", threads {profile.threads}"
    hint = "" if profile.hint is None else f", hint {profile.hint}"
    heading = (
        f"{profile.runtime} on {profile.provider}, {profile.precision}, batch {profile.batch}"
        f"{threads}{hint}"
    )
    print_line(f"Profile: {heading}", console, style="bold")
    kinds: dict[str, list[OperatorTime]] = {}
    for each in profile.operators:
        kinds.setdefault(each.kind, []).append(each)
    rows = [("operators", "calls", "ms", "share")]
    for kind, found in sorted(kinds.items(), key=lambda item: -sum(e.share for e in item[1])):
        rows.append((kind, str(len(found)), *_times(found)))
    print_table(rows, console)
    console.print()
    lines = [("operator", "type", "ms", "share", "kernel")]
    for each in profile.operators:
        lines.append((each.name, each.kind, *_times([each]), each.kernel or ABSENT))
    print_table(lines, console)
    print_folded(
        f"ms: median of {quantity(profile.forwards, 'forward')}, as the runtime measures itself; "
        f"the whole forward takes {profile.median_s * 1e3:,.3f} ms without that. share: of all "
        "operators' times. A runtime fuses operators: one stands for those that it took in.",
        console,
    )
    for note in profile.notes:
        print_folded(note, console)


def _times(operators: "Sequence[OperatorTime]") -> tuple[str, str]:
    time_s, share = sum(e.median_s for e in operators), sum(e.share for e in operators)
    return f"{time_s * 1e3:,.3f}", f"{share * 100:.1f} %"


def _footnote(profile: "Profile") -> str:
    gaps = ""
    if profile.device == "cuda":
        gaps = ", on the GPU, without the gaps in which the GPU waits for the host"
        if profile.host_gaps:
            gaps = (
                ", on the GPU, with the gaps in which the GPU waits for the host, because the "
                "host waits for it in turn"
            )
    return (
        f"ms: median of {quantity(profile.forwards, 'forward')}, from the begin of a module to its "
        f"end{gaps}; "
        "modules need not add up to the whole network, which also works outside of them. MB: each "
        "operator reads its inputs and weights and writes its results once. share: the least time "
        f"by the roofline, divided by the measured one; {BEATEN} where the measured one is less: "
        "caches keep data that counts as moved, an algorithm needs fewer multiplications, or the "
        "machine was busy while its peak was measured."
    )


def _row(
    name: str, macs: int, bound: Bound | None, time_s: float | None
) -> tuple[str, str, str, str, str, str, str]:
    return (
        name,
        f"{macs / 1e6:,.3f}",
        ABSENT if bound is None else f"{bound.moved_bytes / 1e6:,.3f}",
        ABSENT if bound is None else f"{bound.intensity:,.2f}",
        ABSENT if time_s is None else f"{time_s * 1e3:,.3f}",
        _share(bound, time_s),
        ABSENT if bound is None else bound.limit,
    )


def _share(bound: Bound | None, time_s: float | None) -> str:
    if bound is None or time_s is None:
        return ABSENT
    return BEATEN if bound.share is None else f"{bound.share * 100:.1f} %"
