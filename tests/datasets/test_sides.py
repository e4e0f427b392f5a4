"""Classes of left and right."""

import pytest

from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.sides import sided_classes

SSV2 = ("Approaching something with your camera", "Wiping something off of something")


@pytest.mark.parametrize(
    ("name", "sided"),
    [
        ("PushLeft", True),
        ("turning something upright", False),
        ("moving something left to right", True),
        ("CounterSwirl", True),
        ("Archery", False),
        ("CleanAndJerk", False),
        ("bright lights", False),
        ("wright flyer", False),
        ("rotating clockwise", True),
        ("pulling it right out", False),
    ],
)
def test_classes_of_left_and_right_are_known_by_their_names(name: str, sided: bool) -> None:
    assert sided_classes(["Running", name]) == ((name,) if sided else ())


@pytest.mark.parametrize(
    ("dataset", "labels"),
    [
        ("ssv2", (86, 87, 93, 94, 166, 167)),  # mit-han-lab/temporal-shift-module, TSM's mirroring
        ("jester", (0, 1, 6, 7, 14, 15)),
        ("hmdb51", ()),
        ("diving48", ()),
        ("charades", ()),
        ("mit", ()),
        ("sports1m", ()),
        ("ucf101", ()),
        ("kinetics400", ()),
    ],
)
def test_the_published_classes_that_forbid_mirroring_are_found(
    dataset: str, labels: tuple[int, ...]
) -> None:
    classes = class_names(dataset)
    assert sided_classes(classes) == tuple(classes[label] for label in labels)


@pytest.mark.parametrize(
    ("dataset", "count", "first", "last"),
    [
        ("charades", 157, "Holding some clothes", "Someone is eating something"),
        ("diving48", 48, "Back+15som+05Twis+FREE", "Reverse+Dive+NoTwis+TUCK"),
        ("hmdb51", 51, "brush_hair", "wave"),
        ("jester", 27, "Swiping Left", "Doing other things"),
        ("mit", 339, "clapping", "typing"),
        ("sports1m", 487, "boomerang", "model aircraft"),
        (
            "ssv2",
            174,
            "Approaching something with your camera",
            "Wiping something off of something",
        ),
    ],
)
def test_a_class_list_has_the_published_number_and_ends(
    dataset: str, count: int, first: str, last: str
) -> None:
    classes = class_names(dataset)
    assert (len(set(classes)), classes[0], classes[-1]) == (count, first, last)
