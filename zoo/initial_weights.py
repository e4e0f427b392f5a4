"""How the matrices of tiny transformers are drawn.

Transformers begin with matrices of standard deviation 0.02, which at their usual widths of some
hundred channels leaves what goes through about as large as it was. At the widths of tiny networks
everything would come out near zero, and training would stay where it begins. There a matrix keeps
the size of what goes through: LeCun et al., "Efficient BackProp", 1998, section 4.6.
"""

from torch import nn

NARROWEST_PUBLISHED = 96
"""The least width of a published video transformer's tokens (MViT, Video Swin-T)."""


def draw_matrices(network: nn.Module, width: int) -> nn.Module:
    """Draw the matrices of a transformer anew if its tokens are narrower than any published one's.

    The standard deviation is one over the root of the inputs; of other layers nothing is changed.

    Args:
        network: Whose matrices are changed in place.
        width: Channels of a token, at first.

    Returns:
        The network.
    """
    if width < NARROWEST_PUBLISHED:
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=layer.in_features**-0.5)
    return network
