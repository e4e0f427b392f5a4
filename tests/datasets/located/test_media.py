"""Which file is a video's, in which form, and what time its clock shows."""

from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.clock import WHOLE, Clock
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.located.naming import Clips, PrefixedYouTubeIds
from kinobench.datasets.own import OwnVideos
from kinobench.datasets.split import Split

from ...fakes import located_copies as copies
from ...fakes.located_copies import IDS, pictures, put


def _load(name: str, root: Path, layout: str = "", *, follow_links: bool = False) -> Split:
    own = OwnVideos(layout=layout, follow_links=follow_links)
    return catalog.load_split(catalog.get(name), root, None, own)


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ("v_bYUmtLBL7W4", "bYUmtLBL7W4"),
        ("bYUmtLBL7W4", "bYUmtLBL7W4"),
        ("v_abcdefghi", "v_abcdefghi"),  # an id that begins with v_
        ("v_v_abcdefghi", "v_abcdefghi"),
        ("v_--1DO2V4K74", "--1DO2V4K74"),
        ("v_short", "v_short"),
    ],
)
def test_an_id_of_youtube_is_the_same_with_and_without_v(written: str, own: str) -> None:
    naming = PrefixedYouTubeIds()
    assert naming.id_of(written) == own
    if len(own) == 11:
        for stem in (written, f"{written}.mp4", f"{written}_256"):
            key = naming.key(stem, "")
            assert key is not None and key.id == own


def test_ids_that_differ_in_case_alone_are_two_videos(tmp_path: Path) -> None:
    about = {"subset": "validation", "annotations": [copies.event("BMX", 0, 1)]}
    copies.activitynet(tmp_path, {"aaaaaaaaaaA": about, "aaaaaaaaaaa": about})
    put(tmp_path / "v" / "v_aaaaaaaaaaA.mp4")
    split = _load("activitynet", tmp_path)
    assert [video.path.exists() for video in split.videos] == [True, False]


def test_ava_has_whole_films_cuts_and_frames(tmp_path: Path) -> None:
    copies.ava(tmp_path)
    put(tmp_path / "videos_15min" / f"{IDS[1]}.mp4")
    put(tmp_path / "videos_15min" / "1j20qq1JyX4.mp4")
    put(tmp_path / "videos" / f"{IDS[1]}.mkv")
    pictures(tmp_path / "frames" / IDS[1], f"{IDS[1]}_{{:06}}.jpg")
    most = _load("ava", tmp_path)
    assert most.layout == "videos-15min"
    assert [most.clock_of(video.id) for video in most.videos] == [Clock(900.0)] * 2
    whole = _load("ava", tmp_path, "videos")
    assert whole.videos[0].path.name == f"{IDS[1]}.mkv"
    assert whole.clock_of(IDS[1]) == WHOLE
    frames = _load("ava", tmp_path, "frames")
    assert frames.videos[0].path.is_dir()
    assert frames.clock_of(IDS[1]) == Clock(900.0, 30.0)
    # What is measured is the same, whatever the copy is.
    assert most.manifest == whole.manifest == frames.manifest
    with pytest.raises(UnknownNameError, match="videos-15min"):
        _load("ava", tmp_path, "videos-15mins")


def test_a_video_that_is_there_in_another_form_alone_is_taken_and_counted(tmp_path: Path) -> None:
    copies.ava(tmp_path)
    for number in range(2):
        put(tmp_path / "videos" / f"{(IDS[1], 'abcdefghijk')[number]}.mkv")
    pictures(tmp_path / "frames" / "1j20qq1JyX4", "img_{:05}.jpg")
    split = _load("ava", tmp_path)
    assert split.clock_of("1j20qq1JyX4") == Clock(900.0, 30.0)
    assert "1 of 2 listed videos in another form than 'videos', as most are" in "\n".join(
        split.notes
    )
    (missing,) = _load("ava", tmp_path, "videos").findings
    assert missing.kind == "missing" and missing.names == ("1j20qq1JyX4",)


def test_the_rate_of_frames_comes_from_the_annotation_or_is_said_to_be_unknown(
    tmp_path: Path,
) -> None:
    epic, thumos = tmp_path / "epic", tmp_path / "thumos"
    copies.epic_kitchens(epic)
    folder = epic / "EPIC-KITCHENS" / "P01" / "rgb_frames" / "P01_11"
    pictures(folder, "frame_{:010}.jpg")
    pictures(folder.parents[1] / "flow_frames" / "P01_11", "frame_{:010}.jpg")
    split = _load("epic-verb", epic)
    assert split.videos[0].path == folder
    assert split.clock_of("P01_11") == Clock(0.0, 50.0)
    copies.thumos14(thumos)
    pictures(thumos / "rawframes" / "video_test_0000270", "img_{:05}.jpg")
    notes = "\n".join(_load("thumos14", thumos).notes)
    assert "1 of 3 videos folders of pictures whose rate nothing says" in notes


def test_tubes_frames_have_their_rate_and_flow_is_no_video(tmp_path: Path) -> None:
    copies.ucf101_24(tmp_path)
    name = "Basketball/v_Basketball_g01_c01"
    pictures(tmp_path / "brox-images" / name, "{:05}.jpg")
    with pytest.raises(DatasetError, match="no videos"):
        _load("ucf101-24", tmp_path)
    pictures(tmp_path / "rgb-images" / name, "{:05}.jpg")
    split = _load("ucf101-24", tmp_path)
    assert split.videos[0].path == tmp_path / "rgb-images" / name
    assert split.clock_of(name) == Clock(0.0, 25.0)


def test_of_two_files_the_one_that_is_not_empty_is_taken(tmp_path: Path) -> None:
    copies.activitynet(tmp_path)
    put(tmp_path / "a" / f"v_{IDS[0]}.mp4", b"")
    put(tmp_path / "b" / f"v_{IDS[0]}.mkv")
    split = _load("activitynet", tmp_path)
    assert split.videos[0].path.parent.name == "b"
    kinds = {each.kind: each.names for each in split.findings}
    assert kinds["duplicate"] == (IDS[0],)


def test_a_missing_video_has_the_path_that_it_should_have(tmp_path: Path) -> None:
    copies.activitynet(tmp_path)
    put(tmp_path / "v1-3" / "val" / f"v_{IDS[0]}.mp4")
    split = _load("activitynet", tmp_path)
    assert split.videos[1].path == tmp_path / "v1-3" / "val" / f"v_{IDS[1]}.mp4"
    multisports = tmp_path / "multisports"
    copies.multisports(multisports)
    put(multisports / "trainval" / "football" / "v_4LU6pYcOH-4_c001.mp4")
    other = _load("multisports", multisports)
    assert other.videos[0].path.relative_to(multisports) == Path(
        "trainval/aerobic_gymnastics/v_crsi07chcV8_c004.mp4"
    )


def test_a_link_out_of_the_root_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", put(tmp_path / "elsewhere" / "film.mp4")
    copies.activitynet(root)
    (root / f"v_{IDS[0]}.mp4").symlink_to(elsewhere)
    with pytest.raises(DatasetError, match="leaves the data root"):
        _load("activitynet", root)
    assert _load("activitynet", root, follow_links=True).videos[0].path.exists()


def test_clips_of_one_recording_are_a_group() -> None:
    naming = Clips()
    assert naming.group("Biking/v_Biking_g02_c03") == "v_Biking_g02"
    assert naming.group("football/v_4LU6pYcOH-4_c001") == "v_4LU6pYcOH-4"
    assert naming.group("football/else") is None
