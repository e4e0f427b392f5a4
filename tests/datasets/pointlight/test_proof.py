"""The proof that a frame of pointlight tells nothing of the class, at every level.

Kolmogorov-Smirnov tests of where dots are and of how many bytes frames take. All that are made of
one level share a level of significance of 1 % (Bonferroni); the draws are seeded, so each passes or
fails on every machine alike. Each is shown to catch a leak.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.pointlight import dots, load, make_pointlight
from kinobench.datasets.pointlight.levels import LEVELS, Level

from .test_pointlight import (
    correlations,
    learned,
    learned_from_one_frame,
    least_pvalue,
    packet_sizes,
    read_luma,
    right_within,
)

SIGNIFICANCE = 0.01
NAMES = list(LEVELS)


def frames_of(level: Level) -> tuple[int, ...]:
    """The first, the middle and the last frame."""
    return 0, level.frames // 2, level.frames - 1


def positions(level: Level, motion: str, scenes: int) -> np.ndarray:
    """Where all dots of so many videos are, noise too: `[3 frames, dots, 2]`, px of the torus."""
    frames = list(frames_of(level))
    label = class_names(level.name).index(motion)
    found = []
    for number in range(scenes):
        scene = dots.draw_scene(np.random.default_rng([2026, label, number]), level)
        track = dots.move(scene, motion)[frames]
        found.append(np.concatenate([track, scene.noise_px[frames]], axis=1))
    return np.concatenate(found, axis=1) % level.size


def is_uniform(values: np.ndarray, level: Level) -> bool:
    """Whether coordinates in px pass, at the share of the level's significance of one test."""
    tests = len(class_names(level.name)) * len(frames_of(level)) * 2
    found = stats.kstest(values, "uniform", (0, level.size)).pvalue
    return bool(found > SIGNIFICANCE / tests)


def assert_uniform(level: Level, scenes: int) -> None:
    for motion in class_names(level.name):
        places = positions(level, motion, scenes)
        for frame, sample in zip(frames_of(level), places, strict=True):
            for axis in (0, 1):
                assert is_uniform(sample[:, axis], level), (motion, frame, "xy"[axis])


@pytest.mark.parametrize("name", NAMES)
def test_dots_of_every_class_are_uniform_in_the_first_middle_and_last_frame(name: str) -> None:
    assert_uniform(LEVELS[name], 150)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_dots_of_every_class_are_uniform_in_a_large_sample(name: str) -> None:
    assert_uniform(LEVELS[name], 4000)


def leaky(sample: np.ndarray, share: float, level: Level) -> np.ndarray:
    """The coordinates, of which so many are drawn anew in one half of the picture."""
    generator = np.random.default_rng(5)
    again = generator.uniform(0, level.size / 2, len(sample))
    return np.where(generator.random(len(sample)) < share, again, sample)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_whose_dots_prefer_one_half_would_be_caught(name: str) -> None:
    level = LEVELS[name]
    last = positions(level, class_names(name)[1], 150)[-1]
    share = 0.4 if level.dots == (3, 3) else 0.15
    for axis in (0, 1):
        assert not is_uniform(leaky(last[:, axis], share, level), level)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pointlight", "pointlight-noise", "pointlight-long"])
def test_a_large_sample_catches_one_dot_in_thirty(name: str) -> None:
    level = LEVELS[name]
    last = positions(level, class_names(name)[1], 4000)[-1]
    assert not is_uniform(leaky(last[:, 0], 1 / 30, level), level)


# Files


@pytest.fixture(scope="module", params=NAMES[1:])
def other_level(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Level]:
    level = LEVELS[request.param]
    folder = tmp_path_factory.mktemp("made") / level.name
    return make_pointlight(folder, level=level, processes=None), level


@pytest.mark.slow
def test_the_frames_of_every_class_of_a_level_take_as_many_bytes(
    other_level: tuple[Path, Level],
) -> None:
    sizes = packet_sizes(*other_level)
    assert least_pvalue(sizes) > SIGNIFICANCE
    assert least_pvalue([*sizes[:-1], 1.5 * sizes[-1]]) < SIGNIFICANCE


@pytest.mark.slow
def test_one_frame_of_a_level_teaches_nothing_and_ordered_frames_teach_the_way(
    other_level: tuple[Path, Level],
) -> None:
    root, level = other_level
    classes = len(class_names(level.name))
    clips = {}
    for split in ("train", "test"):
        videos = load(root, split, level).videos
        clips[split] = (
            # The first movement, where there are two: it is in a window of 16 frames.
            np.stack([read_luma(video.path)[:16] for video in videos]),
            np.array([video.label for video in videos]),
        )
    assert right_within(learned_from_one_frame(clips), 1 / classes)
    (train, train_labels), (test, test_labels) = clips["train"], clips["test"]
    maps = [correlations(luma).reshape(len(luma), -1) for luma in (train, test)]
    right = learned(maps[0], train_labels, maps[1]) == test_labels
    if level.rest:
        assert right_within(right, 1 / classes)
    else:
        assert right[test_labels < 4].mean() > 0.6
