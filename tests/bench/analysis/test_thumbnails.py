"""Thumbnails for pages: of each video a picture, or the reason why there is none."""

from pathlib import Path

import pytest

from kinobench.bench.analysis.thumbnails import thumbnails

from ...fakes.media import FAKES, numbered_frames, write_video


def test_each_video_has_a_picture_or_a_reason(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    paths = {
        "good": write_video(tmp_path / "good.mp4", numbered_frames(10)),
        "gone": tmp_path / "gone.mp4",
        "text": tmp_path / "text.mp4",
    }
    seen = []
    made = thumbnails(paths, 2, lambda done, total: seen.append((done, total)))
    assert list(made) == ["good", "gone", "text"] and seen == [(1, 2), (2, 2)]
    assert made["good"].jpeg is not None and made["good"].jpeg.startswith(b"\xff\xd8")
    assert made["good"].why is None
    assert (made["gone"].jpeg, made["gone"].why) == (None, "no such file")
    assert made["text"].jpeg is None and "not a video" in (made["text"].why or "")
    assert thumbnails({}) == {}


def test_a_file_that_kills_its_process_or_hangs_costs_its_own_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAKES / "deadly"))
    paths = {}
    for word in ("", "CRASHES", "HANGS"):
        path = write_video(tmp_path / f"of{word}.mp4", numbered_frames(10))
        path.write_bytes(path.read_bytes() + word.encode())
        paths[word] = path
    made = thumbnails(paths, timeout_s=3.0)
    assert made[""].jpeg is not None
    assert made["CRASHES"].why == "reading it ends the process by SIGSEGV; it was tried twice"
    assert made["HANGS"].why == "reading it takes longer than 3 s; it was tried twice"
