"""A dataset of somebody else's is checked before a video is decoded, and never a traceback."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError, KinobenchError, UnknownNameError
from kinobench.datasets.split import Split, Video
from kinobench.datasets.truth import EventTruth

from ..fakes.command import call


def videos_in(folder: Path, count: int = 2) -> tuple[Video, ...]:
    for number in range(count):
        (folder / f"{number}.mp4").touch()
    return tuple(Video(id=f"{n}", path=folder / f"{n}.mp4", label=n % 2) for n in range(count))


def split_of(root: Path, **changes: Any) -> Split:
    fields: dict[str, Any] = {
        "dataset": "falls",
        "name": "all",
        "classes": ("fall", "walk"),
        "videos": videos_in(root),
    }
    return Split(**fields | changes)


def dataset_of(**changes: Any) -> catalog.Dataset:
    fields: dict[str, Any] = {
        "name": "falls",
        "title": "Falls",
        "load": lambda root, split: split_of(root),
        "default_protocol": "common-112",
        "num_classes": 2,
        "splits": ("all", "train"),
        "homepage": "https://example.org",
    }
    return catalog.Dataset(**fields | changes)


@pytest.fixture(autouse=True)
def _own_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_registered", {})


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ("title", None, "title is None; give a text"),
        ("homepage", 5, "homepage is 5; give a text"),
        ("task", "detect", "task is 'detect'; give one of ('classification', "),
        ("num_classes", 0, "num_classes is 0; give the number of its classes"),
        ("num_classes", "2", "num_classes is '2'"),
        ("num_classes", ("fall", "walk"), "num_classes is ('fall', 'walk')"),
        ("splits", "all", "splits is 'all'; give a tuple of names, the default first"),
        ("splits", (), "splits is (); give a tuple of names"),
        ("splits", ("a", "b", "a"), "split 'a' is there twice; name each once"),
        ("needs_root", "no", "needs_root is 'no'; give True or False"),
        ("load", None, "load is None; give a function load(root, split)"),
        ("load", lambda root: None, "load takes (root), and it is called as load(root, split)"),
        ("make", lambda root: None, "make takes (root), and it is called as make(root, progress)"),
        ("default_protocol", "comon-112", "default_protocol: no protocol is named 'comon-112'"),
        ("default_protocol", None, "default_protocol: None is no name"),
        ("opposites", ("fall", "walk"), "opposites is ('fall', 'walk'); give pairs of class names"),
        ("opposites", (("fall",),), "opposites is (('fall',),); give pairs"),
        ("name", "a/b", "because files are named after it"),
        ("name", 5, "dataset 5: a name is a text"),
    ],
)
def test_a_field_of_another_kind_is_quoted_when_it_is_registered(
    field: str, given: Any, message: str
) -> None:
    with pytest.raises(KinobenchError, match=re.escape(message)):
        catalog.register(dataset_of(**{field: given}))
    assert "falls" not in catalog.names()


def test_something_else_than_a_dataset_is_refused() -> None:
    with pytest.raises(KinobenchError, match=r"given \{'name': 'falls'\}; give a Dataset"):
        catalog.register({"name": "falls"})  # type: ignore[arg-type]


def test_lists_are_as_good_as_tuples() -> None:
    lists: dict[str, Any] = {"splits": ["all"], "opposites": [["fall", "walk"]]}
    catalog.register(dataset_of(**lists))
    found = catalog.get("falls")
    assert (found.splits, found.opposites) == (("all",), (("fall", "walk"),))


def test_a_split_that_is_right_is_loaded_as_it_is(tmp_path: Path) -> None:
    split = split_of(tmp_path)
    assert catalog.load_split(dataset_of(load=lambda *_: split), tmp_path, "train") is split


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("fall", "walk", "run")}, "3 classes (fall, walk, run), but num_classes is 2"),
        ({"classes": ("fall", "fall")}, "class 'fall' is there twice; name each once"),
        ({"dataset": "slips"}, "a split of the dataset 'slips'; write dataset='falls'"),
    ],
)
def test_a_split_of_something_else_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    dataset = dataset_of(load=lambda root, split: split_of(root, **changes))
    with pytest.raises(DatasetError, match=re.escape(message)):
        catalog.load_split(dataset, tmp_path, None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "returns None; it must return a Split, of kinobench.datasets.split; is `return`"),
        ([1, 2, 3], "returns a list of 3; it must return a Split"),
        ("all", "returns a str; it must return a Split"),
    ],
)
def test_something_else_than_a_split_is_refused(tmp_path: Path, given: Any, message: str) -> None:
    dataset = dataset_of(load=lambda root, split: given)
    with pytest.raises(DatasetError, match=re.escape(f"falls: its load {message}")):
        catalog.load_split(dataset, tmp_path, None)


def failing(root: Path, split: str | None) -> Split:
    return {}[split]  # type: ignore[no-any-return]


def doubled(root: Path, split: str | None) -> Split:
    return split_of(root, videos=videos_in(root) * 2)


def leaving(root: Path, split: str | None) -> Split:
    sys.exit("get the videos first")


def mislabelled(root: Path, split: str | None) -> Split:
    return split_of(root, videos=(Video(id="a", path=root / "a.mp4", label=2),))


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (failing, "KeyError: 'train'"),
        (leaving, "SystemExit: get the videos first"),
        (doubled, "ValueError: falls all: video '0' is listed twice"),
        (mislabelled, "ValueError: falls all: label 2 of 'a' is not in 0..1"),
    ],
)
def test_an_error_of_load_is_quoted_with_its_line(tmp_path: Path, load: Any, message: str) -> None:
    with pytest.raises(DatasetError) as raised:
        catalog.load_split(dataset_of(load=load), tmp_path, "train")
    text = str(raised.value)
    assert text.startswith(f"falls: its load({str(tmp_path)!r}, 'train') fails: {message}")
    assert re.search(r"test_offered\.py, line \d+\)$", text)


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ("id", 5, "video id 5 is no text"),
        ("path", None, "path None of 'a' is no path; give a pathlib.Path"),
        ("path", b"a.mp4", "path b'a.mp4' of 'a' is no path"),
        ("label", "fall", "label 'fall' of 'a' is no whole number; a label is an index"),
        ("label", 1.0, "label 1.0 of 'a' is no whole number"),
        ("group", 3, "group 3 of 'a' is no text"),
    ],
)
def test_a_value_of_a_video_is_quoted(field: str, given: Any, message: str) -> None:
    fields: dict[str, Any] = {"id": "a", "path": Path("a.mp4"), "label": 0, field: given}
    with pytest.raises(TypeError, match=re.escape(message)):
        Video(**fields)


def test_a_path_may_be_a_text_and_a_label_a_number_of_numpy() -> None:
    video = Video(id="a", path="b/a.mp4", label=np.int64(1))  # type: ignore[arg-type]
    assert (video.path, video.label) == (Path("b/a.mp4"), 1)
    assert type(video.label) is int


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ("classes", "ab", "classes is 'ab'; give a tuple of texts"),
        ("classes", (1, 2), "classes has 1; give a tuple of texts"),
        ("notes", "one note", "notes is 'one note'; give a tuple of texts"),
        ("videos", None, "videos is None; give a tuple of videos, each a Video"),
        ("videos", ["a.mp4"], "videos has 'a.mp4'; give a tuple of videos, each a Video"),
    ],
)
def test_a_value_of_a_split_is_quoted(tmp_path: Path, field: str, given: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        split_of(tmp_path, **{field: given})


def test_a_split_has_the_truth_of_its_datasets_task(tmp_path: Path) -> None:
    truth = EventTruth(rule="activitynet", videos={})
    timed = dataset_of(load=lambda root, split: split_of(root, truth=truth, scoring="map"))
    with pytest.raises(
        DatasetError, match=r"the truth EventTruth, which is localization, but its task is"
    ):
        catalog.load_split(timed, tmp_path, None)
    plain = dataset_of(task="localization")
    with pytest.raises(DatasetError, match=r"with no truth, which is classification, but"):
        catalog.load_split(plain, tmp_path, None)
    right = msgspec.structs.replace(timed, task="localization")
    assert catalog.load_split(right, tmp_path, None).task == "localization"


def test_videos_and_classes_may_come_as_lists(tmp_path: Path) -> None:
    split = split_of(tmp_path, classes=["a", "b"], videos=list(videos_in(tmp_path)))
    assert split.classes == ("a", "b") and isinstance(split.videos, tuple)


def test_a_folder_or_a_split_that_is_not_there_is_found_before_load_is_called(
    tmp_path: Path,
) -> None:
    def never(root: Path, split: str | None) -> Split:
        raise AssertionError

    dataset = dataset_of(load=never)
    with pytest.raises(DatasetError, match=r"falls: --data-root .*none: there is no such folder"):
        catalog.load_split(dataset, tmp_path / "none", None)
    with pytest.raises(DatasetError, match="falls: no data root is given; say where it is by"):
        catalog.load_split(dataset, None, None)
    with pytest.raises(UnknownNameError, match="no split of falls is named 'tran': did you mean"):
        catalog.load_split(dataset, tmp_path, "tran")


def test_videos_none_of_which_is_there_are_found_at_once(tmp_path: Path) -> None:
    def load(root: Path, split: str | None) -> Split:
        videos = [Video(id=name, path=root / name, label=0) for name in ("a.mp4", "b.mp4")]
        return split_of(root, videos=videos)

    dataset = dataset_of(load=load)
    with pytest.raises(DatasetError, match=r"2 videos, and none of them is there; .*a\.mp4: corr"):
        catalog.load_split(dataset, tmp_path, None)
    (tmp_path / "b.mp4").touch()  # that one is missing is for the record to say
    assert len(catalog.load_split(dataset, tmp_path, None).videos) == 2


def test_load_leaves_what_a_process_has_only_one_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command's results would be written where `load` went, and its JSON mixed with a text."""

    def load(root: Path, split: str | None) -> Split:
        os.chdir("/")
        torch.set_default_dtype(torch.float64)
        print("loading")
        with pytest.raises(EOFError):
            input("which videos? ")
        return split_of(root, notes=("mine",))

    monkeypatch.chdir(tmp_path)
    split = catalog.load_split(dataset_of(load=load), tmp_path, "train")
    assert Path.cwd() == tmp_path and torch.get_default_dtype() == torch.float32
    assert capsys.readouterr().out == ""
    first, *said = sorted(split.notes, key=lambda note: note != "mine")
    assert first == "mine" and all(note.startswith("falls: load: it ") for note in said)
    assert "it changes the working folder, which is put back" in "\n".join(said)
    assert "default dtype to torch.float64" in "\n".join(said)


PLUGIN = """
from kinobench.datasets import catalog
from kinobench.datasets.split import Split, Video


def load(root, split):
    videos = [Video(id=each.stem, path=str(each), label=0) for each in root.glob("*.mp4")]
    {ends}


catalog.register(
    catalog.Dataset(
        name="falls",
        title="Falls",
        load=load,
        default_protocol="common-112",
        num_classes=2,
        splits=("all",),
        homepage="",
    )
)
"""


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ("videos[7]", "IndexError: list index out of range (own.py, line 8)"),
        ("split_of(videos)", "NameError: name 'split_of' is not defined (own.py, line 8)"),
        ("pass", "falls: its load returns None; it must return a Split"),
        (
            "return Split(dataset='falls', name='all', classes=('a',), videos=videos)",
            "falls: its load returns 1 class (a), but num_classes is 2; make both the same",
        ),
    ],
)
def test_every_command_says_what_is_wrong_with_a_dataset_before_it_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, message: str
) -> None:
    (tmp_path / "own.py").write_text(PLUGIN.format(ends=ends))
    videos_in(tmp_path, 1)
    given = ("--plugin", "own.py", "--data-root", ".")
    for command in (
        ("run", "--model", "c3d_tiny", "--dataset", "falls", "--measure", "accuracy", "--json"),
        ("data", "show", "falls"),
    ):
        done = call(monkeypatch, tmp_path, *command, *given)
        assert done.exit_code == 2, done.output
        assert message in done.stderr and "Traceback" not in done.stderr
        assert done.stdout == ""
    done = call(monkeypatch, tmp_path, "list", "datasets", "--json", "--plugin", "own.py")
    assert "falls" in {each["name"] for each in json.loads(done.stdout)}
