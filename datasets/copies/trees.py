"""Copies without lists: `split/class/video`, as torchvision's and pytorchvideo's readers take."""

from collections.abc import Iterator, Sequence

from .entries import Entries, Media
from .formats import Format, ListFile, RawRow, Source
from .parts import Part, named_as


class ClassFolders(Format):
    """Folders of splits with folders of classes; which videos there should be is not known.

    The trees are those of torchvision.datasets.Kinetics and pytorchvideo's
    `LabeledVideoPaths.from_directory`.
    """

    name = "class-folders"
    aliases = ("torchvision", "tree")
    example = "val/abseiling/0wR5jVB-WPk_000417_000427.mp4"
    by_folder = True
    from_folders = True

    def finds(self, file: ListFile) -> bool:
        """Report that no list has this form."""
        return False

    def takes(self, media: Media, part: Part) -> bool:
        """Report whether a video is in a folder of a folder that is named like a split."""
        return any(part.fits(named_as(name)) for name in media.folder.parts[:-1])

    def sources(self, lists: Sequence[ListFile], entries: Entries, part: Part) -> list[Source]:
        """Return the folders of a split, if there are some with folders in them."""
        there = any(self.takes(media, part) for media in entries.media)
        return [Source((), lists, entries, part)] if there else []

    def rows(self, source: Source, file: ListFile | None) -> Iterator[RawRow]:
        """Give a row for each video in a folder of the split's classes."""
        for media in source.entries.media:
            if self.takes(media, source.part):
                yield RawRow(0, f"{media.folder.name}/{media.name}", "")
