"""Overlaps of tubes, by hand and against the definition."""

import numpy as np
import pytest

from kinobench.bench.metrics.spatial import tube_overlap
from kinobench.bench.metrics.spatial.rules import TUBE_RULES
from kinobench.bench.metrics.spatial.tube_overlap import tube_iou

from ....fakes.plain_detection import PlainTube, plain_tube_iou, tubes_of

ACT, GURKIRT, MULTISPORTS = (
    TUBE_RULES[name] for name in ("ucf101-24", "ucf101-24-gurkirt", "multisports")
)
SQUARE = (0.0, 0.0, 9.0, 9.0)  # 10 x 10 pixels, or 81 between its lines
RIGHT = (5.0, 0.0, 14.0, 9.0)  # 5 columns further


def tube(*frames: int, box: tuple = SQUARE) -> PlainTube:
    return PlainTube(0, 0, tuple((frame, box) for frame in frames))


def iou(one: PlainTube, other: PlainTube, rule: object = ACT) -> float:
    number = np.array([0])
    return float(
        tube_iou(
            tubes_of([one]),
            tubes_of([other]),
            number,
            number,
            pixel=rule.pixel,  # type: ignore[attr-defined]
            frame=rule.frame,  # type: ignore[attr-defined]
            one_frame_counts=rule.one_frame_counts,  # type: ignore[attr-defined]
        )[0]
    )


def test_the_temporal_overlap_counts_the_last_frame_for_act_but_not_for_multisports() -> None:
    one, other = tube(0, 1, 2, 3), tube(2, 3, 4, 5)
    assert iou(one, other) == 2 / 6
    assert iou(one, other, MULTISPORTS) == 1 / 5


def test_it_is_multiplied_by_the_mean_overlap_of_the_boxes() -> None:
    one, other = tube(0, 1, 2, 3), tube(2, 3, 4, 5, box=RIGHT)
    assert iou(one, other) == pytest.approx(2 / 6 / 3)
    assert iou(one, other, MULTISPORTS) == pytest.approx(1 / 5 * 36 / 126)
    mixed = PlainTube(0, 0, ((2, SQUARE), (3, RIGHT), (4, RIGHT), (5, RIGHT)))
    assert iou(one, mixed) == pytest.approx(2 / 6 * (1 + 1 / 3) / 2)


def test_one_shared_frame_counts_for_act_alone() -> None:
    one, other = tube(0, 1, 2), tube(2, 3)
    assert iou(one, other) == 1 / 4
    assert iou(one, other, GURKIRT) == 0, "the difference of the frames is 0, so nothing is added"
    assert iou(one, other, MULTISPORTS) == 0
    assert iou(tube(1), tube(1)) == 1
    assert iou(tube(1), tube(1), GURKIRT) == 0
    assert iou(tube(1), tube(1), MULTISPORTS) == 0, "0 / 0 in its script, which hits nothing"


def test_tubes_apart_in_time_do_not_overlap() -> None:
    for rule in TUBE_RULES.values():
        assert iou(tube(0, 1, 2), tube(3, 4), rule) == 0


def test_a_frame_left_out_counts_as_missed() -> None:
    whole = tube(0, 1, 2, 3)
    assert iou(tube(0, 3), whole) == 1 / 2, "two of four frames, over the whole span"
    assert iou(tube(0, 3), tube(0, 3)) == 1, "a frame in which neither has a box doesn't count"
    assert iou(tube(0, 3), tube(1, 2)) == 0
    assert iou(tube(0, 2), tube(1, 3)) == 0


@pytest.mark.parametrize("name", TUBE_RULES)
def test_it_is_what_the_definition_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tube_overlap, "_AT_ONCE", 20)
    generator = np.random.default_rng(1)
    rows = []
    for _ in range(40):
        frames = np.flatnonzero(generator.random(12) < generator.choice([0.5, 1.0]))
        frames = frames[: generator.integers(1, 12)] + generator.integers(0, 5)
        corner = generator.integers(0, 5, (len(frames), 2))
        corners = np.concatenate([corner, corner + generator.integers(0, 6, corner.shape)], axis=1)
        if len(frames):
            boxes = [tuple(map(float, each)) for each in corners]
            rows.append(PlainTube(0, 0, tuple(zip(frames.tolist(), boxes, strict=True))))  # type: ignore[arg-type]
    rule, tubes = TUBE_RULES[name], tubes_of(rows)
    one, other = (each.ravel() for each in np.indices((len(rows), len(rows))))
    found = tube_iou(
        tubes,
        tubes,
        one,
        other,
        pixel=rule.pixel,
        frame=rule.frame,
        one_frame_counts=rule.one_frame_counts,
    )
    wanted = [plain_tube_iou(rows[a], rows[b], rule) for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert 0.1 < np.mean(found > 0) < 0.95
