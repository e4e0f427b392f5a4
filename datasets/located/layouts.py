"""The expected folders of the datasets of localization and detection, and how people get them."""

from ..lists.layouts import Layout

_NO_DOWNLOADS = "kinobench downloads no videos"
_FOLDERS = "(the folders may have other names, and lie two levels deep)"

ACTIVITYNET = Layout(
    title="ActivityNet-1.3",
    tree=f"""\
DATA_ROOT/
  activity_net.v1-3.min.json      (or mmaction2's anet_anno_val.json, or OpenTAD's)
  v1-3/train_val/
    v_bYUmtLBL7W4.mp4             (or .mkv, .webm; with or without v_)
    ...
{_FOLDERS}""",
    homepage="http://activity-net.org/download.html",
    obtain="get activity_net.v1-3.min.json from http://activity-net.org/download.html, and the "
    f"videos by the form on that page, which gives access for seven days; {_NO_DOWNLOADS}",
)

FINEACTION = Layout(
    title="FineAction",
    tree=f"""\
DATA_ROOT/
  annotations_gt.json             (ActivityNet's form)
  video/
    v_00000001.mp4, ...
{_FOLDERS}""",
    homepage="https://github.com/Richard-61/FineAction",
    obtain="get annotations_gt.json and the videos from "
    f"https://openxlab.org.cn/datasets/OpenDataLab/FineAction; {_NO_DOWNLOADS}",
)

THUMOS14 = Layout(
    title="THUMOS14",
    tree=f"""\
DATA_ROOT/
  annotations_test/               (or TH14_Temporal_annotations_test/annotation/)
    BaseballPitch_test.txt ... VolleyballSpiking_test.txt, Ambiguous_test.txt
  annotations_val/
    BaseballPitch_val.txt ...     (or one json in ActivityNet's form for both, as OpenTAD has it)
  TH14_test_set_mp4/
    video_test_0000004.mp4, ...   (only those that are annotated are needed)
  validation/
    video_validation_0000051.mp4, ...
{_FOLDERS}""",
    homepage="https://www.crcv.ucf.edu/THUMOS14/download.html",
    obtain="get the temporal annotations and the videos of the test and the validation set from "
    f"https://www.crcv.ucf.edu/THUMOS14/download.html; {_NO_DOWNLOADS}",
)

EPIC_KITCHENS = Layout(
    title="EPIC-KITCHENS-100",
    tree=f"""\
DATA_ROOT/
  epic-kitchens-100-annotations/
    EPIC_100_validation.csv, EPIC_100_train.csv, EPIC_100_video_info.csv
  EPIC-KITCHENS/
    P01/videos/P01_11.MP4         (or P01/rgb_frames/P01_11/frame_0000000001.jpg)
    ...
{_FOLDERS}""",
    homepage="https://epic-kitchens.github.io",
    obtain="get the annotations from "
    "https://github.com/epic-kitchens/epic-kitchens-100-annotations, and the videos by the "
    f"scripts of https://github.com/epic-kitchens/epic-kitchens-download-scripts; {_NO_DOWNLOADS}",
)


def _ava(version: str) -> Layout:
    return Layout(
        title=f"AVA {version}",
        tree=f"""\
DATA_ROOT/
  annotations/
    ava_val_v{version}.csv, ava_train_v{version}.csv
    ava_val_excluded_timestamps_v{version}.csv, ava_train_excluded_timestamps_v{version}.csv
  videos/                         whole films: 1j20qq1JyX4.mp4 (or .mkv, .webm)
  (or videos_15min/               their minutes 15 to 30, in folders with 15min in their name)
  (or frames/                     those minutes at 30 pictures a second: ID/ID_000001.jpg)
{_FOLDERS}""",
        homepage="https://research.google.com/ava/",
        obtain=f"get ava_v{version}.zip and the videos as https://github.com/cvdfoundation/"
        f"ava-dataset says; {_NO_DOWNLOADS}",
    )


AVA, AVA_21 = _ava("2.2"), _ava("2.1")

AVA_KINETICS = Layout(
    title="AVA-Kinetics",
    tree=f"""\
DATA_ROOT/
  ava_kinetics_v1_0/
    ava_val_v2.2.csv, ava_train_v2.2.csv, ava_val_excluded_timestamps_v2.2.csv
    kinetics_val_v1.0.csv, kinetics_train_v1.0.csv
  videos/                         AVA's films, or videos_15min/ or frames/, as for AVA
  kinetics700/val/                clips of Kinetics-700: ID_000012_000022.mp4
{_FOLDERS}""",
    homepage="https://research.google.com/ava/",
    obtain="get ava_kinetics_v1_0.tar.gz from https://research.google.com/ava/download.html, AVA's "
    "videos as https://github.com/cvdfoundation/ava-dataset says, and those of Kinetics-700 by "
    f"https://github.com/cvdfoundation/kinetics-dataset; {_NO_DOWNLOADS}",
)

UCF101_24 = Layout(
    title="UCF101-24",
    tree=f"""\
DATA_ROOT/
  UCF101v2-GT.pkl                 (or pyannot.pkl with splitfiles/testlist01.txt and
                                  trainlist01.txt; the corrected annotations alone)
  rgb-images/
    Basketball/v_Basketball_g01_c01/00001.jpg ...   (or .avi files)
{_FOLDERS}""",
    homepage="https://github.com/gurkirt/corrected-UCF101-Annots",
    obtain="get UCF101_v2.tar.gz, with frames and UCF101v2-GT.pkl, as "
    "https://github.com/MCG-NJU/MOC-Detector/blob/master/readme/Dataset.md says, or pyannot.pkl "
    "from https://github.com/gurkirt/corrected-UCF101-Annots and the videos of UCF101; "
    f"{_NO_DOWNLOADS}",
)

MULTISPORTS = Layout(
    title="MultiSports",
    tree=f"""\
DATA_ROOT/
  trainval/
    multisports_GT.pkl
    aerobic_gymnastics/v_crsi07chcV8_c004.mp4, ...  (or folders of frames)
    basketball/..., football/..., volleyball/...
{_FOLDERS}""",
    homepage="https://deeperaction.github.io/datasets/multisports.html",
    obtain="get the annotations and the videos, after you agree to the terms, from "
    f"https://huggingface.co/datasets/MCG-NJU/MultiSports; {_NO_DOWNLOADS}",
)
