"""`data list`: what is known, how large it is, where people get it and what checks it."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from kinobench.bench.cards import listing
from kinobench.bench.cards.known_datasets import known_datasets, on_screen
from kinobench.datasets import catalog
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.own import OWN

from ...fakes.command import call

PLUGIN = """
from kinobench.datasets import catalog

catalog.register(catalog.Dataset(
    name="falls", title="Falls", load=lambda root, split: None, splits=("all",), num_classes=2,
    default_protocol="common-112", homepage="https://example.org", licence="CC0", videos=70,
    size_bytes=1_500_000_000,
))
"""

UNCOUNTED = ("fineaction", "ava-kinetics")
"""Of these no source gives the exact number of videos."""


@pytest.fixture(autouse=True)
def _own_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_registered", {})


def test_every_dataset_is_listed_with_the_command_that_checks_it() -> None:
    known = {each.name: each for each in known_datasets()}
    assert list(known) == catalog.names()
    ucf101 = known["ucf101"]
    assert (ucf101.classes, ucf101.videos, ucf101.splits[0]) == (101, 9537 + 3783, "1")
    assert ucf101.check.endswith("data doctor ucf101 --data-root DIR")
    assert known["pointlight"].check.endswith("data doctor pointlight")
    assert known["pointlight"].videos == 800 + 320
    for each in known.values():
        assert each.obtain, each.name
        assert each.videos or each.name in (*OWN, *UNCOUNTED), each.name


def test_a_dataset_is_listed_with_its_licence_and_size_or_a_dash() -> None:
    rows = {row["name"]: row for row in on_screen(known_datasets())}
    assert (rows["hmdb51"]["licence"], rows["hmdb51"]["GB"]) == ("CC BY 4.0", "2.1")
    assert (rows["ssv2"]["videos"], rows["ssv2"]["GB"]) == ("220,847", "19.4")
    assert rows["kinetics600"]["GB"] == "779.0"
    assert rows["ucf101"]["licence"] is None  # nobody's page states it
    assert rows["sports1m"]["GB"] is None and rows["sports1m"]["licence"].startswith(
        "lists CC BY 3"
    )


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_keeps_within_its_width(width: int) -> None:
    out = io.StringIO()
    listing.show(on_screen(known_datasets()), Console(file=out, width=width))
    lines = out.getvalue().splitlines()
    # An address alone may be longer: nothing is cut.
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)
    assert len([line for line in lines if line.startswith(tuple(catalog.names()))]) == len(
        catalog.names()
    )


def test_a_plugin_is_listed_with_its_own_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "falls.py").write_text(PLUGIN)
    done = call(monkeypatch, tmp_path, "data", "list", "--plugin", "falls.py", "--json")
    listed = {each["name"]: each for each in json.loads(done.stdout)}
    falls = listed["falls"]
    assert (falls["licence"], falls["videos"], falls["size_bytes"]) == ("CC0", 70, 1_500_000_000)
    done = call(monkeypatch, tmp_path, "data", "show", "falls")
    assert "70 videos, 1.5 GB" in done.stdout and "CC0" in done.stdout


@pytest.mark.parametrize(
    ("field", "given"), [("licence", None), ("videos", -1), ("size_bytes", "1 GB")]
)
def test_a_fact_of_another_kind_is_refused(field: str, given: object) -> None:
    fields = {
        "name": "falls",
        "title": "Falls",
        "load": lambda root, split: None,
        "splits": ("all",),
        "num_classes": 2,
        "default_protocol": "common-112",
        "homepage": "",
    }
    with pytest.raises(KinobenchError, match=f"{field} is "):
        catalog.register(catalog.Dataset(**fields | {field: given}))
