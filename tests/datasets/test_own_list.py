"""`--dataset list`: people's own videos, in a list of paths and labels."""

import subprocess
import sys
from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.own import Holdout, OwnVideos
from kinobench.datasets.split import Split

FILES = ("fall/a 1.mp4", "fall/b, 2.mp4", "jump up/c.webm", "walk/d.mov")
LABELS = {"fall": 0, "jump up": 1, "walk": 2}
RIGHT = [(name, LABELS[name.partition("/")[0]]) for name in FILES]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    return tmp_path / "data"


def read(file: Path, root: Path | None = None, split: str | None = None, **said: object) -> Split:
    own = OwnVideos(lists=(("", str(file)),), **said)  # type: ignore[arg-type]
    return catalog.load_split(catalog.get("list"), root, split, own)


def written(root: Path, content: str | bytes, name: str = "list.txt") -> Path:
    file = root / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def rows(split: Split) -> list[tuple[str, int]]:
    return [(video.id, video.label) for video in split.videos]


def lines(separator: str, named: bool, quote: str = "") -> str:
    folder = {label: name for name, label in LABELS.items()}
    return "".join(
        f"{quote}{path}{quote}{separator}{folder[label] if named else label}\n"
        for path, label in RIGHT
    )


@pytest.mark.parametrize(
    ("separator", "named", "quote"),
    [
        *((separator, named, "") for separator in (" ", "\t", ",", ", ", "  ") for named in (0, 1)),
        *((separator, named, '"') for separator in ("\t", ",", ", ") for named in (0, 1)),
        (" ", False, '"'),
    ],
)
def test_paths_and_labels_may_have_spaces_and_commas(
    root: Path, separator: str, named: bool, quote: str
) -> None:
    split = read(written(root, lines(separator, named, quote)))
    assert rows(split) == RIGHT
    assert split.classes == ("fall", "jump up", "walk") and split.notes == ()
    assert [video.path for video in split.videos] == [root / name for name in FILES]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "file_name,label\n" + lines(",", True, '"')),
        ("a.csv", "id,label,path\n" + "".join(f'7,{n},"{p}"\n' for p, n in RIGHT)),
        ("a.tsv", "class\tvideo\n" + "".join(f"{n}\t{p}\n" for p, n in RIGHT)),
        ("a.txt", "path label\n" + lines(" ", False)),
        ("a.jsonl", "".join(f'{{"file_name": "{p}", "label": {n}, "x": 1}}\n' for p, n in RIGHT)),
        (
            "a.jsonl",
            "".join(f'{{"label": "{p.split("/")[0]}", "path": "{p}"}}\n' for p, n in RIGHT),
        ),
        ("a.csv", b"\xef\xbb\xbf" + lines(",", False).replace("\n", "\r\n").encode()),
        ("a.csv", "\n\n" + lines(",", False).rstrip("\n") + "\n\n \n"),
        ("a.csv", lines(",", False).replace("\n", "\r")),
    ],
)
def test_headers_columns_and_line_ends_as_people_have_them(
    root: Path, name: str, content: str | bytes
) -> None:
    assert rows(read(written(root, content, name))) == RIGHT


def test_a_list_elsewhere_needs_a_root_and_a_prefix_goes_between(root: Path) -> None:
    file = written(root.parent, lines(",", False))
    assert rows(read(file, root)) == RIGHT
    assert rows(read(file, root.parent, path_prefix="data")) == RIGHT
    assert rows(read(file, path_prefix=str(root))) == RIGHT
    (note,) = read(file).notes
    assert note.startswith("4 of 4 listed videos not on disk: fall/a 1.mp4, ")
    with pytest.raises(DatasetError, match=r"--path-prefix: .*gone: there is no such folder"):
        read(file, path_prefix="gone")


def test_paths_stay_in_the_root_and_absolute_ones_may_lead_into_it(root: Path) -> None:
    absolute = "".join(f"{root}/./{p},{n}\n" for p, n in RIGHT)
    assert rows(read(written(root, absolute))) == RIGHT
    dots = "".join(f"./x/..//{p},{n}\n" for p, n in RIGHT)
    assert rows(read(written(root, dots))) == RIGHT
    for bad in ("../x.mp4", "/etc/x.mp4", "a/../../x.mp4", f"{root}2/x.mp4", "~/x.mp4"):
        file = written(root, f"fall/a 1.mp4,0\n{bad},0\n")
        with pytest.raises(DatasetError, match=r"list.txt:2: .*leaves .*--path-prefix"):
            read(file)
    outside = root.parent / "x.mp4"
    outside.touch()
    assert rows(read(written(root, f"{outside},0\n"), path_prefix=str(root.parent))) == [
        ("x.mp4", 0)
    ]


def test_a_link_out_of_the_root_is_refused_where_it_is_listed(root: Path) -> None:
    (root.parent / "x.mp4").touch()
    (root / "fall" / "link.mp4").symlink_to(root.parent / "x.mp4")
    (root / "out").symlink_to(root.parent)
    (root / "fall" / "inside.mp4").symlink_to(root / "walk" / "d.mov")
    assert rows(read(written(root, "fall/inside.mp4 0\n"))) == [("fall/inside.mp4", 0)]
    for name in ("fall/link.mp4", "out/x.mp4"):
        with pytest.raises(DatasetError, match=r"list.txt:1: .* reached by a link that leaves"):
            read(written(root, f"{name} 0\n"))
    (root / "fall" / "dangling.mp4").symlink_to(root / "gone.mp4")
    (note,) = read(written(root, "fall/dangling.mp4 0\nwalk/d.mov 0\n")).notes
    assert note == "1 of 2 listed videos not on disk: fall/dangling.mp4"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the list is empty"),
        ("fall/a.mp4\n", "list.txt:1: 'fall/a.mp4' is no path and label"),
        ("a.mp4 0\nb.mp4\n", "list.txt:2: 'b.mp4' is no path and label"),
        ("a.mp4 0\nb.mp4 one\n", "list.txt:1: label 0 is a number, and 'one' in .*list.txt:2"),
        ("a.mp4 0\nb.mp4 -1\n", "list.txt:2: label -1 is not in 0.."),
        ("a.mp4 0\nb.mp4 900000\n", "list.txt:2: label 900000 is not in 0..99999"),
        ("a.mp4 0\na.mp4 0\n", r"list.txt:2: 'a.mp4' is in line 1 already; remove"),
        ("a.mp4 0\n./a.mp4 1\n", "list.txt:2: 'a.mp4' is in line 1 already with label '0', and"),
        ('"a.mp4,0\n', "list.txt:1: .*quote"),
        ("path,label\na.mp4,0\nb.mp4,0,1\n", "list.txt:3: .*has more than a path and a label"),
        ("a.mp4,0,1\n", "list.txt:1: .*has more than a path and a label; name the columns"),
        ("a.mp4 120 1\n", "list.txt:1: .*has more than a path and a label"),
        ("path,x,label\na.mp4,0\n", "list.txt:2: .*has 2 columns.*names 3"),
        ("path,x,label\na.mp4,,\n", "list.txt:2: .*lacks the label"),
        (b"a.mp4 0\nb\0.mp4 0\n", "list.txt:2: there is a NUL"),
        ("a.mp4 0\n".encode("utf-16")[:-1], "list.txt:1: not a text file in UTF-16"),
        ("a.mp4 0\n\0\n".encode("utf-16"), "list.txt:2: there is a NUL"),
        ("a.mp4 0\n".encode("utf-16-le"), "list.txt:1: there is a NUL .*UTF-16"),
        ("a.mp4 0\né.mp4 0\n".encode("latin-1"), "list.txt:2: not a text file in UTF-8"),
    ],
)
def test_what_is_no_list_is_an_error_with_its_line(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(DatasetError, match=said):
        read(written(tmp_path, content))


@pytest.mark.parametrize("line", ["[1]", '{"file_name": "a.mp4"}', "{", '{"path": 5, "label": 1}'])
def test_a_line_of_json_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    good = '{"file_name": "a.mp4", "label": 1}\n'
    with pytest.raises(DatasetError, match=r"m.jsonl:2: "):
        read(written(tmp_path, f"{good}{line}\n", "m.jsonl"))


# --- labels ---------------------------------------------------------------------------------------


def test_numbers_that_contradict_the_names_of_classes_txt_are_refused(root: Path) -> None:
    (root / "classes.txt").write_text("fall\njump up\nwalk\n")
    assert rows(read(written(root, lines(",", False)))) == RIGHT
    from_one = "".join(f"{path} {label + 1}\n" for path, label in RIGHT[:3])
    with pytest.raises(
        DatasetError,
        match=r"list.txt:1: label 1 with folder 'fall', which is numb"
        r"er 0 of .*classes.txt; numbers count from 0. Do the numbers count from 1",
    ):
        read(written(root, from_one))
    with pytest.raises(DatasetError, match=r"label 3 is not in 0..2; .*3 names.*from 1\?"):
        read(written(root, "x/a.mp4 3\nx/b.mp4 1\n"))


def test_a_number_that_contradicts_the_other_videos_of_its_folder_is_refused(root: Path) -> None:
    many = [f"{folder}/{n}.mp4 {label}" for folder, label in LABELS.items() for n in range(10)]
    assert read(written(root, "\n".join(many))).classes == ("fall", "jump up", "walk")
    many[4] = "fall/4.mp4 1"
    with pytest.raises(DatasetError, match=r"list.txt:5: label 1 with folder 'fall', whose other"):
        read(written(root, "\n".join(many)))


def test_folders_that_are_no_classes_give_no_names(root: Path) -> None:
    split = read(written(root, "monday/1.mp4 0\nmonday/2.mp4 1\ntuesday/1.mp4 0\n"))
    assert split.classes == ("0", "1")
    assert read(written(root, "1.mp4 0\n2.mp4 1\n")).classes == ("0", "1")


def test_numbers_without_a_video_are_noted(root: Path) -> None:
    split = read(written(root, "1.mp4 1\n2.mp4 3\n"))
    assert split.classes == ("0", "1", "2", "3")
    assert split.notes[-1] == (
        "2 label numbers below 3 without a video, 0 among them: do the numbers count from 1?"
    )


def test_names_are_those_of_classes_txt_however_they_are_written(root: Path) -> None:
    (root / "classes.txt").write_text("walk\nJump Up\nfall\n")
    split = read(written(root, "a.mp4,jump_up\nb.mp4,Fall\n"))
    assert split.classes == ("walk", "Jump Up", "fall") and rows(split) == [
        ("a.mp4", 1),
        ("b.mp4", 2),
    ]
    with pytest.raises(DatasetError, match=r"list.txt:2: label 'swim', but .*classes.txt has no"):
        read(written(root, "a.mp4,fall\nb.mp4,swim\n"))


def test_classes_that_are_named_by_numbers_are_names(root: Path) -> None:
    (root / "classes.txt").write_text("360\n180\n")
    assert rows(read(written(root, "a.mp4 180\nb.mp4 360\n"))) == [("a.mp4", 1), ("b.mp4", 0)]


def test_a_name_in_the_folder_of_another_class_is_noted_and_believed(root: Path) -> None:
    split = read(written(root, "fall/a 1.mp4,walk\nwalk/d.mov,walk\njump up/c.webm,fall\n"))
    assert rows(split)[0] == ("fall/a 1.mp4", 1)
    said = "1 of 3 videos in the folder of another class; the list is believed: fall/a 1.mp4"
    assert split.notes[0] == said


# --- splits ---------------------------------------------------------------------------------------


def test_several_lists_are_splits_with_the_same_classes(root: Path) -> None:
    own = OwnVideos(
        lists=(
            ("", str(written(root, "fall/a 1.mp4 fall\n", "train.txt"))),
            ("mine", str(written(root, "walk/d.mov walk\n", "other.txt"))),
        )
    )
    dataset = catalog.get("list")
    assert catalog.split_names(dataset, None, own) == ("mine", "train")
    train = catalog.load_split(dataset, None, "training", own)
    assert train.classes == ("fall", "walk") and rows(train) == [("fall/a 1.mp4", 0)]
    assert rows(catalog.load_split(dataset, None, None, own)) == [("walk/d.mov", 1)]
    twice = OwnVideos(lists=(own.lists[0], own.lists[0]))
    with pytest.raises(DatasetError, match="split 'train' has a list already; name each"):
        catalog.load_split(dataset, None, None, twice)


def test_a_list_is_parted_as_a_folder_is(root: Path) -> None:
    from .test_own_folder import clips

    clips(root)
    listed = "".join(
        f"{p.relative_to(root)} {p.parent.name}\n" for p in sorted(root.glob("class*/*"))
    )
    said = {"holdout": Holdout(), "group": r"^(cam\d+)_"}
    split = read(written(root, listed), None, "test", **said)
    (root / "only").mkdir()
    for number in range(3):
        (root / f"class{number}").rename(root / "only" / f"class{number}")
    folder = catalog.get("folder")
    assert (
        split.manifest
        == catalog.load_split(folder, root / "only", "test", OwnVideos(**said)).manifest
    )


def test_without_a_list_the_forms_are_shown(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no list is given; .*--list FILE\nexp"):
        catalog.load_split(catalog.get("list"), tmp_path, None)


# --- a million rows -------------------------------------------------------------------------------

_READ = """
import resource, sys
from kinobench.datasets import catalog
from kinobench.datasets.own import OwnVideos

def used():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

own = OwnVideos(lists=(("", sys.argv[1]),))
dataset = catalog.get("list")
catalog.load_split(dataset, None, None, OwnVideos(lists=(("", sys.argv[2]),)))
before = used()
split = catalog.load_split(dataset, None, None, own)
print(len(split.videos), used() - before)
"""


def test_a_list_takes_less_than_300_bytes_a_row(tmp_path: Path) -> None:
    row = "class_{0:03}/video_{1:08}_000010_000020.mp4 {0}\n"
    large, small = tmp_path / "large.txt", tmp_path / "small.txt"
    large.write_text("".join(row.format(n % 400, n) for n in range(100_000)))
    small.write_text(row.format(0, 0))
    done = subprocess.run(
        [sys.executable, "-c", _READ, large, small], capture_output=True, text=True, check=True
    )
    videos, grown = map(int, done.stdout.split())
    assert videos == 100_000
    assert grown / videos < 300


def test_a_list_in_utf_16_with_its_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes("fall/é.mp4 0\r\nfall/b.mp4 0\r\n".encode("utf-16"))
    own = OwnVideos(lists=(("", str(tmp_path / "list.txt")),))
    assert [
        video.id for video in catalog.load_split(catalog.get("list"), tmp_path, None, own).videos
    ] == [
        "fall/é.mp4",
        "fall/b.mp4",
    ]


def test_a_path_with_spaces_and_no_label_is_no_row(root: Path) -> None:
    with pytest.raises(DatasetError, match=r"list\.txt:1: 'fall/a 1\.mp4' is no path and label"):
        read(written(root, "fall/a 1.mp4\nfall/b, 2.mp4\n"))


def test_columns_of_lists_of_clips_are_known(root: Path) -> None:
    text = "clip_name,clip_path,tag\n" + "".join(
        f'x,"{name}",{name.partition("/")[0]}\n' for name in FILES
    )
    assert rows(read(written(root, text, "list.csv"))) == RIGHT


def test_an_address_in_a_list_of_files_is_refused_with_its_line(root: Path) -> None:
    with pytest.raises(DatasetError, match=r"list\.txt:2: 'https://x\.org/a\.mp4' is not in "):
        read(written(root, "walk/d.mov 0\nhttps://x.org/a.mp4 1\n"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "file_name,labels\nfall/a 1.mp4,fall\n", "'file_name,labels', names no video"),
        ("a.csv", "video,caption\nfall/a 1.mp4,he falls\n", "the first line, 'video,caption'"),
        ("a.txt", "fall fall/a.mp4\nwalk walk/d.mov\n", r"a.txt:1: .* write both, the path first"),
        (
            "a.txt",
            "fall/a.mp4 0\nmy video\n0 walk/d.mov\n",
            r"a.txt:3: .* write both, the path first",
        ),
        ("a.json", '[{"file_name": "fall/a 1.mp4", "label": "fall"}]', r"name it \.jsonl"),
    ],
)
def test_columns_of_other_names_and_orders_are_refused(
    root: Path, name: str, content: str, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        read(written(root, content, name))


def test_folders_without_extensions_may_be_in_the_first_line(root: Path) -> None:
    split = read(written(root, "clip1 0\nclip2 0\nfall/a 1.mp4 1\n"))
    assert len(split.videos) == 3


def test_what_is_wrong_with_listed_videos_is_a_finding_and_a_note(root: Path) -> None:
    (root / "classes.txt").write_text("fall\nwalk\n")
    split = read(written(root, "fall/a 1.mp4 fall\nwalk/d.mov fall\nwalk/gone.mov walk\n"))
    assert [(each.kind, each.names) for each in split.findings] == [
        ("missing", ("walk/gone.mov",)),
        ("contradicting", ("walk/d.mov",)),
    ]
    assert split.notes == tuple(each.text for each in split.findings)


def test_a_split_of_videos_that_nobody_parted_is_made_by_holdout(root: Path) -> None:
    with pytest.raises(UnknownNameError, match="known: all; --holdout 20% makes train and test"):
        read(written(root, lines(",", False)), split="test")
