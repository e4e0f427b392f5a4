"""Papers that several families cite."""

KARPATHY_2014 = (
    "Karpathy et al., Large-scale Video Classification with Convolutional Neural Networks, "
    "CVPR 2014"
)
NG_2015 = "Ng et al., Beyond Short Snippets: Deep Networks for Video Classification, CVPR 2015"
WANG_2016 = (
    "Wang et al., Temporal Segment Networks: Towards Good Practices for Deep Action Recognition, "
    "ECCV 2016"
)
LIN_2019 = "Lin et al., TSM: Temporal Shift Module for Efficient Video Understanding, ICCV 2019"
