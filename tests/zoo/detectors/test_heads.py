"""ACRN and the feature bank, against their formulas written out."""

import pytest
import torch

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.detectors.bank import Bank, BankHead, NonLocal
from kinobench.zoo.detectors.relation import RelationHead
from kinobench.zoo.detectors.roi import features_of_boxes

FRAME = (64, 64)
BOXES = torch.tensor([[1, 0.1, 0.2, 0.6, 0.9], [0, 0.0, 0.0, 0.4, 0.5], [1, 0.5, 0.5, 0.9, 0.8]])


def counted(module: torch.nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def test_a_relation_is_of_the_actor_and_each_cell_of_its_own_scene() -> None:
    torch.manual_seed(0)
    head, maps = RelationHead(5, 3, hidden=7).eval(), torch.randn(2, 5, 8, 8)
    convolution, norm = head.compare[0], head.compare[1]
    actors = features_of_boxes(maps, BOXES, FRAME)
    for n, number in enumerate((1, 0, 1)):
        for y, x in ((0, 0), (3, 5), (7, 7)):
            pair = torch.cat([actors[n], maps[number, :, y, x]])
            by_hand = (convolution.weight[:, :, 0, 0] @ pair / (1 + norm.eps) ** 0.5).relu()
            tiled = actors[n][None, :, None, None].expand(1, 5, 8, 8)
            whole = head.compare(torch.cat([tiled, maps[number : number + 1]], dim=1))
            assert torch.allclose(whole[0, :, y, x], by_hand, atol=1e-5)
        alone = BOXES[n : n + 1].clone()
        alone[:, 0] = 0
        expected = head(maps[number : number + 1], alone, FRAME)
        assert torch.allclose(head(maps, BOXES, FRAME)[n], expected[0], atol=1e-5)


def test_the_scene_outside_of_the_box_counts_in_a_relation() -> None:
    torch.manual_seed(0)
    head, maps = RelationHead(5, 3).eval(), torch.randn(1, 5, 8, 8)
    box = torch.tensor([[0, 0.0, 0.0, 0.25, 0.25]])
    other = maps.clone()
    other[:, :, 6:, 6:] += 5
    assert not torch.allclose(head(maps, box, FRAME), head(other, box, FRAME))


def test_the_parameters_of_a_relation_head_are_those_of_its_layers() -> None:
    width, classes = 10, 4
    # A 1x1 convolution of both, a 3x3 one, the scale and shift of two normalisations, a classifier.
    convolutions = 2 * width * width + 9 * width * width
    assert counted(RelationHead(width, classes)) == (
        convolutions + 2 * 2 * width + (width + 1) * classes
    )


def test_a_non_local_block_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    block = NonLocal(6).eval()
    boxes, bank = torch.randn(2, 6), torch.randn(5, 6)
    own = torch.tensor([[1, 1, 0, 0, 1], [0, 0, 1, 1, 0]]).bool()
    found = block(boxes, bank, own)
    for n in range(2):
        mine = bank[own[n]]
        likeness = block.key(mine) @ block.query(boxes[n]) / 6**0.5
        seen = (likeness.softmax(0)[:, None] * block.value(mine)).sum(0)
        centred = (seen - seen.mean()) / (seen.var(unbiased=False) + 1e-5).sqrt()
        assert torch.allclose(found[n], block.out(centred.relu()), atol=1e-5)


def test_what_nothing_is_in_the_bank_for_stays_finite_and_can_be_trained() -> None:
    torch.manual_seed(0)
    head, maps = BankHead(5, 3, hidden=4), torch.randn(2, 5, 8, 8)
    bank = Bank(torch.randn(2, 5), torch.tensor([0, 0]))
    for given in (bank, Bank(torch.zeros(0, 5), torch.zeros(0).long())):
        logits = head(maps, BOXES, FRAME, given)
        logits.sum().backward()
        assert logits.isfinite().all()
        assert all(p.grad.isfinite().all() for p in head.parameters() if p.grad is not None)


def test_without_a_bank_the_boxes_of_the_same_clip_are_it() -> None:
    torch.manual_seed(0)
    head, maps = BankHead(5, 3, hidden=4).eval(), torch.randn(2, 5, 8, 8)
    own = Bank(features_of_boxes(maps, BOXES, FRAME), BOXES[:, 0].long())
    assert torch.equal(head(maps, BOXES, FRAME), head(maps, BOXES, FRAME, own))
    # A box of another clip changes nothing; one of the same clip does.
    together = head(maps, BOXES, FRAME)
    assert torch.allclose(head(maps, BOXES[[0, 2]], FRAME), together[[0, 2]], atol=1e-6)
    assert not torch.allclose(head(maps, BOXES[[0]], FRAME), together[[0]], atol=1e-6)


def test_the_order_of_a_bank_does_not_count_and_its_content_does() -> None:
    torch.manual_seed(0)
    head, maps = BankHead(5, 3, hidden=4).eval(), torch.randn(2, 5, 8, 8)
    vectors, clip = torch.randn(6, 5), torch.tensor([0, 1, 0, 1, 1, 0])
    order = torch.tensor([5, 3, 0, 1, 4, 2])
    first = head(maps, BOXES, FRAME, Bank(vectors, clip))
    assert torch.allclose(
        first, head(maps, BOXES, FRAME, Bank(vectors[order], clip[order])), atol=1e-6
    )
    assert not torch.allclose(first, head(maps, BOXES, FRAME, Bank(vectors * 2, clip)), atol=1e-6)


@pytest.mark.parametrize(
    "bank", [Bank(torch.zeros(3, 4), torch.zeros(3)), Bank(torch.zeros(3, 5), torch.zeros(2))]
)
def test_a_bank_of_another_network_is_refused(bank: Bank) -> None:
    with pytest.raises(KinobenchError, match=r"give \[M, 5\], as `features`"):
        BankHead(5, 3)(torch.randn(2, 5, 8, 8), BOXES, FRAME, bank)


def test_the_parameters_of_a_bank_head_are_those_of_its_layers() -> None:
    width, classes, hidden = 10, 4, 6
    block = 4 * (hidden + 1) * hidden + 2 * hidden
    entries = 2 * (width + 1) * hidden + 2 * block
    head = BankHead(width, classes, hidden=hidden)
    assert counted(head) == entries + (width + hidden + 1) * classes
