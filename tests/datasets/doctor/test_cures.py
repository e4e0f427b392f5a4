"""The command that mends a finding: copied into a shell as it is printed, it does so."""

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from kinobench.bench.cards.copy_page import page_of
from kinobench.datasets.doctor.complaints import KINDS, word_of
from kinobench.datasets.doctor.copy import Copy
from kinobench.datasets.doctor.faults import file_faults
from kinobench.datasets.doctor.headers import EMPTY, Header
from kinobench.datasets.doctor.leaks import surplus_of
from kinobench.datasets.doctor.report import Report
from kinobench.datasets.doctor.seen import Seen
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video

from ...fakes.copies_more import hmdb51_official, parted
from ...fakes.ill_copies import ill_folder, kinetics_val, put, report_of, video


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def _commands(report: Report) -> list[str]:
    """The commands of a page, as a terminal of 80 columns shows them."""
    lines = [text.strip() for text, _ in page_of(report, 80, None)]
    return [text.removeprefix("$ ") for text in lines if text.startswith("$ ")]


def test_what_is_copied_into_a_shell_removes_just_the_files_that_are_wrong(tmp_path: Path) -> None:
    root = ill_folder(tmp_path / "it's mine; $HOME")
    commands = [each for each in _commands(report_of("folder", root)) if each.startswith("rm ")]
    assert len(commands) == 6  # a leak, an empty file, three that can't be read, a duplicate
    for each in commands:
        subprocess.run(["/bin/sh", "-ec", each], check=True)
    left = {str(path.relative_to(root)) for path in root.rglob("*.mp4")}
    assert left == {
        "train/fall/good.mp4",
        "train/fall/one.mp4",
        "test/fall/same.mp4",
        "test/fall/thrice.mp4",
    }


def test_many_files_are_removed_by_a_list_of_them(tmp_path: Path) -> None:
    root = tmp_path / "own"
    put(root / "fall/a.mp4", video(40))
    for number in range(4):
        put(root / f"walk/{number}.mp4", b"")
    (empty,) = (each for each in report_of("folder", root).complaints if each.kind == "empty")
    assert set(empty.files) == {str(root / f"walk/{number}.mp4") for number in range(4)}
    assert empty.commands == ("kinobench data doctor folder --files-of empty | xargs -0r rm --",)


def test_a_name_that_no_terminal_shows_is_removed_by_the_list(tmp_path: Path) -> None:
    root = tmp_path / "own"
    put(root / "fall/a\nb.mp4", b"")
    put(root / "fall/c.mp4", video(40))
    (empty,) = (each for each in report_of("folder", root).complaints if each.kind == "empty")
    assert empty.commands[0].endswith("--files-of empty | xargs -0r rm --")


def test_a_list_that_has_the_files_of_other_findings_too_says_so(tmp_path: Path) -> None:
    root = ill_folder(tmp_path / "own")
    for number in range(4):
        put(root / f"train/fall/text{number}.mp4", b"x")
    found = [each for each in report_of("folder", root).complaints if each.kind == "unreadable"]
    texts, *others = sorted(found, key=lambda each: -each.count)
    assert len(texts.files) == 5 and len({path for each in found for path in each.files}) == 7
    assert texts.cure.endswith("; the command removes the 7 files of all such findings")
    assert not any("such findings" in each.cure for each in others)


def test_a_folder_of_pictures_is_removed_with_its_pictures(tmp_path: Path) -> None:
    root = tmp_path / "own"
    for number in range(1, 9):
        put(root / f"fall/a/img_{number:05}.png", b"hello")
        put(root / f"walk/b/img_{number:05}.png", b"hello")
    assert f"rm -r -- {root}/fall/a {root}/walk/b" in _commands(report_of("folder", root))


def test_each_finding_that_changes_results_has_a_command_or_says_that_there_is_none(
    tmp_path: Path,
) -> None:
    root = kinetics_val(
        tmp_path / "k400",
        {
            "abseiling/aaaaaaaaaaa_000005_000008.mp4": video(75),
            "zumba/ccccccccccc_000005_000008.mp4": video(76),
            "abseiling/ddddddddddd_000005_000008.mp4": video(40),
            "abseiling/eeeeeeeeeee_000005_000008.mp4": video(120),
            "abseiling/fffffffffff_000005_000008.mp4": None,
            "abseiling/ggggggggggg_000005_000008.mp4": b"",
        },
    )
    put(root / "annotations/train.csv", b"label,youtube_id\n")
    reports = [report_of("kinetics400", root), report_of("folder", ill_folder(tmp_path / "own"))]
    found = [each for report in reports for each in report.complaints if each.is_bad]
    assert {each.kind for each in found} >= {
        *("leak", "missing", "empty", "unreadable", "short", "trimmed elsewhere"),
        "contradicting",
    }
    for each in found:
        assert each.commands or "no command" in each.cure, each
    (unread,) = (each for each in found if each.what.startswith("split train"))
    assert unread.commands == ("kinobench data doctor kinetics400 --split validation",)


def test_kinds_are_words_of_a_command_line() -> None:
    words = [word_of(kind) for kind in KINDS]
    assert len(set(words)) == len(KINDS) and not any(" " in word for word in words)


def test_of_identical_files_one_is_left_whatever_pairs_of_splits_say(tmp_path: Path) -> None:
    """Of the two, one is in train01 and test02, and the other in test01 and train02."""
    mocks = parted("hmdb51", count=9, train=9)
    hmdb51_official(tmp_path, mocks, third=mocks)
    for number, mock in enumerate(mocks.all):
        put(tmp_path / f"videos/{mock.id}.avi", video(20 + number))
    one, other = (tmp_path / f"videos/{each[0].id}.avi" for each in mocks)
    other.write_bytes(one.read_bytes())
    report = report_of("hmdb51", tmp_path)
    commands = [each for each in _commands(report) if each.startswith("rm ")]
    assert len(commands) == 3  # one for each pair of lists, and all remove the same file
    for each in commands:
        subprocess.run(["/bin/sh", "-c", each], check=False)
    assert one.exists() + other.exists() == 1
    files = {path for each in report.complaints for path in each.files}
    assert len(files) == 1


@pytest.mark.parametrize("train_is_link", [True, False])
def test_a_file_that_a_link_leads_to_is_never_removed(tmp_path: Path, train_is_link: bool) -> None:
    root = tmp_path / "own"
    put(root / "train/walk/x.mp4", video(40))
    put(root / "test/walk/y.mp4", video(41))
    link, real = root / "train/walk/a.mp4", root / "test/walk/b.mp4"
    if not train_is_link:
        link, real = root / "test/walk/a.mp4", root / "train/walk/b.mp4"
    put(real, video(40, seed=1))
    link.symlink_to(real)
    assert _commands(report_of("folder", root)) == [f"rm -- {link}"]


def test_a_link_to_one_of_two_identical_files_is_removed_and_not_that_file(tmp_path: Path) -> None:
    root = tmp_path / "own"
    put(root / "walk/b.mp4", video(40))
    (root / "walk/a.mp4").symlink_to(root / "walk/b.mp4")
    (duplicate,) = (each for each in report_of("folder", root).complaints if each.files)
    assert duplicate.files == (str(root / "walk/a.mp4"),)
    assert duplicate.names == ("walk/a.mp4",)


def test_paths_of_one_file_in_a_linked_folder_are_all_left(tmp_path: Path) -> None:
    put(tmp_path / "real/a.mp4", b"1")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    both = (str(tmp_path / "real/a.mp4"), str(tmp_path / "linked/a.mp4"))
    assert surplus_of(both, {both[1]}) == set()
    put(tmp_path / "other/a.mp4", b"1")
    third = str(tmp_path / "other/a.mp4")
    assert surplus_of((*both, third), {third}) == {third}


def test_a_good_file_is_not_removed_for_a_wrong_one_of_the_same_id_in_another_split() -> None:
    paths = {"train": "/data/train/a.mp4", "test": "/data/test/a.mp4"}
    splits = tuple(
        Split(
            dataset="own",
            name=name,
            classes=("walk",),
            videos=(Video(id="aaaaaaaaaaa_000005_000015", path=path, label=0),),
        )
        for name, path in paths.items()
    )
    header = Header(bytes=9, container="mp4", codec="h264", width=64, height=48, duration_s=10.0)
    for wrong in (
        Seen(reason=EMPTY),
        Seen(reason="no video"),
        Seen(header=msgspec.structs.replace(header, duration_s=2.0)),
        Seen(header=msgspec.structs.replace(header, duration_s=20.0)),
    ):
        copy = Copy(
            splits=splits,
            files=dict.fromkeys(paths.values(), os.stat(__file__)),  # noqa: PTH116
            dangling=frozenset(),
            seen={paths["train"]: wrong, paths["test"]: Seen(header=header)},
        )
        (found,) = (each for each in file_faults(copy, preset("pointlight"), None) if each.files)
        assert found.files == (paths["train"],)


def test_no_command_removes_one_of_two_identical_files_with_different_labels(
    tmp_path: Path,
) -> None:
    root = tmp_path / "own"
    put(root / "fall/a.mp4", video(40))
    put(root / "walk/a.mp4", video(40))
    put(root / "walk/b.mp4", video(41))
    report = report_of("folder", root)
    assert {each.kind for each in report.complaints} >= {"contradicting", "duplicate"}
    assert _commands(report) == []
