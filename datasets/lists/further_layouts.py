"""The expected folders of seven more datasets and how people get them, for errors.

The sources of what is said about licences are in copies/published.py.
"""

from .layouts import Layout

_NO_DOWNLOADS = "kinobench downloads no videos"

HMDB51 = Layout(
    title="HMDB51",
    tree="""\
DATA_ROOT/
  testTrainMulti_7030_splits/   (or any other folder)
    brush_hair_test_split1.txt ... wave_test_split3.txt, 153 files
  hmdb51_org/                   (or any other folder)
    brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi   (or .mp4, .mkv, .webm)
    ...""",
    homepage="https://serre.lab.brown.edu/hmdb51.html",
    obtain="get hmdb51_org.rar and test_train_splits.rar from "
    "https://serre.lab.brown.edu/hmdb51.html, and unpack "
    f"both and the 51 archives in the first; licence CC BY 4.0; {_NO_DOWNLOADS}",
)

SSV2 = Layout(
    title="Something-Something v2",
    tree="""\
DATA_ROOT/
  labels/                       (or any other folder)
    something-something-v2-validation.json, -train.json, -labels.json
    (or validation.json, train.json, labels.json; test-answers.csv for the test)
  20bn-something-something-v2/  (or any other folder)
    1.webm, 2.webm, ...         (or .mp4, or folders of frames)""",
    homepage="https://www.qualcomm.com/developer/software/something-something-v-2-dataset",
    obtain="get the labels and all parts of the videos, after you agree to the terms, from "
    "https://www.qualcomm.com/developer/software/something-something-v-2-dataset; for research; "
    f"{_NO_DOWNLOADS}",
)

JESTER = Layout(
    title="Jester",
    tree="""\
DATA_ROOT/
  annotations/                  (or any other folder)
    jester-v1-validation.csv, jester-v1-train.csv, jester-v1-labels.csv
    (or validation.csv, train.csv, labels.csv; test-answers.csv for the test)
  20bn-jester-v1/               (or any other folder)
    1/00001.jpg, 00002.jpg, ... (or videos: 1.mp4, 2.mp4, ...)""",
    homepage="https://www.qualcomm.com/developer/software/jester-dataset",
    obtain="get the labels and all parts of the frames, after you agree to the terms, from "
    "https://www.qualcomm.com/developer/software/jester-dataset; for research; "
    f"{_NO_DOWNLOADS}",
)

DIVING48 = Layout(
    title="Diving48",
    tree="""\
DATA_ROOT/
  annotations/                  (or any other folder)
    Diving48_V2_test.json, Diving48_V2_train.json, Diving48_vocab.json
    (Diving48_test.json and Diving48_train.json are version 1: --split test-v1)
  rgb/                          (or any other folder)
    _8Vy3dlHg2w_00000.mp4, ...  (or folders of frames)""",
    homepage="http://www.svcl.ucsd.edu/projects/resound/dataset.html",
    obtain="get Diving48_rgb.tar.gz and the json files from "
    f"http://www.svcl.ucsd.edu/projects/resound/dataset.html; {_NO_DOWNLOADS}",
)

MIT = Layout(
    title="Moments in Time",
    tree="""\
DATA_ROOT/
  validationSet.csv, trainingSet.csv, moments_categories.txt   (in any folder)
  validation/                   (or any other folder)
    clapping/NAME.mp4, ...
  training/
    clapping/NAME.mp4, ...""",
    homepage="http://moments.csail.mit.edu/",
    obtain="ask for version 1, of 339 classes, by the form of http://moments.csail.mit.edu/, after "
    f"you agree to its terms; {_NO_DOWNLOADS}",
)

CHARADES = Layout(
    title="Charades",
    tree="""\
DATA_ROOT/
  Charades/                     (or any other folder)
    Charades_v1_test.csv, Charades_v1_train.csv, Charades_v1_classes.txt
    (or PySlowFast's val.csv and train.csv, with a line for each frame)
  Charades_v1_480/              (or any other folder)
    46GP8.mp4, ...              (or folders of frames: 46GP8/46GP8-000001.jpg)""",
    homepage="https://prior.allenai.org/projects/charades",
    obtain="get Charades.zip and Charades_v1_480.zip, or the frames, from "
    "https://prior.allenai.org/projects/charades; for use that is not commercial, by "
    f"https://prior.allenai.org/projects/data/charades/license.txt; {_NO_DOWNLOADS}",
)

SPORTS1M = Layout(
    title="Sports-1M",
    tree="""\
DATA_ROOT/
  original/                     (or any other folder)
    test_partition.txt, train_partition.txt   (unpacked by gzip -d)
  labels.txt
  videos/                       (or any other folder)
    UDqivjS-lpI.mp4, ...        (or .mkv, .webm, .flv; the id of YouTube)""",
    homepage="https://github.com/gtoderici/sports-1m-dataset",
    obtain="get the lists from https://github.com/gtoderici/sports-1m-dataset, licence CC BY "
    f"3.0; the videos are YouTube's users', and each of them has its own terms; {_NO_DOWNLOADS}",
)
