"""Papers that several families cite."""

KARPATHY_2014 = (
    "Karpathy et al., Large-scale Video Classification with Convolutional Neural Networks, "
    "CVPR 2014"
)
