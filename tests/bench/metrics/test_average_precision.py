"""Average precision against hand counts, and its weighted form against lists with copies."""

import numpy as np
import pytest

from kinobench.bench.metrics.average_precision import average_precision, resampled_precisions


def flags(text: str) -> np.ndarray:
    return np.array([letter == "x" for letter in text])


@pytest.mark.parametrize(
    ("ranking", "positives", "steps", "summed"),
    [
        ("x", 1, 1, 1),
        (".x", 1, 1 / 2, 1 / 2),
        ("x.x", 2, (1 + 2 / 3) / 2, (1 + 2 / 3) / 2),
        # the second hit raises the precision of the first one's recall: 1/2 to 2/3
        (".xx", 2, 2 / 3, (1 / 2 + 2 / 3) / 2),
        (".xx", 4, 1 / 3, (1 / 2 + 2 / 3) / 4),
        ("..", 3, 0, 0),
        ("", 3, 0, 0),
    ],
)
def test_average_precision_by_hand(
    ranking: str, positives: int, steps: float, summed: float
) -> None:
    hits = flags(ranking)
    assert average_precision(hits, positives, interpolated=True) == pytest.approx(steps)
    assert average_precision(hits, positives, interpolated=False) == pytest.approx(summed)


@pytest.mark.parametrize("interpolated", [True, False])
def test_a_class_without_an_instance_has_no_precision(interpolated: bool) -> None:
    assert np.isnan(average_precision(flags("x."), 0, interpolated=interpolated))


def voc_precision(hits: np.ndarray, positives: int) -> float:
    """The area under the envelope, point by point over the whole curve, as VOC 2011 defines it."""
    precision, recall = [0.0], [0.0]
    true = 0
    for place, hit in enumerate(hits, 1):
        true += bool(hit)
        precision.append(true / place)
        recall.append(true / positives)
    area = 0.0
    for at in range(1, len(recall)):
        area += (recall[at] - recall[at - 1]) * max(precision[at:])
    return area


def test_interpolation_equals_the_area_under_the_envelope() -> None:
    generator = np.random.default_rng(1)
    for _ in range(300):
        hits = generator.random(generator.integers(0, 40)) < generator.random()
        positives = int(hits.sum()) + int(generator.integers(1, 5))
        assert average_precision(hits, positives, interpolated=True) == pytest.approx(
            voc_precision(hits, positives), abs=1e-12
        )


@pytest.mark.parametrize("interpolated", [True, False])
@pytest.mark.parametrize("with_ignored", [True, False])
def test_weights_equal_copies_of_the_detections(interpolated: bool, with_ignored: bool) -> None:
    generator = np.random.default_rng(2)
    for _ in range(100):
        videos, count = int(generator.integers(1, 8)), int(generator.integers(0, 30))
        video = generator.integers(0, videos, count)
        hits = generator.random((count, 3)) < [0.6, 0.3, 0.1]
        ignored = generator.random(count) < 0.3 if with_ignored else None
        most = np.array([hits[video == each].sum(axis=0).max() for each in range(videos)])
        positives = most + generator.integers(0, 2, videos)
        weights = generator.integers(0, 3, (videos, 6)).astype(np.int32)
        found = resampled_precisions(
            hits, video, positives, weights, interpolated=interpolated, ignored=ignored
        )
        assert found.shape == (3, 6)
        for threshold in range(3):
            for draw in range(6):
                hit = hits[:, threshold]
                copies = weights[video, draw]
                counted = np.ones(count, bool) if ignored is None else hit | ~ignored
                expected = average_precision(
                    np.repeat(hit[counted], copies[counted]),
                    int(positives @ weights[:, draw]),
                    interpolated=interpolated,
                )
                assert found[threshold, draw] == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_many_draws_in_several_pieces_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    hits = generator.random((50, 2)) < 0.3
    video, weights = generator.integers(0, 9, 50), generator.integers(0, 3, (9, 40), np.int32)
    at_once = resampled_precisions(hits, video, np.full(9, 6), weights, interpolated=True)
    monkeypatch.setattr("kinobench.bench.metrics.average_precision._VALUES_AT_ONCE", 150)
    pieces = resampled_precisions(hits, video, np.full(9, 6), weights, interpolated=True)
    np.testing.assert_array_equal(pieces, at_once)
