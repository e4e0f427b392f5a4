"""Facts about datasets as their publishers give them out, each with its source.

A fact without a source is left out. Copies differ: `data doctor` counts what is there.
"""

from typing import Literal

import msgspec

Apart = Literal["groups", "ids", "nothing"]
"""What the lists of a dataset keep apart: `groups`, so that no recording is in both a training and
a test list; `ids`, so that no video is; or `nothing`."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset as its publishers give it out.

    Attributes:
        licence: The licence of its videos and lists; empty if no source states it.
        videos: Number of its videos in all splits, those without public labels too; None if no
            source states it.
        size_bytes: What its videos take as they are given out, packed or not; None if no source
            states it.
        apart: What its training lists share with none of its test lists.
    """

    licence: str = ""
    videos: int | None = None
    size_bytes: int | None = None
    apart: Apart = "ids"


# "The kinetics dataset is licensed by Google Inc. under a Creative Commons Attribution 4.0
# International License": deepmind.com/open-source/kinetics, as issue 3878 of
# github.com/tensorflow/datasets quotes it. It is a dataset "of URL links":
# github.com/cvdfoundation/kinetics-dataset.
_KINETICS = "lists CC BY 4.0; the videos are YouTube's users'"

# The title of the agreement on both datasets, of 28 July 2022: DATA_LICENSES.md of
# github.com/Mandar77/gesture-efficiency. The agreement is a PDF next to the videos in
# huggingface.co/datasets/morpheushoc/something-something-v2.
_QUALCOMM = "Qualcomm's Data License Agreement - Research Use"

PUBLISHED = {
    "ucf101": Published(
        # No licence: others name CC0 and "research use only", which contradict each other.
        videos=13_320,  # its lists have 9,537 and 3,783 in split 1; crcv.ucf.edu/data/UCF101.php
        # UCF101_videos.zip of THUMOS 2014: tensorflow_datasets/url_checksums/ucf101.txt of
        # github.com/tensorflow/datasets
        size_bytes=6_960_400_115,
        apart="groups",  # so its three pairs of lists do, and crcv.ucf.edu/data/UCF101.php demands
    ),
    "kinetics400": Published(
        licence=_KINETICS,
        # Of arXiv:1705.06950; the CVDF's lists have as many: 246,534 for training, 19,906 for
        # validation, 39,805 for the test, by docs.voxel51.com/dataset_zoo/datasets.html
        videos=306_245,
        size_bytes=456_000_000_000,  # the CVDF's archives, by that page too
    ),
    "kinetics600": Published(
        licence=_KINETICS,
        # Of arXiv:1808.01340, as prepare_data/README.md of github.com/sihyun-yu/digan quotes it.
        # The CVDF's lists have 427,549, 29,793 and 72,924, by docs.voxel51.com as above.
        videos=495_547,
        size_bytes=779_000_000_000,  # the CVDF's archives, docs.voxel51.com as above
    ),
    "kinetics700": Published(
        licence=_KINETICS,
        # Of arXiv:1907.06987, as surveys quote its table 1; "around 650k" in its text. The edition
        # of 2020 has other videos.
        videos=650_317,
        # The CVDF's archives, docs.voxel51.com as above; they have the edition of 2020 alone
        size_bytes=710_000_000_000,
    ),
    "hmdb51": Published(
        licence="CC BY 4.0",  # serre-lab.clps.brown.edu/resources/HMDB
        # huggingface.co/datasets/CVML-TueAI/HMDB51: in each of the three splits; the publishers'
        # page says 6,849
        videos=6_766,
        size_bytes=2_120_000_000,  # hmdb51_org.zip of huggingface.co/datasets/innat/HMDB51
    ),
    "ssv2": Published(
        licence=_QUALCOMM,
        # Both: docs/tutorials/datasets/somethingsomethingv2.py of github.com/dmlc/gluon-cv. The
        # publishers' page, developer.qualcomm.com/software/ai-datasets/something-something, had
        # 168,913 for training, 24,777 for validation and 27,157 for the test.
        videos=220_847,
        size_bytes=19_400_000_000,
    ),
    "jester": Published(
        licence=_QUALCOMM,
        # 118,562, 14,787 and 14,743: DATA_LICENSES.md of github.com/Mandar77/gesture-efficiency,
        # after qualcomm.com/developer/software/jester-dataset
        videos=148_092,
        size_bytes=22_800_000_000,  # the same
    ),
    "diving48": Published(
        # No licence is found. Both: huggingface.co/datasets/Samoed/diving48; the lists name fewer.
        videos=18_404,
        size_bytes=9_289_981_187,
    ),
    "mit": Published(
        # No licence is found. The count: 802,264, 33,900 and a test of 67,800 that is withheld,
        # Monfort et al., arXiv:1801.03150; the lists of version 1 have 802,244 and 33,900, by
        # github.com/hikvision-research/cost
        videos=903_964,
    ),
    "charades": Published(
        # The title of prior.allenai.org/projects/data/charades/license.txt
        licence="AI2's License for Non-Commercial Use",
        videos=9_848,  # abstract of arXiv:1604.01753
        # The videos of 480p; the originals take 55 GB: prior.allenai.org/projects/charades
        size_bytes=13_000_000_000,
    ),
    "sports1m": Published(
        # Both: README of github.com/gtoderici/sports-1m-dataset
        licence="lists CC BY 3.0; the videos are YouTube's users'",
        videos=1_133_158,
        # Some ids are in both partitions, for training with one label, for test with another.
        apart="nothing",
    ),
}


def apart(dataset: str) -> Apart:
    """Return what the published lists of a dataset keep apart; `groups` if it isn't a known one."""
    known = PUBLISHED.get(dataset)
    return "groups" if known is None else known.apart
