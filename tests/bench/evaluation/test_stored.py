"""Which stored records may stand for a case."""

from pathlib import Path

from kinobench.bench.evaluation.alone import LoneReader
from kinobench.bench.evaluation.given_up import give_up
from kinobench.bench.evaluation.stored import is_left_out_otherwise
from kinobench.bench.records.job import FileLimits
from kinobench.bench.records.results import MISSING, Unreadable
from kinobench.datasets.split import Split, Video

from ...fakes.made_records import made_accuracy, made_record

SHORT, LONG = FileLimits(timeout_s=1.0), FileLimits(timeout_s=600.0)


def test_a_video_that_was_given_up_under_other_limits_is_to_be_read_again(tmp_path: Path) -> None:
    videos = tuple(Video(id=name, path=tmp_path / name, label=0) for name in ("slow", "torn"))
    for video in videos:
        video.path.write_bytes(b"a video")
    split = Split(dataset="made", name="all", classes=("one",), videos=videos)

    def left_out(*names: str, limits: FileLimits, reason: str = "it hangs") -> bool:
        unreadable = tuple(Unreadable(id=name, path=name, reason=reason) for name in names)
        record = made_record(accuracy=made_accuracy(unreadable=unreadable))
        return is_left_out_otherwise(record, split, tmp_path, limits)

    case = made_record().case
    reading = LoneReader(case.protocol, case.decoder, SHORT).digest
    give_up(tmp_path, {videos[0]: "it takes longer than 1 s"}, reading)
    assert left_out("slow", "torn", limits=LONG)
    assert not left_out("slow", "torn", limits=SHORT)  # it would be left out again
    assert not left_out("torn", limits=LONG)  # no limit is its reason
    assert not left_out("slow", limits=LONG, reason=MISSING)
    videos[0].path.write_bytes(b"another video")  # which `why_unusable` finds
    assert not left_out("slow", limits=LONG)
