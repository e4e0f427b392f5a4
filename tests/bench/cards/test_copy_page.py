"""The page about a copy fits on a screen, worst first."""

import msgspec

from kinobench.bench.cards.copy_page import page_of
from kinobench.datasets.doctor.classes import ClassCounts
from kinobench.datasets.doctor.complaints import (
    LISTS_THEM,
    Complaint,
    complaint,
    worst_first,
)
from kinobench.datasets.doctor.report import Files, Report, SplitReport

COUNTS = ClassCounts(least=31, middle=49, most=50, lost=(), unlisted=())
VALIDATION = SplitReport(
    name="validation",
    layout="cvdf",
    manifest="0123456789abcdef",
    copy="fedcba9876543210",
    expected=19906,
    found=19796,
    classes=400,
    counts=COUNTS,
)
FILES = Files(
    there=19796,
    read=19790,
    decoded=0,
    bytes=28_412_000_000,
    hours=54.94,
    frames=0,
    codecs={"h264": 19700, "vp9": 90},
    sizes={"340x256": 15000, "256x340": 4000, "320x256": 500, "456x256": 200, "256x256": 90},
    rates={"30": 12000, "29.97": 5000, "25": 2790},
    pixels={"yuv420p": 19790},
    variable=12,
    hdr=0,
)


def _report(*complaints: list[Complaint], **others: object) -> Report:
    return Report(
        **{
            "dataset": "kinetics400",
            "again": "kinobench data doctor kinetics400 --data-root /data/k400",
            "splits": (VALIDATION,),
            "files": FILES,
            "complaints": worst_first(each for found in complaints for each in found),
        }
        | others
    )


NAMES = [f"{number:011}_000010_000020" for number in range(110)]
MISSING = complaint(
    "missing", NAMES, "of 19906 listed videos not on disk", f"get them ({LISTS_THEM})"
)
SHORT = complaint("short", NAMES[:50], "of 19796 files shorter than a clip", "wait", is_bad=False)
LEAK = complaint("leak", {"a": "same as b"}, "of 9 videos of test also in train", "remove them")


def test_the_worst_comes_first_each_with_its_count_examples_and_cure() -> None:
    texts = [text for text, _ in page_of(_report(SHORT, MISSING, LEAK), 120, 24)]
    assert texts == [
        "kinetics400: 2 findings change results, 1 note",
        "validation: 19796 of 19906 videos found, 400 classes, 31 to 50 a class, median 49; layout "
        "cvdf; copy fedcba9876543210",
        "bad   1 of 9 videos of test also in train: a (same as b)",
        "      cure: remove them",
        "bad   110 of 19906 listed videos not on disk: 00000000000_000010_000020, "
        "00000000001_000010_000020, ...",
        "      cure: get them (the command below lists them)",
        "note  50 of 19796 files shorter than a clip: 00000000000_000010_000020, "
        "00000000001_000010_000020, ...",
        "      cure: wait",
        "files: 19796, 28.4 GB, 54.9 h; 12 with a variable frame rate",
        "      h264 19700, vp9 90; 340x256 15000, 256x340 4000, 320x256 500, 456x256 200 and 1 "
        "more; "
        "30 fps 12000, 29.97 fps",
        "      5000, 25 fps 2790; yuv420p",
        "the videos that have to be got again:",
        "      $ kinobench data doctor kinetics400 --data-root /data/k400 --write-missing "
        "missing.csv",
    ]


def test_a_page_has_no_more_lines_than_the_screen_and_says_what_is_left_out() -> None:
    many = [
        complaint("unreadable", NAMES[:number], f"of 19796 files unreadable: reason {number}", "rm")
        for number in range(1, 40)
    ]
    for width, height in ((80, 23), (120, 40)):
        lines = [text for text, _ in page_of(_report(MISSING, *many), width, height)]
        assert sum(-(-len(text) // width) for text in lines) <= height
        assert max(len(text) for text in lines if not text.startswith("      $ ")) <= width
        (left_out,) = (text for text in lines if "further findings" in text)
        shown = sum(text.startswith("bad") for text in lines)
        assert left_out == f"      and {40 - shown} further findings: --json has all"
        assert shown >= 4
    assert sum(text.startswith("bad") for text, _ in page_of(_report(*many), 80, None)) == 39


def test_a_command_is_one_line_however_long_and_counts_as_what_a_screen_makes_of_it() -> None:
    command = f"rm -- {' '.join(f'/data/{name}.mp4' for name in NAMES[:3])}"
    removed = complaint("empty", NAMES[:3], "of 9 files empty", "remove", commands=[command])
    texts = [text for text, _ in page_of(_report(removed), 80, None)]
    assert f"      $ {command}" in texts
    rows = [-(-len(text) // 80) for text in texts]
    assert sum(rows) == len(texts) + 1
    many = [removed] * 9
    for height in (23, 30):
        lines = [text for text, _ in page_of(_report(*many), 80, height)]
        assert sum(-(-len(text) // 80) for text in lines) <= height


def test_a_name_with_escapes_and_line_ends_is_written_out() -> None:
    named = complaint("missing", ["a\x1b[2Jb\nc"], "of 2 listed videos not on disk")
    lines = [text for text, _ in page_of(_report(named), 80, 24)]
    assert "bad   1 of 2 listed videos not on disk: a\\x1b[2Jb\\nc" in lines


def test_an_interrupted_examination_says_so() -> None:
    lines = page_of(_report(is_interrupted=True, unread=1200), 80, 24)
    assert lines[0] == (
        "kinetics400: interrupted, 1200 files not looked at; so far nothing is wrong",
        "green",
    )


def test_what_splits_have_in_common_is_said_once_so_that_findings_have_room() -> None:
    names = ("test01", "test02", "train01")
    splits = tuple(msgspec.structs.replace(VALIDATION, name=name) for name in names)
    lines = [text for text, _ in page_of(_report(splits=splits), 80, 24)]
    assert lines[1:5] == [
        "3 splits, 400 classes; layout cvdf",
        *(
            f"{name}: 19796 of 19906 found, 31 to 50 a class, median 49; copy fedcba9876543210"
            for name in names[:2]
        ),
        "train01: 19796 of 19906 found, 31 to 50 a class, median 49; copy",
    ]
