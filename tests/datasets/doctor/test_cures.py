"""The command that mends a finding: copied into a shell as it is printed, it does so."""

import subprocess
from pathlib import Path

import pytest

from kinobench.bench.cards.copy_page import page_of
from kinobench.datasets.doctor.complaints import KINDS, word_of
from kinobench.datasets.doctor.report import Report

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
