import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError, KinobenchError, UnknownNameError
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.split import Split

LEVELS = ("pointlight", "pointlight-3", "pointlight-events", "pointlight-long", "pointlight-noise")
KINETICS = ("kinetics400", "kinetics600", "kinetics700")
FURTHER = ("charades", "diving48", "hmdb51", "jester", "mit", "sports1m", "ssv2")
BUILT_IN = (*KINETICS, *FURTHER, *LEVELS, "ucf101")
OWN = ("folder", "list", "shards")


def offered_dataset(**changes):
    fields = {
        "name": "gestures",
        "title": "Gestures",
        "load": lambda root, split: Split(
            dataset="gestures", name="all", classes=("a",), videos=()
        ),
        "default_protocol": "common-112",
        "num_classes": 1,
        "splits": ("all",),
        "homepage": "https://example.org",
    }
    return SimpleNamespace(**(fields | changes))


def install(monkeypatch, offered, name="gestures"):
    """Put `offered` where an entry point of the installed distributions would point to."""
    monkeypatch.setattr(sys.modules[__name__], "installed", offered, raising=False)
    monkeypatch.setitem(sys.modules, "gestures_for_test", sys.modules[__name__])
    point = EntryPoint(name, "gestures_for_test:installed", catalog.ENTRY_POINT_GROUP)
    monkeypatch.setattr(catalog, "entry_points", lambda group: (point,))


def test_the_built_in_datasets_are_listed():
    assert set(BUILT_IN) <= set(catalog.names())


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_entry_agrees_with_its_class_list(name):
    dataset = catalog.get(name)
    assert dataset.name == name
    assert dataset.num_classes == len(class_names(name))
    own = "pointlight-long" if name == "pointlight-long" else "pointlight"
    assert dataset.default_protocol == (own if name in LEVELS else "common-112")
    assert dataset.needs_root is (name not in LEVELS)
    assert dataset.purpose
    assert "DATA_ROOT/" in dataset.tree


def test_the_splits_of_the_catalog_are_the_loaders():
    from kinobench.datasets import pointlight

    assert all(catalog.get(level).splits == pointlight.SPLITS for level in LEVELS)
    assert catalog.get("ucf101").splits == ("1", "2", "3", "train1", "train2", "train3")
    assert catalog.get("kinetics400").splits == ("val", "test", "train")


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'kinetics400'"):
        catalog.get("kinetcs400")


def test_a_dataset_has_the_other_names_that_people_give_it():
    for name in ("k400", "kinetics-400", "Kinetics_400", "K400"):
        assert catalog.get(name).name == "kinetics400"
    assert catalog.get("ucf-101").name == catalog.get("UCF101").name == "ucf101"
    assert catalog.get("SSv2").name == "ssv2"
    assert catalog.get("k700-2020").name == "kinetics700"


def test_a_dataset_of_a_plugin_goes_before_another_name(monkeypatch):
    install(monkeypatch, offered_dataset(name="k400"), name="k400")
    assert catalog.get("k400").name == "k400"


@pytest.mark.parametrize(
    ("name", "source"),
    [("ucf101", "crcv.ucf.edu"), ("kinetics400", "github.com/cvdfoundation/kinetics-dataset")],
)
def test_without_a_data_root_the_layout_and_the_source_are_shown(name, source):
    with pytest.raises(DatasetError) as raised:
        catalog.get(name).load(None, None)
    message = str(raised.value)
    assert "--data-root" in message
    assert source in message
    assert "DATA_ROOT/\n" in message


def test_a_dataset_is_loaded_through_its_entry(tmp_path):
    (tmp_path / "videos" / "YoYo").mkdir(parents=True)
    (tmp_path / "videos" / "YoYo" / "v_YoYo_g01_c01.avi").touch()
    (tmp_path / "testlist02.txt").write_text("YoYo/v_YoYo_g01_c01.avi\n")
    split = catalog.get("ucf101").load(tmp_path, "2")
    assert (split.name, split.videos[0].label) == ("test02", 100)


def test_a_plugin_is_any_object_with_the_fields(monkeypatch):
    install(monkeypatch, offered_dataset())
    assert catalog.names() == sorted([*BUILT_IN, *OWN, "gestures"])
    dataset = catalog.get("gestures")
    assert isinstance(dataset, catalog.Dataset)
    assert (dataset.needs_root, dataset.make, dataset.make_changed) == (True, None, None)
    assert dataset.load(None, None).name == "all"


def test_a_plugin_without_a_field_is_told_which(monkeypatch):
    offered = offered_dataset()
    del offered.num_classes
    install(monkeypatch, offered)
    with pytest.raises(KinobenchError, match="an object without num_classes"):
        catalog.get("gestures")


def test_a_plugin_of_another_name_is_refused(monkeypatch):
    install(monkeypatch, offered_dataset(name="signs"))
    with pytest.raises(KinobenchError, match="gives a dataset named 'signs'"):
        catalog.get("gestures")


def test_a_plugin_can_not_take_a_name_that_is_taken(monkeypatch):
    install(monkeypatch, offered_dataset(name="ucf101"), name="ucf101")
    with pytest.raises(KinobenchError, match="named so already"):
        catalog.names()


def test_the_catalog_imports_neither_torch_nor_numpy_nor_av():
    heavy = "{'torch', 'numpy', 'av', 'scipy', 'pandas'}"
    code = (
        "import sys, kinobench.datasets.catalog as c; [c.get(n) for n in c.names()]; "
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.home()
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["../../x", "/x", "a/b", "a\\b", ".x", "x\x1b[2J", "a b", ""])
def test_a_dataset_has_no_name_like_a_path(monkeypatch, name):
    monkeypatch.setattr(catalog, "_registered", {})
    offered = offered_dataset(name=name)
    with pytest.raises(KinobenchError, match="because files are named after it"):
        catalog.register(catalog.Dataset(**vars(offered)))
    assert catalog._registered == {}
    install(monkeypatch, offered, name=name)
    with pytest.raises(KinobenchError, match="because files are named after it"):
        catalog.get(name)


def test_a_dataset_can_be_registered_once(monkeypatch):
    monkeypatch.setattr(catalog, "_registered", {})
    gestures = catalog.Dataset(**vars(offered_dataset()))
    catalog.register(gestures)
    assert catalog.get("gestures") is gestures and "gestures" in catalog.names()
    with pytest.raises(KinobenchError, match="'gestures' is taken"):
        catalog.register(gestures)
