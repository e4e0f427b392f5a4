"""Videos keep little, because a split may have a million."""

import hashlib
import pickle
from pathlib import Path

import msgspec
import pytest

from kinobench.datasets.split import Split, Video


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


def test_a_video_named_by_its_id_is_the_one_that_its_path_gives() -> None:
    made = Video.named_by_id("/data/val/yoga/", ".mp4", id="a_000001", label=3, group=None)
    given = Video(id="a_000001", path="/data/val/yoga/a_000001.mp4", label=3)
    assert made == given and made.path_text == given.path_text and made.labels == (3,)
    assert pickle.loads(pickle.dumps(made)) == given


def test_a_video_can_not_be_changed() -> None:
    video = Video(id="a", path="a.mp4", label=0)
    with pytest.raises(AttributeError, match="label of 'a' can't be changed"):
        video.label = 1
    assert repr(video) == f"Video(id='a', path={Path('a.mp4')!r}, label=0, group=None)"


def test_a_video_may_have_several_labels_in_a_split_that_is_scored_so() -> None:
    video = Video(id="a", path="a.mp4", labels=[7, 2])
    assert (video.label, video.labels) == (2, (2, 7))
    assert pickle.loads(pickle.dumps(video)) == video
    assert Video(id="a", path="a.mp4", labels=[2]) == Video(id="a", path="a.mp4", label=2)
    assert Video(id="a", path="a.mp4", labels=[]).label == -1
    classes = tuple("abcdefgh")
    for scoring in ("hit-k", "map"):
        split = Split(dataset="d", name="n", classes=classes, videos=(video,), scoring=scoring)
        assert split.videos[0].labels == (2, 7)
    with pytest.raises(ValueError, match="has 2 labels, and its split is scored by top-k"):
        Split(dataset="d", name="n", classes=classes, videos=(video,))
    with pytest.raises(ValueError, match=r"label 7 of .a. is not in 0\.\.6"):
        Split(dataset="d", name="n", classes=classes[:7], videos=(video,), scoring="map")


def test_wrong_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="one is there twice"):
        Video(id="a", path="a.mp4", labels=[1, 1])
    with pytest.raises(TypeError, match="give one of the two"):
        Video(id="a", path="a.mp4", label=1, labels=[1])
    with pytest.raises(TypeError, match="label None of 'a' is no whole number"):
        Video(id="a", path="a.mp4")


def test_the_manifest_of_one_label_a_video_is_what_it_was() -> None:
    videos = (Video(id="a/1", path="a/1.mp4", label=0), Video(id="b/1", path="b/1.mp4", label=1))
    split = Split(dataset="d", name="n", classes=("a", "b"), videos=videos)
    digest = hashlib.sha256(b"a\nb\na/1\t0\nb/1\t1\n").hexdigest()[:16]
    assert split.manifest == digest
    assert msgspec.structs.replace(split, scoring="hit-k").manifest != digest
