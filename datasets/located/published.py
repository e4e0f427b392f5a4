"""Facts about the datasets of localization and detection, each with its source; see copies."""

from ..copies import published
from ..copies.published import Apart, Published

PUBLISHED_LOCATED = {
    "activitynet-1.3": Published(
        # No licence is found. 19,994: docs/en/install.md of github.com/sming256/OpenTAD; they are
        # 10,024 for training, 4,926 for validation and 5,044 for a test whose labels are withheld.
        videos=19_994,
    ),
    "thumos14": Published(
        # No licence is found. 413 with times, 200 of the validation and 213 of the test:
        # docs/en/install.md of github.com/sming256/OpenTAD
        videos=413,
    ),
    "fineaction": Published(
        # No licence is found, nor a count but "17K": abstract of arXiv:2105.11107
    ),
    # license.txt and EPIC_100_video_info.csv of
    # github.com/epic-kitchens/epic-kitchens-100-annotations
    **dict.fromkeys(
        (f"epic-kitchens-100-{label}" for label in ("verb", "noun", "action")),
        Published(licence="CC BY-NC 4.0", videos=700),
    ),
    # 235 for training, 64 for validation and 131 for a test whose labels are withheld: README of
    # github.com/cvdfoundation/ava-dataset; "annotations ... are licensed by Google Inc. under a
    # Creative Commons Attribution 4.0": research.google.com/ava/download.html
    **dict.fromkeys(
        ("ava", "ava-2.1"),
        Published(licence="lists CC BY 4.0; the videos are YouTube's users'", videos=430),
    ),
    "ava-kinetics": Published(
        # "over 230k clips annotated": abstract of arXiv:2005.00214
        licence="lists CC BY 4.0; the videos are YouTube's users'",
    ),
    "ucf101-24": Published(
        # No licence, as of UCF101. 3,194: README of github.com/gurkirt/corrected-UCF101-Annots,
        # whose testlist01.txt has 910 of them.
        videos=3_194,
        apart="groups",  # as UCF101's lists do
    ),
    "multisports": Published(
        licence="CC BY-NC 4.0",  # huggingface.co/datasets/MCG-NJU/MultiSports
        videos=3_200,  # abstract of arXiv:2105.07404
    ),
}


WRONG_AS_PUBLISHED = {"thumos14": frozenset({"video_test_0000270"})}
"""Videos whose annotation is wrong in every copy (sming256/OpenTAD, tools/prepare_data/thumos)."""


def apart(dataset: str) -> Apart:
    """Return what the published lists of a dataset keep apart; `groups` if it isn't a known one."""
    known = PUBLISHED_LOCATED.get(dataset)
    return published.apart(dataset) if known is None else known.apart
