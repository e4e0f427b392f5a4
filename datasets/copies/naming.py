"""How the names of files say which video of a dataset each is."""

from typing import NamedTuple

from ..lists.class_names import fold
from ..lists.scan import VIDEO_EXTENSIONS


class Key(NamedTuple):
    """What the names of a video's files have in common.

    Attributes:
        id: What they share, such as the id of YouTube.
        start_s, end_s: Where the file was cut out, in seconds; None if its name doesn't say it.
    """

    id: str
    start_s: int | None = None
    end_s: int | None = None


class Naming:
    """Names that are the video's own: the stem, in any case. Datasets with other names extend it.

    A video's `id` goes into the manifest, so it is the same in every layout of a dataset.
    """

    in_classes = False
    """True if a stem is unique in its class only: then the class is a part of the key."""

    def key(self, stem: str, folder: str) -> Key | None:
        """Return what a file's name says; None if it names no video of the dataset.

        Args:
            stem: The name without its extension.
            folder: The name of its folder.
        """
        own = without_extensions(stem).casefold()
        return Key(f"{fold(folder)}/{own}" if self.in_classes else own)

    def listed(self, stem: str, class_name: str, times: tuple[int, int] | None) -> str | None:
        """Return the id of a video that a list names; None if it is no name of the dataset.

        Args:
            stem: The name in the list, without folders and extension.
            class_name: The name of its class.
            times: Start and end in seconds, if the list has them.
        """
        own = without_extensions(stem)
        return f"{class_name}/{own}" if self.in_classes else own

    def key_of(self, video_id: str) -> Key:
        """Return what the files of a video are named, by its id."""
        folder, _, stem = video_id.rpartition("/")
        key = self.key(stem, folder)
        assert key is not None, video_id
        return key

    def file_id(self, video_id: str) -> str:
        """Return the `id` of the key of a video's files, by the video's id."""
        return self.key_of(video_id).id

    def lacks_times(self, video_id: str) -> bool:
        """Report whether an id lacks the times that the dataset's ids have."""
        return False

    def group(self, video_id: str) -> str | None:
        """Return the source of a video's footage by its id; None if the name doesn't say it."""
        return None

    def class_of(self, stem: str) -> str | None:
        """Return the class that a name has in it; None if names have none."""
        return None

    def wrong(self, name: str) -> str:
        """Return why a listed name is no name of the dataset."""
        return f"{name!r} is no name of a video"


def without_extensions(stem: str) -> str:
    """Return a stem without a further extension: crawlers write `ID.mp4.mkv`."""
    while True:
        dot = stem.rfind(".")
        if dot <= 0 or stem[dot:].lower() not in VIDEO_EXTENSIONS:
            return stem
        stem = stem[:dot]
