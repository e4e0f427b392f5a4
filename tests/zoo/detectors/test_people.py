"""torchvision's person detectors as a source of boxes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.zoo.checkpoints.named import cache_folder
from kinobench.zoo.detectors.people import (
    PERSON_DETECTORS,
    PersonDetector,
    fetch_person_weights,
    person_detector,
)

SMALL = PERSON_DETECTORS[0]


class Found(nn.Module):
    """What torchvision's network gives for frames of 100x200: pixels, COCO's labels, scores."""

    def forward(self, frames: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        assert isinstance(frames, list) and frames[0].shape == (3, 100, 200)
        boxes = torch.tensor(
            [[20.0, 10, 120, 60], [0, 0, 50, 50], [-4, 20, 210, 100], [10, 10, 10, 30]]
        )
        labels, scores = torch.tensor([1, 18, 1, 1]), torch.tensor([0.9, 0.85, 0.6, 0.5])
        none = {"boxes": boxes[:0], "labels": labels[:0], "scores": scores[:0]}
        return [none, {"boxes": boxes, "labels": labels, "scores": scores}]


def test_boxes_of_people_alone_are_given_as_shares_of_their_frame() -> None:
    detector = PersonDetector(Found(), "found", "mine.pt")
    boxes, scores = detector(torch.zeros(2, 3, 100, 200))
    expected = torch.tensor([[1, 0.1, 0.1, 0.6, 0.6], [1, 0.0, 0.2, 1.0, 1.0]])
    assert torch.allclose(boxes, expected) and torch.allclose(scores, torch.tensor([0.9, 0.6]))
    boxes, scores = detector.find(torch.zeros(2, 3, 100, 200))
    assert torch.allclose(boxes, expected[:1]) and len(scores) == 1


def test_random_weights_find_no_people_to_be_scored() -> None:
    detector = PersonDetector(Found(), SMALL, None)
    assert len(detector(torch.zeros(2, 3, 100, 200)).scores) == 2
    with pytest.raises(KinobenchError, match=f"{SMALL} has random weights, and boxes of it mean"):
        detector.find(torch.zeros(2, 3, 100, 200))


def test_weights_that_are_not_here_are_named_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(KinobenchError) as refused:
        person_detector(SMALL)
    message = str(refused.value)
    assert "fetch https://download.pytorch.org/models/fasterrcnn_mobilenet_v3_large_320" in message
    assert str(cache_folder()) in message
    with pytest.raises(UnknownNameError, match="no person detector is named 'yolo'"):
        person_detector("yolo")
    with pytest.raises(UnknownNameError):
        fetch_person_weights("fasterrcnn")


def test_a_checkpoint_is_loaded_and_a_damaged_published_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(0)
    first: Any = person_detector(SMALL, None)
    file = tmp_path / "mine.pt"
    torch.save(first.network.state_dict(), file)
    second: Any = person_detector(SMALL, str(file))
    assert second.weights == str(file) and not second.training
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    with torch.inference_mode():
        found = second.find(torch.rand(1, 3, 48, 64), least_score=0)
    assert found.boxes.shape == (len(found.scores), 5)
    cache_folder().mkdir(parents=True)
    published = cache_folder() / "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth"
    file.rename(published)
    with pytest.raises(KinobenchError, match="not with 907ea3f9"):
        person_detector(SMALL)
    assert fetch_person_weights(SMALL) == published
