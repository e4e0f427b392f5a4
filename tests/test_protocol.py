import msgspec
import pytest

from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.datasets.protocol import (
    PRESETS,
    Protocol,
    clip_ticks,
    crop_corners,
    frame_at,
    preset,
    resized,
    ticks_in,
)

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
    assert crop_corners(height, width, 112, crops) == expected


def test_the_digest_changes_with_every_field_but_the_name() -> None:
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
    }
    assert set(changes) == set(Protocol.__struct_fields__) - {"name"}
    digests = {
        msgspec.structs.replace(base, **{field: value}).digest for field, value in changes.items()
    }
    assert len(digests) == len(changes) and base.digest not in digests
    assert msgspec.structs.replace(base, name="other").digest == base.digest


def test_the_digests_of_the_presets_stand_still() -> None:
    # A digest that moves makes every stored record incomparable: change it only with the protocol.
    assert {name: p.digest for name, p in PRESETS.items()} == {
        "common-112": "6c265b6ff3a531e6",
        "common-224": "6b31681b5723026b",
        "pointlight": "39425e47912655bb",
    }


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
    ],
)
def test_an_impossible_protocol_is_refused_by_field_and_value(field: str, value: object) -> None:
    with pytest.raises(KinobenchError, match=rf"{field} is \(?{value if field != 'std' else 0.0}"):
        msgspec.structs.replace(preset("common-112"), **{field: value})


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'common-112'"):
        preset("comon-112")
