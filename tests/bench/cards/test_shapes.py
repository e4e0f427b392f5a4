"""What a card says that a network takes and gives."""

import io

import pytest
from rich.console import Console

from kinobench.bench.cards.model import make_card, show_card
from kinobench.bench.cards.shapes import given, left_out, taken


def test_each_input_has_its_shape_and_a_detector_a_row_a_box() -> None:
    assert taken(("rgb", "flow"), 16, 64) == ["clip [B, 3, 16, 64, 64]", "flow [B, 30, 64, 64]"]
    assert taken(("rgb", "boxes"), 4, 256) == ["clip [B, 3, 4, 256, 256]", "boxes [N, 5]"]
    assert given(("rgb",), 8) == "[B, 8]" and given(("rgb", "boxes"), 80) == "[N, 80]"


@pytest.mark.parametrize(("kind", "remark"), [("flow", "optical flow"), ("boxes", "with 1 box")])
def test_what_is_not_counted_is_said(kind, remark) -> None:
    assert left_out(("rgb",)) == []
    (found,) = left_out(("rgb", kind))
    assert remark in found


def test_a_detector_has_a_card() -> None:
    out = io.StringIO()
    show_card(make_card("acrn_tiny"), Console(file=out, width=200), depth=2)
    text = out.getvalue()
    assert "clip [B, 3, 16, 96, 96], boxes [N, 5] -> logits [N, " in text
    assert "counted with 1 box for the clip" in text and "head.compare" in text
    assert "not counted: " not in text
