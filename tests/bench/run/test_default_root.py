"""The folder of a dataset where none is given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kinobench.bench.run import default_root
from kinobench.bench.run.options import data_roots
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.own import OWN

from ...fakes.copies import cvdf, kinetics, lay, paths, ucf101


@pytest.fixture(autouse=True)
def _forget_folders() -> Iterator[None]:
    default_root._in.cache_clear()
    yield
    default_root._in.cache_clear()


def test_a_folder_named_like_the_dataset_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_DATA", str(tmp_path))
    (tmp_path / "UCF-101").mkdir()
    lay(tmp_path / "k400", kinetics(3), ["val/{stem}.mp4"], {"val.csv": cvdf()})
    roots = data_roots([])
    assert roots.of("ucf101", only=True) == tmp_path / "UCF-101"
    assert roots.of("kinetics400", only=False) == tmp_path / "k400"
    assert len(roots.split("k400", None).videos) == 3
    (tmp_path / "kinetics400").mkdir()
    default_root._in.cache_clear()
    assert roots.of("kinetics400", only=True) == tmp_path / "kinetics400"  # its own name first
    assert roots.of("pointlight", only=True) is None  # it is generated elsewhere
    for name in ("folder", "list", "shards"):
        (tmp_path / name).mkdir()
        default_root._in.cache_clear()
        assert roots.of(name, only=True) is None


def test_the_variable_may_be_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: the extra `remote`")
    fsspec.filesystem("memory").pipe("/all/K400/val.csv", b"x")
    monkeypatch.setenv("KINOBENCH_DATA", "memory://all")
    root = data_roots([]).of("kinetics400", only=True)
    assert str(root) == "memory://all/K400" and root is not None and root.is_dir()
    monkeypatch.setenv("KINOBENCH_DATA", "memory://none")
    with pytest.raises(DatasetError, match="KINOBENCH_DATA=memory://none: can't be listed"):
        data_roots([]).of("kinetics400", only=True)


def test_the_folder_itself_is_taken_only_if_a_list_of_the_dataset_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_DATA", str(tmp_path))
    lay(tmp_path, ucf101(3), ["{name}/{stem}.avi"], {"testlist02.txt": paths("{name}/{stem}.avi")})
    assert data_roots([]).of("ucf101", only=True) == tmp_path
    assert data_roots([]).of("kinetics400", only=True) is None


def test_a_root_that_is_given_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_DATA", str(tmp_path))
    (tmp_path / "ucf101").mkdir()
    assert data_roots([f"ucf-101={tmp_path}/x"]).of("ucf101", only=True) == tmp_path / "x"
    assert data_roots([f"{tmp_path}/y"]).of("ucf101", only=True) == tmp_path / "y"


def test_a_variable_that_names_no_folder_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_DATA", str(tmp_path / "none"))
    with pytest.raises(DatasetError, match=r"KINOBENCH_DATA=.*none: can't be listed \(there is no"):
        data_roots([]).of("ucf101", only=True)


def test_own_videos_have_no_folder_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_DATA", str(tmp_path))
    for name in OWN:
        (tmp_path / name).mkdir()
        assert data_roots([]).of(name, only=True) is None


def test_what_is_in_another_datasets_folder_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_DATA", str(tmp_path))
    lists = {"l/testlist01.txt": paths("{name}/{stem}.avi")}
    lay(tmp_path / "UCF-101", ucf101(3), ["{name}/{stem}.avi"], lists)
    assert data_roots([]).of("hmdb51", only=True) is None  # whose lists may have that name, too
    with pytest.raises(DatasetError, match=r"hmdb51: KINOBENCH_DATA=.* has no folder of that name"):
        data_roots([]).split("hmdb51", None)
    (tmp_path / "UCF-101").rename(tmp_path / "lists and videos")
    default_root._in.cache_clear()
    assert data_roots([]).of("hmdb51", only=True) == tmp_path


def test_a_root_of_an_unknown_dataset_is_refused_and_a_folder_with_that_name_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UnknownNameError, match=r"no dataset is named 'k401'.*written as \./k401=there"
    ):
        data_roots(["k401=there"])
    assert data_roots(["./k401=there"]).unnamed == Path("k401=there")
    (tmp_path / "k401=there").mkdir()
    assert data_roots(["k401=there"]).unnamed == Path("k401=there")
