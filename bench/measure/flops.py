"""Cost: MACs and FLOPs of one view of a case."""

from ...datasets.errors import KinobenchError
from ...datasets.their_errors import error_text
from ..cost.apart import DiedApartError
from ..records.record import Failure
from .context import Context


def run(context: Context) -> None:
    """Count the cost of a case; where that can't be done, the rest is still measured."""
    network = context.network
    try:
        cost = network.cost()
    except DiedApartError as error:  # what follows may need no such process
        context.note(f"could not be counted: {error}")
        _refuse(context, "the whole network")
        return
    except KinobenchError:
        raise
    except Exception as error:  # if the network is at fault, it fails again in what follows
        context.note(f"could not be counted: {error_text(error)}")
        _refuse(context, "the whole network")
        return
    context.keep(cost=cost)
    for note in cost.notes:
        context.note(note)
    if network.case.flow is not None:
        context.note("without the optical flow, whose time is measured separately")
    if cost.uncounted:
        listed = ", ".join(f"{name} ({count})" for name, count in cost.uncounted.items())
        context.note(f"not counted, so MACs are too low: {listed}")
        _refuse(context, *cost.uncounted)
    if cost.torch_macs is not None and cost.torch_macs != cost.macs:
        context.note(f"torch's own counter gives {cost.torch_macs} MACs")


def _refuse(context: Context, *uncounted: str) -> None:
    """Fail the case at its end, if that is asked for."""
    if context.job.strict:
        message = f"operators that can't be counted: {', '.join(uncounted)}"
        context.fail_at_the_end(Failure(kind="uncounted", message=message))
