"""The doctor on further networks: what is right passes, and each cure is for what is wrong."""

from typing import Any

import pytest
import torch
from torch import nn

from kinobench.bench.doctor.finding import Finding
from kinobench.bench.doctor.registry import CHECKS
from kinobench.bench.doctor.session import made, result_of
from kinobench.bench.doctor.subject import Subject
from kinobench.zoo.registry import register

from ...fakes.further_networks import (
    ClassesInOrder,
    DepthByPython,
    FramesFirst,
    InAPool,
    ListOfLayers,
    Turning,
    WeightsByNumpy,
)
from ...fakes.odd_networks import Normalising, Plain, Remembering

RUNS = {check.name: check for check in CHECKS}


class Quantised(Plain):
    """Has a parameter of whole numbers."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        table = torch.ones(48, dtype=torch.int8)
        self.table = nn.Parameter(table, requires_grad=False)

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        return super().features(clip) * self.table


class NormalisingDict(Normalising):
    """Writes into its clip, and gives a dict."""

    def forward(self, clip: torch.Tensor) -> Any:
        return {"logits": super().forward(clip)}


def subject_of(kind: Any) -> Subject:
    name = f"examined_{kind.__name__.lower()}"
    try:
        return Subject(name)
    except Exception:
        register(name, native=(16, 1, 64))(
            lambda num_classes, frames, size: kind(classes=num_classes)
        )
    return Subject(name)


def found(kind: Any, check: str) -> Finding:
    result = made(RUNS[check], subject_of(kind))
    return Finding(result.status, result.message, result.cure)


@pytest.mark.parametrize(
    ("kind", "check"),
    [(Quantised, "build"), (Turning, "build"), (Turning, "bf16"), (WeightsByNumpy, "seed")],
)
def test_what_every_precision_leaves_as_it_is_and_what_numpy_draws_pass(
    kind: Any, check: str
) -> None:
    assert found(kind, check).status == "pass", found(kind, check)


@pytest.mark.parametrize(
    ("kind", "check", "status", "message", "cure"),
    [
        (FramesFirst, "output", "fail", "16 colours, not 3", "clip = clip.transpose(1, 2)"),
        (ClassesInOrder, "output", "fail", "gives int64 [1, 8]", "in floating point"),
        (ListOfLayers, "build", "warn", "layers.0, layers.2, heads.other", "nn.ModuleList"),
        (DepthByPython, "eval mode", "fail", "another seed gives a clip other", "draw nothing"),
    ],
)
def test_what_is_wrong_has_its_own_cure(
    kind: Any, check: str, status: str, message: str, cure: str
) -> None:
    result = found(kind, check)
    assert result.status == status and message in result.message and cure in result.cure, result


def test_a_draw_by_python_is_no_state() -> None:
    assert found(DepthByPython, "state").status == "pass"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_traced_network_may_give_a_dict_and_write_into_its_clip() -> None:
    from kinobench.bench.doctor.further import trace

    result = trace(subject_of(NormalisingDict))
    assert result.status == "pass", result


def test_checks_that_compare_logits_are_not_made_where_they_change_by_themselves() -> None:
    check = RUNS["eval mode"]
    result = made(check, subject_of(Remembering))
    assert result.status == "warn" and check.blocks(result)
    well = made(check, subject_of(Plain))
    assert well.status == "pass" and not check.blocks(well)


def test_a_network_with_threads_of_its_own_is_built_in_each_check() -> None:
    subject = subject_of(InAPool)
    for name in ("eval mode", "state", "input"):
        assert result_of(RUNS[name], subject, set(), 60).status == "pass"
