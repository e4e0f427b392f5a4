"""mAP, hit@k and their intervals: by hand, and against scikit-learn where nothing is tied."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from kinobench.bench.statistics.average_precision import (
    interval_of,
    mean_average_precision,
    p_of,
    resampled_maps,
)
from kinobench.bench.statistics.scores import (
    NOWHERE,
    averaged_of,
    label_mask,
    named_classes_of_any,
    places,
    places_of_any,
    places_of_each,
    scores,
)

GENERATOR = np.random.default_rng(0)


def drawn(videos: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    true = GENERATOR.random((videos, classes)) < 0.3
    true[np.arange(videos), GENERATOR.integers(0, classes, videos)] = True  # none is empty
    return GENERATOR.standard_normal((videos, classes)) + true, true


def test_map_is_what_the_official_script_gives_by_hand() -> None:
    # The second video is empty: `charades_map` gives it minus infinity in each class.
    true = label_mask([[0], [], [0, 1], [1]], 3)
    scored = np.array([[0.9, 0.1, 0.5], [0.8, 0.4, 0.6], [0.5, 0.2, 0.7], [0.6, 0.3, 0.8]])
    found = mean_average_precision(scored, true)
    # Class 0: videos 0, 3, 2, 1: hits at places 1 and 3: (1/1 + 2/3) / 2.
    # Class 1: videos 3, 2, 0, 1: hits at places 1 and 2. Without the rule: 1, 3, 2, 0: 7/12.
    np.testing.assert_allclose(found.by_class, [5 / 6, 1, np.nan])
    assert found.map == pytest.approx(11 / 12) and found.classes == 2


@pytest.mark.parametrize(("videos", "classes"), [(3, 2), (50, 7), (200, 30)])
def test_each_class_is_as_scikit_learn_has_it_where_nothing_is_tied(
    videos: int, classes: int
) -> None:
    scored, true = drawn(videos, classes)
    found = mean_average_precision(scored, true)
    known = true.any(axis=0)
    expected = average_precision_score(true[:, known], scored[:, known], average=None)
    np.testing.assert_allclose(found.by_class[known], expected)
    assert found.map == pytest.approx(np.mean(expected)) and found.classes == known.sum()


def test_a_tie_never_helps_and_no_number_comes_last() -> None:
    true = label_mask([[0], [1], [0], [1]], 2)
    tied = mean_average_precision(np.zeros((4, 2)), true)
    np.testing.assert_allclose(tied.by_class, [(1 / 3 + 2 / 4) / 2] * 2)
    scored = np.array([[np.nan, 0.0], [0.1, 0.9], [0.9, 0.1], [0.2, 0.8]])
    np.testing.assert_allclose(mean_average_precision(scored, true).by_class, [(1 + 2 / 4) / 2, 1])


def test_there_is_no_map_without_a_label() -> None:
    found = mean_average_precision(np.zeros((2, 3)), np.zeros((2, 3), bool))
    assert found.map is None and found.classes == 0
    assert mean_average_precision(np.zeros((0, 3)), np.zeros((0, 3), bool)).map is None


@pytest.mark.parametrize("clusters", [None, np.arange(60) // 4])
def test_a_draw_counts_a_video_as_often_as_it_is_drawn(clusters: np.ndarray | None) -> None:
    scored, true = drawn(60, 5)
    other, _ = drawn(60, 5)
    found = resampled_maps([scored, other], true, clusters, resamples=20)
    assert found is not None and found.shape == (2, 20)
    count = 60 if clusters is None else 15
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=20)
    for row, network in zip(found, (scored, other), strict=True):
        for value, draw in zip(row, draws, strict=True):
            weights = draw if clusters is None else draw[clusters]
            there = weights[:, None] * true
            known = there.any(axis=0)
            expected = average_precision_score(
                true[:, known], network[:, known], average="macro", sample_weight=weights
            )
            assert value == pytest.approx(expected)


def test_an_interval_is_around_the_map_and_as_wide_as_maps_differ() -> None:
    maps, widths = [], []
    for _ in range(40):
        scored, true = drawn(150, 5)
        average = mean_average_precision(scored, true).map
        resampled = resampled_maps([scored], true, resamples=200)
        assert average is not None and resampled is not None
        interval = interval_of(average, resampled[0])
        assert interval is not None and interval[0] < average < interval[1]
        maps.append(average)
        widths.append(interval[1] - interval[0])
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.std(maps), rel=0.35)


def test_p_is_below_5_percent_where_the_interval_leaves_out_0() -> None:
    resampled = GENERATOR.normal(0.02, 0.01, 1000)
    for difference in (0.018, 0.0205, -0.03):
        interval = interval_of(difference, resampled, -1.0)
        assert interval is not None
        assert (p_of(difference, resampled) < 0.05) == (interval[0] > 0 or interval[1] < 0)
    assert p_of(0.0, resampled) == 1.0 and p_of(0.3, np.zeros(0)) == 1.0
    assert (
        interval_of(0.5, np.full(9, 0.5)) is None
        and resampled_maps([np.zeros((1, 2))], np.ones((1, 2), bool)) is None
    )


def test_any_of_a_videos_classes_hits() -> None:
    scored = np.array(
        [
            [0.1, 0.5, 0.9, 0.2],  # 1 and 3: one class comes before 1
            [0.1, 0.5, 0.9, 0.2],  # 2 and 1: nothing comes before 2
            [0.4, 0.4, 0.1, 0.1],  # 0: tied with 1, which never helps
            [0.4, 0.4, 0.1, 0.1],  # 0 and 1: either is first
            [0.1, 0.5, np.nan, 0.2],
            [0.1, 0.5, 0.9, 0.2],  # none
        ]
    )
    true = label_mask([[1, 3], [1, 2], [0], [0, 1], [1], []], 4)
    assert places_of_any(scored, true).tolist() == [1, 0, 1, 0, NOWHERE, NOWHERE]
    assert named_classes_of_any(scored, true).tolist() == [2, 2, 1, 0, -1, 2]
    pairs, place = places_of_each(scored, true)
    assert pairs.T.tolist() == [[0, 1], [0, 3], [1, 1], [1, 2], [2, 0], [3, 0], [3, 1], [4, 1]]
    # A video's other classes don't come before it.
    assert place.tolist() == [1, 1, 0, 0, 1, 0, 0, NOWHERE]


def test_with_one_class_a_video_it_is_top_k() -> None:
    scored = GENERATOR.integers(0, 5, (300, 6)).astype(float)
    labels = GENERATOR.integers(0, 6, 300)
    true = label_mask(labels[:, None].tolist(), 6)
    np.testing.assert_array_equal(places_of_any(scored, true), places(scored, labels))


def test_a_class_of_a_video_is_ranked_whatever_its_other_classes() -> None:
    # The first video has both classes and is sure of both; the second is half sure of one.
    logits = np.array([[[4.0, 4.0, -4.0]], [[0.0, -9.0, -9.0]]])
    true = label_mask([[0, 1], []], 3)
    assert scores(logits, "softmax")[0, 0] < scores(logits, "softmax")[1, 0]
    averaged = averaged_of("softmax", "map")
    np.testing.assert_allclose(scores(logits, averaged), 1 / (1 + np.exp(-logits[:, 0])))
    assert averaged == "sigmoid" and mean_average_precision(scores(logits, averaged), true).map == 1
    kept = [averaged_of("logits", "map"), averaged_of("softmax", "hit-k")]
    assert kept == ["logits", "softmax"]


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_sigmoid_of_a_logit_that_is_not_finite_is_no_number(value: float) -> None:
    found = scores(np.array([[[value, -800.0, 800.0]], [[1.0, -800.0, 800.0]]]), "sigmoid")
    assert np.isnan(found[0, 0]) and np.isfinite(found[1]).all()
