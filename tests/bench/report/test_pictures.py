"""Pictures of misclassified videos in a page: whose they are, how many, and what has none."""

import base64
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.analysis.thumbnails import Thumbnail
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.leaderboard import Board
from kinobench.bench.report import pictures
from kinobench.bench.report.page import render_report
from kinobench.bench.report.pictures import Videos
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.split import Split, Video

from ...fakes.media import numbered_frames, write_video
from ...fakes.shown_results import made_results
from .test_page import content_of

JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def found(results: Path) -> list[Board]:
    return read_boards(results, print)


@pytest.fixture
def every_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """No video is read: its picture is made up; that of video 47 can't be made."""

    def made(videos: Mapping[str, Path], *_: Any) -> dict[str, Thumbnail]:
        odd = Thumbnail(why="not a video")
        return {
            key: odd if path.name == "v000047" else Thumbnail(jpeg=JPEG)
            for key, path in videos.items()
        }

    monkeypatch.setattr(pictures, "thumbnails", made)


def videos_in(folder: Path, numbers: range = range(48)) -> Videos:
    """A split whose videos have the ids that predictions of the fakes have."""

    def split_of(dataset: str, split: str | None) -> Split:
        ids = [f"v{number:06d}" for number in numbers]
        listed = tuple(Video(id=each, path=folder / each, label=0) for each in ids)
        return Split(dataset=dataset, name=split or "test", videos=listed, classes=("a", "b"))

    return Videos(split_of=split_of)


def missed_of(content: Any) -> Counter[str]:
    return Counter(
        each["video"]
        for line in content["tables"][0]["lines"]
        for each in (line["answers"] or {"missed": ()})["missed"]
    )


def pictured(content: Any) -> list[str]:
    return [key.removeprefix("pointlight test: ") for key in content["thumbnails"]]


@pytest.mark.usefixtures("every_jpeg")
def test_the_missed_videos_have_pictures_those_that_most_rows_miss_first(
    found: list[Board], results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content_of(render_report(found, results, videos=videos_in(Path("x"))))
    missed = missed_of(content)
    assert set(pictured(content)) == set(missed) - {"v000047"}
    counts = [missed[video] for video in pictured(content)]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) > 1
    (one, *_) = content["thumbnails"].values()
    assert base64.b64decode(one.removeprefix("data:image/jpeg;base64,")) == JPEG
    assert content["remarks"] == ["no picture of 1 misclassified video: not a video (1)"]

    monkeypatch.setattr(pictures, "PICTURES_BYTES", 2 * len(one))
    monkeypatch.setattr(pictures, "AT_ONCE", 1)
    cut = content_of(render_report(found, results, videos=videos_in(Path("x"))))
    assert pictured(cut) == pictured(content)[:2]
    assert f"pictures of {len(missed) - 2} videos, so that all take less" in cut["remarks"][-1]


@pytest.mark.usefixtures("every_jpeg")
def test_videos_that_are_not_here_have_one_remark(found: list[Board], results: Path) -> None:
    said: list[str] = []
    some = videos_in(Path("x"), range(10))
    content = content_of(render_report(found, results, videos=some, on_problem=said.append))
    missing = sum(int(video[1:]) >= 10 for video in missed_of(content))
    assert said == content["remarks"] and len(said) == 1
    why = f"the dataset here has no video of this id ({missing})"
    assert said == [f"no picture of {missing} misclassified videos: {why}"]


def test_a_dataset_that_is_not_here_is_an_error_only_if_somebody_says_where(
    found: list[Board], results: Path
) -> None:
    def nowhere(dataset: str, split: str | None) -> Split:
        raise KinobenchError(f"{dataset} is not here")

    page = render_report(found, results, videos=Videos(split_of=nowhere))
    (remark,) = content_of(page)["remarks"]
    assert "pointlight is not here" in remark and content_of(page)["thumbnails"] == {}
    with pytest.raises(KinobenchError, match="pointlight is not here"):
        render_report(found, results, videos=Videos(split_of=nowhere, is_asked=True))


def test_real_videos_become_pictures(found: list[Board], results: Path, tmp_path: Path) -> None:
    for number in range(0, 48, 2):
        write_video(tmp_path / f"v{number:06d}.mp4", numbered_frames(6)).rename(
            tmp_path / f"v{number:06d}"
        )
    content = content_of(render_report(found, results, videos=videos_in(tmp_path)))
    assert pictured(content) and all(int(each[1:]) % 2 == 0 for each in pictured(content))
    (remark,) = content["remarks"]
    assert "no such file" in remark
