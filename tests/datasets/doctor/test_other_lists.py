"""Other releases of Kinetics, by their lists alone."""

from pathlib import Path

import pytest

from kinobench.datasets.doctor.other_lists import check_names, ids_below, shared_with, youtube_id
from kinobench.datasets.errors import DatasetError, KinobenchError
from kinobench.datasets.split import Split, Video

from ...fakes.ill_copies import put

A, B, C, D = "aaaaaaaaaaa", "-b_bbbbbbbb", "c_cccccccc_", "ddddddddddd"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                "annotations/train.csv": f"label,youtube_id,split\nx,{A},train\n",
                "annotations/val.csv": f'label,youtube_id,time_start\n"x, y",{B},1\n',
            },
            {"train": {A}, "val": {B}},
        ),
        (
            {"kinetics_600_train.json": f'{{"{A}": {{"subset": "train"}}}}', "notes.json": "[1]"},
            {"train": {A}},
        ),
        (
            {"k600/kinetics700_val_list_videos.txt": f"a b/{A}_000001_000011.mp4 3\n{C}.mkv 4\n"},
            {"val": {A, C}},
        ),
        ({"validate.csv": f"label,youtube_id\nx,{D}\n", "train/x.mp4": ""}, {"val": {D}}),
    ],
    ids=["CVDF", "json", "mmaction2", "validate"],
)
def test_lists_of_every_form_are_read(
    tmp_path: Path, files: dict[str, str], expected: dict[str, set[str]]
) -> None:
    for name, text in files.items():
        put(tmp_path / name, text.encode())
    assert ids_below(tmp_path) == expected


def test_a_folder_without_lists_and_a_wrong_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no list with YouTube ids"):
        ids_below(tmp_path)
    with pytest.raises(DatasetError, match="no such file or folder"):
        ids_below(tmp_path / "gone")
    with pytest.raises(KinobenchError, match="--against ucf101: ucf101 has no YouTube ids"):
        check_names("ucf101", "kinetics400")
    with pytest.raises(KinobenchError, match="--against k600: hmdb51 has no YouTube ids"):
        check_names("k600", "hmdb51")
    with pytest.raises(KinobenchError, match="--against k400: that is the dataset itself"):
        check_names("k400", "kinetics400")
    for name in ("k700", "Kinetics-400", "kinetics700_2020"):
        check_names(name, "kinetics600")
    assert [youtube_id(f"{A}_000001_000011"), youtube_id(B), youtube_id("x")] == [A, B, None]


def test_what_one_trains_on_and_the_other_tests_on_is_a_leak() -> None:
    def split(name: str, *ids: str) -> Split:
        videos = tuple(Video(id=f"{each}_000001_000011", path=each, label=0) for each in ids)
        return Split(dataset="kinetics400", name=name, classes=("x",), videos=videos)

    splits = (split("validation", A, B), split("train", C, D))
    ids = {"train": frozenset({A, D}), "val": frozenset({B, C})}
    found = {each.what: (each.is_bad, each.names) for each in shared_with(splits, "k600", ids)}
    end = "_000001_000011"
    assert found == {
        "of 2 videos of validation also in k600 train, by their YouTube ids": (True, (A + end,)),
        "of 2 videos of validation also in k600 val, by their YouTube ids": (False, (B + end,)),
        "of 2 videos of train also in k600 train, by their YouTube ids": (False, (D + end,)),
        "of 2 videos of train also in k600 val, by their YouTube ids": (True, (C + end,)),
    }
