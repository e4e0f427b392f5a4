"""Whether two records are sure to be of one network, so that what each measured may be joined."""

from ...datasets.plurals import quantity
from ..records.case import Case
from ..records.record import Record
from .leaderboard import same_code

_DEFINING = ("torchvision", "pytorchvideo", "transformers")
"""Libraries that define networks: another version may compute another thing under one name."""


def why_not(accuracy: Record, costs: Record) -> tuple[int, str] | None:
    """Return why the costs of a record can't be joined to the accuracy of another; None: they can.

    Args:
        accuracy: A record with the accuracy of a trained network.
        costs: A record of a network of the same name.

    Returns:
        How many conditions hold before the first that doesn't, and that one as text.
    """
    of, other = accuracy.case, costs.case
    clips, theirs = ((each.protocol.frames, each.protocol.size) for each in (of, other))
    without_digest = [
        name
        for name, each in (("accuracy", accuracy), ("costs", costs))
        if each.weights_digest is None
    ]
    libraries = [name for name in _DEFINING if _version(accuracy, name) != _version(costs, name)]
    checks = (
        (of.runtime == other.runtime, f"in {other.runtime}, the accuracy in {of.runtime}"),
        (of.precision == other.precision, f"in {other.precision}, the accuracy in {of.precision}"),
        (
            of.calibration == other.calibration,
            f"of scales from {_clips(other)}, the accuracy from {_clips(of)}",
        ),
        (of.step == other.step, f"with windows {other.step} frames apart, not {of.step}"),
        (of.mode == other.mode, f"in mode {other.mode}, the accuracy in mode {of.mode}"),
        (other.weights is not None, "without trained weights"),
        (
            not without_digest,
            "of weights that may be others: the record of the "
            f"{' and of the '.join(without_digest)} has no digest of them",
        ),
        (accuracy.weights_digest == costs.weights_digest, "with other weights"),
        (of.classes == other.classes, f"with {other.classes} classes, not {of.classes}"),
        (
            clips == theirs,
            f"of clips of {theirs[0]} frames of {theirs[1]} x {theirs[1]}, the accuracy of "
            f"{clips[0]} of {clips[1]} x {clips[1]}",
        ),
        (of.flow == other.flow, "with another optical flow"),
        (
            of.flow is None or of.protocol.digest == other.protocol.digest,
            "under another protocol, which decides the frames that the optical flow is of",
        ),
        (
            accuracy.params is not None and accuracy.params == costs.params,
            "of another number of parameters, or an unknown one",
        ),
        (not libraries, f"with another version of {' and '.join(libraries)}"),
        (same_code(accuracy, costs), "by other code of kinobench or of a plug-in"),
    )
    return next(
        (
            (at, f"the costs were measured {why}")
            for at, (holds, why) in enumerate(checks)
            if not holds
        ),
        None,
    )


def _clips(case: Case) -> str:
    return quantity(case.calibration or 0, "training clip")


def _version(record: Record, library: str) -> str | None:
    """Return the public part of a version: builds for a CPU and for CUDA differ in the rest."""
    found = record.environment.versions.get(library)
    return None if found is None else found.partition("+")[0]
