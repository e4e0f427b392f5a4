"""The check of the counting: on the meta device as on the CPU, and nothing left out."""

from ..cost.apart import HungApartError
from ..cost.flops import count_apart
from ..cost.meta import move_to_meta
from ..cost.on_device import count_on_device
from .finding import Finding, passed, skipped, warned
from .subject import Subject, shown


def count(subject: Subject) -> Finding:
    """Check that one clip's multiply-adds are the same on the meta device and on the CPU.

    They are counted on the meta device, which needs no memory; there a network may take another
    way, or none.
    """
    module, given = subject.module, subject.inputs(1)
    try:
        on_cpu = count_on_device(module, *given)
    except HungApartError as error:
        message, _, cure = str(error).partition("; ")
        return warned(message, cure)
    if on_cpu.uncounted:
        listed = ", ".join(f"{name} ({times})" for name, times in sorted(on_cpu.uncounted.items()))
        return warned(
            f"{on_cpu.macs:,} multiply-adds, without operators that can't be counted: {listed}",
            "know that the count is too low; operators of your own can be made of torch's",
        )
    counted = count_apart(module, *given)
    if counted.device != "meta":
        return warned(
            f"{on_cpu.macs:,} multiply-adds, {'; '.join(counted.cost.notes)}",
            "nothing, if it asks what is in a tensor, as by .item(); else use the clip's own "
            "device: clip.new_zeros(...), torch.arange(..., device=clip.device)",
        )
    on_meta = counted.cost
    ours, theirs = on_cpu.by_operator, on_meta.by_operator
    differ = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    if differ:
        name = min(differ)
        return warned(
            f"the CPU does {on_cpu.macs:,} multiply-adds, the meta device {on_meta.macs:,}: "
            f"{name} {ours.get(name, 0):,} and {theirs.get(name, 0):,}",
            "take the same way on every device: `if clip.is_cuda` or `clip.device` decides here",
        )
    return passed(
        f"{on_cpu.macs:,} multiply-adds, on the CPU as on the meta device; none is left out"
    )


def devices(subject: Subject) -> Finding:
    """Check that a forward on one device leaves nothing behind that one on another can't use."""
    given, other = subject.inputs(1), subject.build()
    try:
        move_to_meta(other)
        subject.run(tuple(each.to("meta") for each in given), other)
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
