"""Which video of the annotations each id of a result file means."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from ...datasets.errors import KinobenchError
from ...datasets.plurals import some

PREFIX = "v_"
"""ActivityNet's files of videos begin so; its annotations' ids don't."""
_EXTENSIONS = (".mp4", ".avi", ".mkv", ".webm")


def matched_ids(named: Iterable[str], known: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Return the video of the annotations for each id that has one, and notes.

    An id is a video's own, or the same with or without `v_` before it, or with a file's ending. One
    that means no video is not in the result: its detections are false positives, as for the
    official evaluators.

    Args:
        named: Ids of the result file.
        known: Ids of the annotations.

    Raises:
        KinobenchError: Two ids mean one video.
    """
    found: dict[str, str] = {}
    owner: dict[str, str] = {}
    changed: list[str] = []
    for name in dict.fromkeys(named):
        video = _video(name, known)
        if video is None:
            continue
        other = owner.setdefault(video, name)
        if other != name:
            raise KinobenchError(
                f"the results have {other!r} and {name!r}, which are both the video {video!r} of "
                "the annotations; write one of them"
            )
        found[name] = video
        if name != video:
            changed.append(name)
    notes = []
    if changed:
        notes.append(
            f"ids that differ from the annotations' by '{PREFIX}' or a file's ending, and were "
            f"taken for these: {len(changed)} ({some(changed)})"
        )
    return found, notes


def _video(name: str, known: Collection[str]) -> str | None:
    path = PurePosixPath(name)
    stems = [name, str(path.with_suffix(""))] if path.suffix.lower() in _EXTENSIONS else [name]
    for stem in stems:
        for candidate in (stem, _with_prefix(stem), _without_prefix(stem)):
            if candidate in known:
                return candidate
    return None


def _with_prefix(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{PREFIX}{last}"


def _without_prefix(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.removeprefix(PREFIX)}"


def check_overlap(
    found: Mapping[str, str], scored: Collection[str], named: Collection[str], subset: str
) -> None:
    """Refuse results none of whose videos are scored.

    Args:
        found: Id of the results -> that of the annotations.
        scored: Ids of the videos that are scored.
        named: Ids of the results.
        subset: The subset of the annotations, for the message.

    Raises:
        KinobenchError: They name videos, and none that is scored.
    """
    if named and not set(found.values()) & set(scored):
        of = f"the subset {subset!r} of " if subset else ""
        raise KinobenchError(
            f"no video of the results is in {of}the annotations: they have "
            f"{some(list(dict.fromkeys(named)))}, and these {some(list(scored))}; give the "
            "annotations of these videos, or another --split"
        )


def video_notes(
    detections: Mapping[str, int], known: Collection[str], elsewhere: Mapping[str, str]
) -> list[str]:
    """Return what is to be said of videos that only one of the files has.

    Args:
        detections: Number of detections of each video of the results, by the annotations' id where
            there is one.
        known: Ids of the videos that are scored.
        elsewhere: Id -> subset, of the annotations' other videos.
    """
    notes = []
    others: dict[str, list[str]] = {}
    scored = set(known)
    for video in detections:
        if video not in scored:
            others.setdefault(elsewhere.get(video, ""), []).append(video)
    for subset, videos in others.items():
        count = sum(detections[each] for each in videos)
        what = f"of the subset {subset!r}" if subset else "that the annotations haven't"
        notes.append(
            f"detections in videos {what}, false positives, as the official rule counts them: "
            f"{count} ({some(videos)})"
        )
    without = [video for video in known if not detections.get(video)]
    if without:
        notes.append(
            f"videos of the annotations without a detection: {len(without)} ({some(without)})"
        )
    return notes
