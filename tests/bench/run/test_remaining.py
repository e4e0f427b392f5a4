"""The time that is left of a run."""

import pytest

from kinobench.bench.run.planned import Planned
from kinobench.bench.run.remaining import Remaining, work_of

from ...fakes.made_records import made_case


def finished(remaining: Remaining, *took_s: float) -> Remaining:
    for number, each in enumerate(took_s):
        remaining.spend(number, each)
        remaining.finish(number)
    return remaining


def test_nothing_is_said_before_a_case_is_finished() -> None:
    remaining = Remaining([1, 1])
    remaining.spend(0, 5)
    assert remaining.left_s(0, 3) is None
    remaining.finish(0)
    assert remaining.left_s() == 5


def test_cases_that_cost_more_are_expected_to_take_longer() -> None:
    # 2 s each, and 3 s for a unit of work.
    remaining = finished(Remaining([3, 1, 2, 4, 10, 0]), 99, 5, 8, 14)
    assert remaining.left_s() == pytest.approx(32 + 2)


def test_no_part_of_a_time_is_below_zero() -> None:
    # A line through these would begin below 0: 4 s for a unit of work, by least squares.
    remaining = finished(Remaining([9, 1, 2, 3, 0, 1]), 99, 2, 7, 13)
    assert remaining.left_s() == pytest.approx((2 + 14 + 39) / (1 + 4 + 9))
    # Here more work takes less time: the median of all.
    assert finished(Remaining([9, 1, 2, 3, 100]), 99, 4, 2, 1).left_s() == pytest.approx(2)


def test_the_first_case_of_many_says_too_little() -> None:
    remaining = finished(Remaining([1] * 5), 30)
    assert remaining.left_s() is None
    remaining.spend(1, 10)
    remaining.finish(1)
    assert remaining.left_s() == pytest.approx(3 * 20)
    remaining.spend(2, 12)
    remaining.finish(2)
    assert remaining.left_s() == pytest.approx(2 * 11)  # without the first


def test_two_cases_do_not_make_a_line() -> None:
    assert finished(Remaining([1, 2, 100]), 2, 4).left_s() == pytest.approx(3)


def test_what_a_case_has_taken_is_not_left_and_it_never_takes_nothing() -> None:
    remaining = finished(Remaining([1, 1, 1, 1]), 10)
    remaining.spend(1, 4)  # a part of it, before its turn
    assert remaining.left_s(None) == pytest.approx(6 + 10 + 10)
    assert remaining.left_s(1, 3) == pytest.approx(3 + 10 + 10)
    assert remaining.left_s(1, 1000) == pytest.approx(1 + 10 + 10)
    remaining.leave_out(2)
    assert remaining.left_s(1, 3) == pytest.approx(3 + 10)
    remaining.finish(1)
    assert remaining.took_s(1) == 4


def test_work_is_that_of_all_views_of_all_videos() -> None:
    measures = ("flops", "accuracy")
    small = Planned(made_case("c3d_tiny"), measures)
    alone = Planned(made_case("c3d_tiny", dataset=None, split=None), ("flops",))
    work = work_of([small, alone], [160, 0])
    assert work[0] == pytest.approx(161 * work[1]) and work[1] > 0
