"""Facts that the headers of a file's packets say about its video stream."""

from bisect import bisect_right, insort
from typing import NamedTuple

import av

from .begin import Begin
from .container import Packet
from .random_access import random_access_of
from .shown import count_of, counter_of


class Shown(NamedTuple):
    """A frame, by the packet that shows it or as it was decoded.

    Attributes:
        pts: Its timestamp, in time units; None where it has none.
        duration: How long it is shown, in time units; 0 where that isn't known.
    """

    pts: int | None
    duration: int


class KeyPacket(NamedTuple):
    """A packet at which decoding may begin.

    Attributes:
        turn: Its place in the order of decoding, from 0 on.
        pts: Its timestamp, in time units; None where it has none, or one that comes too late.
        shown_before: Packets of earlier turns that show a frame.
        leads: Later packets that are shown before it; None where their headers don't say that.
    """

    turn: int
    pts: int | None
    shown_before: int
    leads: int | None


class Packets:
    """Facts that the packets of a file say about it.

    Attributes:
        shown: The packets of the video that show a frame, in the order of decoding.
        turns: The turn of each of `shown`: its place in the order of decoding.
        keys: Packets at which decoding may begin, in the order of decoding.
        access: What follows the packets to find these; None for a codec that has none.
        count: Packets of the video that hold anything.
        frames: Frames that `shown` show; None where their headers don't say it of each.
        is_one_a_packet: True if each of `shown` shows one frame.
        is_encrypted: True if a key frame is encrypted.
        is_cut: True if packets were left out that may need others from before the beginning.
        first_key: The turn, in the order of decoding, of the first key frame.
        kept: The video's packets; None once they are too large.
        last_is_whole: True if the last packet of the file is whole.
        ends: Time at which each stream ends, by its number, in its own units.
        joints: The turns, in the order of decoding, of the last two packets before timestamps
            begin again: files that were joined.
        depth: The most packets that are decoded before one and shown after it.
    """

    def __init__(self, stream: av.VideoStream, *, kept_bytes: int, of_mpegts: bool) -> None:
        """Prepare for the packets of a file.

        Args:
            stream: Its video stream.
            kept_bytes: The most bytes of packets that are kept.
            of_mpegts: True if the file is of MPEG-TS.
        """
        self.shown: list[Shown] = []
        self.turns: list[int] = []
        self.keys: list[KeyPacket] = []
        self.count = 0
        self.frames: int | None = 0
        self.is_one_a_packet = True
        self.is_encrypted = False
        self.is_cut = False
        self.first_key = 0
        self.kept: list[Packet] | None = []
        self.last_is_whole = True
        self.ends: dict[int, int] = {}
        self.joints: set[int] = set()
        self._marked: set[int] = set()
        self.depth = 0
        self._stream, self._of_mpegts = stream, of_mpegts
        self._counter = counter_of(stream.codec_context.codec, stream.codec_context.extradata)
        self.access = random_access_of(stream.codec_context.codec, stream.codec_context.extradata)
        self._has_leads = False
        self._room_bytes = kept_bytes
        self._first_key_pts: int | None = None
        self._has_key = self._is_past_key = False
        self._is_owed = False
        self._may_be_packed = stream.codec_context.name == "mpeg4"
        self._last_dts: int | None = None
        self._sorted: list[int] = []

    @property
    def marked(self) -> set[int]:
        """The turns of packets that FFmpeg marks as damaged, without `joints`."""
        return self._marked - self.joints

    def take(self, packet: Packet) -> None:
        """Take the next packet of the file."""
        of_video = packet.stream is self._stream
        if of_video and self.kept is not None:
            self._room_bytes -= packet.size
            self.kept.append(packet)
            if self._room_bytes < 0:
                self.kept = None
        if packet.dts is None and packet.size == 0:
            return  # the end of a stream, not a part of the file
        # MPEG-TS marks a lost part of another stream, too; that of the picture shows in decoding.
        self.last_is_whole = not packet.is_corrupt or (not of_video and self._of_mpegts)
        begin = packet.pts if packet.pts is not None else packet.dts
        if begin is not None:
            number, end = packet.stream.index, begin + (packet.duration or 0)
            self.ends[number] = max(self.ends.get(number, end), end)
        if of_video and packet.size:  # FFmpeg passes over an empty one: a dropped frame of AVI
            self._take_video(packet)
            self.count += 1

    def _take_video(self, packet: Packet) -> None:
        if packet.dts is not None:
            if self._last_dts is not None and packet.dts < self._last_dts:
                self.joints |= {self.count - 2, self.count - 1}  # FFmpeg may mark the one before
            self._last_dts = packet.dts
        if packet.is_corrupt:
            self._marked.add(self.count)
        if packet.is_keyframe:
            self.is_encrypted |= packet.has_sidedata("encryption_info")
        shows = count_of(self._counter, packet)
        self._find_key(packet)
        if self._needs_what_was_cut_off(packet):
            self.is_cut = True
            return
        if packet.is_discard or (shows == 0 and not self._may_be_packed):
            return
        self._count(shows)
        self.is_one_a_packet &= shows == 1
        self.shown.append(Shown(packet.pts, packet.duration or 0))
        self.turns.append(self.count)
        if packet.pts is not None:
            self._sort(packet.pts)

    def _find_key(self, packet: Packet) -> None:
        """Note whether decoding may begin at a packet, or whether it is shown before the last such.

        A packet that changes the stream's extradata has to be decoded: nothing may be left out.
        """
        if self.access is None:
            return
        if packet.is_keyframe and self.count and packet.has_sidedata("new_extradata"):
            self.access = None
            return
        content = memoryview(packet)
        begin = self.access.begin(content, packet.is_keyframe)
        if begin is None:
            if self._has_leads:
                self._has_leads = self.access.is_disposable(content)
                last = self.keys[-1]
                self.keys[-1] = last._replace(leads=(last.leads or 0) + self._has_leads)
            return
        self._has_leads = begin is Begin.OPEN and self.access.leads_are_disposable
        leads = 0 if begin is Begin.CLOSED or self._has_leads else None
        is_last = packet.pts is not None and (not self._sorted or packet.pts > self._sorted[-1])
        self.keys.append(
            KeyPacket(self.count, packet.pts if is_last else None, len(self.shown), leads)
        )

    def _count(self, shows: int | None) -> None:
        """Count the frames of a packet.

        In packed MPEG-4 a packet may hold a picture too many, until an empty one comes in its
        place: a packet is one frame again. The end may lack that, and FFmpeg drops the picture.
        """
        if self._may_be_packed:
            if shows == 1 or shows == (0 if self._is_owed else 2):
                self._is_owed ^= shows != 1
                shows = 1
            else:
                shows = None
        self.frames = None if shows is None or self.frames is None else self.frames + shows

    def _needs_what_was_cut_off(self, packet: Packet) -> bool:
        """Report whether a packet needs others from before the first key frame."""
        if not self._has_key:
            if not packet.is_keyframe:
                return True
            self._has_key, self.first_key = True, self.count
            self._first_key_pts = packet.pts if packet.pts is not None else packet.dts
            return False
        if self._is_past_key or packet.pts is None or self._first_key_pts is None:
            return False
        # Pictures of an open group are decoded after the key frame and shown before it.
        self._is_past_key = packet.pts >= self._first_key_pts
        return not self._is_past_key

    def _sort(self, pts: int) -> None:
        if not self._sorted or pts > self._sorted[-1]:
            self._sorted.append(pts)
            return
        self.depth = max(self.depth, len(self._sorted) - bisect_right(self._sorted, pts))
        insort(self._sorted, pts)
