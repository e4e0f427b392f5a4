"""Videos that say in their pixels which they are: trees of them, and what a network must see.

painted_network.py reads them.
"""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from kinobench.datasets.protocol import Protocol
from kinobench.datasets.protocol.placement import Indices
from kinobench.datasets.protocol.timed_placement import Timeline

from .media import turn, write_video
from .painted_network import COLUMNS, DARK, HALF, LEFT, LIGHT, MARGIN, RIGHT, ROWS, bits_of


class Painted(NamedTuple):
    """A video as it was painted, and as its container counts.

    Attributes:
        path: The file, below the tree's root.
        name: Its class, as the lists write it.
        label: The same as a number, and painted.
        frames: How many.
        height, width: Of the picture as it is shown, in pixels.
        fps: Frames per second.
        unit_s: The container's unit of time.
        announced: Whether the container says how long the video is.
        start: The first frame's time in the container, in units.
        turned: Clockwise quarter turns that a player must make.
        codec, options: Of the encoder.
    """

    path: str
    name: str
    label: int
    frames: int
    height: int
    width: int
    fps: Fraction
    unit_s: Fraction
    announced: bool = True
    start: int = 0
    turned: int = 0
    codec: str = "libx264"
    options: Mapping[str, str] = MappingProxyType({"crf": "14", "preset": "veryfast"})

    @property
    def timeline(self) -> Timeline:
        """When its frames appear, from what was written alone."""
        frame = 1 / self.fps / self.unit_s
        stamps = tuple(round(number * frame) for number in range(self.frames))
        end = stamps[-1] + int(frame)
        announced = end if self.announced else None
        return Timeline(stamps, end, self.unit_s, self.fps, announced, self.start)

    def clips(self, protocol: Protocol) -> Indices:
        """The frames of each clip."""
        line = self.timeline
        times_s = [float(stamp * line.unit_s) for stamp in line.stamps]
        return protocol.frame_indices(times_s, float(line.end * line.unit_s), line)

    @property
    def panel(self) -> tuple[int, int, int, int]:
        """Left, right, top and bottom end of the panel, in pixels of the picture."""
        half = HALF * min(self.height, self.width)
        return (
            *(round(self.width / 2 - half), round(self.width / 2 + half)),
            *(round(self.height / 2 - half), round(self.height / 2 + half)),
        )

    def pictures(self) -> np.ndarray:
        """`[frames, height, width, 3]`, uint8."""
        x0, x1, y0, y1 = self.panel
        margin = round(MARGIN * min(self.height, self.width))
        ground = np.empty((self.height, self.width, 3), dtype=np.uint8)
        ground[:, : self.width // 2], ground[:, self.width // 2 :] = LEFT, RIGHT
        ground[y0:y1, x0:x1] = DARK
        pictures = np.repeat(ground[None], self.frames, axis=0)
        rows = np.linspace(y0 + margin, y1 - margin, ROWS + 1).round().astype(int)
        columns = np.linspace(x0 + margin, x1 - margin, COLUMNS + 1).round().astype(int)
        for number, picture in enumerate(pictures):
            for block, white in enumerate(bits_of(self.label, number)):
                row, column = divmod(block, COLUMNS)
                if white:
                    picture[rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = (
                        LIGHT
                    )
        return pictures

    def write(self, root: Path) -> Path:
        stored = np.rot90(self.pictures(), k=self.turned, axes=(1, 2))
        path = write_video(
            root / self.path, stored, fps=self.fps, codec=self.codec, options=dict(self.options)
        )
        if self.turned:
            turn(path, self.turned)
        return path


_25, _30 = Fraction(25), Fraction(30)
_AVI, _MP4, _MATROSKA = Fraction(1, 25), Fraction(1, 12800), Fraction(1, 1000)
_XVID = {"qscale": "2", "bf": "2", "g": "60"}
"""UCF101's files are XviD: MPEG-4 part 2, with frames that are stored before earlier ones."""
_VP9 = {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"}


def _avi(path: str, label: int, frames: int, options: dict[str, str] = _XVID) -> Painted:
    name = path.partition("/")[0]
    return Painted(
        f"UCF-101/{path}",
        name,
        *(label, frames, 240, 320, _25, _AVI),
        start=int("bf" in options),  # where there are such frames, times begin one frame late
        codec="mpeg4",
        options=options,
    )


UCF101 = (
    # Sorted, the folders of these two would change places.
    _avi("Hammering/v_Hammering_g01_c01.avi", 34, 164),
    _avi("HammerThrow/v_HammerThrow_g01_c02.avi", 35, 90),
    # The file is spelled otherwise than in the list.
    _avi("HandstandPushups/v_HandStandPushups_g02_c01.avi", 36, 60),
    _avi("Archery/v_Archery_g07_c03.avi", 2, 120, {"qscale": "2"}),
)

KINETICS400 = (
    # Sorted, the folders of these two would change places, since one leaves its brackets out.
    Painted(
        "val/skiing_not_slalom_or_crosscountry/-a_b-c_d-e__000000_000010.mp4",
        "skiing (not slalom or crosscountry)",
        *(308, 230, 256, 340, _25, _MP4),
    ),
    Painted(
        "val/skiing_crosscountry/0123456789A_000417_000427.mkv",
        "skiing crosscountry",
        *(309, 140, 256, 340, _30, _MATROSKA),
        announced=False,
    ),
    Painted(
        "val/massaging_persons_head/__________z_003600_003610.webm",
        "massaging person's head",
        *(196, 60, 257, 341, _25, _MATROSKA),
        announced=False,
        codec="libvpx-vp9",
        options=_VP9,
    ),
    # As a phone held upright records it.
    Painted(
        "val/air drumming/abcdefghijk_000010_000020.mp4",
        "air drumming",
        *(1, 72, 340, 256, _30, Fraction(1, 15360)),
        turned=1,
    ),
    # Shorter than a clip of most presets.
    Painted(
        "val/archery/ABCDEFGHIJK_000010_000020.mp4",
        "archery",
        *(5, 20, 256, 340, _25, _MP4),
    ),
)
CUT_SHORT = Painted(
    "val/abseiling/00000000000_000000_000010.mp4", "abseiling", 0, 60, 256, 340, _25, _MP4
)


def write_ucf101(root: Path) -> None:
    """Write a tree as the publisher lays it out; its first split is of `UCF101`."""
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    listed = []
    for video in UCF101:
        video.write(root)
        listed.append(video.path.removeprefix("UCF-101/").replace("HandStand", "Handstand"))
    (lists / "testlist01.txt").write_text("".join(f"{path}\n" for path in listed))


def write_kinetics400(root: Path) -> None:
    """Write a tree as the CVDF lays it out, of `KINETICS400` and, in the midst, `CUT_SHORT`."""
    lines = ["label,youtube_id,time_start,time_end,split"]
    for video in (*KINETICS400[:2], CUT_SHORT, *KINETICS400[2:]):
        path = video.write(root)
        if video is CUT_SHORT:
            content = path.read_bytes()
            path.write_bytes(content[: len(content) * 2 // 3])
        stem = path.stem
        start_s, end_s = int(stem[12:18]), int(stem[19:25])
        lines.append(f'"{video.name}",{stem[:11]},{start_s}.0,{end_s}.0,val')
    (root / "annotations").mkdir()
    (root / "annotations" / "val.csv").write_text("".join(f"{line}\n" for line in lines))
