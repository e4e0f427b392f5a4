"""What a network is trained towards where a video has several labels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from kinobench.bench.train.targets import hits_of, loss_of, target_of
from kinobench.datasets.split import Video


def video(*labels: int) -> Video:
    return Video(id="v", path=Path("v.avi"), labels=labels)


def test_towards_hits_one_of_the_labels_is_drawn_evenly() -> None:
    generator = np.random.default_rng(0)
    drawn = [int(target_of(video(1, 4), 6, "hit-k", generator)) for _ in range(1000)]
    assert set(drawn) == {1, 4} and 430 < drawn.count(1) < 570


def test_with_one_label_nothing_is_drawn() -> None:
    generator = np.random.default_rng(0)
    before = generator.bit_generator.state
    assert target_of(video(3), 6, "top-k", generator).tolist() == [3]
    assert target_of(video(3), 6, "hit-k", generator).tolist() == [3]
    assert generator.bit_generator.state == before


def test_towards_an_map_each_class_is_a_question() -> None:
    generator = np.random.default_rng(0)
    targets = torch.cat([target_of(video(*each), 4, "map", generator) for each in ((0, 2), ())])
    assert targets.tolist() == [[1, 0, 1, 0], [0, 0, 0, 0]]
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0], [0.5, 0.0, 0.0, 0.0]])
    likely = torch.sigmoid(logits)
    by_hand = -(targets * likely.log() + (1 - targets) * (1 - likely).log()).mean()
    assert float(loss_of(logits, targets, 0.1)) == pytest.approx(float(by_hand))
    assert int(hits_of(logits, targets)) == 1  # a video without a label has no hit


def test_towards_one_label_it_is_the_cross_entropy() -> None:
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    expected = functional.cross_entropy(logits, labels, label_smoothing=0.1)
    assert float(loss_of(logits, labels, 0.1)) == pytest.approx(float(expected))
    assert int(hits_of(logits, labels)) == int((logits.argmax(1) == labels).sum())
