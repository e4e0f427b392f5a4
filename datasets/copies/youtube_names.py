"""Names of YouTube: an id of 11 characters, perhaps with the seconds that were cut out."""

import re

from .naming import Key, Naming, without_extensions

# `_` and `-` are among the characters of an id, so the width alone says where the times begin.
_STEM = re.compile(
    r"(?P<id>[\w-]{11})(?:_(?P<start>\d+)_(?P<end>\d+))?(?P<rest>(?:[_.-][A-Za-z0-9]+)*)", re.ASCII
)
_USUAL = re.compile(r"[\w-]{11}_\d{6}_\d{6}", re.ASCII)
_SUFFIX = re.compile(
    r"[_.-](?:\d{2,4}(?:p|x\d{2,4})?|raw|resized?|small|trim(?:med)?|cut|clip|h264|crf\d+|fps\d+"
    r"|\d+fps)",
    re.IGNORECASE,
)
"""What crawlers and resizing scripts add: `_256`, `_340x256`, `_raw`."""


class YouTubeNames(Naming):
    """`ID_000417_000427`, `ID_417_427`, `ID`, each with a suffix such as `_256` or `_raw`.

    The padded times are those of github.com/cvdfoundation/kinetics-dataset, the others those of
    crawlers. A video's id has its times where a list or a name says them.
    """

    def __init__(self, *, timed: bool = False) -> None:
        """Say whether the dataset's videos are cut out of longer ones, and their ids say where."""
        self._timed = timed

    def lacks_times(self, video_id: str) -> bool:
        """Report whether an id lacks the times that the dataset's ids have."""
        return self._timed and len(video_id) == 11

    def key(self, stem: str, folder: str) -> Key | None:
        """Return the id and the times of a file."""
        found = _STEM.fullmatch(without_extensions(stem))
        if found is None or not _is_suffix(found["rest"]):
            return None
        if found["start"] is None:
            return Key(found["id"])
        return Key(found["id"], int(found["start"]), int(found["end"]))

    def listed(self, stem: str, class_name: str, times: tuple[int, int] | None) -> str | None:
        """Return `ID_000417_000427`, or `ID` where nothing says the times."""
        if len(stem) == 11 and is_youtube_id(stem):  # the pattern of `key` takes longer
            return stem if times is None else f"{stem}_{times[0]:06d}_{times[1]:06d}"
        if times is None and _USUAL.fullmatch(stem):
            return stem
        key = self.key(stem, "")
        if key is None:
            return None
        start_s, end_s = times or (key.start_s, key.end_s)
        return key.id if start_s is None else f"{key.id}_{start_s:06d}_{end_s:06d}"

    def key_of(self, video_id: str) -> Key:
        """Return the id of YouTube and the times."""
        _, _, times = video_id[11:].partition("_")
        if not times:
            return Key(video_id)
        start, _, end = times.partition("_")
        return Key(video_id[:11], int(start), int(end))

    def file_id(self, video_id: str) -> str:
        """Return the id of YouTube."""
        return video_id[:11]

    def wrong(self, name: str) -> str:
        """Return why a listed name is none of YouTube."""
        return f"youtube_id {name!r} is not 11 letters, digits, '-' or '_'"


_ID = re.compile(r"[\w-]{11}", re.ASCII)


def is_youtube_id(text: str) -> bool:
    """Report whether a text can be an id of YouTube."""
    return _ID.fullmatch(text) is not None


def _is_suffix(rest: str) -> bool:
    while rest:
        found = _SUFFIX.match(rest)
        if found is None:
            return False
        rest = rest[found.end() :]
    return True
