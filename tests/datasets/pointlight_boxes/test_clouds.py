"""Dots stay uniform in their boxes whatever the motion, and a motion backwards is its reverse."""

import numpy as np
import pytest
from scipy import integrate, stats

from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.pointlight_boxes import clouds
from kinobench.datasets.pointlight_boxes.clouds import (
    Flow,
    box_flow,
    boxes_region,
    carry,
    outer_region,
    scattered,
)
from kinobench.datasets.pointlight_boxes.level import POINTLIGHT_BOXES
from kinobench.datasets.pointlight_boxes.motions import (
    CLASSES,
    MOTIONS,
    OPPOSITES,
    PREVALENCE,
    Motion,
)
from kinobench.datasets.pointlight_boxes.scene import draw_look, draw_second
from kinobench.datasets.sides import sided_classes

SIGNIFICANCE = 0.01
BOX = (20, 30, 60, 56)
FORWARDS = [motion for motion in MOTIONS if not motion.is_backwards]
IDS = {motion: "+".join(filter(None, motion)) for motion in MOTIONS}
DOTS, FRAMES = 2000, 30


def track_of(motion: Motion, speed_px: float = 1.6, seed: int = 0) -> np.ndarray:
    """Where many dots of a box are, `[30 frames, dots]`, shares of its sides, x + iy."""
    generator = np.random.default_rng([seed, MOTIONS.index(motion)])
    boxes = np.tile(BOX, (DOTS, 1))
    drawn = motion.backwards if motion.is_backwards else motion
    flow = Flow(*np.tile(box_flow(BOX, drawn, speed_px), (DOTS, 1)).T)
    region = boxes_region(generator, boxes)
    track = carry(generator, region, flow, scattered(region, DOTS), FRAMES)
    left, top, right, bottom = BOX
    shares = (track.real - left) / (right - left) + 1j * (track.imag - top) / (bottom - top)
    return shares[::-1] if motion.is_backwards else shares


def least_pvalue(places: np.ndarray) -> float:
    """The least of the p-values of x, y and cells, of places `[dots]` in the unit square."""
    cells, _, _ = np.histogram2d(places.real, places.imag, bins=5, range=[[0, 1]] * 2)
    return min(
        stats.kstest(places.real, "uniform").pvalue,
        stats.kstest(places.imag, "uniform").pvalue,
        stats.chisquare(cells.ravel()).pvalue,
    )


# Labels


def test_the_labels_are_those_of_the_class_list_and_each_is_in_five_motions() -> None:
    assert class_names("pointlight-boxes") == CLASSES
    assert len(MOTIONS) == len(set(MOTIONS)) == 24
    for label in range(len(CLASSES)):
        assert sum(label in motion.labels for motion in MOTIONS) == 24 * PREVALENCE == 5
    assert {len(motion.labels) for motion in MOTIONS} == {1, 2}
    assert set(sided_classes(CLASSES)) == {"Left", "Right", "Clockwise", "CounterClockwise"}


def test_of_a_motion_and_its_reverse_one_is_drawn_backwards() -> None:
    for motion in MOTIONS:
        assert motion.backwards.backwards == motion
        assert motion.backwards.is_backwards != motion.is_backwards
        names = {CLASSES[label] for label in motion.labels}
        assert {CLASSES[label] for label in motion.backwards.labels} == {
            OPPOSITES[n] for n in names
        }
    with pytest.raises(ValueError, match="drawn backwards"):
        _ = Motion("Left", None).velocity


# Flows


@pytest.mark.parametrize("motion", FORWARDS, ids=IDS.get)
def test_the_map_of_a_frame_is_the_flow_of_the_velocity(motion: Motion) -> None:
    factor, middle, step = box_flow(BOX, motion, 1.3)
    shift, warp = motion.velocity
    distance = np.sqrt((40**2 + 26**2) / 12)
    start = np.array([25 + 33j, 50 + 50j, 40 + 43j])

    def velocity(_: float, places: np.ndarray) -> np.ndarray:
        return 1.3 * (shift + warp / distance * (places - middle))

    solved = integrate.solve_ivp(velocity, (0, 1), start, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        factor * (start - middle) + middle + step, solved.y[:, -1], atol=1e-7
    )


@pytest.mark.parametrize(
    ("name", "place", "way"),
    [
        ("Right", 0j, 1),
        ("Down", 0j, 1j),
        ("Clockwise", -5j, 1),  # above the middle, which is a smaller y: to the right
        ("Clockwise", 5 + 0j, 1j),
        ("Expand", 5 + 0j, 1),
        ("Expand", 5j, 1j),
    ],
)
def test_a_label_means_what_its_name_says(name: str, place: complex, way: complex) -> None:
    (motion,) = (each for each in MOTIONS if [CLASSES[n] for n in each.labels] == [name])
    factor, middle, step = box_flow(BOX, motion, 0.1)
    moved = (factor * place + step) - place
    assert (moved / way).real > 0.9 * abs(moved) > 0
    assert middle == 40 + 43j


def test_each_part_of_a_motion_has_the_speed() -> None:
    places = track_of(MOTIONS[0])[0]
    places = (places.real * 40 - 20) + 1j * (places.imag * 26 - 13)
    for motion in FORWARDS:
        for shift, warp in ((motion.velocity[0], 0), (0, motion.velocity[1])):
            part = shift + warp / np.sqrt((40**2 + 26**2) / 12) * places
            assert np.sqrt(np.mean(np.abs(part) ** 2)) == pytest.approx(
                1 if shift or warp else 0, abs=0.02
            )


# Uniform in every frame


@pytest.mark.parametrize("motion", MOTIONS, ids=IDS.get)
def test_dots_of_every_motion_are_uniform_in_the_first_key_and_last_frame(motion: Motion) -> None:
    track = track_of(motion)
    assert ((track.real >= 0) & (track.real < 1) & (track.imag >= 0) & (track.imag < 1)).all()
    for frame in (0, 7, 15, 22, 29):
        assert least_pvalue(track[frame]) > SIGNIFICANCE / (len(MOTIONS) * 5 * 3), frame


@pytest.mark.parametrize("name", ["Right", "Expand"])
def test_births_anywhere_in_the_box_would_be_seen(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (motion,) = (each for each in MOTIONS if [CLASSES[n] for n in each.labels] == [name])

    def anywhere(generator, region, flow, dots):
        return region.draw(1, dots)[0], np.ones(len(dots), dtype=bool)

    assert least_pvalue(track_of(motion)[-1]) > 1e-4
    monkeypatch.setattr(clouds, "_births", anywhere)
    shifted = least_pvalue(track_of(motion)[-1])
    # Of growth the births are uniform, so it is the shift's alone that have to be where dots lack.
    assert shifted < 1e-6 if name == "Right" else shifted > 1e-4


def test_dots_outside_of_boxes_are_uniform_there() -> None:
    generator = np.random.default_rng(4)
    boxes = [(4, 4, 40, 40), (50, 50, 90, 80)]
    region = outer_region(generator, boxes, 96)
    direction = np.exp(2j * np.pi * generator.random(4000))
    still = np.ones(4000, dtype=complex)
    flow = Flow(still, 0 * still, 1.6 * direction)
    track = carry(generator, region, flow, scattered(region, 4000), FRAMES)
    edges = np.arange(0, 97, 4)
    inside = np.zeros((24, 24), dtype=bool)
    inside[1:10, 1:10] = inside[13:22, 13:20] = True  # [x, y], where cells overlap a box
    for frame in (0, 15, 29):
        cells, _, _ = np.histogram2d(track[frame].real, track[frame].imag, bins=[edges, edges])
        assert stats.chisquare(cells[~inside]).pvalue > 1e-3
        assert region.holds(track[frame], np.arange(4000)).all()
        assert cells[1:10, 1:10].sum() == 0


# Backwards


@pytest.mark.parametrize("motion", FORWARDS, ids=IDS.get)
def test_a_motion_and_its_reverse_are_one_film_shown_both_ways(motion: Motion) -> None:
    look = draw_look(np.random.default_rng(1), POINTLIGHT_BOXES)
    shown = [
        draw_second(np.random.default_rng(2), POINTLIGHT_BOXES, look, [BOX], [each])
        for each in (motion, motion.backwards)
    ]
    inside = round(look.dots * 40 * 26)
    np.testing.assert_array_equal(shown[0][:, :inside], shown[1][::-1, :inside])
    np.testing.assert_array_equal(shown[0][:, inside:], shown[1][:, inside:])


def test_a_box_does_not_show_in_the_number_of_dots() -> None:
    look = draw_look(np.random.default_rng(1), POINTLIGHT_BOXES)
    counts = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        places = draw_second(generator, POINTLIGHT_BOXES, look, [BOX], [MOTIONS[seed]])
        left, top, right, bottom = BOX
        inside = (places.real >= left) & (places.real < right)
        inside &= (places.imag >= top) & (places.imag < bottom)
        assert len(set(inside.sum(axis=1))) == 1
        counts.append((inside[0].sum() / (40 * 26), (~inside[0]).sum() / (96**2 - 40 * 26)))
    one, other = np.mean(counts, axis=0)
    assert one == pytest.approx(look.dots, rel=0.06) and other == pytest.approx(look.dots, rel=0.02)
