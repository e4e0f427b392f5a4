"""How well a network says what happens in the boxes of the case's dataset."""

from ..tasks.case import detect
from .context import Context


def run(context: Context) -> None:
    """Measure it, from where a killed run of the case stopped."""
    detect(context.job, context.network, context.split, context.emit)
