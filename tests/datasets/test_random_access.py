"""Where decoding may begin, and what no other packet needs, by headers written bit by bit."""

import pytest
from av.codec import Codec

from kinobench.datasets.video.begin import Begin, RandomAccess
from kinobench.datasets.video.random_access import random_access_of

from .test_shown import golomb, packed

START = b"\x00\x00\x01"


def access_of(codec: str, extradata: bytes = b"") -> RandomAccess:
    access = random_access_of(Codec(codec, "r"), extradata)
    assert access is not None
    return access


def begins(codec: str, content: bytes, is_key: bool = True) -> Begin | None:
    return access_of(codec).begin(memoryview(content), is_key)


def recovery(frames: int, *, exact: int = 1, broken: int = 0, others: bytes = b"") -> bytes:
    """Return a unit of messages, the last of which is of a recovery point."""
    message = packed(golomb(frames), (exact, 1), (broken, 1), (0, 2))
    return START + b"\x06" + others + bytes([6, len(message)]) + message + b"\x80"


def slice_of(head: int, kind: int) -> bytes:
    return START + bytes([head]) + packed(golomb(0), golomb(kind), (0, 24))


IDR, NEEDED, UNNEEDED = 0x65, 0x61, 0x01
INTRA, P, B = 7, 5, 6


@pytest.mark.parametrize(
    ("content", "begin"),
    [
        (slice_of(IDR, INTRA), Begin.CLOSED),
        (recovery(0) + slice_of(NEEDED, INTRA), Begin.OPEN),
        (recovery(0, others=b"\x05\xff\x02" + bytes(257)) + slice_of(NEEDED, INTRA), Begin.OPEN),
        (slice_of(NEEDED, INTRA), None),  # later pictures may need what came before it
        (recovery(0) + slice_of(NEEDED, INTRA) + slice_of(NEEDED, P), None),
        (recovery(0) + slice_of(NEEDED, P), None),
        (recovery(11) + slice_of(NEEDED, INTRA), None),  # intra refresh
        (recovery(0, exact=0) + slice_of(NEEDED, INTRA), None),
        (recovery(0, broken=1) + slice_of(NEEDED, INTRA), None),
        (START + b"\x06\xff\xff", None),
    ],
)
def test_h264_begins_at_idr_and_where_a_recovery_point_says_so(
    content: bytes, begin: Begin | None
) -> None:
    assert begins("h264", content) is begin
    assert begins("h264", content, is_key=False) is None


@pytest.mark.parametrize(
    ("content", "is_disposable"),
    [
        (slice_of(UNNEEDED, B), True),
        (START + b"\x09\xf0" + slice_of(UNNEEDED, B), True),
        (slice_of(NEEDED, B), False),
        (START + b"\x68\xee\x38\x80" + slice_of(UNNEEDED, B), False),  # a parameter set comes along
        (slice_of(IDR, INTRA), False),
    ],
)
def test_of_h264_what_is_no_reference_is_disposable(content: bytes, is_disposable: bool) -> None:
    assert access_of("h264").is_disposable(memoryview(content)) == is_disposable


def test_units_with_their_sizes_are_read_as_those_with_start_codes() -> None:
    avcc = b"\x01\x4d\x00\x1e\xff\xe0\x00"  # sizes of four bytes, no parameter set
    access = access_of("h264", avcc)
    for unit, begin in ((slice_of(IDR, INTRA), Begin.CLOSED), (slice_of(NEEDED, P), None)):
        content = len(unit[3:]).to_bytes(4, "big") + unit[3:]
        assert access.begin(memoryview(content), True) is begin


def test_decoding_begins_only_where_all_parameter_sets_come_again() -> None:
    access = access_of("h264")
    first, second = START + b"\x67\x01\x02", START + b"\x68\x03\x04"
    key = slice_of(IDR, INTRA)
    assert access.begin(memoryview(first + second + key), True) is Begin.CLOSED
    assert access.begin(memoryview(first + key), True) is None
    assert access.begin(memoryview(first + b"\x00" + second + key), True) is Begin.CLOSED
    assert access.begin(memoryview(START + b"\x68\x05" + slice_of(NEEDED, P)), False) is None
    assert access.begin(memoryview(first + second + key), True) is None
    both = first + second + START + b"\x68\x05" + key
    assert access.begin(memoryview(both), True) is Begin.CLOSED


def hevc(kind: int, layer: int = 0) -> bytes:
    return START + bytes([kind << 1, layer + 1, 0x80, 0])


@pytest.mark.parametrize(
    ("kind", "begin"),
    [
        (20, Begin.CLOSED),
        (19, Begin.OPEN),
        (21, Begin.OPEN),
        (16, Begin.OPEN),
        (1, None),
        (9, None),
    ],
)
def test_hevc_begins_at_its_random_access_points(kind: int, begin: Begin | None) -> None:
    assert begins("hevc", hevc(kind)) is begin


def test_of_hevc_what_no_other_needs_is_disposable_unless_there_are_layers() -> None:
    access = access_of("hevc")
    access.begin(memoryview(hevc(20)), True)
    for kind, is_disposable in ((0, True), (1, False), (8, True), (9, False), (20, False)):
        assert access.is_disposable(memoryview(hevc(kind))) == is_disposable
    access.begin(memoryview(hevc(1, layer=1)), False)
    assert not access.is_disposable(memoryview(hevc(0)))


DELIMITER, SEQUENCE = b"\x12\x00", b"\x0a\x02\x00\x00"


@pytest.mark.parametrize(
    ("content", "is_key"),
    [
        (DELIMITER + SEQUENCE + b"\x32\x02\x10\x00", True),  # a key frame that is shown
        (DELIMITER + SEQUENCE + b"\x30\x10\x00", True),  # the last unit may lack its size
        (DELIMITER + SEQUENCE + b"\x32\x02\x00\x00", False),  # one that is shown later
        (DELIMITER + SEQUENCE + b"\x32\x02\x30\x00", False),
        (DELIMITER + SEQUENCE + b"\x1a\x01\x80", False),  # a frame that exists
        (DELIMITER + b"\x32\x02\x10\x00", False),
        (DELIMITER + SEQUENCE, False),
        (SEQUENCE + b"\x32\xff", False),
    ],
)
def test_av1_begins_at_a_key_frame_that_is_shown(content: bytes, is_key: bool) -> None:
    assert (begins("libdav1d", content) is Begin.CLOSED) == is_key


@pytest.mark.parametrize(
    ("codec", "content", "is_key"),
    [
        ("vp8", b"\x10\x00\x00", True),
        ("vp8", b"\x11\x00\x00", False),
        ("vp8", b"\x00\x00\x00", False),  # hidden
        ("vp9", b"\x82\x49\x83", True),
        ("vp9", b"\x86\x49\x83", False),
        ("vp9", b"\x80\x49\x83", False),
        ("vp9", b"\x88\x49\x83", False),
        ("vp9", b"\xb1\x49\x83", True),  # profile 3 has a bit more
    ],
)
def test_vp8_and_vp9_begin_at_key_frames(codec: str, content: bytes, is_key: bool) -> None:
    assert (begins(codec, content) is Begin.CLOSED) == is_key


def mpeg2(kind: int, sequence: bytes = START + b"\xb3" + bytes(8)) -> bytes:
    return sequence + START + b"\x00" + packed((0, 10), (kind, 3), (0, 16))


def test_mpeg_begins_at_intra_pictures_and_needs_no_b_frame() -> None:
    assert begins("mpeg2video", mpeg2(1)) is Begin.OPEN
    assert begins("mpeg2video", mpeg2(2)) is None
    assert begins("mpeg2video", mpeg2(1, sequence=b"")) is None
    assert access_of("mpeg2video").is_disposable(memoryview(mpeg2(3, sequence=b"")))
    assert not access_of("mpeg2video").is_disposable(memoryview(mpeg2(2, sequence=b"")))
    for kind, begin in enumerate((Begin.OPEN, None, None, None)):
        content = memoryview(START + b"\xb6" + bytes([kind << 6, 0]))
        assert access_of("mpeg4").begin(content, True) is begin
        assert access_of("mpeg4").is_disposable(content) == (kind == 2)


def test_other_codecs_begin_only_at_their_start_unless_each_picture_is_alone() -> None:
    for codec in ("flv", "msmpeg4v2", "theora", "cinepak", "ffv1"):
        assert random_access_of(Codec(codec, "r"), b"") is None
    assert begins("mjpeg", b"\xff\xd8") is Begin.CLOSED
