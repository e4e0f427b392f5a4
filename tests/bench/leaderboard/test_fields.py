"""What is known of a row by name."""

import msgspec
import pytest

from kinobench.bench.leaderboard.fields import SETTINGS, field, fields, numbers
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.measure import registry
from kinobench.bench.records.record import Record
from kinobench.datasets.errors import UnknownNameError

from ...fakes.made_records import (
    made_accuracy,
    made_case,
    made_energy,
    made_latency,
    made_record,
)


def of(record: Record, name: str) -> object:
    (board,) = boards([record])
    return field(name).read(board, board.rows[0])


def ends(record: Record, name: str) -> tuple[float, float] | None:
    (board,) = boards([record])
    return field(name).ends(board, board.rows[0])


def test_names_are_unique_and_those_of_the_settings_are_reserved() -> None:
    known = fields()
    names = [name for each in known.values() for name in (each.name, each.short) if name]
    assert len(names) == len(set(names))
    assert {each.name for each in SETTINGS} | {"params", "params_m", "rank"} == registry.RESERVED


def test_a_short_name_is_the_same_field() -> None:
    for each in fields().values():
        assert field(each.name).name == each.name
        assert not each.short or field(each.short).name == each.name


@pytest.mark.parametrize(("wrong", "right"), [("latncy", "latency"), ("top_1", "top1")])
def test_an_unknown_name_is_refused_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError, match=f"no column is named '{wrong}': did .*'{right}'"):
        field(wrong)


def test_each_number_says_which_end_is_better_and_has_a_label() -> None:
    assert all(each.better and each.label for each in numbers().values())


def test_figures_are_in_the_units_of_their_names() -> None:
    record = made_record("m", case={"weights": "w"}, energy=made_energy())
    assert record.latency and record.cost and record.memory and record.energy and record.params
    assert of(record, "latency_ms") == pytest.approx(1e3 * record.latency.median_s)
    assert of(record, "params_m") == record.params / 1e6
    assert of(record, "gmacs") == record.cost.macs / 1e9
    assert of(record, "memory_mb") == (record.memory.peak_bytes or 0) / 1e6
    assert of(record, "j_per_clip") == record.energy.j_per_clip


def test_a_video_costs_its_views() -> None:
    record = made_record("m", case={"weights": "w"}, energy=made_energy())
    assert record.latency and record.cost and record.energy
    views, batch = record.case.protocol.views, record.case.batch
    assert of(record, "video_gmacs") == record.cost.macs * views / 1e9
    assert of(record, "video_ms") == pytest.approx(1e3 * record.latency.median_s * views / batch)
    assert of(record, "j_per_video") == record.energy.j_per_clip * views
    low, high = ends(record, "video_ms") or (0, 0)
    assert record.latency.interval_s is not None
    expected = [1e3 * end * views / batch for end in record.latency.interval_s]
    assert [low, high] == pytest.approx(expected)


def test_an_efficiency_is_points_over_the_cost_of_a_video() -> None:
    accuracy = made_accuracy()
    record = made_record("m", case={"weights": "w"}, accuracy=accuracy)
    assert accuracy.top1 is not None and record.cost is not None
    gmacs = record.cost.macs * record.case.protocol.views / 1e9
    assert of(record, "score_per_gmac") == pytest.approx(100 * accuracy.top1 / gmacs)
    assert of(record, "score_per_j") is None
    untrained = msgspec.structs.replace(record, case=made_case(weights=None))
    assert of(untrained, "score_per_gmac") is None


def test_a_throughput_has_its_interval_turned_round() -> None:
    record = made_record("m", latency=made_latency())
    low, high = ends(record, "clips_per_s") or (0, 0)
    assert record.latency is not None and record.latency.interval_s is not None
    assert low == pytest.approx(record.case.batch / record.latency.interval_s[1])
    assert high == pytest.approx(record.case.batch / record.latency.interval_s[0])


def test_what_was_not_measured_is_none() -> None:
    bare = msgspec.structs.replace(
        made_record("m"), cost=None, latency=None, memory=None, accuracy=None, params=None
    )
    assert [name for name in numbers() if of(bare, name) is not None] == []
