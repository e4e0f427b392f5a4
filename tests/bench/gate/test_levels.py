"""The mean of pairs that share part of their luck, against arithmetic by hand."""

import math

import numpy as np
import pytest

from kinobench.bench.gate.levels import components_of, mean_of
from kinobench.bench.gate.looks import FIRST_OF_FORKS, estimate, look_at, p_of_looks


def test_pairs_with_servers_of_their_own_have_students_error() -> None:
    found = mean_of(np.array([1.0, 2.0, 6.0]), [7, 3, 5])
    assert float(found.mean) == 3.0 and float(found.freedom) == 2.0
    assert float(found.error) == pytest.approx(math.sqrt(14 / 2 / 3))


def test_pairs_that_differ_only_by_their_servers_have_the_error_of_servers() -> None:
    # Two server pairs at 0 and 4, two pairs each, all alike: servers differ from the mean by 2.
    found = mean_of(np.array([0.0, 0.0, 4.0, 4.0]), [1, 1, 2, 2])
    assert float(found.mean) == 2.0
    assert float(found.error) == pytest.approx(math.sqrt(2 * (4**2 + 4**2)) / 4)  # = 2
    assert float(found.freedom) == 1.0


def test_pairs_whose_servers_agree_have_the_error_of_pairs() -> None:
    found = mean_of(np.array([-1.0, 1.0, -1.0, 1.0]), [1, 1, 2, 2])
    assert float(found.error) == pytest.approx(math.sqrt(4 / 3 / 4))
    assert float(found.freedom) == 3.0


def test_between_the_two_the_degrees_of_freedom_are_satterthwaites() -> None:
    # Server pairs at 1, 3 and 8; their pairs 1 to either side. Mean 4.
    found = mean_of(np.array([0.0, 2.0, 2.0, 4.0, 7.0, 9.0]), [1, 1, 2, 2, 3, 3])
    between, within = 2 * (9 + 1 + 16) / 2, 6 / 3  # mean squares: 26 and 2
    assert float(found.error) == pytest.approx(math.sqrt(between / 6))
    expected = between**2 / ((between - within) ** 2 / 2 + within**2 / 5)
    assert float(found.freedom) == pytest.approx(expected) and 2 < expected < 3


def test_pairs_of_one_server_pair_leave_one_degree_of_freedom() -> None:
    found = mean_of(np.array([1.0, 1.1, 0.9]), [4, 4, 4])
    assert float(found.freedom) == 1.0


def test_the_labels_of_servers_and_their_order_make_no_difference() -> None:
    values = np.array([0.3, 0.1, 0.9, 0.4, 0.2])
    one = mean_of(values, [1, 1, 2, 2, 2])
    other = mean_of(values[[2, 0, 3, 1, 4]], [9, 4, 9, 4, 9])
    assert [float(each) for each in one] == pytest.approx([float(each) for each in other])


def test_the_components_of_variance_are_those_of_the_analysis_of_variance() -> None:
    parts = components_of(np.array([[0.0, 2.0, 2.0, 4.0, 7.0, 9.0]]), [1, 1, 2, 2, 3, 3])
    assert parts.within[0, 0] == pytest.approx(2.0)
    assert parts.between[0, 0] == pytest.approx((26 - 2) / 2)
    level = components_of(np.array([[-1.0, 1.0, -1.0, 1.0]]), [1, 1, 2, 2])
    assert level.between[0, 0] == 0.0  # never below


def test_an_interval_is_wider_if_pairs_share_servers_that_differ() -> None:
    values = [0.029, 0.030, 0.031, 0.019, 0.020, 0.021]
    alone = estimate(values, 0.01, 0.01)
    shared = estimate(values, 0.01, 0.01, [1, 1, 1, 2, 2, 2])
    assert shared.low < alone.low < alone.high < shared.high
    assert (alone.servers, shared.servers, shared.pairs) == (6, 2, 6)
    assert shared.p > 10 * alone.p


def test_a_p_value_of_forked_pairs_is_within_alpha_just_when_their_interval_excludes_zero() -> None:
    share = FIRST_OF_FORKS.share(FIRST_OF_FORKS.level)
    for shift in np.linspace(0.0, 0.02, 41):
        values = [float(shift + each) for each in (-0.004, 0.001, 0.003, -0.002, 0.002, 0.0)]
        look = look_at(values, None, FIRST_OF_FORKS, 0.9, servers=[1, 1, 1, 1, 2, 2])
        assert (look.wall.low > 0) == (p_of_looks([look], FIRST_OF_FORKS) < FIRST_OF_FORKS.alpha)
        assert (look.wall.low > 0) == (look.p < share)
