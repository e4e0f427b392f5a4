import os

import pytest

from kinobench.datasets.copies.read import read_copy
from kinobench.datasets.copies.ucf101 import UCF101
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.lists.class_names import class_names

from ..fakes.media import SHARED

ANNOTATIONS = SHARED / "annotations" / "ucf101"
THREE = (
    "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
    "HandstandPushups/v_HandstandPushups_g02_c03.avi",
    "YoYo/v_YoYo_g25_c05.avi",
)


def load(root, split=None):
    return read_copy(UCF101, root, split)


def write(file, text=""):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def small_copy(root, *, lists="ucfTrainTestlist", media="UCF-101", listed=THREE, files=THREE):
    write(root / lists / "testlist01.txt", "".join(f"{path}\n" for path in listed))
    for path in files:
        write(root / media / path)
    return root


@pytest.mark.parametrize("lists", ["ucfTrainTestlist", "annotations", "splits", "."])
@pytest.mark.parametrize("media", ["UCF-101", "videos", "."])
def test_every_usual_layout_is_read(tmp_path, lists, media):
    split = load(small_copy(tmp_path, lists=lists, media=media))
    assert (split.dataset, split.name, split.notes) == ("ucf101", "test01", ())
    assert split.classes == class_names("ucf101")
    assert [(video.id, video.label, video.group) for video in split.videos] == [
        ("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01", 0, "g01"),
        ("HandstandPushups/v_HandstandPushups_g02_c03", 36, "g02"),
        ("YoYo/v_YoYo_g25_c05", 100, "g25"),
    ]
    assert [video.path for video in split.videos] == [tmp_path / media / path for path in THREE]


def test_the_archives_spelling_of_handstand_pushups_is_found_and_the_id_stays(tmp_path):
    on_disk = "HandstandPushups/v_HandStandPushups_g02_c03.avi"
    split = load(small_copy(tmp_path, files=[on_disk]))
    assert split.videos[1].path == tmp_path / "UCF-101" / on_disk
    other = load(small_copy(tmp_path / "other", listed=[THREE[0], on_disk, THREE[2]]))
    assert other.manifest == split.manifest


def test_another_container_is_matched_by_the_stem(tmp_path):
    stems = [path.removesuffix(".avi") for path in THREE]
    files = [f"{stems[0]}.mp4", f"{stems[1]}.MKV", f"{stems[2]}.webm"]
    split = load(small_copy(tmp_path, files=files))
    assert [video.path for video in split.videos] == [tmp_path / "UCF-101" / name for name in files]
    assert split.notes == ()


def test_of_two_containers_the_listed_one_is_taken_and_noted(tmp_path):
    split = load(small_copy(tmp_path, files=[*THREE, THREE[2].replace(".avi", ".mp4")]))
    assert split.videos[2].path.suffix == ".avi"
    (note,) = split.notes
    assert "1 of 3 listed videos on disk more than once" in note
    assert "YoYo/v_YoYo_g25_c05" in note


def test_a_missing_file_keeps_its_place_and_is_counted(tmp_path):
    split = load(small_copy(tmp_path, files=THREE[:1]))
    assert len(split.videos) == 3
    assert split.videos[2].path == tmp_path / "UCF-101" / THREE[2]
    assert split.notes == (
        "2 of 3 listed videos not on disk: HandstandPushups/v_HandstandPushups_g02_c03, "
        "YoYo/v_YoYo_g25_c05",
    )
    assert split.manifest == load(small_copy(tmp_path)).manifest


def test_folder_order_does_not_decide_the_label(tmp_path):
    listed = ["HammerThrow/v_HammerThrow_g01_c01.avi", "Hammering/v_Hammering_g01_c01.avi"]
    split = load(small_copy(tmp_path, listed=listed, files=listed))
    assert [video.label for video in split.videos] == [35, 34]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("../elsewhere/YoYo/v_YoYo_g01_c01.avi", "leaves the data root"),
        ("YoYo/../../v_YoYo_g01_c01.avi", "leaves the data root"),
        ("/data/YoYo/v_YoYo_g01_c01.avi", "leaves the data root"),
        ("C:\\data\\YoYo\\v_YoYo_g01_c01.avi", "leaves the data root"),
        ("v_YoYo_g01_c01.avi", "not of the form Class/video.avi"),
        ("YoYoo/v_YoYo_g01_c01.avi", "did you mean 'YoYo'"),
        ("YoYo/v_YoYo_g01_c01.avi 100", "number 100 with folder 'YoYo', which is number 101"),
        (THREE[0], "in line 1 already"),
    ],
)
def test_a_line_that_can_not_be_meant_is_named_by_file_and_number(tmp_path, line, says):
    root = small_copy(tmp_path, listed=[*THREE, line])
    with pytest.raises(DatasetError) as raised:
        load(root)
    assert "testlist01.txt:4: " in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize("linked", ["file", "class folder", "media folder"])
def test_a_link_out_of_the_root_is_refused_where_it_is_listed(tmp_path, linked):
    root = small_copy(tmp_path / "root", files=THREE[:2])
    away = write(tmp_path / "away" / THREE[2])
    if linked == "file":
        (root / "UCF-101" / "YoYo").mkdir()
        (root / "UCF-101" / THREE[2]).symlink_to(away)
    elif linked == "class folder":
        (root / "UCF-101" / "YoYo").symlink_to(away.parent)
    else:
        (root / "UCF-101").rename(tmp_path / "away" / "UCF-101")
        (root / "UCF-101").symlink_to(tmp_path / "away" / "UCF-101")
    line = 1 if linked == "media folder" else 3
    with pytest.raises(DatasetError, match=rf"testlist01\.txt:{line}: .*leaves the data root"):
        load(root)


def test_a_link_inside_the_root_is_followed_and_a_dangling_one_is_a_missing_file(tmp_path):
    root = small_copy(tmp_path, files=THREE[:1])
    real = write(tmp_path / "store" / "yoyo.avi")
    for path, target in ((THREE[2], real), (THREE[1], tmp_path / "store" / "none.avi")):
        (root / "UCF-101" / path).parent.mkdir()
        (root / "UCF-101" / path).symlink_to(target)
    missing, dangling = load(root).findings
    assert missing.text.startswith("1 of 3 listed videos not on disk: HandstandPushups/")
    assert (dangling.kind, dangling.names) == ("dangling", (f"UCF-101/{THREE[1]}",))


def test_a_root_that_is_itself_a_link_is_fine(tmp_path):
    small_copy(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert load(tmp_path / "link").notes == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 ApplyEyeMakeup\n2 Archery\n", "classInd.txt:2: '2 Archery' where '2 ApplyLipstick'"),
        ("0 ApplyEyeMakeup\n", "classInd.txt:1: '0 ApplyEyeMakeup' where '1 ApplyEyeMakeup'"),
        ("1 ApplyEyeMakeup\n", "after its last line: 'nothing' where '2 ApplyLipstick'"),
        (None, "classInd.txt:102: '102 Knitting2' where 'no more lines'"),
    ],
)
def test_a_class_index_of_another_order_is_refused_at_its_first_difference(tmp_path, text, says):
    if text is None:
        names = [*class_names("ucf101"), "Knitting2"]
        text = "".join(f"{number} {name}\n" for number, name in enumerate(names, 1))
    write(small_copy(tmp_path) / "ucfTrainTestlist" / "classInd.txt", text)
    with pytest.raises(DatasetError) as raised:
        load(tmp_path)
    assert says in str(raised.value)


def test_a_class_index_in_the_files_spelling_is_the_same_list(tmp_path):
    names = [name.replace("Handstand", "HandStand") for name in class_names("ucf101")]
    text = "".join(f"{number} {name}\r\n" for number, name in enumerate(names, 1))
    write(small_copy(tmp_path) / "ucfTrainTestlist" / "classInd.txt", text)
    assert load(tmp_path).classes[36] == "HandstandPushups"


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("root", "no folder"),
        ("list", "no testlist01.txt under"),
        ("media", "no class folder with videos under"),
    ],
)
def test_what_is_missing_is_named_with_the_expected_tree_and_the_source(tmp_path, missing, says):
    root = tmp_path / "ucf"
    if missing == "list":
        write(root / "UCF-101" / THREE[0])
    if missing == "media":
        small_copy(root, files=())
    with pytest.raises(DatasetError) as raised:
        load(root)
    for part in (says, "ucfTrainTestlist/", "UCF-101/", "UCF101.rar", "crcv.ucf.edu"):
        assert part in str(raised.value)


def test_an_empty_list_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"testlist01\.txt: the list is empty"):
        load(small_copy(tmp_path, listed=()))


@pytest.mark.parametrize(
    ("asked", "file", "name"),
    [
        (None, "testlist01.txt", "test01"),
        ("2", "testlist02.txt", "test02"),
        ("test03", "testlist03.txt", "test03"),
        ("train1", "trainlist01.txt", "train01"),
    ],
)
def test_a_split_is_asked_by_its_number(tmp_path, asked, file, name):
    root = small_copy(tmp_path)
    (root / "ucfTrainTestlist" / "testlist01.txt").rename(root / "ucfTrainTestlist" / file)
    assert load(root, asked).name == name


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match=r"split of ucf101 is named '4'.*train3"):
        load(small_copy(tmp_path), "4")


def test_the_official_lists_have_the_published_counts(tmp_path):
    if not ANNOTATIONS.is_dir():
        pytest.skip("the official annotations are not beside the checkout")
    (tmp_path / "ucfTrainTestlist").symlink_to(ANNOTATIONS)
    listed = {
        line.split()[0]
        for number in (1, 2, 3)
        for kind in ("test", "train")
        for line in (ANNOTATIONS / f"{kind}list0{number}.txt").read_text().splitlines()
    }
    assert len(listed) == 13320
    for path in sorted({path.split("/")[0] for path in listed}):
        (tmp_path / "UCF-101" / path).mkdir(parents=True)
    for path in listed:
        # As the archive spells it, which the lists don't.
        name = path.replace("/v_Handstand", "/v_HandStand")
        os.close(os.open(tmp_path / "UCF-101" / name, os.O_CREAT | os.O_WRONLY))
    counts = {"1": 3783, "2": 3734, "3": 3696, "train1": 9537, "train2": 9586, "train3": 9624}
    for asked, count in counts.items():
        split = load(tmp_path, asked)
        assert (len(split.videos), split.notes) == (count, ())
        assert {video.label for video in split.videos} == set(range(101))
        assert all(video.id.split("/")[0] == split.classes[video.label] for video in split.videos)
    groups = [{(v.label, v.group) for v in load(tmp_path, name).videos} for name in ("1", "train1")]
    assert not groups[0] & groups[1]
    assert len(groups[0] | groups[1]) == 101 * 25
