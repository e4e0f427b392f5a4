"""`show MODEL --profile`: time of each module beside its MACs and bytes, against the roofline."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ..records.record import Bound

if TYPE_CHECKING:
    from ..measure.modules import Profile


def show_profile(profile: "Profile", console: Console) -> None:
    """Print a line a module; no name is cut."""
    peak, whole = profile.peak, profile.roofline
    on = "" if profile.threads is None else f", threads {profile.threads}"
    heading = f"{profile.device}, {profile.precision}, eager, batch {profile.batch}{on}"
    _print(f"Profile: {heading}", console, style="bold")
    copied_mib = peak.copied_bytes / 2**20
    _print_words(
        f"peak {peak.flops_per_s / 1e9:,.1f} GFLOP/s (product of {peak.rows}x{peak.rows} in "
        f"{peak.precision}), {peak.bytes_per_s / 1e9:,.1f} GB/s (copy of {copied_mib:,.0f} MiB); "
        f"ridge {whole.ridge:,.1f} FLOPs/byte",
        console,
    )
    lines = [("module", "MMACs", "MB", "FLOPs/B", "ms", "share", "limit")]
    macs = whole.flops // 2
    levels = (("(weights, input, output)", whole.network), ("(all operators)", whole.operators))
    for name, bound in levels:
        lines.append(_line(name, macs, bound, profile.median_s))
    for module in profile.modules:
        indent = "  " * module.name.count(".")
        lines.append(_line(indent + module.name, module.macs, module.bound, module.median_s))
    _print_table(lines, console)
    gaps = ", on the GPU, without gaps in which it waits for the host"
    if profile.host_gaps:
        gaps = ", on the GPU, with gaps in which it waits for the host, as the host waits for it"
    _print_words(
        f"ms: median of {profile.forwards} forwards, from a module's begin to its end"
        f"{gaps if profile.device == 'cuda' else ''}; modules need not add up to the whole, which "
        "does work beside them. MB: each operator reads its inputs and weights and writes its "
        "results, once. share: the least time by the roofline over the measured one; above 100 % "
        "where caches hold what counts as moved.",
        console,
    )


def _line(
    name: str, macs: int, bound: Bound | None, time_s: float | None
) -> tuple[str, str, str, str, str, str, str]:
    share = None if bound is None else bound.share
    return (
        name,
        f"{macs / 1e6:,.3f}",
        "–" if bound is None else f"{bound.moved_bytes / 1e6:,.3f}",
        "–" if bound is None else f"{bound.intensity:,.2f}",
        "–" if time_s is None else f"{time_s * 1e3:,.3f}",
        "–" if share is None else f"{share * 100:.1f} %",
        "–" if bound is None else bound.limit,
    )


def _print_table(lines: Sequence[tuple[str, ...]], console: Console) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    room = min(widths[0], max(0, console.width - sum(widths[1:]) - 2 * len(widths[1:])))
    for name, *cells in lines:
        if len(name) > room:  # its numbers go under it
            _print(name if len(name) <= console.width else name.lstrip(), console)
            name = ""
        numbers = [f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True)]
        _print("  ".join((f"{name:<{room}}", *numbers)).rstrip(), console)


def _print_words(line: str, console: Console) -> None:
    """Print a line folded between words."""
    for part in textwrap.wrap(line, console.width, break_long_words=False, break_on_hyphens=False):
        _print(part, console)


def _print(line: str, console: Console, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)
