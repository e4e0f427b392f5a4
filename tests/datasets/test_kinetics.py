import pytest

from kinobench.datasets.copies.kinetics import KINETICS400
from kinobench.datasets.copies.read import read_copy
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.lists.class_names import class_names

HEADER = "label,youtube_id,time_start,time_end,split\n"
ROWS = (
    "abseiling,0wR5jVB-WPk,417,427,val\n"
    '"massaging person\'s head",-a_b-c_d-e_,0.0,10.0,val\n'
    "zumba,__________z,3600,3610,val\n"
)
STEMS = (
    "0wR5jVB-WPk_000417_000427",
    "-a_b-c_d-e__000000_000010",
    "__________z_003600_003610",
)


def load(root, split=None):
    return read_copy(KINETICS400, root, split)


def write(file, text=""):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def small_copy(root, files, *, text=HEADER + ROWS, listing="annotations/val.csv"):
    write(root / listing, text)
    for path in files:
        write(root / path)
    return root


def flat(folder="val", extension=".mp4"):
    return [f"{folder}/{stem}{extension}" for stem in STEMS]


@pytest.mark.parametrize(
    "listing",
    [
        "annotations/val.csv",
        "val.csv",
        "validate.csv",
        "kinetics400_val.csv",
        "annotations/validation.csv",
    ],
)
@pytest.mark.parametrize("folder", ["val", "validate", "videos/val", "videos_val", "videos", "."])
def test_every_usual_layout_is_read(tmp_path, listing, folder):
    split = load(small_copy(tmp_path, flat(folder), listing=listing))
    assert (split.dataset, split.name, split.notes) == ("kinetics400", "validation", ())
    assert split.classes == class_names("kinetics400")
    assert [(video.id, video.label) for video in split.videos] == list(
        zip(STEMS, (0, 196, 399), strict=True)
    )
    assert [video.path for video in split.videos] == [tmp_path / path for path in flat(folder)]


def test_files_are_matched_by_id_in_any_folder_and_container(tmp_path):
    files = [
        f"val/abseiling/{STEMS[0]}.mkv",
        "val/massaging persons_head/-a_b-c_d-e_.webm",
        "val/part_3/__________z_003601_003611.AVI",
    ]
    split = load(small_copy(tmp_path, files))
    assert [video.path for video in split.videos] == [tmp_path / path for path in files]
    assert split.notes == ()


def test_an_id_with_several_rows_is_matched_by_the_start_too(tmp_path):
    text = HEADER + "zumba,0123456789_,5,15,val\nyoga,0123456789_,40.0,50.0,val\n"
    files = ["val/0123456789__000040_000050.mp4", "val/0123456789__000005_000015.mp4"]
    split = load(small_copy(tmp_path, files, text=text))
    assert [video.path for video in split.videos] == [tmp_path / path for path in reversed(files)]
    assert split.notes == ()


def test_of_several_trims_of_an_id_only_the_rows_own_is_taken(tmp_path):
    files = ["val/0wR5jVB-WPk_000001_000011.mp4", "val/0wR5jVB-WPk_000050_000060.mp4"]
    split = load(small_copy(tmp_path, files))
    assert split.notes[0].startswith("3 of 3 listed videos not on disk")
    assert split.notes[1].startswith("2 of 2 videos on disk named by no row of val.csv")
    split = load(small_copy(tmp_path, ["val/0wR5jVB-WPk_000417_000427.mp4"]))
    assert split.videos[0].path.name == "0wR5jVB-WPk_000417_000427.mp4"


def test_what_is_missing_and_what_is_not_listed_is_counted(tmp_path):
    files = [f"val/abseiling/{STEMS[0]}.mp4", "val/AAAAAAAAAAA_000001_000011.mp4", "val/notes.mp4"]
    split = load(small_copy(tmp_path, files))
    assert [video.id for video in split.videos] == list(STEMS)
    assert split.videos[2].path == tmp_path / "val" / f"{STEMS[2]}.mp4"
    assert split.notes == (
        f"2 of 3 listed videos not on disk: {STEMS[1]}, {STEMS[2]}",
        "2 of 3 videos on disk named by no row of val.csv: AAAAAAAAAAA_000001_000011.mp4, "
        "notes.mp4",
    )


def test_a_missing_file_is_expected_beside_the_others_of_its_class(tmp_path):
    text = HEADER + "air drumming,aaaaaaaaaaa,1,11,\nair drumming,bbbbbbbbbbb,1,11,\n"
    files = ["val/air_drumming/aaaaaaaaaaa_000001_000011.mp4"]
    missing = load(small_copy(tmp_path, files, text=text)).videos[1].path
    assert missing == tmp_path / "val" / "air_drumming" / "bbbbbbbbbbb_000001_000011.mp4"


def test_two_containers_of_one_video_are_noted(tmp_path):
    split = load(small_copy(tmp_path, [*flat(), f"val/{STEMS[0]}.avi"]))
    assert split.videos[0].path.suffix == ".avi"
    assert split.notes[0].startswith("1 of 3 listed videos on disk more than once")


def test_a_list_without_the_split_column_and_with_a_byte_order_mark_is_read(tmp_path):
    text = "\ufefflabel,youtube_id,time_start,time_end\nYoga , aaaaaaaaaaa,1,11\n"
    split = load(small_copy(tmp_path, ["val/aaaaaaaaaaa.mp4"], text=text))
    assert (split.videos[0].label, split.notes) == (class_names("kinetics400").index("yoga"), ())


def test_rows_of_another_split_are_left_out_and_counted(tmp_path):
    text = HEADER + ROWS + "yoga,aaaaaaaaaaa,1,11,train\n"
    split = load(small_copy(tmp_path, flat(), text=text))
    assert len(split.videos) == 3
    assert split.notes == ("left out: 1 row of val.csv, of other splits",)
    with pytest.raises(DatasetError, match=r"val\.csv: no row of the val split"):
        load(small_copy(tmp_path, (), text=HEADER + "yoga,aaaaaaaaaaa,1,11,train\n"))


def test_another_splits_folder_is_not_taken_for_a_class_folder(tmp_path):
    split = load(small_copy(tmp_path, [*flat("."), "train/AAAAAAAAAAA_000001_000011.mp4"]))
    assert split.notes == ()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("yogga,aaaaaaaaaaa,1,11,val\n", "did you mean 'yoga'"),
        ("yoga,aaaaaaaaaa,1,11,val\n", "youtube_id 'aaaaaaaaaa' is not 11"),
        ("yoga,../../../aa,1,11,val\n", "youtube_id '../../../aa' is not 11"),
        ("yoga,aaaaaaaaaaa,one,11,val\n", "time_start 'one' is not a number of seconds"),
        ("yoga,aaaaaaaaaaa,1,nan,val\n", "time_end 'nan' is not a number of seconds"),
        ("yoga,aaaaaaaaaaa\n", "time_start '' is not a number of seconds"),
        ('"yoga" x,aaaaaaaaaaa,1,11,val\n', "not a csv line"),
        ("abseiling,0wR5jVB-WPk,417,427,val\n", "in line 2 already"),
    ],
)
def test_a_row_that_can_not_be_meant_is_named_by_file_and_line(tmp_path, row, says):
    with pytest.raises(DatasetError) as raised:
        load(small_copy(tmp_path, flat(), text=HEADER + ROWS + row))
    assert "val.csv:5: " in str(raised.value)
    assert says in str(raised.value)


def test_a_list_without_header_is_read_as_paths_and_labels(tmp_path):
    text = "air drumming/x.mp4 1\n"
    with pytest.raises(DatasetError, match=r"val\.csv:1: youtube_id 'x' is not 11"):
        load(small_copy(tmp_path, flat(), text=text))
    split = load(small_copy(tmp_path, flat(), text=f"air drumming/{STEMS[0]}.mp4 1\n"))
    assert [(video.id, video.label) for video in split.videos] == [(STEMS[0], 1)]
    assert split.layout == "pyslowfast"


def test_a_csv_that_lacks_a_column_is_refused_with_its_name(tmp_path):
    with pytest.raises(DatasetError, match=r"val\.csv:1: no column time_start, time_end; .*header"):
        load(small_copy(tmp_path, flat(), text="label,youtube_id\nyoga,aaaaaaaaaaa\n"))


def test_a_link_out_of_the_root_is_refused_where_it_is_listed(tmp_path):
    away = write(tmp_path / "away.mp4")
    root = small_copy(tmp_path / "root", flat()[:2])
    (root / flat()[2]).symlink_to(away)
    with pytest.raises(DatasetError, match=r"val\.csv:4: .*leaves the data root"):
        load(root)


@pytest.mark.parametrize(
    ("missing", "says"),
    [("root", "no folder"), ("list", "no val.csv under"), ("media", "no videos of the val split")],
)
def test_what_is_missing_is_named_with_the_expected_tree_and_the_source(tmp_path, missing, says):
    root = tmp_path / "k400"
    if missing == "list":
        write(root / flat()[0])
    if missing == "media":
        small_copy(root, ())
    with pytest.raises(DatasetError) as raised:
        load(root)
    for part in (says, "label,youtube_id,time_start", "github.com/cvdfoundation/kinetics-dataset"):
        assert part in str(raised.value)


def test_a_split_has_its_own_list_and_folder(tmp_path):
    files = ["train/part_0/aaaaaaaaaaa_000001_000011.mp4", *flat()]
    root = small_copy(tmp_path, files)
    write(root / "annotations" / "train.csv", HEADER + "yoga,aaaaaaaaaaa,1,11,train\n")
    split = load(root, "train")
    assert (split.name, split.notes, len(split.videos)) == ("train", (), 1)
    assert load(root, "validate").manifest == load(root).manifest
    with pytest.raises(UnknownNameError, match=r"split of kinetics400 is named 'vall'.*'val'"):
        load(root, "vall")
