"""Made-up copies of the datasets of localization and detection, as people have them."""

import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kinobench.datasets.lists.class_names import class_names

from .media import numbered_frames, write_video

IDS = ("bYUmtLBL7W4", "-5KQ66BBWC4", "v_abcdefghi")
"""Ids of YouTube; the last begins with `v_` itself."""


def put(path: Path, content: str | bytes = b"video") -> Path:
    """Write a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def short_video(path: Path, frames: int = 20, fps: int = 10) -> Path:
    """Write a video of a few frames of 64x48."""
    return write_video(path, numbered_frames(frames), fps=fps)


def pictures(folder: Path, name: str, count: int = 3) -> None:
    """Write empty pictures that make a folder of frames."""
    for number in range(1, count + 1):
        put(folder / name.format(number), b"\xff\xd8picture")


def event(label: str, start_s: float, end_s: float) -> dict[str, Any]:
    """Return an annotation in ActivityNet's form."""
    return {"label": label, "segment": [start_s, end_s]}


def activitynet(root: Path, videos: Mapping[str, dict[str, Any]] | None = None) -> Path:
    """Write an annotation of ActivityNet-1.3, without videos."""
    usual = {
        IDS[0]: {
            "subset": "validation",
            "duration": 2.0,
            "annotations": [event("Archery", 0.5, 1.0), event("BMX", 0.2, 1.5)],
        },
        IDS[1]: {
            "subset": "validation",
            "duration": 2.0,
            "annotations": [event("Archery", 0.0, 2.0)],
        },
        IDS[2]: {
            "subset": "training",
            "duration": 2.0,
            "annotations": [event("Baking cookies", 0.0, 1.0)],
        },
        "abcdefghijk": {"subset": "testing", "duration": 9.0, "annotations": []},
    }
    content = {"version": "VERSION 1.3", "database": usual if videos is None else videos}
    return put(root / "activity_net.v1-3.min.json", json.dumps(content))


def thumos14(root: Path) -> None:
    """Write lists of THUMOS14's two splits, with a video in which all is ambiguous."""
    events = {
        "CliffDiving_test": "video_test_0000004  1.0 2.0\n",
        "Diving_test": "video_test_0000004  1.0 2.0\nvideo_test_0000270 700.0 701.5\n",
        "Ambiguous_test": "video_test_0000004 5.0 6.0\nvideo_test_0001292 3.0 4.0\n",
        "Billiards_val": "video_validation_0000051 0.5 1.5\n",
        "Diving_val": "video_validation_0000052 0.5 1.5\n",
    }
    for name, text in events.items():
        put(root / f"annotations_{name.rpartition('_')[2]}" / f"{name}.txt", text)
    for number in (4, 1292):
        put(root / "TH14_test_set_mp4" / f"video_test_{number:07}.mp4")
    put(root / "validation" / "video_validation_0000051.mp4")


_EPIC_HEAD = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,"
    "start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes"
)


def epic_kitchens(root: Path) -> None:
    """Write annotations of EPIC-KITCHENS-100 and the list of its videos."""

    def row(video: str, number: int, span: tuple[str, str], verb: int, noun: int) -> str:
        return (
            f"{video}_{number},{video[:3]},{video},00:00:00.1,{span[0]},{span[1]},1,9,do it,"
            f"do,{verb},it,{noun},\"['it']\",[{noun}]"
        )

    folder = root / "epic-kitchens-100-annotations"
    val = [
        row("P01_11", 0, ("00:00:00.00", "00:00:01.89"), 0, 2),
        row("P01_11", 1, ("00:00:01.56", "00:01:02.45"), 1, 2),
    ]
    train = [row("P02_01", 0, ("00:00:00.50", "00:00:01.00"), 96, 299)]
    put(folder / "EPIC_100_validation.csv", "\n".join([_EPIC_HEAD, *val]) + "\n")
    put(folder / "EPIC_100_train.csv", "\n".join([_EPIC_HEAD, *train]) + "\n")
    info = "video_id,duration,fps,resolution\nP01_11,70.5,50.0,1920x1080\n"
    put(folder / "EPIC_100_video_info.csv", info)


AVA_ROWS = (
    "-5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,80,1",
    "-5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,9,1",
    "-5KQ66BBWC4,0902,0.226,0.032,0.366,0.497,12,0",
    "-5KQ66BBWC4,1798,0.1,0.1,0.5,0.9,12,7",
    "1j20qq1JyX4,0950,0.1,0.1,0.5,0.9,2,3",
)


def ava(root: Path, version: str = "2.2") -> None:
    """Write annotations of AVA, without videos."""
    folder = root / "annotations"
    put(folder / f"ava_val_v{version}.csv", "\n".join(AVA_ROWS) + "\n")
    put(folder / f"ava_train_v{version}.csv", "0f39OWEqJ24,0903,0.1,0.1,0.5,0.9,12,7\n")
    put(folder / f"ava_val_excluded_timestamps_v{version}.csv", "1j20qq1JyX4,0951\n")


def ava_kinetics(root: Path) -> None:
    """Write annotations of AVA-Kinetics, without videos."""
    ava(root)
    rows = ["abcdefghij1,14.5,0.1,0.1,0.5,0.9,12", "abcdefghij2,3,,,,,"]
    put(root / "ava_kinetics_v1_0" / "kinetics_val_v1.0.csv", "\n".join(rows) + "\n")


def tube(first: int, count: int, box: tuple[float, ...] = (8, 6, 32, 30)) -> np.ndarray:
    """Return a tube of ACT's form, whose frames count from 1: `[count, 5]`."""
    numbers = np.arange(first, first + count, dtype=np.float32)[:, None]
    return np.hstack([numbers, np.tile(np.float32(box), (count, 1))])


def act(
    labels: list[str], tubes: Mapping[str, dict[int, list[np.ndarray]]], test: list[str]
) -> dict[str, Any]:
    """Return annotations in ACT's form, of videos of 20 frames of 64x48."""
    return {
        "labels": labels,
        "gttubes": dict(tubes),
        "nframes": dict.fromkeys(tubes, 20),
        "train_videos": [[name for name in tubes if name not in test]],
        "test_videos": [test],
        "resolution": dict.fromkeys(tubes, (48, 64)),
    }


def ucf101_24(root: Path) -> None:
    """Write annotations of UCF101-24 in ACT's form, without videos."""
    names = ["Basketball/v_Basketball_g01_c01", "Biking/v_Biking_g02_c03"]
    tubes = {names[0]: {0: [tube(3, 10)]}, names[1]: {2: [tube(1, 20)]}}
    content = act(list(class_names("ucf101-24")), tubes, names[:1])
    put(root / "UCF101v2-GT.pkl", pickle.dumps(content))


def multisports(root: Path) -> None:
    """Write annotations of MultiSports, whose labels have spaces, without videos."""
    names = ["aerobic_gymnastics/v_crsi07chcV8_c004", "football/v_4LU6pYcOH-4_c001"]
    labels = [name.replace("_", " ") for name in class_names("multisports")]
    football = labels.index("football shoot")
    tubes = {names[0]: {0: [tube(1, 5), tube(9, 4)]}, names[1]: {football: [tube(2, 3)]}}
    put(root / "trainval" / "multisports_GT.pkl", pickle.dumps(act(labels, tubes, names[:1])))


WRITERS: dict[str, Callable[[Path], object]] = {
    "activitynet-1.3": activitynet,
    "thumos14": thumos14,
    "fineaction": lambda root: put(
        root / "annotations_gt.json",
        json.dumps(
            {
                "database": {
                    "v_00000001": {
                        "subset": "validation",
                        "duration": 2.0,
                        "annotations": [event("skip rope", 0.1, 0.4)],
                    }
                }
            }
        ),
    ),
    "epic-kitchens-100-verb": epic_kitchens,
    "epic-kitchens-100-noun": epic_kitchens,
    "epic-kitchens-100-action": epic_kitchens,
    "ava": ava,
    "ava-2.1": lambda root: ava(root, "2.1"),
    "ava-kinetics": ava_kinetics,
    "ucf101-24": ucf101_24,
    "multisports": multisports,
}
"""What writes the annotations of each dataset."""

FILES = {
    "activitynet-1.3": f"v1-3/v_{IDS[0]}.mp4",
    "thumos14": "TH14_test_set_mp4/video_test_0000004.mp4",
    "fineaction": "video/v_00000001.mp4",
    "epic-kitchens-100-verb": "EPIC-KITCHENS/P01/videos/P01_11.MP4",
    "epic-kitchens-100-noun": "EPIC-KITCHENS/P01/videos/P01_11.MP4",
    "epic-kitchens-100-action": "EPIC-KITCHENS/P01/videos/P01_11.MP4",
    "ava": f"videos/{IDS[1]}.mkv",
    "ava-2.1": f"videos/{IDS[1]}.mkv",
    "ava-kinetics": f"videos/{IDS[1]}.mkv",
    "ucf101-24": "UCF-101/Basketball/v_Basketball_g01_c01.avi",
    "multisports": "trainval/aerobic_gymnastics/v_crsi07chcV8_c004.mp4",
}
"""A video of each dataset's default split, where copies have it."""
