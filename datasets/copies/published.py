"""Facts about datasets as they were published."""

import msgspec


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset as its publishers give it out.

    Attributes:
        licence: The licence of its videos and lists, as its publishers state it; empty if they
            state none.
        videos: Number of its videos, in all splits; None if that isn't known.
        size_bytes: What they take, unpacked; None if that isn't known.
    """

    licence: str = ""
    videos: int | None = None
    size_bytes: int | None = None


# As deepmind.com/open-source/kinetics states it of the lists.
_KINETICS = "lists CC BY 4.0; the videos are YouTube's users'"

PUBLISHED = {
    "ucf101": Published(
        licence="none stated; the videos are from YouTube",
        videos=13_320,  # its lists: 9,537 and 3,783 in split 1
        size_bytes=6_970_000_000,  # huggingface.co/datasets/taohu/ucf101, UCF-101.zip
    ),
    "kinetics400": Published(
        licence=_KINETICS,
        videos=306_245,  # arXiv:1705.06950, table 2; fewer are left
    ),
    "kinetics600": Published(licence=_KINETICS, videos=495_547),  # arXiv:1808.01340, table 1
    "kinetics700": Published(licence=_KINETICS, videos=650_317),  # arXiv:1907.06987, table 1
    "hmdb51": Published(videos=6_766),  # Kuehne et al., ICCV 2011
    "ssv2": Published(videos=220_847),  # its page: 168,913, 24,777 and 27,157
    "jester": Published(videos=148_092),  # its page: 118,562, 14,787 and 14,743
    "diving48": Published(videos=18_404),  # Li et al., ECCV 2018
    "mit": Published(),
    "charades": Published(videos=9_848),  # Sigurdsson et al., ECCV 2016
    "sports1m": Published(videos=1_133_158),  # Karpathy et al., CVPR 2014
}
