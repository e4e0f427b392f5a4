"""The check of the counting: on the meta device as on the CPU, and nothing left out."""

from collections import Counter

import torch
from torch import nn

from ..cost.dispatch import DispatchAnalysis, meta_twin
from ..cost.formulas import ELEMENTWISE, NORM
from ..network.inputs import Inputs
from .finding import Finding, passed, skipped, warned
from .subject import Subject, shown


def count(subject: Subject) -> Finding:
    """Check that one clip's multiply-adds are the same on the meta device and on the CPU.

    They are counted on the meta device, which needs no memory; there a network may take another
    way, or none.
    """
    module, given = subject.module, subject.inputs(1)
    on_cpu, uncounted = _counted(module, given)
    macs = sum(on_cpu.values())
    if uncounted:
        listed = ", ".join(f"{name} ({times})" for name, times in sorted(uncounted.items()))
        return warned(
            f"{macs:,} multiply-adds, without operators that can't be counted: {listed}",
            "write them with torch's own operators; or know that the count is too low",
        )
    try:
        on_meta, _ = _counted(meta_twin(module), tuple(each.to("meta") for each in given))
    except Exception as error:
        return warned(
            f"{macs:,} multiply-adds, counted on the CPU; the meta device fails: {shown(error)}",
            "nothing, if it asks what is in a tensor, as by .item(); else use the clip's own "
            "device: clip.new_zeros(...), torch.arange(..., device=clip.device)",
        )
    differ = {name for name in on_cpu.keys() | on_meta.keys() if on_cpu[name] != on_meta[name]}
    if differ:
        name = min(differ)
        return warned(
            f"the CPU does {macs:,} multiply-adds, the meta device {sum(on_meta.values()):,}: "
            f"{name} {on_cpu[name]:,} and {on_meta[name]:,}",
            "take the same way on every device: `if clip.is_cuda` or `clip.device` decides here",
        )
    return passed(f"{macs:,} multiply-adds, on the CPU as on the meta device; none is left out")


def devices(subject: Subject) -> Finding:
    """Check that a forward on one device leaves nothing behind that one on another can't use."""
    module, given = subject.module, subject.inputs(1)
    try:
        meta_twin(module)(*(each.to("meta") for each in given))
    except Exception:  # nothing was kept; `count` says why
        return skipped("it can't run on the meta device")
    try:
        subject.run(given)
    except Exception as error:
        return warned(
            f"after a forward on another device this one fails: {shown(error)}",
            "keep tensors in buffers, or in a table whose keys have the device, and not as they "
            "are of the first forward",
        )
    return passed("a forward on another device leaves nothing behind")


def _counted(module: nn.Module, given: Inputs) -> tuple[Counter[str], Counter[str]]:
    """Return the multiply-adds by operator, and how often each operator wasn't counted."""
    with torch.no_grad():
        analysis = DispatchAnalysis(module, given)
        found = Counter(analysis.by_operator())
        uncounted = Counter(analysis.unsupported_ops())
    for other in (ELEMENTWISE, NORM):
        del found[other]
    return found, uncounted
