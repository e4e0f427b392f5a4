"""`list`: every model, dataset, protocol and suite, on screen and as JSON."""

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version

import msgspec
import pytest
import torch
from rich.console import Console

import kinobench
from kinobench.bench.cards import listing
from kinobench.bench.cost import models
from kinobench.bench.network.runtimes import known
from kinobench.bench.network.runtimes import listed as runtimes
from kinobench.bench.run import suite
from kinobench.datasets import catalog
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import PRESETS
from kinobench.zoo import registry
from kinobench.zoo.checkpoints.named import weights_of

from ...fakes.zoo_names import TINY, family, one_of_each


def by_name(kind: str) -> dict[str, listing.Line]:
    return {line["name"]: line for line in listing.lines(kind)}


def printed(found: list[listing.Line], width: int = 250, spare: Sequence[str] = ()) -> str:
    out = io.StringIO()
    listing.show(found, Console(file=out, width=width), spare)
    return out.getvalue()


def test_every_model_is_listed_with_its_paper() -> None:
    models = by_name("models")
    assert set(models) == set(registry.names())
    c3d = models["c3d"]
    assert (c3d["family"], c3d["year"], c3d["inputs"]) == ("c3d", 2015, ("rgb",))
    assert c3d["native"] == (16, 1, 112) and "Tran" in c3d["paper"]
    assert (c3d["frames"], c3d["size"], c3d["classes"]) == (16, 112, 400)
    # fc8 for 400 classes is 4096 * 400 + 400 of them; the rest was counted by hand at 101.
    assert c3d["params"] == 78_409_573 + 299 * 4097
    assert c3d["macs"] == 38_547_378_176 + 299 * 4096
    assert models["c3d_tiny"]["classes"] == 8
    assert models["late_fusion_pool_r50"]["native"] is None
    assert models["x3d_m"]["weights"][0]["name"] == "kinetics400"


def test_a_runtime_is_listed_with_its_version_or_what_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = {"onnxruntime-gpu": "1.30.0", "onnx": "1.20.0"}
    monkeypatch.setattr(known, "is_installed", lambda name: name in ("torch", "onnxruntime"))
    monkeypatch.setattr(runtimes, "is_installed", known.is_installed)
    monkeypatch.setattr(runtimes, "versions_of", lambda name: there)
    found = by_name("runtimes")
    assert list(found) == ["torch", "onnxruntime", "openvino", "aotinductor", "tensorrt"]
    assert found["torch"]["version"] == version("torch")
    assert found["onnxruntime"]["version"] == "1.30.0" and found["onnxruntime"]["install"] is None
    assert found["onnxruntime"]["versions"] == there
    assert found["openvino"]["version"] is None
    assert found["openvino"]["install"] == "kinobench[openvino]"
    text = printed(listing.on_screen("runtimes", list(found.values())))
    assert "no: pip install 'kinobench[openvino]'" in text
    rows = {row["name"]: row for row in listing.on_screen("runtimes", list(found.values()))}
    assert rows["openvino"]["runs on"] == "cpu, gpu (device cpu)"
    assert rows["tensorrt"]["precisions on cpu"] is None
    assert [each.name for each in kinobench.runtimes()] == list(found)


def test_a_runtime_that_is_built_from_source_is_installed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtimes, "is_installed", lambda name: True)
    monkeypatch.setattr(runtimes, "versions_of", lambda name: {"onnx": "1.20.0"})
    assert runtimes.version_of("openvino") == "unknown"
    assert runtimes.version_of("aotinductor") == version("torch")


def test_the_index_says_of_every_model_what_the_registry_says() -> None:
    indexed = models.read_index()
    assert [model.name for model in indexed] == sorted(registry.listed())
    for model in indexed:
        architecture = registry.get(model.name)
        for field in ("family", "paper", "year", "inputs", "native"):
            assert getattr(model, field) == getattr(architecture, field), (model.name, field)
        assert model.reason is None and model.params and model.macs
        assert [w.name for w in model.weights] == [w.name for w in weights_of(model.name)]


@pytest.mark.parametrize("name", one_of_each(family, TINY))
def test_the_index_has_what_is_counted_of_a_tiny_network(name: str) -> None:
    (indexed,) = (model for model in models.read_index() if model.name == name)
    assert indexed == models.count_model(name)


@pytest.mark.slow
def test_the_index_has_what_is_counted_of_every_network() -> None:
    assert models.read_index() == [models.count_model(name) for name in sorted(registry.listed())]


def test_a_network_that_cannot_be_built_is_listed_with_the_reason() -> None:
    @registry.register("listed_and_broken")
    def build(num_classes: int, frames: int, size: int) -> torch.nn.Module:
        raise ValueError("no such layer")

    try:
        (found,) = (m for m in models.models() if m.name == "listed_and_broken")
    finally:
        registry._architectures.pop("listed_and_broken")
    assert found.params is None and found.reason == "ValueError: no such layer"


def test_every_dataset_is_listed_with_what_it_needs() -> None:
    datasets = by_name("datasets")
    assert set(datasets) == set(catalog.names())
    assert datasets["ucf101"]["classes"] == 101
    assert datasets["ucf101"]["splits"] == "1, 2, 3, train1, train2, train3"
    assert datasets["ucf101"]["data root"] == "needed"
    assert datasets["pointlight"]["data root"] == "made on first use"
    assert datasets["pointlight"]["protocol"] == "pointlight"
    assert "12.5 % from one frame" in datasets["pointlight"]["what it tests"]
    assert datasets["pointlight-long"]["protocol"] == "pointlight-long"


def test_every_protocol_is_listed_with_its_digest() -> None:
    protocols = by_name("protocols")
    assert set(protocols) == set(PRESETS)
    common = protocols["common-112"]
    assert (common["clip"], common["views"]) == ("16x4 at 30 fps", "10x3")
    assert common["size"] == "128 -> 112 px"
    assert protocols["pointlight"]["clip"] == "16x1 frames"
    assert protocols["mmaction2-8x8-256"]["origin"] == "mmaction2 1.2.0"
    assert protocols["pointlight"]["origin"] is None
    assert len({line["digest"] for line in protocols.values()}) == len(protocols)


def test_every_suite_is_listed_with_its_number_of_cases() -> None:
    suites = by_name("suites")
    assert set(suites) == set(suite.names()) and {"quick", "zoo"} <= set(suites)
    assert all(line["description"] for line in suites.values())
    quick = suite.load("quick")
    assert suites["quick"]["cases"] == len(quick.models) + len(quick.case) == 34


def test_a_suite_with_batches_has_a_case_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    swept = suite.parse('models = ["c3d", "x3d_m"]\nbatch = [1, 2, 4]', "swept.toml")
    monkeypatch.setattr(suite, "names", lambda: ["swept"])
    monkeypatch.setattr(suite, "load", lambda name: swept)
    assert by_name("suites")["swept"]["cases"] == 6


@pytest.mark.parametrize("kind", listing.KINDS)
def test_each_list_is_json_and_prints_every_name(kind: str) -> None:
    found = listing.lines(kind)
    assert len(json.loads(msgspec.json.encode(found))) == len(found)
    assert {tuple(line) for line in found} == {tuple(found[0])}
    text = printed(listing.on_screen(kind, found))
    for line in found:
        assert line["name"] in text


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("kind", listing.KINDS)
def test_a_narrow_list_breaks_no_name_and_loses_nothing(kind: str, width: int) -> None:
    found = listing.on_screen(kind, listing.lines(kind))
    text = printed(found, width)
    for shown in text.splitlines():  # an address that is longer than the line stays whole
        assert len(shown) <= width or max(map(len, shown.split())) > width - 14, shown
    assert "…" not in text
    words = set(text.split())
    for line in found:
        for name, value in line.items():
            if value is not None:
                assert set(str(value).split()) <= words, (name, value)


def test_a_model_on_screen_has_the_papers_first_author_and_rounded_counts() -> None:
    (c3d,) = (
        line
        for line in listing.on_screen("models", listing.lines("models"))
        if line["name"] == "c3d"
    )
    assert c3d["paper"] == "Tran et al. 2015" and c3d["input"] == "16x1, 112 px"
    assert (c3d["params (M)"], c3d["GMACs"], c3d["weights"]) == ("79.635", "38.549", None)


def test_a_narrow_list_of_models_keeps_to_a_line_each_and_to_what_matters() -> None:
    found = listing.on_screen("models", listing.lines("models"))
    lines = printed(found, 80, listing.SPARE["models"]).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["name", "params", "(M)", "GMACs", "input"]
    below = [line[what] for line in found for what in ("weights", "native protocol")]
    told = sum(value is not None for value in below)
    assert sum(line.startswith("    ") for line in lines) == told > 0
    place = next(n for n, line in enumerate(lines) if line.startswith("x3d_m "))
    assert lines[place + 1].split() == ["weights:", "kinetics400"]
    assert lines[place + 2].split() == ["native", "protocol:", "pytorchvideo-16x5-256"]
    assert lines[place + 3].startswith("x3d_")


def test_without_a_limit_each_model_is_one_line_with_all_there_is() -> None:
    found = listing.on_screen("models", listing.lines("models"))
    head, *lines = printed(found, 100_000, listing.SPARE["models"]).splitlines()
    assert len(lines) == len(found) and head.split()[-3:] == ["family", "paper", "inputs"]
    (x3d_m,) = (line for line in lines if line.startswith("x3d_m "))
    assert "kinetics400" in x3d_m and "Feichtenhofer 2020" in x3d_m


def test_a_column_that_fits_stays_though_one_before_it_does_not() -> None:
    lines = printed([{"name": "set", "homepage": "y" * 30, "cases": 2}], 20).splitlines()
    assert lines[:2] == ["name  cases", "set   2"] and "y" * 30 in lines[-1]


def test_counting_anew_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    indexed = {model.name: model for model in models.read_index()}
    monkeypatch.setattr(models, "count_model", indexed.__getitem__)
    monkeypatch.setattr(registry, "names", registry.listed)  # other tests may have registered more
    told: list[tuple[int, int]] = []
    found = listing.lines("models", True, lambda done, total: told.append((done, total)))
    assert told == [(n + 1, len(found)) for n in range(len(found))]


def test_what_is_absent_takes_no_line_of_its_own() -> None:
    line = {"name": "set", "homepage": None, "why": "x" * 30}
    assert "homepage" not in printed([line, line | {"homepage": "y" * 30}], 30).split("set")[1]


def test_only_models_are_counted_anew() -> None:
    with pytest.raises(KinobenchError, match="--recount is for models"):
        listing.lines("suites", recount=True)


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
    choice = "choose models, datasets, protocols, suites, runtimes or measurements; did"
    with pytest.raises(KinobenchError, match=f"^list modles: {choice} you mean 'models'"):
        listing.lines("modles")


@pytest.mark.parametrize("kind", listing.KINDS)
def test_lists_need_no_torch(kind: str) -> None:
    code = (
        f"import sys; from kinobench.bench.cards import listing; assert listing.lines({kind!r}); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
