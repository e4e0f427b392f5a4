"""The digest of a copy: of the files alone, wherever they are."""

import hashlib

from kinobench.datasets.copy_digest import StoredVideo, copy_digest

A, B = StoredVideo(1000, 340, 256, "h264"), StoredVideo(2000, 256, 340, "vp9")


def test_the_digest_is_the_sha_256_of_a_line_a_video_in_the_order_of_the_ids() -> None:
    lines = b"a\t1000\t340x256\th264\nb\t-\nc\t7\t0x0\t\n"
    found = copy_digest({"c": StoredVideo(7), "a": A, "b": None})
    assert found == hashlib.sha256(lines).hexdigest()[:16]


def test_every_part_of_a_file_counts_and_the_order_does_not() -> None:
    usual = copy_digest({"a": A, "b": B})
    assert copy_digest({"b": B, "a": A}) == usual
    others = {
        copy_digest({"a": B, "b": A}),
        copy_digest({"a": A, "b": None}),
        copy_digest({"a": A}),
        copy_digest({"a": A, "c": B}),
        *(
            copy_digest({"a": A, "b": B._replace(**{field: value})})
            for field, value in {"bytes": 2001, "width": 1, "height": 1, "codec": "av1"}.items()
        ),
    }
    assert len(others) == 8 and usual not in others


def test_only_a_readable_header_is_known() -> None:
    assert A.is_known and not StoredVideo(7).is_known
