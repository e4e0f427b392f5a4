"""The expected folders of each dataset and how people get it, for errors."""

import textwrap
from pathlib import Path

import msgspec

from ..errors import DatasetError, program
from ..visible import one_line


class LayoutError(DatasetError):
    """A dataset that is missing; the message shows the folders that are expected."""

    has_lines = True


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Folders and files that are expected under a dataset's root.

    Attributes:
        title: The dataset's name as people write it.
        tree: The expected folders and files, one a line.
        homepage: The page of its publishers; empty if it has none.
        obtain: Text that says how people get it.
    """

    title: str
    tree: str
    homepage: str
    obtain: str

    def lacks(self, what: str) -> DatasetError:
        """Return the error that says what is missing, what is expected, and how to get it."""
        tree = textwrap.indent(self.tree, "  ")
        return LayoutError(f"{self.title}: {one_line(what)}\nexpected:\n{tree}\n{self.obtain}")

    def given(self, root: Path | None) -> Path:
        """Return the data root.

        Raises:
            LayoutError: None is given.
        """
        if root is None:
            raise self.lacks("no data root is given; say where it is by --data-root")
        return root


UCF101 = Layout(
    title="UCF101",
    tree="""\
DATA_ROOT/
  ucfTrainTestlist/
    classInd.txt, trainlist01.txt ... testlist03.txt
    (or mmaction2's ucf101_train_split_1_videos.txt ... ucf101_val_split_3_videos.txt)
  UCF-101/
    ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi   (or .mp4, .mkv, .webm, ..., or a folder
    ...                                           of frames: v_ApplyEyeMakeup_g01_c01/)
(the folders may have other names, and lie two levels deep)""",
    homepage="https://www.crcv.ucf.edu/data/UCF101.php",
    obtain="get UCF101.rar and UCF101TrainTestSplits-RecognitionTask.zip from "
    "https://www.crcv.ucf.edu/data/UCF101.php and unpack both in DATA_ROOT; "
    "kinobench downloads no videos",
)


def _kinetics(number: int) -> Layout:
    return Layout(
        title=f"Kinetics-{number}",
        tree="""\
DATA_ROOT/
  annotations/
    val.csv           label,youtube_id,time_start,time_end,split
                      (or DeepMind's json, or lists of paths and labels of mmaction2, PySlowFast,
                      pytorchvideo)
  val/
    0wR5jVB-WPk_000417_000427.mp4, flat or in class folders   (or .avi, .mkv, .webm, ...)
    ...
(the folders may have other names, and lie two levels deep)""",
        homepage="https://github.com/cvdfoundation/kinetics-dataset",
        obtain="get the videos and the annotations by the scripts of "
        "https://github.com/cvdfoundation/kinetics-dataset; kinobench downloads no videos",
    )


KINETICS400, KINETICS600, KINETICS700 = map(_kinetics, (400, 600, 700))

FOLDER = Layout(
    title="folder",
    tree="""\
DATA_ROOT/
  classes.txt         (if you want: a class name a line, in the order of the labels)
  train/              (or no folders of splits: then fit holds a part out, see --holdout)
    fall/anything.mp4 (or .avi, .mkv, .webm, .mov, .m4v, .mpg, .flv, .ts, .3gp)
    walk/...
  test/               (or val/, validation/)
    ...""",
    homepage="",
    obtain="these are your own videos: put each in a folder that is named like its class",
)

LIST = Layout(
    title="list",
    tree="""\
FILE                  a line for each video: its path and its label, a number from 0 or a name,
                      with a space, a tab or a comma between; or a csv or jsonl file with the
                      columns file_name and label
classes.txt           (if you want, next to FILE: a class name a line, in the order of the labels)
DATA_ROOT/            (the folder of FILE, if you give no other)
  the listed paths""",
    homepage="",
    obtain="these are your own videos: write their paths and labels in a file, and give it as "
    "--list FILE",
)

SHARDS = Layout(
    title="shards",
    tree="""\
DATA_ROOT/            (a folder, or a URL that fsspec knows)
  train-000.tar ...   (or train/000.tar; without train, val or test: one split, all)
    KEY.mp4           (or .avi, .mkv, .webm, .mov, .m4v ...; KEY may have folders)
    KEY.cls           its label, a number from 0 or a name (or KEY.json with "label", or KEY.txt)
  classes.txt         (if you want: a class name a line, in the order of the labels)""",
    homepage="",
    obtain="these are your own videos: WebDataset writes such archives, and so does tar",
)


def pointlight(level: str) -> Layout:
    """Return the layout of a level of pointlight, by the level's name."""
    return Layout(
        title=level,
        tree="""\
DATA_ROOT/
  pointlight.json
  ucfTrainTestlist/
    classInd.txt, trainlist01.txt, testlist01.txt
  videos/
    CLASS/v_CLASS_g01_c01.mp4
    ...""",
        homepage="",
        obtain="kinobench generates it on first use where no data root is given; "
        f"`{program()} data make {level} --data-root DATA_ROOT` generates it elsewhere",
    )


POINTLIGHT_EVENTS = Layout(
    title="pointlight-events",
    tree="""\
DATA_ROOT/
  pointlight-events.json
  annotations.json    the events, in ActivityNet's form
  videos/
    events_test_0001.mp4
    ...""",
    homepage="",
    obtain="kinobench generates it on first use where no data root is given; "
    f"`{program()} data make pointlight-events --data-root DATA_ROOT` generates it elsewhere",
)


POINTLIGHT_BOXES = Layout(
    title="pointlight-boxes",
    tree="""\
DATA_ROOT/
  pointlight-boxes.json
  classes.pbtxt
  test.csv, test_key_frames.csv, train.csv, train_key_frames.csv
  videos/
    boxes_0001.mp4
    ...""",
    homepage="",
    obtain=pointlight("pointlight-boxes").obtain,
)
