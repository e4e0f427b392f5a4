"""Cases of localization and detection: what they have of their own, and what they refuse."""

from typing import Any

import pytest

from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import settings_of
from kinobench.bench.run.suite import Suite, load
from kinobench.datasets.errors import KinobenchError


def planned(model: str, **settings: Any) -> Any:
    (entry,) = plan(Suite(), settings_of(**settings), (model,))
    return entry


@pytest.mark.parametrize(
    ("model", "task", "dataset"),
    [
        ("windows_tiny", "localization", "pointlight-events"),
        ("roi_tiny", "detection", "pointlight-boxes"),
        ("c3d_tiny", "classification", "pointlight"),
    ],
)
def test_a_network_has_the_embedded_dataset_and_the_measurement_of_its_task(
    model: str, task: str, dataset: str
) -> None:
    entry = planned(model, dataset="embedded", split="quick" if task != "classification" else None)
    assert (entry.case.task, entry.case.dataset) == (task, dataset)
    assert entry.measures[-1] == ("accuracy" if task == "classification" else task)


@pytest.mark.parametrize("protocol", ["common-224", "pyslowfast-8x8-256"])
def test_windows_and_key_frames_have_one_view_whatever_the_protocol_has(protocol: str) -> None:
    from kinobench.datasets.protocol import preset

    assert preset(protocol).views > 1
    for model, dataset in (("windows_tiny", "thumos14"), ("roi_tiny", "ava")):
        case = planned(model, dataset=dataset, protocol=protocol).case
        assert (case.protocol.clips, case.protocol.crops) == (1, 1)
        assert case.protocol.name.endswith("/1x1")  # the record says so


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"views": "10x3"}, "--views 10x3: windows_tiny is given one view"),
        ({"probe": "reversed"}, "--probe reversed: probes change trimmed clips"),
        ({"decoder": "torchcodec"}, "--decoder torchcodec: windows of long videos"),
        ({"mode": "stream"}, "mode 'stream'"),
        ({"dataset": "pointlight"}, "windows_tiny says when something happens"),
        ({"dataset": "pointlight-boxes"}, "pointlight-boxes asks what happens in boxes"),
        ({"task": "detection"}, "asks what happens in boxes"),
        ({"measure": "detection"}, "give localization"),
        ({"measure": "pipeline"}, "--measure pipeline"),
        ({"boxes": 2}, "takes no boxes"),
        ({"precision": "int8", "runtime": "onnxruntime"}, "give --runtime torch"),
    ],
)
def test_what_a_localizer_can_not_do_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(KinobenchError) as caught:
        planned("windows_tiny", **({"dataset": "embedded"} | settings))
    assert said in str(caught.value)


def test_what_a_detector_can_not_do_is_refused() -> None:
    for settings, said in (
        ({"probe": "reversed"}, "--probe reversed"),
        ({"decoder": "torchcodec"}, "--decoder torchcodec"),
        ({"views": "1x3"}, "--views 1x3"),
        ({"step": 2}, "takes no windows"),
        ({"runtime": "onnxruntime"}, "any number of boxes"),
    ):
        with pytest.raises(KinobenchError, match=said):
            planned("roi_tiny", dataset="embedded", **settings)


def test_the_accuracy_of_a_suite_is_that_of_each_task() -> None:
    entries = plan(load("quick"), settings_of(measure="accuracy"))
    found = {entry.case.task: entry.measures for entry in entries}
    assert found == {
        "classification": ("accuracy",),
        "localization": ("localization",),
        "detection": ("detection",),
    }
