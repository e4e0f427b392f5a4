"""What is wrong with the lists of seven datasets is said with the line, and nothing is silent."""

import json
from pathlib import Path

import msgspec
import pytest

from kinobench.datasets import catalog
from kinobench.datasets.copies.hmdb51 import HmdbNames
from kinobench.datasets.copies.json_lists import entry_lines
from kinobench.datasets.copies.known import DESCRIBED
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.lists.class_names import class_names, fold
from kinobench.datasets.split import Split

from ...fakes import copies_more as lay
from ...fakes.copies_more import Parted, put, put_lines

FURTHER = ("hmdb51", "ssv2", "jester", "diving48", "mit", "charades", "sports1m")


def read(dataset: str, root: Path, split: str | None = None) -> Split:
    return catalog.load_split(catalog.get(dataset), root, split)


def laid(root: Path, dataset: str, media: str, count: int = 6) -> Parted:
    mocks = lay.parted(dataset, count, count)
    lay.put_media(root, mocks.all, [media])
    return mocks


def replace(file: Path, old: str, new: str) -> None:
    """Change a text in a list, which is there."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def refused(dataset: str, root: Path, split: str | None = None) -> str:
    with pytest.raises(DatasetError) as error:
        read(dataset, root, split)
    return str(error.value)


@pytest.mark.parametrize("dataset", FURTHER)
def test_no_two_classes_of_a_dataset_are_spelled_alike(dataset: str) -> None:
    classes = class_names(DESCRIBED[dataset].classes)
    assert len(set(map(fold, classes))) == len(classes)


@pytest.mark.parametrize("dataset", FURTHER)
def test_an_empty_folder_shows_the_tree_and_how_people_get_the_dataset(
    dataset: str, tmp_path: Path
) -> None:
    text = refused(dataset, tmp_path)
    assert "there: no videos and no lists" in text
    assert DESCRIBED[dataset].layout.tree.splitlines()[1].strip() in text
    assert "https://" in text or "http://" in text


@pytest.mark.parametrize("dataset", FURTHER)
def test_a_missing_video_stays_in_the_split_and_is_counted(dataset: str, tmp_path: Path) -> None:
    mocks = lay.parted(dataset, 6)
    lay.put_media(tmp_path, mocks.test[1:], ["media/{id}.mp4"])
    writers = {
        "hmdb51": lay.hmdb51_official,
        "ssv2": lay.ssv2_official,
        "diving48": lay.diving48_official,
        "mit": lay.mit_official,
        "charades": lay.charades_official,
        "sports1m": lay.sports1m_official,
    }
    if dataset in writers:
        writers[dataset](tmp_path, mocks)
    else:
        lay.id_labels(tmp_path, mocks, dataset, ("val.csv", "train.csv", "labels.csv"))
    split = read(dataset, tmp_path)
    assert len(split.videos) == 6
    (finding,) = split.findings
    assert (finding.kind, finding.names) == ("missing", (mocks.test[0].id,))
    assert split.notes == (f"1 of 6 listed videos not on disk: {mocks.test[0].id}",)


def test_hmdb51_without_the_lists_of_some_classes_is_refused(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "hmdb51", "videos/{id}.avi")
    lay.hmdb51_official(tmp_path, mocks, folder="splits")
    (tmp_path / "splits/wave_test_split1.txt").unlink()
    text = refused("hmdb51", tmp_path)
    assert "lists of 1 of 51 classes aren't there: wave_test_split1.txt" in text
    assert len(read("hmdb51", tmp_path, "2").videos) == 6  # the others are whole


def test_a_line_of_hmdb51_without_its_use_is_refused_with_its_number(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "hmdb51", "videos/{id}.avi")
    lay.hmdb51_official(tmp_path, mocks, folder="splits")
    name = mocks.test[0].id.partition("/")[0]
    with (tmp_path / f"splits/{name}_test_split1.txt").open("a") as file:
        file.write("another.avi 3\n")
    text = refused("hmdb51", tmp_path)
    assert f"{name}_test_split1.txt" in text


@pytest.mark.parametrize(
    ("stem", "group", "name"),
    [
        ("April_09_brush_hair_u_nm_np1_ba_goo_0", "April_09", "brush_hair"),
        ("#20_Rhythm_clap_u_nm_np1_fr_goo_0", "#20_Rhythm", "clap"),
        ("20060723sfjffbartsinger_wave_f_cm_np1_ba_med_0", "20060723sfjffbartsinger", "wave"),
        ("Film_kick_ball_f_cm_np2_le_bad_12", "Film", "kick_ball"),
        ("no_tags", None, None),
    ],
)
def test_names_of_hmdb51_say_their_class_and_their_film(
    stem: str, group: str | None, name: str | None
) -> None:
    names = HmdbNames()
    assert names.class_of(stem) == name
    assert names.group(f"{name or 'wave'}/{stem}") == group


def test_an_unknown_template_is_refused_with_its_line(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "ssv2", "videos/{id}.webm")
    lay.ssv2_official(tmp_path, mocks)
    file = tmp_path / "something-something-v2-validation.json"
    template = class_names("ssv2")[mocks.test[2].labels[0]].replace("something", "[something]")
    replace(file, template, "Juggling [something]")
    text = refused("ssv2", tmp_path)
    assert (
        "something-something-v2-validation.json:4: no class is named 'Juggling something'" in text
    )


def test_an_entry_without_its_template_is_refused_with_its_line(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "ssv2", "videos/{id}.webm")
    lay.ssv2_official(tmp_path, mocks)
    file = tmp_path / "something-something-v2-validation.json"
    lines = file.read_text().splitlines()
    lines[3] = lines[3].replace('"template"', '"templates"')
    file.write_text("\n".join(lines))
    assert "validation.json:4: entry 2 of the array: Object missing" in refused("ssv2", tmp_path)


def test_the_test_of_something_something_says_which_list_has_its_labels(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "ssv2", "videos/{id}.webm")
    lay.ssv2_official(tmp_path, mocks)
    assert "for the test: test-answers.csv" in refused("ssv2", tmp_path, "test")


def test_the_line_of_an_entry_is_that_of_its_key_outside_of_texts() -> None:
    text = '[{"id": "1",\n "label": "a \\"id\\": b"},\n\n{"label": "x", "id": "2"}]'
    assert entry_lines(text, "id") == [1, 4]
    json.loads(text)


@pytest.mark.parametrize(
    ("dataset", "file", "old", "new", "said"),
    [
        ("ssv2", "something-something-v2-labels.json", '"7"', '"8"', ":1: class 8 is 'Digg"),
        ("jester", "labels.csv", "Swiping Left", "Swiping Down", ":1: class 0 is 'Swiping Down'"),
        ("diving48", "Diving48_vocab.json", '"Back"', '"Front"', ":1: class 0 is 'Front+15som"),
        ("mit", "moments_categories.txt", "praying,1", "praying,7", ":2: class 7 is 'praying'"),
        ("charades", "Charades_v1_classes.txt", "c001", "c157", ":2: class 157 is 'Putting"),
        ("sports1m", "labels.txt", "boxing", "boxing day", ":2: class 1 is 'boxing day'"),
    ],
)
def test_a_list_of_other_classes_is_refused_with_its_line(
    dataset: str, file: str, old: str, new: str, said: str, tmp_path: Path
) -> None:
    mocks = laid(tmp_path, dataset, "media/{id}.mp4")
    {
        "ssv2": lay.ssv2_official,
        "jester": lambda root, mocks: lay.id_labels(
            root, mocks, "jester", ("val.csv", "train.csv", "labels.csv")
        ),
        "diving48": lay.diving48_official,
        "mit": lay.mit_official,
        "charades": lay.charades_official,
        "sports1m": lay.sports1m_official,
    }[dataset](tmp_path, mocks)
    read(dataset, tmp_path)
    replace(tmp_path / file, old, new)
    text = refused(dataset, tmp_path)
    assert f"{file}{said}" in text and "get the publishers' file" in text


def test_a_list_of_too_few_classes_is_refused(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "jester", "media/{id}.mp4")
    lay.id_labels(tmp_path, mocks, "jester", ("val.csv", "train.csv", "labels.csv"))
    put_lines(tmp_path / "labels.csv", class_names("jester")[:-1])
    assert "labels.csv: no class 26, 'Doing other things'" in refused("jester", tmp_path)


def test_label_numbers_that_contradict_class_folders_are_refused(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "mit", "validation/{id}.mp4")
    off = [mock._replace(labels=(mock.labels[0] + 1,)) for mock in mocks.test]
    lay.path_labels(tmp_path, Parted(off, mocks.train), "mit_{}_list_videos.txt", ".mp4")
    text = refused("mit", tmp_path)
    assert "mit_val_list_videos.txt:1: label 1 with folder 'clapping', which is number 0" in text
    assert "these numbers count from 1" in text


def test_the_number_of_videos_says_the_version_of_diving48(tmp_path: Path) -> None:
    mocks = lay.parted("diving48", 2096)
    lay.put_media(tmp_path, mocks.test[:1], ["rgb/{id}.mp4"])
    lay.diving48_official(tmp_path, mocks, names=("V2_test", "V2_train"))
    with pytest.raises(DatasetError, match=r"Diving48_V2_test\.json"):
        read("diving48", tmp_path, "test")
    split = read("diving48", tmp_path, "test-v1")
    assert (len(split.videos), split.name) == (2096, "test-v1")
    assert split.findings[-1].kind == "contradicting"
    assert split.notes[-1] == (
        "1 list named as version 2 has the 2096 videos of version 1, and is taken for that: "
        "Diving48_V2_test.json"
    )


def test_the_versions_of_diving48_have_splits_of_their_own(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "diving48", "rgb/{id}.mp4")
    lay.diving48_official(tmp_path, mocks, names=("test", "train"))
    assert "--split test-v1" in refused("diving48", tmp_path)
    first = read("diving48", tmp_path, "test-v1")
    lay.diving48_official(tmp_path, Parted(mocks.train, mocks.test))
    assert read("diving48", tmp_path).manifest != first.manifest
    assert read("diving48", tmp_path, "test-v1").manifest == first.manifest
    assert {video.group for video in first.videos} == {mock.id[:11] for mock in mocks.test}


def test_a_list_of_another_encoding_next_to_those_of_diving48_harms_nothing(
    tmp_path: Path,
) -> None:
    mocks = laid(tmp_path, "diving48", "rgb/{id}.mp4")
    lay.diving48_official(tmp_path, mocks)
    put(tmp_path / "test_notes.txt", "Übung\n".encode("latin-1"))
    assert len(read("diving48", tmp_path).videos) == 6


def test_actions_of_charades_are_a_set_and_may_be_none(tmp_path: Path) -> None:
    put_lines(
        tmp_path / "Charades_v1_test.csv",
        [
            "id,subject,scene,script,actions,length",
            'AAAAA,S1,Kitchen,"He sits, and ""eats"".",c092 11.90 21.20;c147 0.00 12.60,24.83',
            "BBBBB,S1,Kitchen,x,,10.0",
            "CCCCC,S2,Kitchen,x,c005 0.00 3.10;c005 7.00 9.00,10.0",
        ],
    )
    put(tmp_path / "v/AAAAA.mp4")
    split = read("charades", tmp_path)
    assert {video.id: video.labels for video in split.videos} == {
        "AAAAA": (92, 147),
        "BBBBB": (),
        "CCCCC": (5,),
    }
    assert split.scoring == "map"


@pytest.mark.parametrize("action", ["c157 0.00 1.00", "c12 0.00 1.00", "c012 0.00", "eating"])
def test_an_action_of_charades_that_is_none_is_refused_with_its_line(
    action: str, tmp_path: Path
) -> None:
    put_lines(
        tmp_path / "Charades_v1_test.csv",
        ["id,subject,actions", "AAAAA,S1,c000 0.00 1.00", f"BBBBB,S1,{action}"],
    )
    put(tmp_path / "v/AAAAA.mp4")
    text = refused("charades", tmp_path)
    assert f"Charades_v1_test.csv:3: action {action!r} is not c000 to c156" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("AAAAA 0 1 AAAAA/AAAAA-000002.jpg", ":3: 'AAAAA 0 1 AAAAA/AAAAA-000002.jpg' has 4 col"),
        ('AAAAA 0 1 AAAAA/AAAAA-000002.jpg "12,157"', ":2: label '157' of this video's frames"),
        ('\xff 0 1 x "1"', ":3: not a text file in UTF-8"),
    ],
)
def test_a_line_of_a_list_of_frames_is_refused_with_its_number(
    line: str, said: str, tmp_path: Path
) -> None:
    head = 'original_vido_id video_id frame_id path labels\nAAAAA 0 0 AAAAA/AAAAA-000001.jpg ""\n'
    put(tmp_path / "val.csv", head.encode() + line.encode("latin-1") + b"\n")
    put(tmp_path / "v/AAAAA.mp4")
    assert f"val.csv{said}" in refused("charades", tmp_path)


def test_a_video_of_sports1m_in_both_parts_is_a_finding(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "sports1m", "videos/{id}.mp4")
    shared = mocks.test[1]
    lay.sports1m_official(tmp_path, Parted(mocks.test, [*mocks.train, shared]))
    for split in (read("sports1m", tmp_path), read("sports1m", tmp_path, "train")):
        (finding,) = split.findings
        assert (finding.kind, finding.names) == ("leak", (shared.id,))
        assert split.scoring == "hit-k"
    assert finding.text == f"1 of 7 listed videos in test_partition.txt too: {shared.id}"


def test_a_fold_of_the_cross_validation_is_no_partition(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "sports1m", "videos/{id}.mp4")
    rows = [f"https://www.youtube.com/watch?v={mock.id} 3" for mock in mocks.all]
    put_lines(tmp_path / "cross-validation/sports0_test.txt", rows)
    assert "no test_partition.txt" in refused("sports1m", tmp_path)
    lay.sports1m_official(tmp_path, mocks)
    assert len(read("sports1m", tmp_path).videos) == 6


def test_class_folders_of_sports1m_agree_with_one_of_several_labels(tmp_path: Path) -> None:
    put_lines(tmp_path / "test_partition.txt", ["https://www.youtube.com/watch?v=UDqivjS-lpI 0,1"])
    put(tmp_path / "videos/boxing/UDqivjS-lpI.mp4")
    assert read("sports1m", tmp_path).findings == ()
    (tmp_path / "videos/boxing").rename(tmp_path / "videos/bowling")
    assert [finding.kind for finding in read("sports1m", tmp_path).findings] == ["contradicting"]


def test_a_row_of_sports1m_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    put(tmp_path / "v/AAAAAAAAAAA.mp4")
    rows = [f"https://www.youtube.com/watch?v=BBBBBBBBB{n:02d} 1" for n in range(30)]
    put_lines(tmp_path / "test_partition.txt", [*rows, "https://youtu.be/UDqivjS-lpI 487"])
    assert "test_partition.txt:31: label 487 is not in 0..486" in refused("sports1m", tmp_path)
    put_lines(tmp_path / "test_partition.txt", [*rows, "https://youtu.be/short 4"])
    text = refused("sports1m", tmp_path)
    assert "test_partition.txt:31: 'https://youtu.be/short 4' is no video of YouTube" in text


def test_moments_in_the_folder_of_another_class_are_noted(tmp_path: Path) -> None:
    put(tmp_path / "validation/clapping/yt-a_1.mp4")
    put_lines(
        tmp_path / "validationSet.csv",
        ["clapping/yt-a_1.mp4,clapping,3,0", "praying/yt-a_2.mp4,dropping,2,1"],
    )
    kinds = [finding.kind for finding in read("mit", tmp_path).findings]
    assert kinds == ["missing", "contradicting"]


@pytest.mark.parametrize("dataset", FURTHER)
def test_an_unknown_split_or_layout_lists_those_that_there_are(
    dataset: str, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError):
        read(dataset, tmp_path, "nothing")
    names = [form.name for form in DESCRIBED[dataset].formats]
    assert len(set(names)) == len(names)


def test_the_splits_can_be_sent_to_another_process(tmp_path: Path) -> None:
    mocks = laid(tmp_path, "charades", "videos/{id}.mp4")
    lay.charades_official(tmp_path, mocks)
    split = read("charades", tmp_path)
    assert msgspec.structs.replace(split, notes=()).videos == split.videos
