"""How well a network finds the times of actions in the case's dataset."""

from ..tasks.case import localize
from .context import Context


def run(context: Context) -> None:
    """Measure it, from where a killed run of the case stopped."""
    localize(context.job, context.network, context.split, context.emit)
