"""The table of layouts: what is laid down, and what is read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.own import OwnVideos
from kinobench.datasets.split import Split

from ...fakes.copies import List, Mock, cvdf, deepmind, kinetics, lay, lines, paths, ucf101

K400 = "d2b09d6839950dce"
K600 = "c499c13fc80d8788"
K700 = "bc80ec61255566b9"
UCF = "837e28cdd942e6dc"
VIDEOS = {
    "kinetics400": kinetics(12),
    "kinetics600": kinetics(12, "kinetics600"),
    "kinetics700": kinetics(12, "kinetics700"),
    "ucf101": ucf101(12),
}
"""What each row lays down, by its dataset."""
MANIFESTS = {"kinetics400": K400, "kinetics600": K600, "kinetics700": K700, "ucf101": UCF}


class Row(NamedTuple):
    """A layout.

    Attributes:
        dataset: The dataset, or another name of it.
        shown: What is special about it, in words.
        media: Patterns of where the files are.
        lists: The lists.
        layout: The name of the layout that is read.
        split: The split that is asked for.
        found: How many of the 12 videos are found.
        notes: Beginnings of the notes.
        asked: The layout that is asked for.
        manifest: None: that of the dataset, as in all of its layouts.
    """

    dataset: str
    shown: str
    media: Sequence[str]
    lists: Mapping[str, List | str]
    layout: str
    split: str | None = None
    found: int = 12
    notes: Sequence[str] = ()
    asked: str = ""
    manifest: str | None = None


def tree(dataset: str, shown: str, pattern: str) -> Row:
    """Return the row of a copy without lists."""
    return Row(dataset, shown, [pattern], {}, "class-folders", notes=["no list of the"])


VAL = "{name}/{stem}.mp4"
CSV = {"val.csv": cvdf()}

KINETICS = (
    Row("kinetics400", "the CVDF's", ["val/{stem}.mp4"], {"annotations/val.csv": cvdf()}, "cvdf"),
    Row("k400", "in folders of classes", [f"val/{VAL}"], CSV, "cvdf"),
    Row("kinetics-400", "with underscores", ["val_256/{folder}/{stem}.mp4"], CSV, "cvdf"),
    Row("k400", "two levels deep", [f"k400/videos/{VAL}"], {"k400/labels/val.csv": cvdf()}, "cvdf"),
    Row("k400", "another split", ["x/{stem}.mkv"], {"a/train.csv": cvdf("train")}, "cvdf", "train"),
    Row(
        "k400",
        "floats, no column split",
        ["val/{id}.webm"],
        {"kinetics400/validate.csv": cvdf(columns="", floats=True)},
        "cvdf",
    ),
    Row(
        "k400",
        "all splits in one list",
        ["videos/{stem}.mp4"],
        {"kinetics.csv": cvdf("validate", columns="split,is_cc")},
        "cvdf",
    ),
    Row("k400", "crawlers' double extensions", ["val/{id}.mp4.mkv"], CSV, "cvdf"),
    Row("k400", "crawlers' times", ["val/{folder}/{id}_{start}_{end}.mp4"], CSV, "cvdf"),
    Row("k400", "a size in the name", ["val/{stem}_256.mp4"], CSV, "cvdf"),
    Row("k400", "raw, and a size", ["val/{id}_raw_340x256.flv"], CSV, "cvdf"),
    Row(
        "k400",
        "in UTF-16",
        ["val/{stem}.mp4"],
        {"val.csv": lambda videos: str(cvdf()(videos)).encode("utf-16")},
        "cvdf",
    ),
    Row(
        "k400",
        "with a mark and CRLF",
        ["val/{stem}.mp4"],
        {"val.csv": lambda videos: "\ufeff" + str(cvdf()(videos)).replace("\n", "\r\n")},
        "cvdf",
    ),
    Row(
        "k400",
        "DeepMind's json",
        ["val/{stem}.mp4"],
        {"kinetics_val/kinetics_val.json": deepmind()},
        "json",
    ),
    Row("k400", "one json of all", ["{name}/{stem}.mp4"], {"kinetics400.json": deepmind()}, "json"),
    Row(
        "k400",
        "PySlowFast's",
        ["val/{stem}.mp4"],
        {"val.csv": lines("val/{stem}.mp4")},
        "pyslowfast",
    ),
    Row(
        "k400",
        "PySlowFast's, with commas",
        [f"val/{VAL}"],
        {"lists/val.csv": lines(f"val/{VAL}", separator=",")},
        "pyslowfast",
    ),
    Row(
        "k400",
        "absolute paths of another machine",
        ["val/{stem}.mp4"],
        {"val.csv": lines("/home/me/k400//val/{stem}.mp4")},
        "pyslowfast",
        notes=["12 of 12 listed videos with an absolute path"],
    ),
    Row(
        "k400",
        "names of classes",
        ["val/{stem}.mp4"],
        {"val.csv": lambda videos: "".join(f"val/{m.stem}.mp4,{m.name}\n" for m in videos)},
        "pyslowfast",
    ),
    Row(
        "k400",
        "mmaction2's",
        ["videos_val/{folder}/{stem}.mp4"],
        {"kinetics400_val_list_videos.txt": lines("{folder}/{stem}.mp4")},
        "mmaction2",
    ),
    Row(
        "k400",
        "mmaction2's, flat",
        ["videos_val/{stem}.mp4"],
        {"kinetics400_val_list_videos.txt": lines("{stem}.mp4")},
        "mmaction2",
    ),
    Row(
        "k400",
        "mmaction2's frames",
        ["rawframes_val/{folder}/{stem}/"],
        {"kinetics400_val_list_rawframes.txt": lines("{folder}/{stem} 300")},
        "mmaction2-frames",
    ),
    Row(
        "k400",
        "frames with offsets",
        ["rawframes_val/{folder}/{stem}/"],
        {"kinetics400_val_list_rawframes.txt": lines("{folder}/{stem} 0 300")},
        "mmaction2-frames",
    ),
    Row(
        "k400",
        "pytorchvideo's",
        ["media/{stem}.mp4"],
        {"val.txt": lines("media/{stem}.mp4")},
        "mmaction2",
    ),
    tree("k400", "torchvision's tree", f"val/{VAL}"),
    tree("k400", "a tree with underscores", "k400/val/{folder}/{stem}.avi"),
    Row(
        "k400",
        "two lists, by their videos",
        ["val/{stem}.mp4"],
        {"val.csv": cvdf(), "val_list.txt": lines("{stem}.mp4")},
        "cvdf",
    ),
    Row(
        "k400",
        "a list that is asked for",
        ["val/{stem}.mp4"],
        {"val.csv": cvdf(), "val_list.txt": lines("{stem}.mp4")},
        "mmaction2",
        asked="mmaction2",
    ),
    Row(
        "k400",
        "both files and frames",
        ["val/{stem}.mp4", "frames/{stem}/"],
        CSV,
        "cvdf",
        notes=["12 of 12 listed videos on disk more than once"],
    ),
    Row(
        "k400",
        "two media folders",
        ["val/{stem}.mp4", "more/val/{stem}.avi"],
        CSV,
        "cvdf",
        notes=["12 of 12 listed videos on disk more than once"],
    ),
)
KINETICS_600_700 = (
    Row("k600", "the CVDF's", ["val/{stem}.mp4"], {"annotations/val.csv": cvdf()}, "cvdf"),
    Row(
        "k600",
        "mmaction2's",
        ["videos/{folder}/{stem}.mp4"],
        {"kinetics600_val_list_videos.txt": lines("{folder}/{stem}.mp4")},
        "mmaction2",
    ),
    tree("kinetics-600", "a tree", "val/{folder}/{stem}.mp4"),
    Row(
        "k700",
        "the CVDF's",
        [f"k700-2020/val/{VAL}"],
        {"k700-2020/annotations/val.csv": cvdf("validate")},
        "cvdf",
    ),
    Row(
        "k700-2020",
        "DeepMind's json",
        ["val/{id}.mkv"],
        {"kinetics700_2020/validate.json": deepmind()},
        "json",
    ),
    Row(
        "k700",
        "PySlowFast's",
        ["val/{folder}/{stem}.mp4"],
        {"val.csv": lines("val/{folder}/{stem}.mp4")},
        "pyslowfast",
    ),
)

CLASS = "{name}/{stem}.avi"
OFFICIAL = {"ucfTrainTestlist/testlist01.txt": paths(CLASS)}
ONE = "ucf101_val_split_1_videos.txt"

UCF101 = (
    Row("ucf101", "the official", [f"UCF-101/{CLASS}"], OFFICIAL, "official"),
    Row(
        "ucf-101",
        "torchvision's",
        [f"data/UCF-101/{CLASS}"],
        {"data/annotations/testlist01.txt": paths(CLASS)},
        "official",
        "test01",
    ),
    Row("ucf101", "all in the root", [CLASS], {"testlist01.txt": paths(CLASS)}, "official"),
    Row("ucf101", "in another folder", [f"a/b/{CLASS}"], OFFICIAL, "official"),
    Row("ucf101", "converted", ["UCF-101/{name}/{stem}.mp4"], OFFICIAL, "official"),
    Row("ucf101", "flat", ["videos/{stem}.webm"], OFFICIAL, "official"),
    Row(
        "ucf101",
        "a training list",
        [f"UCF-101/{CLASS}"],
        {"splits/trainlist02.txt": lines(CLASS, first=1, reverse=False)},
        "official",
        "train2",
    ),
    Row(
        "ucf101",
        "Windows' paths and CRLF",
        [f"UCF-101/{CLASS}"],
        {"testlist01.txt": lambda videos: "".join(f"{m.name}\\{m.stem}.avi\r\n" for m in videos)},
        "official",
    ),
    Row("ucf101", "frame folders", ["rawframes/{name}/{stem}/"], OFFICIAL, "official"),
    Row("ucf101", "frame folders without classes", ["jpegs_256/{stem}/"], OFFICIAL, "official"),
    Row(
        "ucf101",
        "frames next to flow",
        ["jpegs_256/{stem}/", "tvl1_flow/u/{stem}/"],
        OFFICIAL,
        "official",
    ),
    Row("ucf101", "mmaction2's", [f"videos/{CLASS}"], {ONE: lines(CLASS)}, "mmaction2"),
    Row(
        "ucf101",
        "mmaction2's frames",
        ["rawframes/{name}/{stem}/"],
        {"ucf101_val_split_1_rawframes.txt": lines("{name}/{stem} 120")},
        "mmaction2-frames",
    ),
    Row(
        "ucf101",
        "mmaction2's, third split",
        [f"videos/{CLASS}"],
        {"ucf101_val_split_3_videos.txt": lines(CLASS)},
        "mmaction2",
        "3",
    ),
    Row(
        "ucf101",
        "mmaction2's training list",
        [f"videos/{CLASS}"],
        {"ucf101_train_split_2_videos.txt": lines(CLASS)},
        "mmaction2",
        "train2",
    ),
    Row(
        "ucf101",
        "PySlowFast's",
        [f"videos/{CLASS}"],
        {"split1/test.csv": lines(f"videos/{CLASS}")},
        "pyslowfast",
    ),
    Row(
        "ucf101",
        "files before frames",
        [f"videos/{CLASS}", "rawframes/{name}/{stem}/"],
        {ONE: lines(CLASS), "ucf101_val_split_1_rawframes.txt": lines("{name}/{stem} 120")},
        "mmaction2",
        notes=["12 of 12 listed videos on disk more than once"],
    ),
    tree("ucf101", "a tree of split 1", f"split1/test/{CLASS}"),
    tree("ucf101", "a tree that is split 1's by its groups", f"test/{CLASS}"),
)
TABLE = (*KINETICS, *KINETICS_600_700, *UCF101)


def read(row: Row, root: Path, videos: Sequence[Mock]) -> Split:
    lay(root, videos, row.media, row.lists)
    dataset = catalog.get(row.dataset)
    return catalog.load_split(dataset, root, row.split, OwnVideos(layout=row.asked))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.dataset}, {row.shown}")
def test_a_layout_is_read(row: Row, tmp_path: Path) -> None:
    videos = VIDEOS[catalog.canonical(row.dataset)]
    split = read(row, tmp_path, videos)
    assert split.layout == row.layout
    assert [video.label for video in split.videos] == [mock.label for mock in videos]
    there = [video for video in split.videos if video.path.exists()]
    assert len(there) == row.found
    assert all(mock.id in video.path.name for mock, video in zip(videos, there, strict=False))
    assert len(split.notes) == len(row.notes), split.notes
    for note, begins in zip(split.notes, row.notes, strict=True):
        assert note.startswith(begins)
    assert split.manifest == (row.manifest or MANIFESTS[split.dataset])


WHOLE = {
    "kinetics400": (kinetics(2000), [row for row in KINETICS if not row.notes and not row.asked]),
    "ucf101": (ucf101(2000), [row for row in UCF101 if not row.notes and row.split is None]),
}


@pytest.mark.parametrize("dataset", WHOLE)
def test_2000_videos_are_one_and_the_same_split_in_each_layout(
    dataset: str, tmp_path: Path
) -> None:
    videos, rows = WHOLE[dataset]
    assert len({mock.stem for mock in videos}) == 2000
    seen = set()
    for number, row in enumerate(rows):
        if row.layout in seen:  # the form of the list, and files or frames
            continue
        seen.add(row.layout)
        split = read(row, tmp_path / str(number), videos)
        assert split.notes == ()
        assert [video.label for video in split.videos] == [mock.label for mock in videos]
        assert [video.id.rpartition("/")[2] for video in split.videos] == [
            mock.stem for mock in videos
        ]
        assert all(mock.stem in str(v.path) for mock, v in zip(videos, split.videos, strict=True))
    assert len(seen) >= 4


def test_the_table_has_at_least_55_layouts_of_ucf101_and_kinetics() -> None:
    assert len(TABLE) >= 55
    assert len({(row.dataset, row.shown) for row in TABLE}) == len(TABLE)
