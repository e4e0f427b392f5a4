"""What a network computes: rounding leaves it the same, and another network doesn't."""

import pytest

from kinobench.bench.records.computed import LEAST, TOLERANCE, Computed


def of(*logits: float | None) -> Computed:
    return Computed(logits=logits)


@pytest.mark.parametrize(
    "other",
    [
        of(1.0, -4.0, 0.5),
        of(1.0 + 3.9e-4, -4.0, 0.5),  # a tenth of a thousandth of the largest, 4
        of(1.0, -4.0 - 3.9e-4, 0.5 - 3.9e-4),
    ],
)
def test_rounding_is_no_other_network(other: Computed) -> None:
    assert of(1.0, -4.0, 0.5).agrees(other) and other.agrees(of(1.0, -4.0, 0.5))


@pytest.mark.parametrize(
    "other",
    [
        of(1.0 + 4.1e-4, -4.0, 0.5),
        of(-4.0, 1.0, 0.5),
        of(1.0, -4.0),
        of(1.0, -4.0, None),
        of(0.98, -3.92, 0.49),  # a scale in a file, changed by 2 %
    ],
)
def test_another_network_is_seen(other: Computed) -> None:
    assert not of(1.0, -4.0, 0.5).agrees(other) and not other.agrees(of(1.0, -4.0, 0.5))


def test_what_is_not_finite_and_what_cancels_out_are_compared_too() -> None:
    assert of(None, 2.0).agrees(of(None, 2.0)) and not of(None, 2.0).agrees(of(2.0, None))
    assert of(None, None).agrees(of(None, None)) and of().agrees(of())
    assert of(LEAST / 2, 0.0).agrees(of(0.0, LEAST / 3)) and TOLERANCE * LEAST < LEAST
    assert not of(LEAST * 2, 0.0).agrees(of(0.0, 0.0))
