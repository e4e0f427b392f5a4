"""How the matrices of tiny transformers are drawn.

Transformers begin with matrices of standard deviation 0.02, which at their usual widths of some
hundred channels leaves what goes through about as large as it was. At the widths of tiny networks
what a block adds would be near zero, and training would hardly leave where it begins. There a
matrix keeps the size of what goes through: LeCun et al., "Efficient BackProp", 1998, section 4.6.
"""

from torch import nn

NARROW = 96
"""The least width that a paper's transformer has in this zoo (MViT, Video Swin-T)."""


def draw_narrow_matrices(network: nn.Module, width: int) -> nn.Module:
    """Draw the matrices of a transformer anew if its tokens are narrower than any paper's here.

    The standard deviation is one over the root of the inputs, also where the origin has a rule of
    its own (V-JEPA 2 scales some by their depth). Of other layers nothing is changed.

    Args:
        network: Whose matrices are changed in place.
        width: Channels of a token, at first.

    Returns:
        The network.
    """
    if width < NARROW:
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=layer.in_features**-0.5)
    return network
