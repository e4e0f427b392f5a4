"""The datasets of localization and detection that are read from people's copies.

Protocols: of localization `common-112`, of detection `common-224`. Their clips are the same as all
other rows' (16 pictures, 4 ticks apart, at 30 a second: two seconds by the clock, whatever rate a
file has), and no origin's own, so that any network of the zoo may be compared on them. Hours of
untrimmed video pass through windows of 112 pixels; people in a film's frame are too small for that,
hence 224.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..copies.parts import Part
from ..events.annotated import PARTS as LABELS
from . import forms, layouts
from .annotation import Annotation
from .described import Found, Located
from .naming import Clips, Ids, PrefixedYouTubeIds, YouTubeIds

_LOCALIZATION, _DETECTION = "common-112", "common-224"
_VAL = Part(asked="val", name="validation", kinds=("val",))
_TRAIN = Part(asked="train", name="train", kinds=("train",), others=("training",))
_FLOW = r"(brox|flow|tvl1)[-_]?(images|frames)?"


def _by(module: str, function: str, **given: Any) -> Callable[[Found], Annotation]:
    """Return a reader of this package, which is imported when it reads."""

    def read(found: Found) -> Annotation:
        reader = getattr(import_module(f".{module}", __package__), function)
        annotation: Annotation = reader(found, **given)
        return annotation

    return read


ACTIVITYNET = Located(
    name="activitynet-1.3",
    aliases=("activitynet", "anet", "activitynet1.3", "activitynet-v1.3"),
    task="localization",
    layout=layouts.ACTIVITYNET,
    purpose="when 200 everyday actions happen in videos of two minutes",
    num_classes=200,
    parts=(_VAL, _TRAIN),
    naming=PrefixedYouTubeIds(),
    forms=forms.USUAL,
    read=_by("activitynet", "read_activitynet_split", naming=PrefixedYouTubeIds()),
    names=forms.ACTIVITYNET_NAMES,
    published={"train": 10_024, "validation": 4_926},
    protocol=_LOCALIZATION,
)

FINEACTION = Located(
    name="fineaction",
    aliases=("fine-action",),
    task="localization",
    layout=layouts.FINEACTION,
    purpose="when 106 fine-grained actions happen, many of them short",
    num_classes=106,
    parts=(_VAL, _TRAIN),
    naming=Ids(),
    forms=forms.USUAL,
    read=_by("activitynet", "read_fineaction_split", naming=Ids()),
    names=forms.FINEACTION_NAMES,
    protocol=_LOCALIZATION,
)

THUMOS14 = Located(
    name="thumos14",
    aliases=("thumos", "thumos-14", "th14"),
    task="localization",
    layout=layouts.THUMOS14,
    purpose="when 20 sports actions happen, sixteen a video, mostly a few seconds long",
    num_classes=20,
    parts=(
        Part(asked="test", name="test", kinds=("test",), others=("testing",)),
        # Networks are trained on it: the training set has trimmed videos alone.
        Part(asked="train", name="validation", kinds=("val",), others=("val",)),
    ),
    naming=Ids(),
    forms=forms.USUAL,
    read=_by("thumos14", "read_thumos14_split", naming=Ids()),
    names=forms.THUMOS14_NAMES,
    published={"test": 213, "validation": 200},
    protocol=_LOCALIZATION,
)

_EPIC_CLASSES = {"verb": 97, "noun": 300, "action": None}
_EPIC_PURPOSES = {
    "verb": "when each of 97 verbs is done in kitchens, seen by the cook",
    "noun": "when each of 300 things is handled in kitchens, seen by the cook",
    "action": "when each verb is done with each thing in kitchens, seen by the cook",
}
EPIC_KITCHENS = tuple(
    Located(
        name=f"epic-kitchens-100-{label}",
        aliases=(f"epic-{label}", f"epic100-{label}", f"ek100-{label}"),
        task="localization",
        layout=layouts.EPIC_KITCHENS,
        purpose=_EPIC_PURPOSES[label],
        num_classes=_EPIC_CLASSES[label],
        parts=(_VAL, _TRAIN),
        naming=Ids(),
        forms=forms.USUAL,
        left_out=r"flow_frames",
        read=_by("epic_kitchens", "read_epic_split", naming=Ids(), label=label),
        names=forms.EPIC_NAMES,
        published={"validation": 138},
        protocol=_LOCALIZATION,
    )
    for label in LABELS
)


def _ava(version: str, *aliases: str) -> Located:
    return Located(
        name="ava" if version == "2.2" else f"ava-{version}",
        aliases=aliases,
        task="detection",
        layout=layouts.AVA if version == "2.2" else layouts.AVA_21,
        purpose="what each person in a film does, of 80 atomic actions, second by second",
        num_classes=80,
        parts=(_VAL, _TRAIN),
        naming=YouTubeIds(),
        forms=forms.AVA_FORMS,
        read=_by("ava", "read_ava_split", naming=YouTubeIds(), version=version),
        names=forms.ava_names(version),
        published={"train": 235, "validation": 64},
        protocol=_DETECTION,
    )


AVA = _ava("2.2", "ava-2.2", "ava2.2", "ava-v2.2", "ava_v2.2")
AVA_21 = _ava("2.1", "ava2.1", "ava-v2.1", "ava_v2.1")

AVA_KINETICS = Located(
    name="ava-kinetics",
    aliases=("ava_kinetics", "avakinetics"),
    task="detection",
    layout=layouts.AVA_KINETICS,
    purpose="what each person does, in AVA's films and in clips of Kinetics-700",
    num_classes=80,
    parts=(_VAL, _TRAIN),
    naming=YouTubeIds(),
    forms=forms.AVA_FORMS,
    read=_by("ava", "read_ava_kinetics_split", naming=YouTubeIds()),
    names=forms.AVA_KINETICS_NAMES,
    protocol=_DETECTION,
)

UCF101_24 = Located(
    name="ucf101-24",
    aliases=("ucf24", "ucf-24", "ucf101_24", "ucf-101-24"),
    task="detection",
    layout=layouts.UCF101_24,
    purpose="where and when 24 sports actions happen, in tubes of boxes",
    num_classes=24,
    parts=(
        Part(asked="test", name="test01", kinds=("test",), others=("1", "test1")),
        Part(asked="train", name="train01", kinds=("train",), others=("train1",)),
    ),
    naming=Clips(),
    forms=forms.TUBES_FORMS,
    left_out=_FLOW,
    read=_by("tubes", "read_ucf101_24_split", naming=Clips()),
    names=forms.UCF101_24_NAMES,
    published={"test01": 910, "train01": 2_284},
    protocol=_DETECTION,
)

MULTISPORTS = Located(
    name="multisports",
    aliases=("multi-sports", "multi_sports"),
    task="detection",
    layout=layouts.MULTISPORTS,
    purpose="where and when 66 actions of players happen in four sports, in tubes of boxes",
    num_classes=66,
    parts=(
        Part(asked="val", name="validation", kinds=("val", "test")),
        Part(asked="train", name="train", kinds=("train",)),
    ),
    naming=Clips(),
    forms=forms.TUBES_FORMS,
    left_out=_FLOW,
    read=_by("tubes", "read_multisports_split", naming=Clips()),
    names=forms.MULTISPORTS_NAMES,
    published={"train": 1_574, "validation": 555},
    protocol=_DETECTION,
)

LOCATED: dict[str, Located] = {
    each.name: each
    for each in (
        ACTIVITYNET,
        THUMOS14,
        FINEACTION,
        *EPIC_KITCHENS,
        AVA,
        AVA_21,
        AVA_KINETICS,
        UCF101_24,
        MULTISPORTS,
    )
}
