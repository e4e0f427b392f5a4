"""Verdicts on printed and measured numbers, on records made by hand."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard import published as module
from kinobench.bench.leaderboard.printed_digits import deviation, is_printed, meets
from kinobench.bench.leaderboard.published import (
    Comparison,
    closest,
    compare_record,
    verdict_of,
)
from kinobench.bench.leaderboard.published_conditions import Condition, of_views
from kinobench.bench.records.record import Record
from kinobench.datasets.protocol import preset
from kinobench.zoo.tables.published import published

from ...fakes.made_records import (
    MACHINE,
    made_accuracy,
    made_case,
    made_copy,
    made_cost,
    made_latency,
    made_record,
)

NATIVE = preset("pytorchvideo-16x5-256")
VIDEOS = 19_761


def of_x3d(top1: float = 0.7594, case: dict[str, Any] | None = None, **changes: Any) -> Record:
    """X3D-M with the published checkpoint on the validation videos of Kinetics-400.

    Its printed top-1 is 75.94, its top-5 92.72.
    """
    fields = {
        "weights": "kinetics400",
        "classes": 400,
        "protocol": NATIVE,
        "dataset": "kinetics400",
        "split": "val",
    }
    accuracy = made_accuracy(
        top1,
        top5=0.9272,
        interval_top1=(top1 - 0.006, top1 + 0.006),
        interval_top5=(0.9236, 0.9308),
        scored=VIDEOS,
        expected=VIDEOS,
    )
    made = {
        "params": 3_794_274,
        "cost": made_cost(6_185_725_184),
        "latency": None,
        "accuracy": accuracy,
    }
    return made_record("x3d_m", fields | (case or {}), **(made | changes))


def first(found: Iterable[Comparison], quantity: str) -> Comparison:
    return next(each for each in found if each.quantity == quantity)


def top1(record: Record) -> Comparison:
    return first(compare_record(record), "top-1")


def reasons(each: Comparison) -> set[str]:
    return {one.reason for one in each.conditions}


def test_the_published_checkpoint_by_its_own_protocol_reproduces_its_accuracy() -> None:
    found = top1(of_x3d())
    assert (found.verdict, found.conditions) == ("reproduced", ())
    assert (found.printed, found.here) == (Decimal("75.94"), pytest.approx(75.94))
    assert found.ends == pytest.approx((75.34, 76.54))
    assert found.variant == "weights kinetics400"
    assert found.url.startswith("https://github.com/facebookresearch/pytorchvideo/blob/")
    assert first(compare_record(of_x3d()), "top-5").verdict == "reproduced"


def test_an_accuracy_outside_its_interval_differs_without_a_reason() -> None:
    found = top1(of_x3d(0.74))
    assert (found.verdict, found.reasons) == ("differs", ())
    assert found.difference == pytest.approx(-1.94)


def test_the_printed_digits_count_with_the_interval() -> None:
    # 75.94 stands for 75.935 to 75.945, and the interval is 0.6 points to a side.
    assert top1(of_x3d(0.75336)).verdict == "reproduced"
    assert top1(of_x3d(0.75334)).verdict == "differs"
    assert top1(of_x3d(0.76544)).verdict == "reproduced"
    assert top1(of_x3d(0.76546)).verdict == "differs"


def test_another_protocol_is_a_known_reason_and_never_a_reproduction() -> None:
    fewer = {"protocol": preset("common-224")}
    differing, agreeing = top1(of_x3d(0.70, fewer)), top1(of_x3d(0.7594, fewer))
    assert differing.verdict == "differs, known reason"
    assert agreeing.verdict == "agrees, other conditions"
    for found in (differing, agreeing):
        assert reasons(found) == {"clip"}
        assert found.reasons == (
            "printed for 16 frames of 256 pixels, here 16 frames of 224 pixels",
        )
    # The same clip and views, placed in another way.
    placed = msgspec.structs.replace(NATIVE, placement="spread")
    found = top1(of_x3d(0.70, {"protocol": placed}))
    assert reasons(found) == {"protocol"}
    assert found.conditions[0].evidence.startswith("another protocol")
    assert found.conditions[0].url == (
        "https://github.com/mit-han-lab/temporal-shift-module/blob/HEAD/README.md"
    )


def test_fewer_views_are_a_known_reason() -> None:
    found = top1(of_x3d(0.74, {"protocol": msgspec.structs.replace(NATIVE, clips=1, crops=1)}))
    assert (found.verdict, reasons(found)) == ("differs, known reason", {"views"})
    assert found.reasons == ("printed for 10x3 views, here 1x1",)


def test_another_part_or_copy_of_the_videos_is_a_known_reason() -> None:
    found = top1(of_x3d(0.70, {"split": "test"}))
    assert (found.verdict, reasons(found)) == ("differs, known reason", {"split"})
    fewer = msgspec.structs.replace(of_x3d().accuracy, scored=VIDEOS - 700)  # type: ignore[type-var]
    found = top1(of_x3d(accuracy=fewer))
    assert (found.verdict, reasons(found)) == ("agrees, other conditions", {"copy"})
    assert found.reasons == ("19,061 of 19,761 videos were scored",)
    copy = made_copy(listed=VIDEOS, found=VIDEOS - 1)
    lost = msgspec.structs.replace(of_x3d().accuracy, copy=copy)  # type: ignore[type-var]
    assert reasons(top1(of_x3d(accuracy=lost))) == {"copy"}


def test_a_part_of_the_videos_is_no_reproduction_though_its_list_is_whole() -> None:
    """A folder of 2,000 of the 19,906 videos has 2,000 of 2,000, and an interval of 4 points."""
    fewer = msgspec.structs.replace(of_x3d().accuracy, scored=2_000, expected=2_000)  # type: ignore[type-var]
    found = top1(of_x3d(accuracy=fewer))
    assert (found.verdict, reasons(found)) == ("agrees, other conditions", {"copy"})
    assert found.reasons == ("2,000 videos were scored, and kinetics400 has 19,906",)
    found = top1(of_x3d(case={"split": "validate"}, accuracy=fewer))
    assert reasons(found) == {"copy"}
    for videos, verdict in ((19_507, "agrees, other conditions"), (19_508, "reproduced")):
        most = msgspec.structs.replace(fewer, scored=videos, expected=videos)
        assert top1(of_x3d(accuracy=most)).verdict == verdict


def test_a_file_that_only_has_the_name_of_a_checkpoint_reproduces_nothing() -> None:
    found = top1(of_x3d(case={"weights": "/mine/X3D_M.pyth"}))
    assert found.verdict == "agrees, other conditions"
    assert found.reasons == (
        "a file named as kinetics400's, whose digest isn't printed, may be another",
    )
    found = top1(of_x3d(case={"weights": "kinetics400#ema"}))
    assert (found.verdict, found.reasons) == (
        "agrees, other conditions",
        ("part ema of its file was taken",),
    )


def test_the_zeros_at_the_end_of_a_printed_accuracy_count() -> None:
    """90.70 of the checkpoint of I3D stands for 90.695 to 90.705, and not for 90.65 to 90.75."""
    protocol = preset("pytorchvideo-8x8-256")
    for top5, verdict in ((0.90, "differs"), (0.9070, "reproduced")):
        accuracy = msgspec.structs.replace(
            of_x3d().accuracy,  # type: ignore[type-var]
            top5=top5,
            interval_top5=(top5 - 0.006, 0.9068 if top5 == 0.90 else 0.913),
        )
        record = of_x3d(case={"model": "i3d_r50", "protocol": protocol}, accuracy=accuracy)
        found = first(compare_record(record), "top-5")
        assert (str(found.printed), found.verdict) == ("90.70", verdict)


def test_a_printed_accuracy_of_sports1m_is_of_its_test_videos() -> None:
    record = of_x3d(case={"model": "c3d", "dataset": "sports1m", "split": "test", "weights": "w"})
    assert reasons(top1(record)) == {"weights", "clip", "views", ""} - {"views"}
    texts = top1(record).reasons
    assert not any("isn't clear on its videos" in text for text in texts)
    assert module.dataset_of("sports1m") == "sports1m" and module.dataset_of("ssv2") == "ssv2"


def test_an_interval_that_meets_everything_reproduces_nothing() -> None:
    wide = msgspec.structs.replace(of_x3d().accuracy, interval_top1=(0.70, 0.80))  # type: ignore[type-var]
    found = top1(of_x3d(accuracy=wide))
    assert found.verdict == "agrees, other conditions"
    assert found.reasons == ("the interval of 19761 videos is 10.0 points wide",)


def test_what_only_is_unknown_explains_no_difference() -> None:
    assert verdict_of(False, [Condition("", "the source doesn't print its views")]) == "differs"
    assert verdict_of(True, [Condition("", "it doesn't")]) == "agrees, other conditions"
    assert verdict_of(None, []) == "not compared"
    assert verdict_of(False, [], "a reason of the table") == "differs, known reason"


def test_weights_of_ones_own_never_reproduce_a_printed_accuracy() -> None:
    found = compare_record(of_x3d(0.7594, {"weights": "mine.safetensors"}))
    scores = [each for each in found if each.quantity == "top-1"]
    assert len(scores) == len([row for row in published("x3d_m") if row.top1 is not None])
    assert all("weights" in reasons(each) for each in scores)
    assert {each.verdict for each in scores} == {
        "agrees, other conditions",
        "differs, known reason",
    }


def test_no_accuracy_is_compared_without_weights_or_on_another_dataset_or_under_a_probe() -> None:
    for case in (
        {"weights": None},
        {"dataset": "ucf101", "split": "test1"},
        {"probe": "reversed"},
        {"dataset": None, "split": None},
    ):
        quantities = {each.quantity for each in compare_record(of_x3d(case=case))}
        assert quantities == {"GMACs", "params"}, case
    assert compare_record(made_record("c3d_tiny")) == []


def test_a_cost_is_compared_under_the_convention_of_its_source() -> None:
    # pytorchvideo prints 6.72 with 5 for each element of a normalisation.
    cost = msgspec.structs.replace(made_cost(6_185_725_184), norm_elements=107_000_000)
    found = [each for each in compare_record(of_x3d(cost=cost)) if each.quantity == "GMACs"]
    (origin,) = [each for each in found if "pytorchvideo@" in each.source]
    assert origin.here == pytest.approx(6.185725184 + 0.535)
    assert origin.verdict == "reproduced"
    (layers,) = [each for each in found if "metafile" in each.source]
    assert (layers.verdict, layers.here) == ("not compared", None)
    assert layers.reasons[-1] == "counted as mmcv: `verify x3d_m` counts so"
    (smaller,) = [each for each in found if "MODEL_ZOO" in each.source]
    assert (smaller.verdict, reasons(smaller)) == ("differs, known reason", {"clip"})
    assert len(found) == 4


def test_a_cost_that_nothing_explains_differs() -> None:
    record = made_record("x3d_m", {"classes": 400, "protocol": NATIVE}, cost=made_cost(7 * 10**9))
    found = first(closest(compare_record(record)), "GMACs")
    assert found.verdict == "differs"
    record = made_record("x3d_m", {"classes": 101, "protocol": NATIVE}, cost=made_cost(6 * 10**9))
    found = first(closest(compare_record(record)), "GMACs")
    assert (found.verdict, reasons(found)) == ("differs, known reason", {"classes"})


def test_a_cost_of_which_nobody_knows_what_it_counts_is_not_reproduced() -> None:
    (row,) = [row for row in published("c2d_32x2_r101") if row.gmacs is not None]
    assert row.convention is None and row.frames == 32
    protocol = msgspec.structs.replace(NATIVE, frames=32, size=224)
    case = {"classes": 400, "protocol": protocol}
    record = made_record(row.model, case, cost=made_cost(34_200_000_000), latency=None)
    found = first(compare_record(record), "GMACs")
    assert (found.verdict, found.reasons) == (
        "agrees, other conditions",
        ("the source doesn't say what it counts",),
    )


def test_a_reason_of_the_table_explains_only_its_own_count() -> None:
    (row,) = [row for row in published("slowfast_4x16_beta4_r50") if row.cost_reason]
    assert (row.gmacs, row.macs_here) == (Decimal("54.5"), 53_603_106_816)
    protocol = msgspec.structs.replace(NATIVE, frames=32)
    case = {"classes": 400, "protocol": protocol}
    for macs, verdict, reason in (
        (53_603_106_816, "differs, known reason", row.cost_reason),
        (53_603_106_815, "differs", None),
    ):
        record = made_record(row.model, case, cost=made_cost(macs), latency=None)
        found = first(closest(compare_record(record)), "GMACs")
        assert (found.verdict, found.reason) == (verdict, reason)


def test_a_speed_is_of_its_device() -> None:
    gpu = msgspec.structs.replace(MACHINE, gpu="Tesla V100-SXM2-32GB")
    other = msgspec.structs.replace(MACHINE, gpu="NVIDIA H200")
    latency = made_latency(1 / 1.3 / 30)  # 30 views a video: 1.3 videos a second
    case = {"device": "cuda", "threads": None}
    found = first(compare_record(of_x3d(case=case, latency=latency, environment=gpu)), "speed")
    assert found.here == pytest.approx(1.3) and found.unit == "videos/s"
    # The source says neither batch nor one precision.
    assert (found.verdict, reasons(found)) == ("agrees, other conditions", {""})
    faster = of_x3d(case=case, latency=made_latency(0.001), environment=other)
    found = first(compare_record(faster), "speed")
    assert (found.verdict, reasons(found)) == ("differs, known reason", {"device", ""})
    assert "printed for V100, here NVIDIA H200" in found.reasons


def test_a_disturbed_latency_or_another_mode_reproduces_no_speed() -> None:
    gpu = msgspec.structs.replace(MACHINE, gpu="Tesla V100-SXM2-32GB")
    case = {"device": "cuda", "threads": None, "mode": "compile"}
    latency = msgspec.structs.replace(made_latency(1 / 1.3 / 30), loads=None, converged=False)
    found = first(compare_record(of_x3d(case=case, latency=latency, environment=gpu)), "speed")
    assert "the mode here is compile" in found.reasons
    assert "the latency here is disturbed, or its interval is wide" in found.reasons


def test_the_closest_of_several_rows_stands_for_a_quantity() -> None:
    every = compare_record(of_x3d())
    found = closest(every)
    assert [each.quantity for each in found] == ["top-1", "top-5", "GMACs", "params"]
    for each in found:
        assert len(each.conditions) == min(
            len(one.conditions)
            for one in every
            if one.quantity == each.quantity and one.verdict != "not compared"
        )


def test_the_pictures_of_a_clip_of_tsm_are_no_views() -> None:
    protocol = msgspec.structs.replace(NATIVE, frames=8, clips=1, crops=3)
    case = made_case("tsm_r50", protocol=protocol)
    assert of_views(case, "8x3", 8) == []
    assert of_views(case, "8x10", 8)[0].text == "printed for 1x10 views, here 1x3"
    assert of_views(case, None, 8)[0].reason == ""
    assert of_views(case, "50 clips per video", 8)[0].reason == "views"


def test_a_count_is_printed_if_it_rounds_to_all_digits() -> None:
    assert is_printed(4_732_468_736, Decimal("4.73"), 9) is True
    assert is_printed(4_735_000_001, Decimal("4.73"), 9) is False
    assert is_printed(None, Decimal("4.73"), 9) is None
    # mmengine's counter rounds to three decimals first: 32.8749 -> 32.875 -> 32.88.
    assert is_printed(32_874_900_000, Decimal("32.88"), 9) is False
    assert is_printed(32_874_900_000, Decimal("32.88"), 9, rounded_before=True) is True
    assert deviation(5 * 10**9, Decimal("4"), 9) == pytest.approx(0.25)
    assert meets(Decimal("75.9"), (75.0, 75.851)) and not meets(Decimal("75.9"), (75.0, 75.84))
    assert meets(Decimal("75.9"), (75.949, 77.0)) and not meets(Decimal("75.9"), (75.96, 77.0))


def test_every_printed_row_can_be_compared() -> None:
    seen = 0
    for model in sorted({row.model for row in published()}):
        for dataset in {module.dataset_of(row.dataset) for row in published(model)}:
            record = of_x3d(case={"model": model, "dataset": dataset, "weights": "mine"})
            found = compare_record(record)
            assert all(each.url for each in found)
            assert "reproduced" not in {each.verdict for each in found if each.unit == "%"}
            seen += sum(each.quantity == "top-1" for each in found)
    assert seen == sum(row.top1 is not None for row in published())
