"""`--dataset folder`: people's own videos, in folders of classes."""

from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.own import Holdout, OwnVideos
from kinobench.datasets.split import Split


def tree(root: Path, *names: str) -> Path:
    """Make empty files; a name that ends in `/` is a folder."""
    for name in names:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.touch()
    return root


def read(root: Path, split: str | None = None, **said: object) -> Split:
    own = OwnVideos(**said)  # type: ignore[arg-type]
    return catalog.load_split(catalog.get("folder"), root, split, own)


def names(root: Path) -> tuple[str, ...]:
    return catalog.split_names(catalog.get("folder"), root)


def test_a_folder_of_classes_is_one_split_with_the_classes_by_code_point(tmp_path: Path) -> None:
    tree(tmp_path, "walk/1.mp4", "Fall/b.MOV", "Fall/a.webm", "äußern/x.3gp", "jump up/1 2.ts")
    split = read(tmp_path)
    assert (split.dataset, split.name) == ("folder", "all")
    assert split.classes == ("Fall", "jump up", "walk", "äußern")
    assert [(video.id, video.label) for video in split.videos] == [
        ("Fall/a.webm", 0),
        ("Fall/b.MOV", 0),
        ("jump up/1 2.ts", 1),
        ("walk/1.mp4", 2),
        ("äußern/x.3gp", 3),
    ]
    assert all(video.path == tmp_path / video.id for video in split.videos)
    assert split.notes == ()


def test_a_file_is_a_video_by_the_extensions_that_people_use(tmp_path: Path) -> None:
    good = ["avi", "mp4", "mkv", "webm", "mov", "m4v", "mpg", "flv", "ts", "3gp"]
    tree(tmp_path, *(f"a/x.{each}" for each in [*good, "txt", "jpg", "json"]), "a/.mp4")
    assert {video.path.suffix[1:] for video in read(tmp_path).videos} == set(good)


def test_folders_named_like_splits_are_splits_with_all_classes_in_each(tmp_path: Path) -> None:
    tree(tmp_path, "train/a/1.mp4", "train/c/1.mp4", "test/a/2.mp4", "Validation/b/3.mp4")
    assert names(tmp_path) == ("test", "Validation", "train")
    assert read(tmp_path).name == "test"
    for name, ids in (
        ("train", ["train/a/1.mp4", "train/c/1.mp4"]),
        ("val", ["Validation/b/3.mp4"]),
    ):
        split = read(tmp_path, name)
        assert split.classes == ("a", "b", "c")
        assert [video.id for video in split.videos] == ids
    with pytest.raises(UnknownNameError, match="split of folder is named 'all'"):
        read(tmp_path, "all")


def test_a_class_may_be_named_like_a_split(tmp_path: Path) -> None:
    split = read(tree(tmp_path, "train/1.mp4", "bus/1.mp4"))
    assert split.name == "all" and split.classes == ("bus", "train")


def test_classes_txt_decides_the_order_and_names_classes_without_a_video(tmp_path: Path) -> None:
    tree(tmp_path, "jump_up/1.mp4", "fall/1.mp4")
    (tmp_path / "classes.txt").write_bytes(b"\xef\xbb\xbfwalk\r\njump up\r\n\r\nfall\r\n")
    split = read(tmp_path)
    assert split.classes == ("walk", "jump up", "fall")
    assert {video.id: video.label for video in split.videos} == {
        "jump_up/1.mp4": 1,
        "fall/1.mp4": 2,
    }
    (tmp_path / "classes.txt").write_text("walk\nfall\n")
    with pytest.raises(DatasetError, match=r"folder 'jump_up' is none of .*classes.txt"):
        read(tmp_path)
    (tmp_path / "classes.txt").write_text("walk\nfall\nwalk\n")
    with pytest.raises(DatasetError, match=r"classes.txt:3: class 'walk' is in line 1 already"):
        read(tmp_path)
    (tmp_path / "classes.txt").write_text("\n")
    with pytest.raises(DatasetError, match="it is empty"):
        read(tmp_path)


def test_what_is_left_out_is_counted_and_named(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.mp4", "b/1.mp4", "flat.mp4", "a/deep/2.mp4", "notes/readme.md", "empty/")
    tree(tmp_path, ".cache/x.mp4", "a/._1.mp4")
    split = read(tmp_path)
    assert [video.id for video in split.videos] == ["a/1.mp4", "b/1.mp4"]
    assert split.notes == (
        "2 of 4 videos left out, not at CLASS/VIDEO: a/deep/2.mp4, flat.mp4",
        "2 of 4 folders without videos: empty, notes",
    )


def test_two_classes_with_the_same_letters_are_noted(tmp_path: Path) -> None:
    (note,) = read(tree(tmp_path, "jump up/1.mp4", "jump_up/1.mp4")).notes
    assert "'jump up' and 'jump_up' are two" in note


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "no videos in folders of"),
        (("a.mp4", "b.avi"), "2 videos in .* itself, such as a.mp4, .*--dataset list"),
        (("videos/a/1.mp4", "videos/b/1.mp4"), "is it --data-root .*videos"),
    ],
)
def test_a_folder_without_classes_says_what_is_there(
    tmp_path: Path, files: tuple[str, ...], said: str
) -> None:
    with pytest.raises(DatasetError, match=said) as raised:
        read(tree(tmp_path, *files))
    assert "DATA_ROOT/\n" in str(raised.value)


def test_a_folder_that_is_missing_or_not_given_says_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no folder .*gone'\nexpected:\n  DATA_ROOT"):
        read(tmp_path / "gone")
    with pytest.raises(DatasetError, match="say where it is by --data-root"):
        catalog.get("folder").load(None, None)


def test_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, "elsewhere/x.mp4", "root/a/1.mp4")
    (tmp_path / "root" / "a" / "2.mp4").symlink_to(tmp_path / "elsewhere" / "x.mp4")
    with pytest.raises(DatasetError, match=r"2.mp4 is reached by a link that leaves the data root"):
        read(tmp_path / "root")


def test_options_of_a_list_are_refused(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.mp4")
    with pytest.raises(DatasetError, match="--path-prefix: it is for --dataset list"):
        read(tmp_path, path_prefix="x")
    with pytest.raises(DatasetError, match="--group: ucf101 is no dataset of your own"):
        catalog.load_split(catalog.get("ucf101"), tmp_path, None, OwnVideos(group="x"))


# --- holding out ----------------------------------------------------------------------------------


def clips(root: Path, classes: int = 3, recordings: int = 5, each: int = 2) -> Path:
    """Make `each` clips of each recording of each class."""
    return tree(
        root,
        *(
            f"class{c}/cam{r}_{clip}.mp4"
            for c in range(classes)
            for r in range(recordings)
            for clip in range(each)
        ),
    )


def test_a_part_of_each_class_is_held_out_the_same_each_time(tmp_path: Path) -> None:
    clips(tmp_path)
    parts = [read(tmp_path, name, holdout=Holdout(share=0.2)) for name in ("train", "test")]
    assert [len(part.videos) for part in parts] == [24, 6]
    assert [sum(v.label == c for v in parts[1].videos) for c in range(3)] == [2, 2, 2]
    train, test = ({video.id for video in part.videos} for part in parts)
    assert not train & test and len(train | test) == 30
    assert all(part.part_of == "all" and part.classes == parts[0].classes for part in parts)
    assert parts[0].notes == ("parted by kinobench: 20 % of each class held out, seed 0",)
    again = read(tmp_path, "test", holdout=Holdout(share=0.2))
    other = read(tmp_path, "test", holdout=Holdout(share=0.2, seed=1))
    assert again.manifest == parts[1].manifest != other.manifest


def test_a_video_that_is_added_moves_no_other(tmp_path: Path) -> None:
    clips(tmp_path, recordings=20)
    before = {video.id for video in read(tmp_path, "test", holdout=Holdout()).videos}
    tree(tmp_path, "class0/added.mp4")
    after = {video.id for video in read(tmp_path, "test", holdout=Holdout()).videos}
    assert len(before ^ after) <= 2


def test_groups_are_never_parted_also_not_over_classes(tmp_path: Path) -> None:
    clips(tmp_path)
    said = {"holdout": Holdout(share=0.2), "group": r"^(cam\d+)_"}
    train, test = read(tmp_path, "train", **said), read(tmp_path, "test", **said)
    of_train, of_test = ({video.group for video in part.videos} for part in (train, test))
    assert len(of_test) == 1 and len(of_train) == 4 and not of_train & of_test
    assert [sum(v.label == c for v in test.videos) for c in range(3)] == [2, 2, 2]
    assert test.notes[-1].endswith("seed 0, 5 groups kept whole")


def test_a_large_group_is_held_out_whole_or_not_at_all(tmp_path: Path) -> None:
    tree(tmp_path, *(f"a/x_{n}.mp4" for n in range(8)), *(f"a/y_{n}.mp4" for n in range(2)))
    tree(tmp_path, *(f"b/z_{n}.mp4" for n in range(3)))
    said = {"holdout": Holdout(share=0.2), "group": "^(.)_"}
    test = read(tmp_path, "test", **said)
    assert {video.group for video in test.videos} == {"y"}
    assert test.notes[-1] == "1 of 2 classes with none held out: b"


def test_a_pattern_that_finds_nothing_or_videos_that_are_parted_already_are_refused(
    tmp_path: Path,
) -> None:
    clips(tmp_path / "one")
    with pytest.raises(DatasetError, match="--group 'scene': it finds nothing in any name, such"):
        read(tmp_path / "one", group="scene")
    tree(tmp_path / "two", "train/a/1.mp4", "test/a/2.mp4")
    with pytest.raises(DatasetError, match="--holdout 20%: these videos are parted already, in te"):
        read(tmp_path / "two", holdout=Holdout())
    tree(tmp_path / "three", "a/1.mp4", "b/1.mp4")
    with pytest.raises(DatasetError, match="no class has two videos"):
        read(tmp_path / "three", holdout=Holdout())
