"""The number of frames that a packet shows, counted in headers that are written bit by bit."""

import pytest
from av.codec import Codec

from kinobench.datasets.video.shown import counter_of


def packed(*fields: tuple[int, int]) -> bytes:
    """Return numbers of given lengths as bits, filled up with ones."""
    bits = "".join(f"{number:0{length}b}" for number, length in fields if length)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def golomb(number: int) -> tuple[int, int]:
    """Return an Exp-Golomb code and its length."""
    return number + 1, 2 * (number + 1).bit_length() - 1


def counted(codec: str, content: bytes, extradata: bytes = b"", is_key: bool = False) -> int | None:
    return counter_of(Codec(codec, "r"), extradata)(memoryview(content), is_key)


SHOWN, HIDDEN, REPEATED = 0x86, 0x84, 0x88


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (bytes([SHOWN, 1, 2]), 1),
        (bytes([HIDDEN, 1, 2]), 0),
        (bytes([REPEATED]), 1),
        (bytes([HIDDEN, 1, 2, SHOWN, 3, 0xC1, 3, 2, 0xC1]), 1),
        (bytes([SHOWN, 1, 2, SHOWN, 3, 0xC1, 3, 2, 0xC1]), 2),
        (bytes([0xB1, 1, 2]), 1),  # profile 3 has a bit more
        (bytes([0xB0, 1, 2]), 0),
    ],
)
def test_a_packet_of_vp9_shows_what_its_frames_say(content: bytes, count: int) -> None:
    assert counted("vp9", content) == count


def sequence(frames_only: bool) -> bytes:
    """Return a sequence parameter set of the main profile, frame_num of 4 bits."""
    return b"\x00\x00\x01\x67" + packed(
        (77, 8), (0, 8), (30, 8), golomb(0), golomb(0), golomb(2), golomb(1), (0, 1),
        golomb(3), golomb(2), (int(frames_only), 1), (1, 1),
    )  # fmt: skip


def slice_of(is_field: bool) -> bytes:
    return b"\x00\x00\x01\x65" + packed(
        golomb(0), golomb(7), golomb(0), (5, 4), (int(is_field), 1), (0, 16)
    )


def test_only_a_field_of_h264_is_no_frame() -> None:
    assert counted("h264", slice_of(False), sequence(True)) == 1
    assert counted("h264", slice_of(False), sequence(False)) == 1
    assert counted("h264", slice_of(True), sequence(False)) is None
    assert counted("h264", sequence(False) + slice_of(True), is_key=True) is None
    assert counted("h264", slice_of(False)) is None  # nothing says how it is to be read


def test_the_extradata_of_mp4_has_the_same_sequence() -> None:
    unit, coded = sequence(False)[3:], slice_of(True)[3:]
    extradata = b"\x01\x4d\x00\x1e\xff\xe1" + len(unit).to_bytes(2, "big") + unit + b"\x00"
    assert counted("h264", len(coded).to_bytes(4, "big") + coded, extradata) is None
    coded = slice_of(False)[3:]
    assert counted("h264", len(coded).to_bytes(4, "big") + coded, extradata) == 1


LAYER = b"\x00\x00\x01\x20" + packed(
    (0, 1), (1, 8), (0, 1), (1, 4), (0, 1), (0, 2), (1, 1), (25, 16), (1, 1)
)


def picture(is_coded: bool) -> bytes:
    return b"\x00\x00\x01\xb6" + packed((1, 2), (0, 1), (1, 1), (3, 5), (1, 1), (int(is_coded), 1))


def test_pictures_of_mpeg4_that_are_not_coded_are_not_counted() -> None:
    assert counted("mpeg4", picture(True), LAYER) == 1
    assert counted("mpeg4", picture(False), LAYER) == 0
    assert counted("mpeg4", picture(True) + picture(True), LAYER) == 2
    assert counted("mpeg4", LAYER + picture(True)) == 1
    assert counted("mpeg4", picture(True)) is None  # the length of its time is not known
    assert counted("mpeg4", bytes(9), LAYER) == 1  # damaged


def mpeg2_picture(structure: int) -> bytes:
    extension = packed((8, 4), (0xFFFF, 16), (0, 2), (structure, 2))
    return b"\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\xb5" + extension


@pytest.mark.parametrize(
    ("structures", "count"), [((3,), 1), ((1, 2), 1), ((1,), None), ((3, 3), 2)]
)
def test_two_fields_of_mpeg2_are_one_frame(structures: tuple[int, ...], count: int | None) -> None:
    content = b"".join(map(mpeg2_picture, structures))
    assert counted("mpeg2video", content) == count


def test_a_format_that_is_not_known_counts_nothing() -> None:
    assert counted("rv40", b"abc") is None
    assert counted("mjpeg", b"abc") == counted("hevc", b"abc") == counted("gif", b"abc") == 1
