"""What the files of a copy are like: their size, codec and quality."""

from typing import Literal, NamedTuple

import msgspec

from ..errors import KinobenchError

Codec = Literal["h264", "hevc", "mpeg4"]

SHORT_SIDE = 256
"""Kinetics is trained on at this size more than at any other."""
GOP = 12
"""Frames from one key frame to the next: at most so many are decoded for a wanted one."""
SHARD_BYTES = 10**9


class Encoder(NamedTuple):
    """An encoder of FFmpeg.

    Attributes:
        name: FFmpeg's name.
        measure: The name of its measure of quality; less is better.
        least, most: Limits of that measure.
        usual: Its value by default.
    """

    name: str
    measure: str
    least: int
    most: int
    usual: int


ENCODERS: dict[Codec, Encoder] = {
    "h264": Encoder("libx264", "crf", 0, 51, 20),
    "hevc": Encoder("libx265", "crf", 0, 51, 22),
    "mpeg4": Encoder("mpeg4", "quantiser", 1, 31, 3),
}
"""The first ones are taken first. All of them are parts of FFmpeg or of PyAV's wheels."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What the files of a copy are like.

    Attributes:
        short_side: The longest short side, in pixels; None: the files keep their bytes.
        gop: Frames from one key frame to the next, at most.
        codec: Codec of the pictures.
        quality: In the measure of the codec's encoder.
        shard_bytes: About the size of a tar; None: each video is a file.
    """

    short_side: int | None = SHORT_SIDE
    gop: int = GOP
    codec: Codec = "h264"
    quality: int = ENCODERS["h264"].usual
    shard_bytes: int | None = None

    @property
    def keeps_bytes(self) -> bool:
        """Whether nothing is encoded."""
        return self.short_side is None

    @property
    def text(self) -> str:
        """The form in words: `short side 256, h264 crf 20, gop 12`."""
        if self.keeps_bytes:
            return "the same bytes"
        measure = ENCODERS[self.codec].measure
        return (
            f"short side {self.short_side}, {self.codec} {measure} {self.quality}, gop {self.gop}"
        )


def form_of(
    *,
    short_side: int = SHORT_SIDE,
    gop: int = GOP,
    codec: str | None = None,
    quality: int | None = None,
    keeps_bytes: bool = False,
    shard_bytes: int | None = None,
) -> Form:
    """Return the form of a copy, by what a user says of it.

    Args:
        short_side: The longest short side, in pixels, even.
        gop: Frames from one key frame to the next, at most.
        codec: One of `ENCODERS`; None: the first whose encoder is there.
        quality: In the measure of the codec's encoder; None: as usual.
        keeps_bytes: True to encode nothing; all of the above is then ignored.
        shard_bytes: About the size of a tar; None: each video is a file.

    Raises:
        KinobenchError: There is no such codec, or its encoder is not there; the message says which
            are. Or a number is out of its range.
    """
    if shard_bytes is not None and shard_bytes < 1:
        raise KinobenchError(f"--shards {shard_bytes}: a tar has at least a byte; give more")
    if keeps_bytes:
        return Form(short_side=None, shard_bytes=shard_bytes)
    if short_side < 16 or short_side % 2:
        raise KinobenchError(
            f"--short-side {short_side}: H.264's pictures have even sides; give an even number "
            "from 16 on"
        )
    if gop < 1:
        raise KinobenchError(f"--gop {gop}: a group has one picture at least; give 1 or more")
    chosen = _codec(codec)
    encoder = ENCODERS[chosen]
    value = encoder.usual if quality is None else quality
    if not encoder.least <= value <= encoder.most:
        raise KinobenchError(
            f"--quality {value}: the {encoder.measure} of {chosen} is from {encoder.least} to "
            f"{encoder.most}, less is better; give one of these"
        )
    return Form(
        short_side=short_side, gop=gop, codec=chosen, quality=value, shard_bytes=shard_bytes
    )


def _codec(asked: str | None) -> Codec:
    there = available()
    known = ", ".join(there) or "none"
    if asked is None:
        if not there:
            raise KinobenchError("this FFmpeg has no encoder that is known; install PyAV's wheel")
        return there[0]
    codec = next((codec for codec in ENCODERS if codec == asked), None)
    if codec in there:
        return codec
    lacks = "it is unknown" if codec is None else f"this FFmpeg lacks {ENCODERS[codec].name}"
    raise KinobenchError(f"--codec {asked}: {lacks}; choose one that is there: {known}")


def available() -> tuple[Codec, ...]:
    """Return the codecs whose encoders are there, the one to take first."""
    return tuple(codec for codec, encoder in ENCODERS.items() if _is_there(encoder.name))


def _is_there(name: str) -> bool:
    import av.codec  # slow, and a stamp is read without it

    try:
        av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def encoder_version(codec: Codec) -> str:
    """Return the encoder with PyAV's and FFmpeg's version: others may write other bytes."""
    import av

    return f"{ENCODERS[codec].name} of PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"
