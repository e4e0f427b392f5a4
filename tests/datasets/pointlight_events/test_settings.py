"""Options of pointlight-events, as `--set` gives them."""

import pytest

from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.datasets.pointlight_events.settings import OPTIONS, USUAL, changed, differences


def test_settings_are_read_and_written_alike() -> None:
    made = changed(["event=2..4", "dots=5", "size=32", "length=30..60"])
    assert made.event == (2, 4) and made.dots == (5, 5) and made.size == 32
    assert differences(made) == {"length": "30..60", "event": "2..4", "dots": "5", "size": "32"}
    assert changed([f"{name}={value}" for name, value in differences(made).items()]) == made
    assert differences(USUAL) == {} and set(OPTIONS) == set(USUAL.__struct_fields__)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("event", "write FIELD=VALUE, as in event=1..6"),
        ("event=soon", "event is a number, or two as LOW..HIGH, as in event=1..6"),
        ("event=1..2..3", "as in event=1..6"),
        ("size=64.5", "size is a whole number, as in size=64"),
        ("size=33", "even, from 16 to 256"),
        ("dots=2..5", "a swirl of fewer looks like its reverse"),
        ("dots=" + "9" * 400, "no number needs so many digits"),
        ("speed=1..40", "faster, left is right"),
        ("event=0.1..2", "a shorter one isn't seen as motion"),
        ("gap=0..2", "events don't touch"),
        ("length=10..60", "from 18.5625 to 600, the lower number first: in a shorter one there"),
        ("ground=100..200", "235 or less"),
        ("contrast=5..9", "fainter dots"),
    ],
)
def test_a_setting_that_makes_no_video_is_refused(setting: str, message: str) -> None:
    with pytest.raises(KinobenchError, match=message.replace(".", r"\.")):
        changed([setting])


def test_an_unknown_option_gets_the_nearest_and_one_twice_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'event'"):
        changed(["events=1"])
    with pytest.raises(KinobenchError, match="dots is set twice"):
        changed(["dots=4", "dots=5"])
