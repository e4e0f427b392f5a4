"""Accuracy on the case's dataset, here or on a cluster."""

from ..evaluation.case import compare_classes, score
from .context import Context


def check(context: Context) -> None:
    """Refuse weights whose classes are not those of the dataset."""
    if context.case.weights is not None:
        compare_classes(context.case, context.split, context.emit)


def run(context: Context) -> None:
    """Measure the accuracy of a case, from where a killed run of it stopped."""
    score(context.job, context.network, context.split, context.emit, context.on_cluster)
