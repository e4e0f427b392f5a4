"""How the files of these datasets say which video each is."""

import re

from ..copies.naming import Key, Naming
from ..copies.youtube_names import YouTubeNames, is_youtube_id

_ID_LENGTH = 11
_PREFIX = "v_"


class Ids(Naming):
    """Names that are the videos' ids; the base of other ways of writing them."""

    def id_of(self, written: str) -> str:
        """Return the dataset's own id of a video, as an annotation may write it."""
        return written

    def file_name(self, video: str) -> str:
        """Return the usual name of a video's file, without folders and extension."""
        return video.rpartition("/")[2]


class PrefixedYouTubeIds(Ids):
    """Ids of YouTube, before which files, and some annotations, write `v_`, as ActivityNet does.

    An id of YouTube may begin with `v_` itself: it has 11 characters, the prefix left out.
    """

    def __init__(self) -> None:
        """Begin."""
        self._plain = YouTubeNames()

    def id_of(self, written: str) -> str:
        """Return the id without the prefix."""
        rest = written.removeprefix(_PREFIX)
        return rest if len(written) > _ID_LENGTH and is_youtube_id(rest) else written

    def file_name(self, video: str) -> str:
        """Return `v_ID`."""
        return f"{_PREFIX}{video}" if is_youtube_id(video) else video

    def key(self, stem: str, folder: str) -> Key | None:
        """Return the id."""
        with_prefix = stem.startswith(_PREFIX) and len(stem) > _ID_LENGTH
        found = self._plain.key(stem[len(_PREFIX) :], folder) if with_prefix else None
        return found or self._plain.key(stem, folder)

    def key_of(self, video_id: str) -> Key:
        """Return the id."""
        return Key(video_id)


class YouTubeIds(Ids):
    """Ids of YouTube, whose case counts, perhaps with the seconds that were cut out."""

    def __init__(self) -> None:
        """Begin."""
        self._plain = YouTubeNames()

    def key(self, stem: str, folder: str) -> Key | None:
        """Return the id and the times of a file."""
        return self._plain.key(stem, folder)

    def key_of(self, video_id: str) -> Key:
        """Return the id."""
        return Key(video_id)


class Clips(Ids):
    """`folder/name_g01_c02` or `folder/name_c002`: clips, with the recording that they are of.

    The folder, a class or a sport, is a part of the id, and the annotation writes it.
    """

    _CLIP = re.compile(r"(?P<recording>.+)_c\d+", re.IGNORECASE)

    def group(self, video_id: str) -> str | None:
        """Return the recording."""
        clip = self._CLIP.fullmatch(video_id.rpartition("/")[2])
        return None if clip is None else clip["recording"]
