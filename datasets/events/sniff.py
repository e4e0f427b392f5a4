"""Which format a file of annotations has, found by its content: names say little."""

from collections.abc import Mapping
from pathlib import Path

from ..errors import DatasetError
from .act_tubes import act_tubes, is_act
from .activitynet import activitynet_events, is_activitynet
from .annotated import BoxFile, EventFile, Part, TubeFile
from .ava import is_ava, read_ava
from .content import content_of, json_of, text_of
from .epic_kitchens import is_epic_kitchens, read_epic_kitchens
from .plain_pickle import read_plain_pickle
from .structure import is_json, is_pickle
from .thumos14 import is_thumos14, read_thumos14
from .ucf101_24 import is_ucf101_24, ucf101_24_tubes

KNOWN = (
    'ActivityNet\'s json ({"database": {ID: {"subset", "annotations"}}}; FineAction, HACS)',
    "THUMOS14's folder of lists (annotations_test/CLASS_test.txt)",
    "EPIC-KITCHENS-100's csv (video_id, start_timestamp, verb_class, ...)",
    "AVA's csv (video,second,x1,y1,x2,y2,action,person)",
    "MultiSports's pickle (labels, gttubes, nframes, ...)",
    "UCF101-24's corrected pyannot.pkl",
)
"""The formats of annotations."""

AnnotationFile = EventFile | BoxFile | TubeFile


def read_annotations(
    path: Path, *, part: Part = "action", actions: Mapping[int, str] | None = None
) -> AnnotationFile:
    """Read annotations of any known format, which their content tells; gzip may have packed them.

    Args:
        path: The file, or THUMOS14's folder.
        part: Which label of EPIC-KITCHENS is meant.
        actions: Number from 1 -> name of AVA's actions that are scored; None: all.

    Raises:
        DatasetError: It can't be read, has no known format, or an entry isn't what it should be.
    """
    if path.is_dir():
        if is_thumos14(path):
            return read_thumos14(path)
        raise DatasetError(f"{path}: a folder without THUMOS14's lists; {_known()}")
    content = content_of(path)
    if is_pickle(content):
        read = _of_structure(path, read_plain_pickle(path))
    elif is_json(content):
        read = _of_structure(path, json_of(path))
    else:
        read = _of_text(path, part, actions)
    if read is None:
        raise DatasetError(f"{path}: no known format of annotations; {_known()}")
    return read


def _of_structure(path: Path, said: object) -> AnnotationFile | None:
    if is_act(said):
        return act_tubes(path, said)
    if is_ucf101_24(said):
        return ucf101_24_tubes(path, said)
    if is_activitynet(said):
        return activitynet_events(path, said)
    if isinstance(said, dict) and "results" in said:
        raise DatasetError(f"{path}: results, not annotations; give the annotations")
    return None


def is_annotation(said: object) -> bool:
    """Return whether the content of a pickle or a json has a known form of annotations."""
    return is_act(said) or is_ucf101_24(said) or is_activitynet(said)


def _of_text(
    path: Path, part: Part, actions: Mapping[int, str] | None
) -> EventFile | BoxFile | None:
    text = text_of(path)
    if is_epic_kitchens(text):
        return read_epic_kitchens(path, part)
    return read_ava(path, actions) if is_ava(text) else None


def _known() -> str:
    return f"known are {'; '.join(KNOWN)}"
