"""What a truth has in numbers, counted by hand."""

import numpy as np

from kinobench.datasets.truth import (
    Box,
    BoxTruth,
    Event,
    EventsOfVideo,
    EventTruth,
    KeyFrame,
    Tube,
    TubesOfVideo,
    TubeTruth,
)
from kinobench.datasets.truth_facts import truth_facts

CLASSES = ("a", "b", "c")


def test_background_is_the_time_in_which_no_event_is() -> None:
    videos = {
        # 1 to 4 and 3 to 6 overlap; the last ends after the video: 5 + 2 of 10 s.
        "x": EventsOfVideo((Event(1, 1, 4), Event(0, 3, 6), Event(1, 8, 12)), duration_s=10.0),
        "y": EventsOfVideo((), duration_s=10.0),
        "z": EventsOfVideo((Event(1, 0, 0.5),)),  # its length isn't known
    }
    facts = truth_facts(EventTruth(rule="activitynet", videos=videos), CLASSES)
    assert (facts.instances, facts.videos, facts.timed_videos) == (4, 2, 2)
    assert facts.background == 1 - 7 / 20
    assert list(facts.per_class.items()) == [("b", 3), ("a", 1), ("c", 0)]
    # Of 0.5, 3, 3, 4.
    assert facts.lengths_s == (0.5, 2.375, 3.0, 3.25, 4.0)


def test_without_lengths_and_events_nothing_is_made_up() -> None:
    facts = truth_facts(EventTruth(rule="thumos14", videos={"x": EventsOfVideo(())}), CLASSES)
    assert (facts.instances, facts.background, facts.lengths_s) == (0, None, None)


def test_boxes_are_counted_of_frames_that_are_not_left_out() -> None:
    box = Box(0, 0, 1, 1, (0, 2))
    frames = (
        KeyFrame("0902", 902, (box,)),
        KeyFrame("0903", 903, (box, Box(0, 0, 1, 1, ()), box)),
        KeyFrame("0904", 904, ()),
        KeyFrame("0905", 905, (box,)),
    )
    truth = BoxTruth(
        rule="ava",
        videos={"x": frames, "y": (KeyFrame("0902", 902, ()),)},
        scored=frozenset({0}),
        excluded=frozenset({("x", "0905")}),
    )
    facts = truth_facts(truth, CLASSES)
    assert (facts.instances, facts.videos, facts.scored) == (4, 1, 1)
    assert (facts.key_frames, facts.empty_key_frames) == (4, 2)
    assert facts.boxes == (1.0, 1.5, 2.0, 2.5, 3.0)
    assert facts.per_class == {"a": 3, "c": 3, "b": 0}


def test_tubes_cover_frames_and_last_by_their_rate() -> None:
    def tube(label: int, first: int, frames: int) -> Tube:
        return Tube(label, first, np.zeros((frames, 4)))

    of = TubesOfVideo((tube(0, 0, 4), tube(1, 2, 6)), frames=10, width=64, height=48, fps=2.0)
    empty = TubesOfVideo((), frames=10, width=64, height=48, fps=2.0)
    facts = truth_facts(TubeTruth(rule="multisports", videos={"x": of, "y": empty}), CLASSES)
    assert (facts.instances, facts.videos, facts.background) == (2, 1, 1 - 8 / 20)
    assert facts.lengths_s == (2.0, 2.25, 2.5, 2.75, 3.0)
    assert facts.boxes == (1.0, 1.0, 1.0, 1.25, 2.0)  # of six frames with one box and two with two
