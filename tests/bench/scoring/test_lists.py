"""Lists that go with a file of results: classes, videos, and what is left out."""

import gzip
from pathlib import Path

import pytest

from kinobench.bench.scoring.files import digest_of, read_excluded, read_ids
from kinobench.bench.scoring.ids import matched_ids
from kinobench.bench.scoring.labels import matched_labels, read_classes
from kinobench.datasets.errors import DatasetError, KinobenchError, UnknownNameError


def written(folder: Path, text: str) -> Path:
    file = folder / "list.txt"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("7 BaseballPitch\n9 BasketballDunk\n", {7: "BaseballPitch", 9: "BasketballDunk"}),
        ("High jump\nLong jump\n", {0: "High jump", 1: "Long jump"}),
        ("0,take\n1,put\n", {0: "take", 1: "put"}),
        ('item {\n  name: "dance"\n  id: 4\n}\n', {4: "dance"}),
    ],
)
def test_classes_have_numbers_or_an_order(
    tmp_path: Path, text: str, classes: dict[int, str]
) -> None:
    assert read_classes(written(tmp_path, text)) == classes


@pytest.mark.parametrize("text", ["1 a\n1 b\n", "1 a\n2 a\n", "a\na\n"])
def test_a_class_that_is_there_twice_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DatasetError, match="there twice"):
        read_classes(written(tmp_path, text))


def test_what_is_left_out_are_videos_or_key_frames(tmp_path: Path) -> None:
    assert read_excluded(written(tmp_path, "v,904\nw,0001\nx\n")) == (
        {"x"},
        {("v", "0904"), ("w", "0001")},
    )
    assert read_excluded(written(tmp_path, '["a", "b"]')) == ({"a", "b"}, frozenset())
    assert read_ids(written(tmp_path, "Basketball/v_x 1\nDiving/v_y\n")) == {
        "Basketball/v_x",
        "Diving/v_y",
    }
    with pytest.raises(DatasetError, match=":1: 'a,1,2' is neither"):
        read_excluded(written(tmp_path, "a,1,2\n"))


@pytest.mark.parametrize(
    ("name", "video"),
    [
        ("v_a", "v_a"),
        ("a", "v_a"),
        ("v_b", "b"),
        ("b.mp4", "b"),
        ("sport/c.avi", "sport/v_c"),
        ("v_v_a", "v_a"),
        ("A", None),
        ("b.1", None),
    ],
)
def test_an_id_means_one_video_or_none(name: str, video: str | None) -> None:
    found, notes = matched_ids([name], {"v_a", "b", "sport/v_c"})
    assert found.get(name) == video
    assert bool(notes) == (video not in (None, name))


def test_an_id_of_the_annotations_own_is_never_taken_for_another() -> None:
    assert matched_ids(["a", "v_a"], {"a", "v_a"})[0] == {"a": "a", "v_a": "v_a"}
    with pytest.raises(KinobenchError, match="both the video 'a'"):
        matched_ids(["a.mp4", "v_a"], {"a"})


def test_labels_are_names_however_spelled_or_numbers() -> None:
    found, classes, notes = matched_labels(
        ["high_jump", "Long jump", "5"], ("High jump", "Long jump"), {5: "Long jump", 6: "Dive"}
    )
    assert found == {"high_jump": 0, "Long jump": 1, "5": 1}
    assert classes == ("High jump", "Long jump")
    assert notes == [
        "labels that are spelled otherwise than the annotations' classes, and were taken for them: "
        "high_jump"
    ]
    found, classes, _ = matched_labels(["6", "Dive"], ("High jump",), {6: "Dive"})
    assert found == {"6": 1, "Dive": 1}  # of the list: a class without an instance
    with pytest.raises(UnknownNameError, match="did you mean 'High jump'"):
        matched_labels(["High jmp"], ("High jump", "Long jump"), None)
    assert matched_labels(["3,9"], ("3,7",), None)[1] == ("3,7", "3,9")
    with pytest.raises(KinobenchError, match="label 8 of the results is no class: known are 7"):
        matched_labels(["8"], ("Diving",), None)


def test_a_digest_is_of_the_content_unpacked(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.json", tmp_path / "b.json.gz"
    plain.write_text("{}")
    packed.write_bytes(gzip.compress(b"{}"))
    assert digest_of(plain) == digest_of(packed)
    folder = tmp_path / "annotations_test"
    folder.mkdir()
    (folder / "Diving_test.txt").write_text("v 1 2\n")
    before = digest_of(folder)
    (folder / "Diving_test.txt").rename(folder / "Surfing_test.txt")
    assert digest_of(folder) != before
