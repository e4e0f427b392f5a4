"""The first weights of networks for which torch's or their origin's don't do."""

from torch import nn

NARROW = 96
"""The least width that a paper's transformer has in this zoo (MViT, Video Swin-T)."""


def draw_narrow_matrices(network: nn.Module, width: int) -> nn.Module:
    """Draw the matrices of a transformer again if its tokens are narrower than any paper's here.

    Transformers begin with matrices of standard deviation 0.02. At their usual widths of some
    hundred channels, this about preserves the size of the activations. At the widths of tiny
    networks, a block would add almost nothing, and training would hardly leave its beginning. Here
    a matrix preserves the size of its inputs: the standard deviation is one over the root of their
    number (LeCun et al., "Efficient BackProp", 1998, section 4.6). This holds also where the origin
    has a rule of its own (V-JEPA 2 scales some matrices by their depth). Other layers stay as they
    are.

    Args:
        network: The network; its matrices are changed in place.
        width: Channels of a token in the first block.

    Returns:
        The network.
    """
    if width < NARROW:
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=layer.in_features**-0.5)
    return network


def draw_for_relu(network: nn.Module, last: nn.Linear) -> None:
    """Draw the weights of a network of ReLUs that has no batch normalisation, in place.

    With torch's default, the signal dies out in such a network. He et al., "Delving Deep into
    Rectifiers", ICCV 2015.

    Args:
        network: All of its parameters are matrices, filters or biases.
        last: Its classifier, which begins with a standard deviation of 0.01.
    """
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
    nn.init.normal_(last.weight, std=0.01)
