import pytest

from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.lists.class_names import LabelMatcher, class_names, fold

from ..fakes.media import SHARED

ANNOTATIONS = SHARED / "annotations"


@pytest.mark.parametrize(
    ("dataset", "count", "places"),
    [
        (
            "ucf101",
            101,
            {
                0: "ApplyEyeMakeup",
                34: "Hammering",
                35: "HammerThrow",
                46: "JumpingJack",
                47: "JumpRope",
                100: "YoYo",
            },
        ),
        (
            "kinetics400",
            400,
            {0: "abseiling", 196: "massaging person's head", 399: "zumba"},
        ),
        ("pointlight", 8, {0: "Left", 1: "Right", 4: "Swirl", 5: "CounterSwirl", 7: "Flicker"}),
        ("pointlight-noise", 8, {0: "Left", 7: "Flicker"}),
        ("pointlight-long", 4, {0: "Ahead", 1: "TurnRight", 3: "TurnLeft"}),
    ],
)
def test_a_shipped_list_has_the_published_order(dataset, count, places):
    names = class_names(dataset)
    assert len(names) == len(set(names)) == count
    assert {index: names[index] for index in places} == places


def test_the_shipped_lists_are_the_publishers():
    if not ANNOTATIONS.is_dir():
        pytest.skip("the official annotations are not beside the checkout")
    official = (ANNOTATIONS / "ucf101" / "classInd.txt").read_text().splitlines()
    assert class_names("ucf101") == tuple(line.split()[1] for line in official)
    official = (ANNOTATIONS / "kinetics400" / "label_map.txt").read_text().splitlines()
    assert class_names("kinetics400") == tuple(official)


@pytest.mark.parametrize("dataset", ["ucf101", "kinetics400", "pointlight", "pointlight-long"])
def test_no_two_classes_of_a_shipped_list_are_spelled_alike(dataset):
    names = class_names(dataset)
    assert len({fold(name) for name in names}) == len(names)
    match = LabelMatcher(names)
    assert [match(name) for name in names] == list(range(len(names)))


@pytest.mark.parametrize(
    ("dataset", "written", "index"),
    [
        ("ucf101", "HandStandPushups", 36),
        ("ucf101", "handstand pushups", 36),
        ("ucf101", "apply_eye_makeup", 0),
        ("kinetics400", "massaging persons head", 196),
        ("kinetics400", "Massaging_person's_head", 196),
        ("kinetics400", "hurling sport", 161),
        ("kinetics400", "passing_American_football_(not_in_game)", 209),
        ("kinetics400", "passing American football in game", 208),
    ],
)
def test_spelling_does_not_matter(dataset, written, index):
    assert LabelMatcher(class_names(dataset))(written) == index


def test_a_label_that_can_be_two_classes_names_both():
    match = LabelMatcher(["ski jump", "Ski-Jump", "dive"])
    assert match("Ski-Jump") == 1
    with pytest.raises(DatasetError, match="'ski jump' and 'Ski-Jump'"):
        match("skijump")
    assert match.find("skijump") is None


def test_an_unknown_label_gets_the_nearest_name():
    match = LabelMatcher(class_names("kinetics400"))
    with pytest.raises(UnknownNameError, match="did you mean 'abseiling'"):
        match("abseling")
    assert match.find("abseling") is None


def test_a_list_that_is_not_shipped_is_an_error():
    with pytest.raises(UnknownNameError, match="ucf101, ucf101-24"):
        class_names("ucf10")


def test_a_name_without_letters_is_only_itself():
    match = LabelMatcher(("+", "-", "a"))
    assert [match(written) for written in ("+", "-", "A")] == [0, 1, 2]
    assert match.find("*") is None
    with pytest.raises(UnknownNameError, match=r"'\*'"):
        match("*")
