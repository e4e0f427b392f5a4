"""The table of layouts of seven datasets: what is laid down, and what is read."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from kinobench.datasets.lists.class_names import class_names

from ...fakes import copies_more as lay
from ...fakes.copies_more import Parted

Lists = Callable[[Path, Parted], None]


class Row(NamedTuple):
    """A layout.

    Attributes:
        dataset: The dataset, or another name of it.
        shown: What is special about it, in words.
        media: Patterns of where the files are.
        lists: What writes the lists.
        layout: The name of the layout that is read.
        split: The split that is asked for.
        notes: Beginnings of the notes.
        asked: The layout that is asked for.
    """

    dataset: str
    shown: str
    media: Sequence[str]
    lists: Lists
    layout: str
    split: str | None = None
    notes: Sequence[str] = ()
    asked: str = ""


def paths(names: str, extension: str, **options: object) -> Lists:
    """Return lists of paths and labels; in the name, `{}` is `val` or `train`."""
    return partial(lay.path_labels, names=names, extension=extension, **options)


def frames(names: str) -> Lists:
    """Return lists of folders of frames, with their number and a label."""
    return partial(lay.frame_counts, names=names)


def both(*lists: Lists) -> Lists:
    """Return what writes several lists."""

    def write(root: Path, mocks: Parted) -> None:
        for each in lists:
            each(root, mocks)

    return write


def nothing(root: Path, mocks: Parted) -> None:
    """Write no list."""


AVI = ["hmdb51_org/{id}.avi"]
ONE = "hmdb51_{}_split_1_videos.txt"
TWICE = ["12 of 12 listed videos on disk more than once"]
HMDB51 = (
    Row("hmdb51", "the official", AVI, lay.hmdb51_official, "official"),
    Row(
        "hmdb",
        "all in the root",
        ["{id}.avi"],
        partial(lay.hmdb51_official, folder="."),
        "official",
    ),
    Row("hmdb51", "flat files", ["videos/{stem}.mp4"], lay.hmdb51_official, "official"),
    Row("hmdb51", "the second split", AVI, lay.hmdb51_official, "official", "train2"),
    Row(
        "hmdb51",
        "mmaction2's annotations",
        ["videos/{id}.avi"],
        both(partial(lay.hmdb51_official, folder="annotations"), lay.ucf_style),
        "official",
    ),
    Row("hmdb51", "trainlist01.txt alone", AVI, lay.ucf_style, "ucf101"),
    Row("hmdb51", "mmaction2's", ["videos/{id}.avi"], paths(ONE, ".avi"), "mmaction2"),
    Row(
        "hmdb51",
        "mmaction2's frames",
        ["rawframes/{id}/img_00001.jpg", "rawframes/{id}/flow_x_00001.jpg"],
        frames("hmdb51_{}_split_1_rawframes.txt"),
        "mmaction2-frames",
    ),
    Row(
        "hmdb51",
        "frames of the official lists",
        ["frames/{id}/image_00001.png"],
        lay.hmdb51_official,
        "official",
    ),
    Row(
        "hmdb51",
        "names of classes",
        AVI,
        paths("{}_1.csv", ".avi", separator=",", named=class_names("hmdb51")),
        "pyslowfast",
    ),
    Row(
        "hmdb-51",
        "a list that is asked for",
        AVI,
        both(lay.hmdb51_official, paths(ONE, ".avi")),
        "mmaction2",
        asked="mmaction2",
    ),
)

WEBM = ["20bn-something-something-v2/{stem}.webm"]
SSV2_JSON = partial(lay.ssv2_official, name="something-something-v2-{}.json")
SSV2 = (
    Row("ssv2", "the official", WEBM, SSV2_JSON, "official"),
    Row(
        "sthv2",
        "the later release",
        WEBM,
        partial(lay.ssv2_official, name="labels/{}.json"),
        "official",
    ),
    Row("ssv2", "indented json", WEBM, partial(lay.ssv2_official, indent=True), "official"),
    Row("something-something-v2", "the training", WEBM, SSV2_JSON, "official", "train"),
    Row(
        "ssv2",
        "the test's answers",
        WEBM,
        both(
            partial(lay.ssv2_official, name="labels/{}.json"),
            partial(lay.answers, name="labels/test-answers.csv", dataset="ssv2"),
        ),
        "answers",
        "test",
    ),
    Row(
        "ssv2",
        "mmaction2's",
        ["videos/{stem}.mp4"],
        paths("sthv2_{}_list_videos.txt", ".mp4"),
        "mmaction2",
    ),
    Row(
        "ssv2",
        "mmaction2's frames",
        ["rawframes/{stem}/img_00001.jpg"],
        frames("sthv2_{}_list_rawframes.txt"),
        "mmaction2-frames",
    ),
    Row(
        "ssv2",
        "TSM's frames",
        ["20bn-something-something-v2-frames/{stem}/000001.jpg"],
        frames("{}_videofolder.txt"),
        "mmaction2-frames",
    ),
    Row("ssv2", "PySlowFast's frames", ["frames/{stem}/{stem}_000001.jpg"], SSV2_JSON, "official"),
    Row(
        "ssv2",
        "VideoMAE's",
        ["mp4/{stem}.mp4"],
        paths("{}.csv", ".mp4", before="mp4/"),
        "pyslowfast",
    ),
    Row("ssv2", "with commas", WEBM, paths("{}.csv", ".webm", separator=","), "pyslowfast"),
)

JESTER_FRAMES = ["20bn-jester-v1/{stem}/00001.jpg"]
JESTER_CSV = partial(
    lay.id_labels,
    dataset="jester",
    names=("jester-v1-validation.csv", "jester-v1-train.csv", "jester-v1-labels.csv"),
)
JESTER_LATER = partial(
    lay.id_labels,
    dataset="jester",
    names=("labels/validation.csv", "labels/train.csv", "labels/labels.csv"),
)
JESTER = (
    Row("jester", "the official", JESTER_FRAMES, JESTER_CSV, "official"),
    Row("20bn-jester", "the later release", JESTER_FRAMES, JESTER_LATER, "official"),
    Row("jester", "the training", JESTER_FRAMES, JESTER_CSV, "official", "train"),
    Row(
        "jester",
        "the test's answers",
        JESTER_FRAMES,
        both(JESTER_LATER, partial(lay.answers, name="labels/test-answers.csv", dataset="jester")),
        "official",
        "test",
    ),
    Row("jester", "encoded", ["videos/{stem}.mp4"], JESTER_CSV, "official"),
    Row(
        "jester",
        "mmaction2's",
        ["videos/{stem}.mp4"],
        paths("jester_{}_list_videos.txt", ".mp4"),
        "mmaction2",
    ),
    Row(
        "jester",
        "mmaction2's frames",
        ["rawframes/{stem}/00001.jpg", "rawframes/{stem}/flow_x_00001.jpg"],
        frames("jester_{}_list_rawframes.txt"),
        "mmaction2-frames",
    ),
    Row("jester", "TSM's frames", JESTER_FRAMES, frames("{}_videofolder.txt"), "mmaction2-frames"),
    Row("jester", "PySlowFast's", ["videos/{stem}.mp4"], paths("{}.csv", ".mp4"), "pyslowfast"),
)

RGB = ["rgb/{stem}.mp4"]
NO_VERSION = "1 list says no version, taken for 2"
DIVING48 = (
    Row("diving48", "the official", RGB, lay.diving48_official, "official"),
    Row("diving-48", "the training", RGB, lay.diving48_official, "official", "train"),
    Row(
        "diving48",
        "version 1",
        RGB,
        partial(lay.diving48_official, names=("test", "train")),
        "official",
        "test-v1",
    ),
    Row(
        "diving48",
        "both versions",
        RGB,
        both(lay.diving48_official, partial(lay.diving48_official, names=("test", "train"))),
        "official",
    ),
    Row(
        "diving48",
        "mmaction2's",
        ["videos/{stem}.mp4"],
        paths("diving48_v2_{}_list_videos.txt", ".mp4"),
        "mmaction2",
    ),
    Row(
        "diving48",
        "mmaction2's, of no version",
        ["videos/{stem}.mp4"],
        paths("diving48_{}_list_videos.txt", ".mp4"),
        "mmaction2",
        notes=[NO_VERSION],
    ),
    Row(
        "diving48",
        "mmaction2's frames",
        ["rawframes/{stem}/img_00001.jpg"],
        frames("diving48_V2_{}_list_rawframes.txt"),
        "mmaction2-frames",
    ),
    Row(
        "diving48",
        "frames of the official lists",
        ["rgb/{stem}/frame00001.jpg"],
        lay.diving48_official,
        "official",
    ),
    Row("diving48", "VideoMAE's", RGB, paths("{}_v2.csv", ".mp4", before="rgb/"), "pyslowfast"),
)

MIT_MEDIA = ["validation/{id}.mp4"]
MIT = (
    Row("mit", "the official", MIT_MEDIA, lay.mit_official, "official"),
    Row(
        "moments-in-time",
        "the training",
        ["training/{id}.mp4"],
        lay.mit_official,
        "official",
        "train",
    ),
    Row(
        "mit",
        "mmaction2's",
        ["videos/validation/{id}.mp4"],
        paths("mit_{}_list_videos.txt", ".mp4"),
        "mmaction2",
    ),
    Row(
        "mit",
        "mmaction2's, with the folder",
        ["videos/validation/{id}.mp4"],
        paths("mit_{}_video_anno.txt", ".mp4", before="validation/"),
        "mmaction2",
    ),
    Row(
        "mit",
        "mmaction2's frames",
        ["rawframes/validation/{id}/img_00001.jpg"],
        frames("mit_{}_rawframe_anno.txt"),
        "mmaction2-frames",
    ),
    Row(
        "mit",
        "PySlowFast's",
        MIT_MEDIA,
        paths("{}.csv", ".mp4", before="validation/"),
        "pyslowfast",
    ),
    Row(
        "mit",
        "names of classes",
        MIT_MEDIA,
        paths("{}.csv", ".mp4", separator="\t", named=class_names("mit")),
        "pyslowfast",
    ),
    Row("mit", "a tree", MIT_MEDIA, nothing, "class-folders", notes=["no list of the"]),
)

CHARADES_VIDEOS = ["Charades_v1_480/{stem}.mp4"]
CHARADES_FRAMES = ["Charades_v1_rgb/{stem}/{stem}-000001.jpg"]
CHARADES = (
    Row("charades", "the official", CHARADES_VIDEOS, lay.charades_official, "official"),
    Row("charades", "the training", CHARADES_VIDEOS, lay.charades_official, "official", "train"),
    Row("charades", "the official frames", CHARADES_FRAMES, lay.charades_official, "official"),
    Row("charades", "PySlowFast's", CHARADES_FRAMES, lay.charades_frame_lists, "pyslowfast"),
    Row(
        "charades",
        "mmaction2's",
        ["rawframes/{stem}/{stem}-000001.jpg"],
        partial(lay.charades_frame_lists, names="annotations/charades_{}_list_rawframes.csv"),
        "pyslowfast",
    ),
    Row(
        "charades",
        "PySlowFast's lists and files",
        CHARADES_VIDEOS,
        lay.charades_frame_lists,
        "pyslowfast",
    ),
    Row(
        "charades",
        "both lists",
        CHARADES_FRAMES,
        both(lay.charades_official, lay.charades_frame_lists),
        "official",
    ),
)

IDS = partial(lay.sports1m_official, address="{}")
SPORTS1M = (
    Row("sports1m", "the official", ["videos/{stem}.mp4"], lay.sports1m_official, "official"),
    Row(
        "sports-1m",
        "the training",
        ["videos/{stem}.mp4"],
        lay.sports1m_official,
        "official",
        "train",
    ),
    Row(
        "sports1m",
        "crawlers' extensions",
        ["test/{stem}.mp4.mkv"],
        lay.sports1m_official,
        "official",
    ),
    Row(
        "sports1m", "a size in the name", ["256/{stem}_256.webm"], lay.sports1m_official, "official"
    ),
    Row("sports1m", "ids alone", ["videos/{stem}.flv"], IDS, "official"),
    Row(
        "sports1m",
        "short addresses",
        ["{stem}.mp4"],
        partial(lay.sports1m_official, address="http://youtu.be/{}?t=3"),
        "official",
    ),
    Row("sports1m", "the paper's json", ["videos/{stem}.mp4"], lay.sports1m_json, "json"),
    Row("sports1m", "paths", ["videos/{stem}.mp4"], lay.sports1m_paths, "mmaction2"),
)
TABLE = (*HMDB51, *SSV2, *JESTER, *DIVING48, *MIT, *CHARADES, *SPORTS1M)
