"""`list`: every model, dataset, protocol and suite, on screen and as JSON."""

import io
import json
import subprocess
import sys

import msgspec
import pytest
from rich.console import Console

from kinobench.bench import listing, suite
from kinobench.datasets import catalog
from kinobench.datasets.errors import UnknownNameError
from kinobench.datasets.protocol import PRESETS
from kinobench.zoo import registry


def by_name(kind: str) -> dict[str, listing.Line]:
    return {line["name"]: line for line in listing.lines(kind)}


def printed(found: list[listing.Line], width: int = 200) -> str:
    out = io.StringIO()
    listing.show(found, Console(file=out, width=width))
    return out.getvalue()


def test_every_model_is_listed_with_its_paper() -> None:
    models = by_name("models")
    assert set(models) == set(registry.names())
    c3d = models["c3d"]
    assert (c3d["family"], c3d["year"], c3d["inputs"]) == ("c3d", 2015, "rgb")
    assert c3d["input"] == "16x1, 112 px" and "Tran" in c3d["paper"]
    assert models["c3d_tiny"]["input"] == "16x1, 64 px"
    assert models["late_fusion_pool_r50"]["input"] is None


def test_every_dataset_is_listed_with_what_it_needs() -> None:
    datasets = by_name("datasets")
    assert set(datasets) == set(catalog.names())
    assert datasets["ucf101"]["classes"] == 101
    assert datasets["ucf101"]["splits"] == "1, 2, 3, train1, train2, train3"
    assert datasets["ucf101"]["data root"] == "needed"
    assert datasets["pointlight"]["data root"] == "made on first use"
    assert datasets["pointlight"]["protocol"] == "pointlight"


def test_every_protocol_is_listed_with_its_digest() -> None:
    protocols = by_name("protocols")
    assert set(protocols) == set(PRESETS)
    common = protocols["common-112"]
    assert (common["clip"], common["views"]) == ("16x4 at 30 fps", "10x3")
    assert common["size"] == "128 -> 112 px"
    assert protocols["pointlight"]["clip"] == "16x1 frames"
    assert len({line["digest"] for line in protocols.values()}) == len(protocols)


def test_every_suite_is_listed_with_its_number_of_cases() -> None:
    suites = by_name("suites")
    assert set(suites) == set(suite.names()) and {"quick", "zoo"} <= set(suites)
    assert all(line["description"] for line in suites.values())
    assert suites["quick"]["cases"] == len(suite.load("quick").models)


def test_a_suite_with_batches_has_a_case_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    swept = suite.parse('models = ["c3d", "x3d_m"]\nbatch = [1, 2, 4]', "swept.toml")
    monkeypatch.setattr(suite, "names", lambda: ["swept"])
    monkeypatch.setattr(suite, "load", lambda name: swept)
    assert by_name("suites")["swept"]["cases"] == 6


@pytest.mark.parametrize("kind", listing.KINDS)
def test_each_list_is_json_and_prints_every_name(kind: str) -> None:
    found = listing.lines(kind)
    assert json.loads(msgspec.json.encode(found)) == found
    assert {tuple(line) for line in found} == {tuple(found[0])}
    text = printed(found)
    for line in found:
        assert line["name"] in text


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("kind", listing.KINDS)
def test_a_narrow_list_breaks_no_name_and_loses_nothing(kind: str, width: int) -> None:
    found = listing.lines(kind)
    text = printed(found, width)
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    words = set(text.split())
    for line in found:
        for name, value in line.items():
            if name != "paper" and value is not None:
                assert set(str(value).split()) <= words, (name, value)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_papers_are_left_to_the_json(width: int) -> None:
    text = printed(listing.lines("models"), width)
    assert len(text.splitlines()) == 1 + len(registry.names())
    assert "paper" not in text and "Tran" not in text


def test_a_column_without_room_goes_under_its_line_with_its_name() -> None:
    line = {"name": "set", "classes": 2, "homepage": "https://example.org/of-the-set"}
    lines = [text.rstrip() for text in printed([line], 30).splitlines()]
    assert lines == [
        "name  classes",
        "set   2",
        "    homepage:",
        "      https://example.org/of-the-set",
    ]
    assert len(printed([line], 60).splitlines()) == 2


def test_what_is_unknown_is_a_dash() -> None:
    assert printed([{"name": "c3d_tiny", "input": None}]).split()[-2:] == ["c3d_tiny", "–"]
    assert printed([]).strip() == ""


def test_an_unknown_list_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="no list is named 'modles': did you mean 'models'"):
        listing.lines("modles")


@pytest.mark.parametrize("kind", ["datasets", "protocols", "suites"])
def test_lists_but_that_of_models_need_no_torch(kind: str) -> None:
    code = (
        f"import sys; from kinobench.bench import listing; assert listing.lines({kind!r}); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
