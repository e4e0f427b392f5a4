"""Frames and crops of the origins that aren't installed, worked out by hand from their formulas."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from kinobench.datasets.protocol import ALIASES, PRESETS, preset
from kinobench.datasets.protocol.cropping import Crop
from kinobench.datasets.protocol.timed_placement import Timeline
from kinobench.datasets.views.maker import make_views
from kinobench.datasets.views.pixels import resized_frames


def _clips(name: str, count: int, fps: int) -> tuple[tuple[int, ...], ...]:
    """The frames of the clips of an MP4 file with `count` frames, `fps` of them a second."""
    stamps = tuple(range(0, 15360 // fps * count, 15360 // fps))
    end = 15360 // fps * count
    video = Timeline(stamps, end, Fraction(1, 15360), Fraction(fps), announced=end)
    return preset(name).frame_indices([i / fps for i in range(count)], count / fps, video)


# facebookresearch/SlowFast, slowfast/datasets/decoder.py. 150 frames at 30: a clip is 64 long, 86
# are left, clip i starts at 8.6 i and ends 63 later. Clip 1 is 8.6 to 71.6: frames 9 to 71 are
# decoded, 63 of them; the pictures stand at 0, 9, ... 63, and the last of them is clamped to 62.
# Clip 5, from 43 to 106, has all its 64.
@pytest.mark.parametrize(
    ("clip", "frames"),
    [
        (0, (0, 9, 18, 27, 36, 45, 54, 63)),
        (1, (9, 18, 27, 36, 45, 54, 63, 71)),
        (5, (43, 52, 61, 70, 79, 88, 97, 106)),
        (9, (78, 87, 96, 105, 114, 123, 132, 140)),
    ],
)
def test_pyslowfasts_clips_start_at_tenths_of_the_room(clip: int, frames: tuple[int, ...]) -> None:
    assert _clips("pyslowfast", 150, 30)[clip] == frames


# At 25 a second a clip is 64 / 30 * 25 = 53.3 long. Of 250 frames 196.7 are left; clip 2 is 39.3 to
# 91.7, frames 40 to 91, pictures at 52.33 / 7 = 7.48, 14.95, 22.4, 29.9, 37.4, 44.9 and 52.3.
@pytest.mark.parametrize(
    ("clip", "frames"),
    [(0, (0, 7, 14, 22, 29, 37, 44, 52)), (2, (40, 47, 54, 62, 69, 77, 84, 91))],
)
def test_pyslowfast_goes_by_time(clip: int, frames: tuple[int, ...]) -> None:
    assert _clips("pyslowfast", 250, 25)[clip] == frames


def test_pyslowfast_holds_the_last_frame_of_a_short_video() -> None:
    # The 53.3 that a clip should have, in 50 frames: its last picture, at 52.3, is frame 49.
    assert _clips("pyslowfast", 50, 25) == ((0, 7, 14, 22, 29, 37, 44, 49),) * 10
    assert _clips("pyslowfast", 3, 25) == ((0, 2, 2, 2, 2, 2, 2, 2),) * 10


def test_pyslowfasts_offsets_are_whole_frames() -> None:
    # USE_OFFSET_SAMPLING: clip i of 5 starts at i * floor(86 / 4) = 21 i; pictures 63 / 15 = 4.2
    # apart, rounded down.
    pictures = (0, 4, 8, 12, 16, 21, 25, 29, 33, 37, 42, 46, 50, 54, 58, 63)
    assert _clips("pyslowfast-16x4-224", 150, 30) == tuple(
        tuple(start + picture for picture in pictures) for start in (0, 21, 42, 63, 84)
    )
    # One clip stands at floor(86 / 2).
    protocol = preset("pyslowfast-16x4-224").with_views(1, 1)
    times = [i / 30 for i in range(150)]
    assert protocol.frame_indices(times, 5.0) == (tuple(43 + picture for picture in pictures),)


def _as_container(
    unit_s: Fraction, announced: int | None, start: int = 0, guessed: int | None = None
) -> tuple[tuple[int, ...], ...]:
    """PySlowFast's clips of 150 frames at 30 a second, whose container counts so."""
    stamps = tuple(int(i / 30 / unit_s) for i in range(150))
    rate = None if guessed is None else Fraction(guessed)
    video = Timeline(stamps, int(5 / unit_s), unit_s, Fraction(30), announced, start, rate)
    return preset("pyslowfast").frame_indices([i / 30 for i in range(150)], 5.0, video)


def test_pyslowfast_decodes_a_video_whole_whose_stream_announces_no_duration() -> None:
    # Clip 1 of 150 frames is 8.6 to 71.6, counted in frames: 8.6, 17.6, ... 71.6, rounded down.
    matroska = _as_container(Fraction(1, 1000), None)
    assert matroska[1] == (8, 17, 26, 35, 44, 53, 62, 71)
    # A duration of 64 frames or less isn't longer than a clip of 8 x 8.
    assert _as_container(Fraction(1, 1000), 2000) == matroska
    assert _clips("pyslowfast", 150, 30)[1] == (9, 18, 27, 36, 45, 54, 63, 71)


def test_pyslowfast_goes_by_the_duration_that_the_stream_announces() -> None:
    # 6 s are 180 frames, though 150 are there: clip 9 starts at 116 * 9 / 10 = 104.4 of them.
    assert _as_container(Fraction(1, 15360), 6 * 15360)[9] == (105, 114, 123, 132, 141, *[149] * 3)


def test_pyslowfast_doesnt_take_the_first_timestamp_off() -> None:
    # The first timestamp is 1 s: clip 5, from 1.43 s to 3.53 s of the file, begins at frame 13.
    assert _as_container(Fraction(1, 15360), 5 * 15360, 15360)[5][0] == 13
    # MPEG-TS begins at 1.4 s; what lies before the first frame leaves fewer of them to clip 0.
    assert _as_container(Fraction(1, 90000), 5 * 90000, 126000)[0] == (0, 9, 18, 21, *[21] * 4)


def test_pyslowfast_takes_a_time_unit_for_a_second_by_its_denominator() -> None:
    # A unit is 1001 / 30000 s, as in AVI, and a timestamp counts frames: what should be 30 a second
    # is taken for 30000, so that clip 0 is decoded whole and the others find no frame.
    stamps, ntsc = tuple(range(150)), Fraction(30000, 1001)
    video = Timeline(stamps, 150, 1 / ntsc, ntsc, announced=150)
    clips = preset("pyslowfast").frame_indices([i / 29.97 for i in stamps], 5.005, video)
    # A clip is 63.94 long: 62.94 / 7 = 8.99 between two pictures. 86.06 are left.
    assert clips[0] == (0, 8, 17, 26, 35, 44, 53, 62)
    assert clips[5] == (43, 52, 61, 70, 78, 87, 96, 105)


def test_pyslowfast_goes_by_the_rate_that_ffmpeg_guesses() -> None:
    # At 60 a second a clip is 128 long, of 300; its pictures stand 127 / 7 = 18.1 apart, but each
    # second frame isn't there: 64 frames are decoded.
    assert _as_container(Fraction(1, 15360), 5 * 15360, guessed=60)[0] == (0, 18, 36, 54, *[63] * 4)


# open-mmlab/mmaction2, mmaction/datasets/transforms/loading.py, SampleFrames, test mode.
def test_mmaction2s_clips_start_at_rounded_ninths_of_the_room() -> None:
    # A clip spans 57 of 150 frames; 93 are left: 93 / 9 = 10.33 apart, to the nearest.
    starts = (0, 10, 21, 31, 41, 52, 62, 72, 83, 93)
    expected = tuple(tuple(range(start, start + 57, 8)) for start in starts)
    assert _clips("mmaction2", 150, 30) == expected
    assert _clips("mmaction2", 150, 10) == expected  # it counts frames, not seconds


def test_mmaction2_rounds_halves_to_the_even_frame() -> None:
    # A clip spans 57 of 75 frames; 18 are left, and four clips of one in five start 18 / 4 = 4.5
    # after the one before.
    protocol = preset("mmaction2").with_views(5, 1)
    clips = protocol.frame_indices([i / 30 for i in range(75)], 75 / 30)
    assert [clip[0] for clip in clips] == [0, 4, 9, 14, 18]


def test_mmaction2_takes_single_frames_from_the_middle_of_segments() -> None:
    # Segments of 13 / 25 = 0.52: 0.26, 0.78, 1.3, ... rounded down.
    frames = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12]
    assert [frame for (frame,) in _clips("mmaction2-tsn-25x10-224", 13, 30)] == frames


def test_mmaction2_starts_a_short_video_over() -> None:
    # 0, 8, ... 56 modulo 20.
    assert _clips("mmaction2", 20, 30) == ((0, 8, 16, 4, 12, 0, 8, 16),) * 10


def test_the_pictures_of_a_sparse_clip_stand_over_the_whole_video() -> None:
    # TSM: 8 single frames of 100, in the middle of segments of 12.5, are one clip.
    assert _clips("mmaction2-tsm-8x10-224", 100, 30) == ((6, 18, 31, 43, 56, 68, 81, 93),)
    assert _clips("mmaction2-tsm-8x10-224", 1, 30) == ((0,) * 8,)
    # Two clips share 16 segments of 6.25, the first half and the second.
    both = preset("mmaction2-tsm-8x10-224").with_views(2, 1)
    assert both.frame_indices([i / 30 for i in range(100)], 100 / 30) == (
        (3, 9, 15, 21, 28, 34, 40, 46),
        (53, 59, 65, 71, 78, 84, 90, 96),
    )


# yjxiong/tsn-pytorch, dataset.py, _get_test_indices, less the 1 that file names begin at.
def test_tsn_takes_the_middle_of_25_segments() -> None:
    # Segments of 4: 2, 6, 10, ...; of 3: 1.5, 4.5, ... rounded down; of 0.28: 0.14, 0.42, ...
    assert [frame for (frame,) in _clips("tsn", 100, 30)] == list(range(2, 100, 4))
    assert [frame for (frame,) in _clips("tsn", 75, 30)] == list(range(1, 75, 3))
    sevenths = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6]
    assert [frame for (frame,) in _clips("tsn", 7, 30)] == sevenths


def test_every_preset_finds_frames_in_a_video_of_any_length() -> None:
    for name, protocol in PRESETS.items():
        for count, fps in ((1, 30), (2, 15), (17, 24), (300, 30), (1001, 60)):
            clips = _clips(name, count, fps)
            assert len(clips) == protocol.clips
            assert {len(clip) for clip in clips} == {protocol.frames}
            assert all(0 <= frame < count for clip in clips for frame in clip)


def test_an_origins_name_is_its_most_usual_recipe() -> None:
    assert set(ALIASES) == {"pytorchvideo", "pyslowfast", "mmaction2", "torchvision", "tsn"}
    assert all(preset(alias) == PRESETS[name] for alias, name in ALIASES.items())
    assert preset("tsn").views == 250 and preset("pyslowfast").views == 30


# A video of 240x320: 320 * 256 / 240 = 341.3.
@pytest.mark.parametrize(
    ("name", "resized", "corners"),
    [
        # ceil((341 - 256) / 2) = 43
        ("pyslowfast", (256, 341), [(0, 0), (0, 43), (0, 85)]),
        # (341 - 256) // 2 = 42; the right one at twice that; the middle last
        ("mmaction2", (256, 341), [(0, 0), (0, 84), (0, 42)]),
        # (341 - 224) // 4 = 29 and (256 - 224) // 4 = 8
        ("tsn", (256, 341), [(0, 0), (0, 116), (32, 0), (32, 116), (16, 58)]),
        ("mmaction2-tsn-25x10-224", (256, 341), [(0, 0), (0, 116), (32, 0), (32, 116), (16, 58)]),
        # 117 / 2 = 58.5, to the even
        ("tsn-25x1-224", (256, 341), [(16, 58)]),
        # ceil(58.5)
        ("pyslowfast-16x4-224", (256, 341), [(16, 59)]),
        # 59 / 2 = 29.5, to the even
        ("torchvision", (128, 171), [(8, 30)]),
        ("mmaction2-32x2-224", (224, 299), [(0, 0), (0, 74), (0, 37)]),
    ],
)
def test_crops_lie_where_the_origin_cuts(
    name: str, resized: tuple[int, int], corners: list[tuple[int, int]]
) -> None:
    protocol = preset(name)
    assert protocol.resized(240, 320) == resized
    crops = protocol.crops_of(*resized)
    if protocol.crops == 10:
        assert [crop.mirrored for crop in crops] == [False, True] * 5
        assert crops[::2] == tuple(crop._replace(mirrored=False) for crop in crops[1::2])
        crops = crops[::2]
    assert crops == tuple(Crop(*corner) for corner in corners)


def _noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)


def test_mmaction2s_pictures_are_opencvs() -> None:
    protocol = preset("mmaction2-32x2-224").with_views(1, 1)
    frames = _noise(120, 161)
    (view,) = make_views(frames, [(0, 1)], protocol)
    # 161 * 224 / 120 = 300.53, to the nearest.
    large = np.stack([cv2.resize(frame, (301, 224)) for frame in frames])
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    expected = (large[:, :, 38 : 38 + 224].astype(np.float64) - mean) / std
    np.testing.assert_allclose(view.permute(1, 2, 3, 0).numpy(), expected, atol=2e-6)


def test_tsns_pictures_are_pillows_to_one_level() -> None:
    frames = _noise(300, 410)
    found = resized_frames(frames, preset("tsn")).numpy()
    assert found.shape == (2, 256, 349, 3) and found.dtype == np.uint8
    for picture, frame in zip(found, frames, strict=True):
        theirs = np.asarray(Image.fromarray(frame).resize((349, 256), Image.Resampling.BILINEAR))
        assert np.abs(picture.astype(int) - theirs.astype(int)).max() <= 1


def test_every_other_of_ten_views_is_mirrored() -> None:
    protocol = preset("tsn").with_views(1, 10)
    views = make_views(_noise(260, 300), [(1,)], protocol)
    assert views.shape == (10, 3, 1, 224, 224)
    torch.testing.assert_close(views[1::2], views[::2].flip(-1), atol=0, rtol=0)
    assert not torch.equal(views[0], views[1])


def test_resized_frames_are_the_bytes_of_the_views() -> None:
    protocol = preset("torchvision")
    frames = _noise(140, 200)
    found = resized_frames(frames, protocol)
    assert found.shape == (2, 128, 171, 3)
    (view,) = make_views(frames, [(0, 1)], protocol)
    crop = found[:, 8:120, 30:142].float() / 255
    expected = (crop - torch.tensor(protocol.mean)) / torch.tensor(protocol.std)
    torch.testing.assert_close(view.permute(1, 2, 3, 0), expected, atol=1e-6, rtol=0)
    even = np.full((1, 90, 120, 3), 115, dtype=np.uint8)
    for name in ("common-112", "mmaction2", "pytorchvideo"):
        assert (resized_frames(even, preset(name)) == 115).all()
