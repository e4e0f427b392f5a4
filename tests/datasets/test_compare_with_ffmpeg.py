"""The script that compares a folder's videos with FFmpeg, on files made on the spot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ..compare_with_ffmpeg.verdicts import (
    command_agrees,
    difference,
    times_differ,
    verdict,
)
from ..fakes.media import REPOSITORY, numbered_frames, turn, write_sound, write_video
from ..fakes.odd_media import write_late_contradiction

SCRIPT = REPOSITORY / "tests" / "compare_with_ffmpeg"
MISREADING = """
import os, runpy, signal, sys, time
from kinobench.datasets.video.reader import VideoReader

right = VideoReader.converted_frames

def wrong(self, numbers):
    if self.path.name == "crash.mp4":
        os.kill(os.getpid(), signal.SIGSEGV)
    if self.path.name == "hang.mp4":
        time.sleep(60)
    if self.path.name == "raise.mp4":
        raise IndexError("list index out of range")
    for place, picture in right(self, numbers):
        yield (place ^ 1 if self.path.name == "swap.mp4" else place), picture

VideoReader.converted_frames = wrong
sys.path.insert(0, sys.argv[1])
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
SOUND = {"hashes": ["a", "b"], "own_hashes": ["x", "y"], "failed": 0, "corrupt": []}


def test_a_folder_of_sound_broken_and_other_files_is_compared(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    turned = write_video(videos / "deeper" / "turned.mp4", numbered_frames(4))
    turn(turned, 1)
    whole = write_video(videos / "whole.avi", numbered_frames(6), codec="mpeg4").read_bytes()
    (videos / "half.avi").write_bytes(whole[: len(whole) // 2])
    (videos / "notes.md").write_text("Not a video.\n" * 100)
    write_sound(videos / "sound.mp4")
    write_late_contradiction(videos / "late.mp4")
    lines = tmp_path / "lines.jsonl"
    command = [sys.executable, SCRIPT, videos, "--json", lines]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    rows = {row["file"]: row for row in map(json.loads, lines.read_text().splitlines())}
    verdicts = {name: row["verdict"] for name, row in rows.items()}
    printed = subprocess.run(
        [sys.executable, SCRIPT, "--page", lines], capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
    assert printed[0] == "| verdict | lines | all |"
    assert f"| files | {len(rows)} | {len(rows)} |" in printed
    assert any(line.startswith("| half.avi | ") for line in printed)
    assert not any(line.startswith("| whole.avi | ") for line in printed)
    refused = verdicts.pop("half.avi")
    assert refused.startswith("refused")
    assert verdicts == {
        "deeper/turned.mp4": "equal",
        "whole.avi": "equal",
        "late.mp4": "equal",
        "notes.md": "refused by both",
        "sound.mp4": "refused by both",
    }
    assert rows["whole.avi"]["frames_of_ffmpeg"] == rows["whole.avi"]["frames_of_kinobench"] == 6
    assert rows["half.avi"]["reason"] in done.stdout
    assert "     3  equal" in done.stdout


def test_a_reader_that_swaps_frames_or_dies_is_found(tmp_path: Path) -> None:
    for name in ("crash", "hang", "raise", "swap", "right"):
        write_video(tmp_path / f"{name}.mp4", numbered_frames(4))
    command = [sys.executable, "-c", MISREADING, SCRIPT, tmp_path, "--limit-s", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "crashes            crash.mp4: crashes: SIGSEGV" in done.stdout
    assert "hangs              hang.mp4: hangs: no end after 2 s" in done.stdout
    assert "raises             raise.mp4: raises IndexError: list index out of range" in done.stdout
    assert "differs            swap.mp4: other order from frame 0" in done.stdout
    assert "equal              right.mp4" in done.stdout


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("bcd", "begins at frame 1"),
        ("abc", "ends 1 frames early"),
        ("abcde", "1 frames more at the end"),
        ("acbd", "other order from frame 1"),
        ("abbd", "frames are missing or repeated from frame 2"),
        ("abXX", "other pixels from frame 2; FFmpeg gives none of 2 frames"),
    ],
)
def test_a_difference_is_described(found: str, said: str) -> None:
    assert difference(list("abcd"), list(found)) == said


def test_a_refusal_is_doubtful_where_ffmpeg_finds_nothing_wrong() -> None:
    refusal = {"refused": "cut short"}
    assert verdict(SOUND, refusal).kind == "refused, doubtful"
    for fault in ({"failed": 1}, {"corrupt": [1]}, {"ended": "InvalidDataError"}):
        assert verdict(SOUND | fault, refusal).kind == "refused"
    assert verdict({"died": "hangs: no end after 3 s"}, refusal).kind == "refused"
    assert verdict({"refused": "no video stream"}, refusal).kind == "refused by both"


def test_frames_that_ffmpeg_does_not_give_differ() -> None:
    for reference in ({"died": "crashes: SIGSEGV"}, {"refused": "no video stream"}):
        assert verdict(reference, {"hashes": ["a"]}).kind == "differs"


def test_ffmpegs_command_is_asked_for_the_same_frames() -> None:
    assert command_agrees(SOUND, {"hashes": ["x", "y"]}) == ""
    assert command_agrees(SOUND | {"own_hashes": [None, "y"]}, {"hashes": ["x", "y"]}) == ""
    assert command_agrees(SOUND, {"hashes": ["x"]}) == "command: 1 frames, libraries: 2"
    assert command_agrees(SOUND, {"hashes": ["x", "z"]}) == "command: other pixels from frame 1"
    assert command_agrees({"refused": "…"}, {"refused": "…"}) == ""
    assert command_agrees({"died": "…"}, {"hashes": ["x"]}) == "command: 1 frames, libraries: none"


def test_ffmpegs_command_turns_the_first_frame_alike() -> None:
    reference = SOUND | {"upright": [0, 0, 200, 200]}
    command = {"hashes": ["x", "y"], "upright": [3, 0, 198, 200]}
    assert command_agrees(reference, command) == ""
    mirrored = command | {"upright": [200, 200, 0, 0]}
    assert command_agrees(reference, mirrored) == "command: the first frame is turned otherwise"


def test_frames_that_ffmpeg_marks_may_be_left_out_at_the_start() -> None:
    found = {"hashes": ["b"]}
    assert verdict(SOUND | {"corrupt": [0]}, found).kind == "equal, later start"
    assert verdict(SOUND, found).kind == "differs"
    assert verdict(SOUND | {"corrupt": [0]}, {"hashes": []}).kind == "differs"


def test_times_of_equal_frames_are_compared() -> None:
    reference = {"times_s": [2.0, 2.5, 12.0]}
    assert times_differ(reference, {"times_s": [0.0, 0.5, 10.0]}) == ""
    said = times_differ(reference, {"times_s": [0.0, 0.5, 1.0]})
    assert said == "times: they differ from frame 2, by up to 9.000 s"
    again = times_differ({"times_s": [0.0, 0.0, 1.0]}, {"times_s": [0.0, 0.5, 1.0]})
    assert again == "times: FFmpeg's don't ascend"
    assert times_differ({"times_s": [None, 1.0]}, {"times_s": [0.0, 1.0]}) == ""
    assert times_differ({"refused": "…"}, {"times_s": [0.0]}) == ""
