"""Boxes move with the picture: by the formula, and against a picture that is really cropped."""

import msgspec
import numpy as np
import pytest

from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import PRESETS, Protocol, preset
from kinobench.datasets.protocol.boxes import boxes_in_view, seen
from kinobench.datasets.views.maker import make_views

ONE_CROP = ["common-112", "pointlight", "pytorchvideo-4x16-256", "torchvision-16x2-112"]


def alone(name: str) -> Protocol:
    """Return a preset's centre crop, colours as they are."""
    return msgspec.structs.replace(
        preset(name).with_views(1, 1), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    )


def shown(protocol: Protocol, width: int, height: int, box: tuple[int, ...]) -> list[float]:
    """Return where a bright box of a black frame is in its view, as shares of the view.

    Edges are found where the brightness passes the half, by a straight line between two pixels.
    """
    frame = np.zeros((1, height, width, 3), dtype=np.uint8)
    x1, y1, x2, y2 = box
    frame[:, y1:y2, x1:x2] = 255
    view = make_views(frame, [[0] * protocol.frames], protocol)[0, 0, 0].numpy()
    edges = []
    for profile in (view.max(axis=0), view.max(axis=1)):
        bright = np.flatnonzero(profile > 0.5)
        first, last = int(bright[0]), int(bright[-1])
        edges.append(
            (_crossing(profile, first - 1), _crossing(profile[::-1], len(profile) - 2 - last))
        )
    (left, right), (top, bottom) = edges
    size = protocol.size
    return [left / size, top / size, 1 - right / size, 1 - bottom / size]


def _crossing(profile: np.ndarray, before: int) -> float:
    """Return where a profile passes the half after pixel `before`; 0 if it begins above."""
    if before < 0:
        return 0.0
    low, high = float(profile[before]), float(profile[before + 1])
    return before + 0.5 + (0.5 - low) / (high - low)


@pytest.mark.parametrize("name", ONE_CROP)
@pytest.mark.parametrize(("width", "height"), [(320, 240), (455, 256), (240, 426), (171, 128)])
def test_a_box_is_where_the_cropped_picture_shows_it(name: str, width: int, height: int) -> None:
    protocol = alone(name)
    for shares in ((0.3, 0.35, 0.6, 0.7), (0.4, 0.3, 0.62, 0.9), (0.05, 0.4, 0.5, 0.6)):
        box = tuple(
            round(share * extent) for share, extent in zip(shares, (width, height) * 2, strict=True)
        )
        given = np.array([box]) / np.array([width, height, width, height])
        (found,) = boxes_in_view(protocol, width, height, given)
        expected = shown(protocol, width, height, box)
        # The longer side is rounded to whole pixels, and the filter is a few pixels wide.
        assert np.allclose(found, expected, atol=0.6 / protocol.size), (found, expected)


def test_the_formula_by_hand() -> None:
    # 640x480 becomes 170x128 (rounded down); the crop of 112 begins at 29 and 8.
    protocol = alone("common-112")
    found = boxes_in_view(protocol, 640, 480, np.array([[0.5, 0.5, 0.6, 0.75]]))
    expected = [(85 - 29) / 112, (64 - 8) / 112, (102 - 29) / 112, (96 - 8) / 112]
    assert np.allclose(found, [expected])


def test_what_the_crop_leaves_out_is_not_seen() -> None:
    protocol = alone("common-112")
    boxes = np.array([[0, 0, 0.05, 1], [0.3, 0.3, 0.9, 0.9], [0, 0, 1, 1], [0.95, 0.2, 1, 0.4]])
    found = boxes_in_view(protocol, 640, 480, boxes)
    assert ((found >= 0) & (found <= 1)).all()
    assert seen(found).tolist() == [False, True, True, False]
    assert found[2].tolist() == [0, 0, 1, 1]
    assert boxes_in_view(protocol, 640, 480, np.zeros((0, 4))).shape == (0, 4)


def test_several_crops_and_other_shapes_are_refused() -> None:
    many = next(each for each in PRESETS.values() if each.crops == 3)
    with pytest.raises(KinobenchError, match="has 3 crops; boxes need one view"):
        boxes_in_view(many, 64, 64, np.zeros((1, 4)))
    with pytest.raises(KinobenchError, match=r"boxes are \[4\]; give \[N, 4\]"):
        boxes_in_view(alone("common-112"), 64, 64, np.zeros(4))
