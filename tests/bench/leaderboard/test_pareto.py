"""The Pareto front: by hand, and against the definition on random boards."""

import random
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard.fields import field
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.pareto import front
from kinobench.bench.records.record import Record
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import (
    failed_record,
    made_accuracy,
    made_cost,
    made_latency,
    made_record,
)


def network(name: str, ms: float, top1: float, **changes: Any) -> Record:
    """A trained network with a latency and a top-1."""
    fields: dict[str, Any] = {
        "case": {"weights": "w"},
        "latency": made_latency(ms / 1e3),
        "accuracy": made_accuracy(top1),
    }
    return made_record(name, **(fields | changes))


def names(*records: Record, cost: str = "latency", score: str = "score") -> set[str]:
    (board,) = boards(records)
    on_it = front(board, field(cost), field(score))
    return {board.rows[number].record.case.model for number in on_it}


def test_a_row_that_another_beats_in_both_is_not_on_it() -> None:
    fast, good = network("fast", 1, 0.5), network("good", 9, 0.9)
    assert names(fast, good, network("slow", 10, 0.4)) == {"fast", "good"}


def test_a_row_as_good_in_one_and_worse_in_the_other_is_not_on_it() -> None:
    assert names(network("a", 1, 0.5), network("b", 2, 0.5)) == {"a"}
    assert names(network("a", 1, 0.5), network("b", 1, 0.6)) == {"b"}


def test_equal_rows_are_on_it_together() -> None:
    assert names(network("a", 1, 0.5), network("b", 1, 0.5), network("c", 2, 0.5)) == {"a", "b"}


def test_rows_without_a_value_and_failed_ones_are_not_on_it() -> None:
    whole = network("whole", 5, 0.5)
    untimed, unscored = network("untimed", 1, 0.9, latency=None), made_record("z", accuracy=None)
    assert names(whole, untimed, unscored, failed_record("failed")) == {"whole"}
    assert names(failed_record("failed")) == set()


def test_an_untrained_or_probed_accuracy_keeps_nothing_from_the_front() -> None:
    trained = network("trained", 5, 0.5)
    lucky = network("lucky", 1, 0.9, case={})
    probed = network("probed", 1, 0.9, case={"weights": "w", "probe": "shuffled"})
    assert names(trained, lucky, probed) == {"trained"}
    assert names(trained, lucky, cost="latency", score="params") == {"lucky"}


def test_a_lower_bound_of_the_arithmetic_is_not_on_a_front_by_it() -> None:
    bound = msgspec.structs.replace(made_cost(1), uncounted={"aten::odd": 2})
    counted, unknown = network("counted", 5, 0.5), network("unknown", 4, 0.9, cost=bound)
    assert names(counted, unknown, cost="gmacs") == {"counted"}
    assert names(counted, unknown, cost="latency") == {"unknown"}


def test_more_of_a_cost_may_be_the_better_end() -> None:
    found = names(network("fast", 1, 0.5), network("good", 9, 0.9), cost="clips_per_s")
    assert found == {"fast", "good"}


def test_a_setting_has_no_better_end() -> None:
    (board,) = boards([network("a", 1, 0.5)])
    with pytest.raises(KinobenchError, match="by 'batch': neither less nor more of it is better"):
        front(board, field("batch"), field("score"))


def by_definition(board: Board) -> set[int]:
    points = {
        number: (row.record.latency.median_s, row.record.accuracy.top1)
        for number, row in enumerate(board.rows)
        if row.record.latency is not None
        and row.record.accuracy is not None
        and row.record.accuracy.top1 is not None
    }
    return {
        number
        for number, (ms, top1) in points.items()
        if not any(
            other_ms <= ms and other >= top1 and (other_ms, other) != (ms, top1)
            for other_ms, other in points.values()
        )
    }


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_front_of_the_definition(seed: int) -> None:
    draw = random.Random(seed)
    steps = draw.choice([3, 8, 1000])  # few steps give many ties
    records = [
        network(
            f"n{number}",
            1 + draw.randrange(steps),
            draw.randrange(steps) / steps,
            **({"latency": None} if draw.random() < 0.1 else {}),
        )
        for number in range(draw.randrange(1, 40))
    ]
    (board,) = boards(records)
    assert front(board, field("latency"), field("score")) == by_definition(board)
