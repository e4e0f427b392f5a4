"""The presets' frames beside those that their origins' own code takes of 300 videos and more.

The tables in origin_frames/ were made by running the code of origins that can't be installed;
pytorchvideo and torchvision are called here.
"""

import pytest
import torch
from pytorchvideo.data.utils import secs_to_pts

from kinobench.datasets.protocol import PRESETS, Protocol

from .origin_frames.rows import FOLDER, Video, load, read, videos, written
from .test_presets_pytorchvideo import _windows, theirs  # noqa: F401
from .test_presets_torchvision import _their_clips

TABLES = {path.stem: load(path.stem) for path in sorted(FOLDER.glob("*.json"))}
ROWS = {name: rows for table in TABLES.values() for name, rows in table.rows.items()}
CALLED = [
    name
    for name in PRESETS
    if name not in ROWS and name.partition("-")[0] in ("pytorchvideo", "torchvision")
]


def _found(protocol: Protocol, video: Video) -> tuple[tuple[int, ...], ...]:
    return protocol.frame_indices(video.times_s, video.duration_s, video.timeline)


def test_every_preset_of_an_origin_has_a_table_or_is_called() -> None:
    assert {*ROWS, *CALLED} == {name for name, protocol in PRESETS.items() if protocol.origin}


@pytest.mark.parametrize("name", ROWS)
def test_a_preset_takes_the_frames_that_its_origins_code_took(name: str) -> None:
    protocol, compared = PRESETS[name], 0
    assert len(set(ROWS[name])) >= 300
    for row in ROWS[name]:
        video, clips = read(row)
        found = _found(protocol, video)
        assert len(found) == len(clips) == protocol.clips
        for ours, expected in zip(found, clips, strict=True):
            if expected is not None:  # else the origin gives the video up
                assert ours == expected, row
                compared += 1
    assert compared >= 0.99 * 300 * protocol.clips


@pytest.mark.parametrize("origin", TABLES)
def test_a_table_is_of_the_version_that_its_presets_name(origin: str) -> None:
    table = TABLES[origin]
    assert set(table.source) == {"repository", "version", "ran", "made by"}
    for name in table.rows:
        named = PRESETS[name].origin or ""
        assert table.source["version"].strip("v").split()[0] in named


def test_a_row_is_read_back_as_it_was_written() -> None:
    video = videos()[0]
    for clips in (((0, 8, 16), (5, 13, 21), (7, 7, 9)), ((3,), (4,)), (None, (1, 2)), ((5, 2, 0),)):
        assert read(written(video, clips)) == (video, clips)
    assert len({*videos()}) == len(videos()) == 300


def _pytorchvideos_clips(protocol: Protocol, video: Video, own: object) -> list[tuple | None]:
    stamps = torch.tensor(video.timeline.stamps)
    announced = video.announced
    end = video.timeline.stamps[-1] if announced is None else announced - video.start
    clips: list[tuple | None] = []
    for window in _windows(protocol, end * video.unit_s):
        pts = [secs_to_pts(instant, video.unit_s, 0, "ceil") for instant in window]
        first, beyond = torch.searchsorted(stamps, torch.tensor(pts)).tolist()
        taken = torch.arange(first, beyond)
        subsampled = (
            own.uniform_temporal_subsample(taken, protocol.frames, 0) if len(taken) else None
        )
        clips.append(None if subsampled is None else tuple(subsampled.tolist()))
    return clips


@pytest.mark.parametrize("name", [name for name in CALLED if name.startswith("pytorchvideo")])
def test_a_preset_takes_the_frames_that_pytorchvideo_takes(
    name: str,
    theirs: object,  # noqa: F811
) -> None:
    protocol = PRESETS[name]
    for video in videos():
        expected = _pytorchvideos_clips(protocol, video, theirs)
        for ours, clip in zip(_found(protocol, video), expected, strict=True):
            assert clip is None or ours == clip, video


@pytest.mark.parametrize("name", [name for name in CALLED if name.startswith("torchvision")])
def test_a_preset_takes_the_frames_that_torchvision_takes(name: str) -> None:
    protocol, compared = PRESETS[name], 0
    assert protocol.fps is not None
    for video in videos():
        shortest = protocol.frames * video.rate / protocol.fps
        # It leaves out shorter ones: of these, some more are made long enough.
        longer = video._replace(frames=video.frames + int(shortest) + 1)
        expected = _their_clips(
            longer.frames, float(video.rate), protocol.frames, protocol.fps, protocol.clips
        )
        assert [list(clip) for clip in _found(protocol, longer)] == expected, longer
        compared += 1
    assert compared == 300
