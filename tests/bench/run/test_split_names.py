"""Cases of datasets whose classes and splits only their videos say."""

from pathlib import Path

import pytest

from kinobench.bench.run.options import DataRoots, data_roots
from kinobench.bench.run.own_videos import own_videos, share
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import settings_of
from kinobench.bench.run.suite import Suite
from kinobench.datasets import catalog
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.own import Holdout
from kinobench.datasets.split import Split, Video


def _load(root: Path | None, split: str | None) -> Split:
    classes = ("fall", "walk", "jump")[: 2 if split == "two" else 3]
    videos = (Video(id="1", path=__file__, label=0),)
    return Split(dataset="open", name=split or "three", classes=classes, videos=videos)


@pytest.fixture
def _open_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_registered", {})
    catalog.register(
        catalog.Dataset(
            name="open",
            title="Open",
            load=_load,
            default_protocol="common-112",
            num_classes=None,
            splits=("three", "two"),
            homepage="",
            needs_root=False,
        )
    )


@pytest.mark.usefixtures("_open_dataset")
def test_a_dataset_may_leave_the_number_of_its_classes_to_its_splits() -> None:
    assert repr(catalog.get("open")) == "<Dataset open: Open, your classes>"
    for split, classes in ((None, 3), ("two", 2)):
        (entry,) = plan(Suite(), settings_of(dataset="open", split=split), ("c3d_tiny",))
        assert (entry.case.classes, entry.case.split) == (classes, split or "three")
    with pytest.raises(KinobenchError, match="classes is 3, but open has 2; leave it out"):
        plan(Suite(), settings_of(dataset="open", split="two", classes=3), ("c3d_tiny",))


def test_a_case_of_own_videos_has_their_classes_and_their_split(tmp_path: Path) -> None:
    for name in ("a/1.mp4", "a/2.mp4", "b/1.mp4", "b/2.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    settings = settings_of(dataset="folder")
    (entry,) = plan(Suite(), settings, ("c3d_tiny",), data=DataRoots(tmp_path))
    assert (entry.case.dataset, entry.case.split, entry.case.classes) == ("folder", "all", 2)
    parted = DataRoots(tmp_path, own=own_videos(holdout="50%"))
    (entry,) = plan(Suite(), settings, ("c3d_tiny",), data=parted)
    assert entry.case.split == "test"


def test_a_command_names_the_videos_again_as_they_were_named(tmp_path: Path) -> None:
    (tmp_path / "my list.csv").write_text("a.mp4,0\n")
    own = own_videos(
        lists=[f"test={tmp_path}/my list.csv"],
        path_prefix="clips",
        holdout=" 12.5% ",
        seed=3,
        group="^(.)",
    )
    said = data_roots([str(tmp_path)], own).arguments("list")
    assert said == [
        *("--data-root", str(tmp_path), "--list", f"test={tmp_path}/my list.csv"),
        *("--path-prefix", "clips", "--holdout", "12.5%", "--holdout-seed", "3", "--group", "^(.)"),
    ]
    assert own.holdout == Holdout(share=0.125, seed=3)
    assert data_roots([str(tmp_path)], own).arguments("ucf101") == ["--data-root", str(tmp_path)]
    own = own_videos(layout="mmaction2")
    said = data_roots([f"k400={tmp_path}"], own).arguments("kinetics400")
    assert said == ["--data-root", str(tmp_path), "--layout", "mmaction2"]
    assert data_roots([str(tmp_path)], own).own_of("pointlight").given == []
    with pytest.raises(KinobenchError, match="--layout mmaction2: none of the datasets has"):
        data_roots([], own).refuse_unused(["pointlight", None])
    data_roots([], own).refuse_unused(["pointlight", "ucf101"])


def test_a_root_may_have_a_variable_or_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    roots = data_roots(["folder=$VIDEOS/mine", "ucf101=~/ucf", "${VIDEOS}"])
    assert roots.named == {"folder": tmp_path / "mine", "ucf101": tmp_path / "home" / "ucf"}
    assert roots.unnamed == tmp_path
    monkeypatch.delenv("VIDEOS")
    for given in ("$VIDEOS/x", "${VIDEOS}"):
        with pytest.raises(KinobenchError, match=r"VIDEOS}? isn't set; set it, or write the whole"):
            data_roots([given])
    (tmp_path / "$5").mkdir()
    assert data_roots([f"{tmp_path}/$5"]).unnamed == tmp_path / "$5"


@pytest.mark.parametrize(("given", "value"), [("20%", 0.2), ("0.2", 0.2), (" 100 %", 1.0)])
def test_a_share_is_written_in_percent_or_not(given: str, value: float) -> None:
    assert share("--min-found", given) == pytest.approx(value)


@pytest.mark.parametrize("given", ["0", "-1%", "101%", "20", "nan", "x", ""])
def test_a_share_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(KinobenchError, match="write a share above 0, up to 100%, as in 20%"):
        share("--min-found", given)
