"""What a report says of files that are the same."""

from pathlib import Path

from kinobench.datasets.doctor.copy import look_for
from kinobench.datasets.doctor.leaks import leaks_and_doubles
from kinobench.datasets.split import Split, Video


def test_of_many_identical_files_one_of_each_label_is_named(tmp_path: Path) -> None:
    videos = []
    for number in range(30):
        (tmp_path / f"{number:02}.mp4").write_bytes(b"the same")
        label = number // 10
        videos.append(Video(id=f"{number:02}", path=tmp_path / f"{number:02}.mp4", label=label))
    split = Split(dataset="d", name="all", classes=("a", "b", "c"), videos=tuple(videos))
    copy = look_for((split,))
    same = [tuple(str(video.path) for video in videos)]
    (found,) = (each for each in leaks_and_doubles(copy, same, "") if each.kind == "contradicting")
    assert found.details == ("00 (a); 10 (b); 20 (c); and 27 more",)
