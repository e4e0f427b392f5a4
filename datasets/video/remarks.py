"""Remarks on how a file was read, for the notes of a record."""

ORDER = "timestamps contradict the decoder's order; its order is taken"
COUNT = "packets are not one frame each; the decoder's frames are taken"
TIMES = "timestamps are missing or doubled; times come from the frame rate"
STREAMS = "several video streams are marked as the default; the first is read"
ASPECT = "pixels are not square; they are kept as stored"
INTERLACED = "the picture is interlaced; it is kept as stored"
TILTED = "the picture is to be turned by no multiple of 90 degrees; it is kept as stored"
GAPS = "parts of the file are lost or can't be read; the frames that are left are taken"
FEWER = "its header announces more frames than the file has; those that it has are taken"
ELSEWHERE = "torchcodec opens files alone, no archives and no URLs; PyAV decodes it"
UNNUMBERED = (
    "pictures are missing in the numbers of a folder; those that are there follow each other"
)
OTHERS = "a folder has pictures whose names begin in several ways; those of one way are taken"
UNTIMED = "a folder of pictures has no times; the protocol's rate is taken for that of its frames"

KINDS = (
    STREAMS,
    GAPS,
    FEWER,
    ORDER,
    COUNT,
    TIMES,
    ASPECT,
    INTERLACED,
    TILTED,
    ELSEWHERE,
    UNNUMBERED,
    OTHERS,
    UNTIMED,
)
"""All of them, in the order of a record's notes."""
