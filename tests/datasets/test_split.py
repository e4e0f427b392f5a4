"""Videos keep little, because a split may have a million."""

import pickle
from pathlib import Path

import pytest

from kinobench.datasets.split import Video


@pytest.mark.parametrize(
    ("video_id", "path"),
    [
        ("fall/1.mp4", "/data/fall/1.mp4"),
        ("0wR5jVB-WPk_000417_000427", "/data/val/yoga/0wR5jVB-WPk_000417_000427.mp4"),
        ("a", "/a/a/b.mp4"),
        ("x", "/data/y.mp4"),
        ("", "y.mp4"),
        ("\udcff.mp4", "/data/\udcff.mp4"),
    ],
)
def test_a_video_gives_the_path_that_it_was_given(video_id: str, path: str) -> None:
    for given in (path, Path(path)):
        video = Video(id=video_id, path=given, label=3, group="g")
        assert video.path == Path(path) and (video.label, video.group) == (3, "g")
        sent = pickle.loads(pickle.dumps(video))
        assert sent == video and hash(sent) == hash(video) and sent.path == Path(path)
    assert Video(id=video_id, path=path, label=2, group="g") != video


def test_a_video_can_not_be_changed() -> None:
    video = Video(id="a", path="a.mp4", label=0)
    with pytest.raises(AttributeError, match="label of 'a' can't be changed"):
        video.label = 1
    assert repr(video) == f"Video(id='a', path={Path('a.mp4')!r}, label=0, group=None)"
