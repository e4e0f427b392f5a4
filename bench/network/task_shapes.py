"""Shapes that depend on a case's task: of the logits, and of the clips that a cost is of."""

from typing import NamedTuple

from ..records.case import Case

Shape = tuple[int, ...]


class ExpectedLogits(NamedTuple):
    """The shape that logits must have.

    Attributes:
        shape: It; None where any size is allowed.
        text: It in words, for a message.
    """

    shape: tuple[int | None, ...]
    text: str

    def allows(self, found: Shape) -> bool:
        """Return whether logits may have a shape."""
        return len(found) == len(self.shape) and all(
            wanted in (None, size) for size, wanted in zip(found, self.shape, strict=True)
        )


def expected_logits(case: Case) -> ExpectedLogits:
    """Return the shape of what a forward of a case's batch gives first.

    That is `[B, classes]`; a row for each box where the network says what happens in boxes; and
    `[1, candidates, classes]` where its batch is windows of one video.
    """
    if case.task == "localization":
        text = f"scores must be [1, candidates, classes], the last {case.classes}"
        return ExpectedLogits((1, None, case.classes), text)
    rows = case.batch * (case.boxes or 1)
    what = "boxes" if case.task == "detection" else "B"
    text = f"logits must be [{what}, classes], {[rows, case.classes]}"
    return ExpectedLogits((rows, case.classes), text)


def clips_of_a_cost(case: Case) -> int:
    """Return how many clips a cost is of: one, or all windows of a batch that belong together."""
    return case.batch if case.task == "localization" else 1
