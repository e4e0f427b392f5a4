"""Decoding the packets of a file, one by one, and what is damaged."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import av
import av.logging

from ..errors import VideoError
from .container import Packet
from .damage import Damage, is_key
from .decoder_log import reports_damage
from .machine_faults import reading_error


class Decoded(NamedTuple):
    """A frame that a decoder gave.

    Attributes:
        frame: The frame.
        turn: The place of its packet in the order of decoding.
        need: The turn of the first damaged packet that it is built on; None for a sound frame.
        key_place: Its place among all frames, if it is a sound key frame: nothing that is decoded
            before can come after it. Frames that never came count, too.
    """

    frame: av.VideoFrame
    turn: int
    need: int | None
    key_place: int | None


class Step(NamedTuple):
    """What a decoder gave for a packet.

    Attributes:
        turn: The packet's place in the order of decoding.
        pts: Its timestamp, in time units; None where it has none.
        is_sound: False if it is damaged.
        frames: The frames that came.
    """

    turn: int
    pts: int | None
    is_sound: bool
    frames: list[Decoded]


def decode(
    path: Path,
    stream: av.VideoStream,
    packets: Iterable[tuple[int, Packet]],
    damage: Damage,
    joints: frozenset[int],
) -> Iterator[Step]:
    """Decode packets in the thread that calls, and yield what comes of each.

    Args:
        path: The file, for errors.
        stream: Its video stream, nothing of which was decoded yet.
        packets: Packets with their turns: all of them, as `in_turn` gives them, or some.
        damage: Nothing yet.
        joints: The turns of packets that end one of several files that were joined: FFmpeg takes
            the jump that follows for a loss.

    Raises:
        MachineError: The machine failed.
    """
    stream.thread_type = "NONE"  # other files are decoded on the other cores
    stream.codec_context.thread_count = 1  # dav1d's own threads
    stream.codec_context.copy_opaque = True
    stream.codec_context.options = {"err_detect": "crccheck"}  # HEVC's, of whole pictures
    pixels = int(stream.width * stream.height)
    follows_mark, marks_early = False, marks_losses_early(stream)
    for turn, packet in packets:
        packet.opaque = (turn,)  # PyAV goes by identity, which small numbers share
        frames, is_sound = _of_packet(path, packet, pixels)
        is_marked = packet.is_corrupt and turn not in joints
        is_sound &= not is_marked and not follows_mark
        follows_mark = is_marked and marks_early
        if is_marked and marks_early:
            damage.lost(turn, packet.pts)
        elif not is_sound:
            damage.found(turn, packet.pts)
        found = []
        for frame in frames:
            own = frame.opaque[0] if isinstance(frame.opaque, tuple) else turn
            need = damage.of(own, frame)
            is_sound_key = need is None and is_key(frame)
            place = own + damage.shown_before(own) if is_sound_key else None
            found.append(Decoded(frame, own, need, place))
        yield Step(turn, packet.pts, is_sound, found)


def marks_losses_early(stream: av.VideoStream) -> bool:
    """Report whether FFmpeg may mark the packet before the damaged one, or before lost ones.

    In MPEG-TS it finds a loss while the picture before is still in its parser's hands.
    """
    return stream.container.format.name == "mpegts"


def in_turn(packets: Iterable[Packet]) -> Iterator[tuple[int, Packet]]:
    """Yield packets with their turns, the places in the order of decoding.

    Of empty ones only the last comes: each would end the decoder.
    """
    turn = 0
    end: Packet | None = None
    for packet in packets:
        if packet.size:
            yield turn, packet
            turn += 1
        else:
            end = packet
    if end is not None:
        yield turn, end


def _of_packet(path: Path, packet: Packet, pixels: int) -> tuple[list[av.VideoFrame], bool]:
    """Decode a packet; return its frames, and whether FFmpeg logs nothing wrong."""
    with av.logging.Capture() as messages:
        try:
            frames = packet.decode()
        except Exception as error:
            found = reading_error(path, "it can't be decoded", error, pixels)
            if isinstance(found, VideoError):
                return [], False
            raise found from error
    return frames, not reports_damage(messages)
