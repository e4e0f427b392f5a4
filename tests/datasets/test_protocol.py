import re
import tracemalloc
from collections.abc import Callable
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.datasets.protocol import PRESETS, Protocol, preset
from kinobench.datasets.protocol.cropping import Crop, crops_of, resized
from kinobench.datasets.protocol.placement import clip_ticks, frame_at, ticks_in
from kinobench.datasets.protocol.timed_placement import Timeline

TENTHS = tuple(number / 10 for number in range(20))


@pytest.mark.parametrize(
    ("ticks", "frames", "stride", "clips", "placement", "expected"),
    [
        # One clip stands in the middle: 20 - 7 = 13 ticks of room, 6 before it.
        (20, 4, 2, 1, "spread", ((6, 8, 10, 12),)),
        # The first begins at 0, the last ends at 19, the one between at 13 // 2.
        (20, 4, 2, 3, "spread", ((0, 2, 4, 6), (6, 8, 10, 12), (13, 15, 17, 19))),
        (7, 4, 2, 2, "spread", ((0, 2, 4, 6), (0, 2, 4, 6))),
        # Two halves of 10, middles 5 and 15, a span of 4: 3..6 and 13..16.
        (20, 4, 1, 2, "segments", ((3, 4, 5, 6), (13, 14, 15, 16))),
        # Three thirds of 7/3; a span of 5 centred on 1.17 would begin before 0.
        (7, 5, 1, 3, "segments", ((0, 1, 2, 3, 4), (1, 2, 3, 4, 5), (2, 3, 4, 5, 6))),
        (5, 1, 3, 2, "segments", ((0,), (3,))),
    ],
)
def test_clips_stand_where_the_placement_says(
    ticks: int, frames: int, stride: int, clips: int, placement: str, expected: tuple
) -> None:
    assert clip_ticks(ticks, frames, stride, clips, placement, "loop") == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("loop", (0, 2, 4, 1, 3, 0)),  # 0 2 4 6 8 10 modulo 5
        ("hold", (0, 2, 4, 4, 4, 4)),
        ("clamp", (0, 0, 1, 2, 3, 4)),  # 0 0.8 1.6 2.4 3.2 4, rounded down
    ],
)
def test_a_short_video_follows_the_rule(rule: str, expected: tuple[int, ...]) -> None:
    assert clip_ticks(5, 6, 2, 3, "spread", rule) == (expected,) * 3


@pytest.mark.parametrize("placement", ["spread", "segments"])
@pytest.mark.parametrize("short", ["loop", "hold", "clamp"])
def test_every_tick_is_inside_the_video_and_every_clip_is_whole(placement: str, short: str) -> None:
    for ticks in (1, 2, 3, 15, 16, 17, 60, 61, 62, 300):
        for clips in (1, 2, 5, 10):
            clips_ticks = clip_ticks(ticks, 16, 4, clips, placement, short)
            assert len(clips_ticks) == clips
            starts = [clip[0] for clip in clips_ticks]
            assert starts == sorted(starts)
            for clip in clips_ticks:
                assert len(clip) == 16
                assert min(clip) >= 0 and max(clip) < ticks


def test_an_instant_shows_the_frame_that_is_on_screen() -> None:
    assert [frame_at(t, TENTHS) for t in (0.0, 0.05, 0.0994, 0.0996, 0.1, 0.19, 5.0)] == [
        0,
        0,
        0,
        1,  # within the half millisecond that Matroska rounds by
        1,
        1,
        19,
    ]


@pytest.mark.parametrize(
    ("duration_s", "fps", "expected"),
    # 6.56 s of UCF101 at 25 fps: instants 0..196 of 30 a second lie before its end.
    [(2.0, 30.0, 60), (6.56, 30.0, 197), (1.0, 10.0, 10), (0.01, 30.0, 1), (4.004, 30.0, 121)],
)
def test_instants_are_counted_up_to_the_end(duration_s: float, fps: float, expected: int) -> None:
    assert ticks_in(duration_s, fps) == expected


def test_without_fps_a_tick_is_a_frame() -> None:
    protocol = msgspec.structs.replace(preset("common-112"), fps=None, clips=2, frames=3, stride=4)
    assert protocol.frame_indices(TENTHS, 2.0) == ((0, 4, 8), (11, 15, 19))


def test_with_fps_the_clip_is_chosen_by_time() -> None:
    # 2 s at 30 ticks: 60; a clip of 3 x 15 spans 31; starts 0 and 29: instants 0, .5, 1 and
    # .967, 1.467, 1.967 of a video with ten frames a second.
    protocol = msgspec.structs.replace(preset("common-112"), clips=2, frames=3, stride=15)
    assert protocol.frame_indices(TENTHS, 2.0) == ((0, 5, 10), (9, 14, 19))


@pytest.mark.parametrize(
    ("height", "width", "short_side", "expected"),
    [
        (240, 320, 128, (128, 170)),  # 170.67
        (320, 240, 128, (170, 128)),
        (256, 340, 256, (256, 340)),
        (64, 64, 64, (64, 64)),
        (80, 121, 128, (128, 193)),  # 193.6
    ],
)
def test_the_short_side_is_resized_and_the_other_follows(
    height: int, width: int, short_side: int, expected: tuple[int, int]
) -> None:
    assert resized(height, width, short_side) == expected


@pytest.mark.parametrize(
    ("height", "width", "crops", "expected"),
    [
        (128, 170, 1, ((8, 29),)),
        (128, 170, 3, ((8, 0), (8, 29), (8, 58))),
        (170, 128, 3, ((0, 8), (29, 8), (58, 8))),
        (112, 112, 3, ((0, 0), (0, 0), (0, 0))),
    ],
)
def test_crops_lie_along_the_longer_side(
    height: int, width: int, crops: int, expected: tuple
) -> None:
    found = crops_of(height, width, 112, crops)
    assert tuple((crop.top, crop.left) for crop in found) == expected
    assert not any(crop.mirrored for crop in found)


def test_ten_crops_are_corners_and_centre_each_with_its_mirror_image() -> None:
    corners = [(0, 0), (0, 58), (16, 0), (16, 58), (8, 29)]
    assert crops_of(128, 170, 112, 5) == tuple(Crop(*corner) for corner in corners)
    ten = crops_of(128, 170, 112, 10)
    assert ten[::2] == tuple(Crop(*corner) for corner in corners)
    assert ten[1::2] == tuple(Crop(*corner, mirrored=True) for corner in corners)


@pytest.mark.parametrize(
    ("rounding", "expected"),
    # 117 - 112 = 5 above and below, 171 - 112 = 59 left and right: 2.5 and 29.5.
    [("floor", (2, 29)), ("ceil", (3, 30)), ("even", (2, 30)), ("steps", (2, 29))],
)
def test_a_centre_between_two_pixels_is_rounded_as_the_origin_does(
    rounding: str, expected: tuple[int, int]
) -> None:
    assert crops_of(117, 171, 112, 1, rounding) == (Crop(*expected),)


def test_crops_in_steps_lie_whole_steps_from_the_corner() -> None:
    # 341 - 256 = 85: two steps of 42, the right crop ends a pixel before the edge.
    assert crops_of(256, 341, 256, 3, "steps") == (Crop(0, 0), Crop(0, 84), Crop(0, 42))
    assert crops_of(341, 256, 256, 3, "steps") == (Crop(0, 0), Crop(84, 0), Crop(42, 0))
    # 341 - 224 = 117: four steps of 29; 256 - 224 = 32: four steps of 8.
    assert crops_of(256, 341, 224, 5, "steps") == (
        Crop(0, 0),
        Crop(0, 116),
        Crop(32, 0),
        Crop(32, 116),
        Crop(16, 58),
    )


@pytest.mark.parametrize(
    ("rounding", "expected"),
    # 119 * 182 / 98 = 221 exactly, but 119 / 98 * 182 is a hair less; 320 * 128 / 240 = 170.67.
    [("floor", (221, 170)), ("ratio", (220, 170)), ("round", (221, 171))],
)
def test_the_longer_side_gets_whole_as_the_origin_does(
    rounding: str, expected: tuple[int, int]
) -> None:
    assert resized(98, 119, 182, rounding) == (182, expected[0])
    assert resized(320, 240, 128, rounding) == (expected[1], 128)


def test_the_digest_changes_with_every_field_but_name_and_origin() -> None:
    base = preset("common-112")
    changes = {
        "frames": 8,
        "stride": 2,
        "fps": None,
        "clips": 1,
        "placement": "segments",
        "short": "hold",
        "short_side": 130,
        "interpolation": "bicubic",
        "antialias": False,
        "crops": 1,
        "size": 96,
        "mean": (0.5, 0.45, 0.45),
        "std": (0.5, 0.225, 0.225),
        "aggregation": "logits",
        "sparse": True,
        "exact_size": (128, 171),
        "long_side": "round",
        "crop_rounding": "ceil",
        "resize_on": "uint8",
    }
    assert set(changes) == set(Protocol.__struct_fields__) - {"name", "origin"}
    digests = {
        msgspec.structs.replace(base, **{field: value}).digest for field, value in changes.items()
    }
    assert len(digests) == len(changes) and base.digest not in digests
    assert msgspec.structs.replace(base, name="other", origin="code 1.0").digest == base.digest


def test_the_digests_of_the_presets_stand_still() -> None:
    # A digest that moves makes every stored record incomparable: change it only with the protocol.
    digests = {
        "common-112": "6c265b6ff3a531e6",
        "common-224": "6b31681b5723026b",
        "pointlight": "39425e47912655bb",
        "pointlight-boxes": "e5ab525a86983be8",
        "pytorchvideo-8x8-256": "b9372c238f4139d4",
        "pytorchvideo-main-8x8-256": "047063b82377f0c4",
        "pyslowfast-8x8-256": "adab97e5430bfff4",
        "pyslowfast-16x4-224": "6013d31f7b01f3d4",
        "torchvision-16x2-112": "8bf297b9a63879df",
        "mmaction2-8x8-256": "0706ebbe16c30cc8",
        "mmaction2-tsn-25x10-224": "95bb11fc1230f607",
        "mmaction2-tsm-8x10-224": "819971e1c99ffae1",
        "tsn-25x10-224": "905a06643afb08ed",
    }
    assert {name: preset(name).digest for name in digests} == digests
    assert len({p.digest for p in PRESETS.values()}) == len(PRESETS)


RETIRED_DIGESTS = {
    "pyslowfast-8x8-256": ("ce0c8cb003c7905e", "pyslowfast"),
    "pyslowfast-4x16-256": ("ec46df927fe173db", "pyslowfast"),
    "pyslowfast-32x2-256": ("86ed47f5560ce9e4", "pyslowfast"),
    "pyslowfast-64x2-256": ("47ca8a94c2339ce9", "pyslowfast"),
    "pyslowfast-16x4-224": ("955e17f95cca4d9e", "pyslowfast-offset"),
    "pyslowfast-32x3-224": ("d471297e30c57b24", "pyslowfast-offset"),
    "mmaction2-tsn-25x10-224": ("61552365ae09f7a4", "mmaction2"),
    "mmaction2-tsn-25x3-256": ("d26d7198451f86be", "mmaction2"),
    "mmaction2-tsm-8x10-224": ("2ddc57144c51b28e", "mmaction2"),
}
"""The digests of 0.1.0 that stand for frames which no version of their origin takes."""


@pytest.mark.parametrize("name", RETIRED_DIGESTS)
def test_a_digest_of_wrong_frames_is_read_from_records_and_gives_no_frames(name: str) -> None:
    digest, placement = RETIRED_DIGESTS[name]
    assert digest not in {protocol.digest for protocol in PRESETS.values()}
    stored = msgspec.to_builtins(msgspec.structs.replace(preset(name), placement=placement))
    del stored["origin"]  # which the records of 0.1.0 don't have
    old = msgspec.convert(stored, Protocol)
    assert old.digest == digest
    cure = f"{name!r}.*placement {placement!r}; use {preset(name).placement!r} instead"
    with pytest.raises(KinobenchError, match=cure):
        old.frame_indices(TENTHS, 2.0)


def test_a_preset_of_published_weights_names_the_version_of_its_origin() -> None:
    for name, protocol in PRESETS.items():
        own = name.startswith(("common", "pointlight"))
        assert (protocol.origin is None) == own
    assert preset("mmaction2").origin == "mmaction2 1.2.0"
    assert preset("pytorchvideo").origin == "pytorchvideo 0.1.5"
    assert preset("pyslowfast").with_views(1, 1).origin == preset("pyslowfast").origin


def test_a_protocol_survives_its_own_json() -> None:
    base = preset("common-224")
    assert msgspec.json.decode(msgspec.json.encode(base), type=Protocol) == base


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frames", 0),
        ("stride", 0),
        ("clips", 0),
        ("crops", 2),
        ("fps", 0.0),
        ("size", 129),
        ("std", (0.0, 1.0, 1.0)),
        ("exact_size", (112, 171)),
        ("resize_on", "opencv"),
    ],
)
def test_an_impossible_protocol_is_refused_by_field_and_value(field: str, value: object) -> None:
    with pytest.raises(KinobenchError, match=rf"{field} is {re.escape(str(value))}; it must be "):
        msgspec.structs.replace(preset("common-112"), **{field: value})


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'common-112'"):
        preset("comon-112")


def test_a_clip_of_pyslowfast_is_resized_to_its_crop_where_there_are_several() -> None:
    mvit = preset("pyslowfast-16x4-224")
    assert (mvit.clips, mvit.crops, mvit.short_side, mvit.size) == (5, 1, 256, 224)
    assert mvit.with_views(10, 1).short_side == 256
    assert mvit.with_views(10, 3).short_side == 224
    assert preset("common-224").with_views(1, 5).short_side == 256


def _every_tick_listed(
    protocol: Protocol, times_s: tuple[float, ...], duration_s: float
) -> tuple[tuple[int, ...], ...]:
    """The clips by a list of the frames of every tick: the rule that `frame_indices` shortens."""
    assert protocol.fps is not None
    ticks = ticks_in(duration_s, protocol.fps)
    shown = [frame_at(tick / protocol.fps, times_s) for tick in range(ticks)]
    shape = (protocol.frames, protocol.stride, protocol.clips, protocol.placement, protocol.short)
    return tuple(tuple(shown[tick] for tick in clip) for clip in clip_ticks(ticks, *shape))


def test_the_frames_of_random_timelines_are_those_that_a_list_of_every_tick_gives() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        steps = rng.exponential(1 / rng.uniform(5, 60), int(rng.integers(1, 200)))
        times_s = (0.0, *map(float, np.cumsum(steps)))
        duration_s = times_s[-1] + float(rng.exponential(0.1))
        protocol = msgspec.structs.replace(
            preset("common-112"),
            fps=float(rng.uniform(1, 60)),
            frames=int(rng.integers(1, 20)),
            stride=int(rng.integers(1, 8)),
            clips=int(rng.integers(1, 12)),
            placement=str(rng.choice(["spread", "segments", "mmaction2", "tsn"])),
            short=str(rng.choice(["loop", "hold", "clamp"])),
        )
        if protocol.placement == "mmaction2" and protocol.frames == 1:
            continue  # no origin's
        expected = _every_tick_listed(protocol, times_s, duration_s)
        assert protocol.frame_indices(times_s, duration_s) == expected


def _peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("placement", ["spread", "segments", "mmaction2", "tsn"])
def test_clips_of_a_video_of_eleven_years_take_no_more_than_those_of_seconds(
    placement: str,
) -> None:
    protocol = msgspec.structs.replace(preset("common-112"), placement=placement)
    years_s = 11 * 365 * 86400.0  # ten thousand million ticks, of which 160 are wanted
    times_s = (*TENTHS, years_s)
    clips = protocol.frame_indices(times_s, years_s)
    assert clips[0][0] in (0, 19) and {frame for clip in clips for frame in clip} <= {*range(21)}
    assert _peak_bytes(lambda: protocol.frame_indices(times_s, years_s)) < 2**18


@pytest.mark.parametrize("rate", [Fraction(1, 10**7), Fraction(10**5)])
@pytest.mark.parametrize("name", [name for name, p in PRESETS.items() if p.fps is not None])
def test_no_preset_counts_the_ticks_of_a_wrong_time_base_or_rate(name: str, rate: Fraction) -> None:
    protocol, count = preset(name), 100
    video = Timeline(tuple(range(count)), count, 1 / rate, rate, announced=count)
    times_s = [float(stamp / rate) for stamp in video.stamps]
    clips = protocol.frame_indices(times_s, float(count / rate), video)
    assert all(0 <= frame < count for clip in clips for frame in clip)
    peak = _peak_bytes(lambda: protocol.frame_indices(times_s, float(count / rate), video))
    assert peak < 2**20
