"""The copy of a dataset that an accuracy was measured on: two people seldom have the same files."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from ...datasets.plurals import quantity
from ..text.units import file_size, percent


class ShortSide(msgspec.Struct, frozen=True, kw_only=True):
    """The shorter sides of the pictures of some videos, in pixels.

    Of several splits together the median is not known, unless all are alike.
    """

    least: int
    median: float | None
    most: int

    @property
    def text(self) -> str:
        """One number, or the range with its median."""
        if self.least == self.most:
            return str(self.least)
        median = "" if self.median is None else f" (median {self.median:g})"
        return f"{self.least} to {self.most}{median}"


class DatasetCopy(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a split's videos, by their headers.

    Attributes:
        digest: Digest of each video's id, size in bytes, width, height and codec; see
            `datasets/copy_digest.py`.
        layout: Name of the layout that the lists and folders were read as; empty if there is one
            alone.
        listed: Number of videos that the split lists.
        found: Number of these that were there, readable or not.
        part_of: Name of the split that the listed videos are a part of; None if they are whole.
        bytes: Size of the files that were found, together.
        short_side: The pictures' shorter sides; None if no header could be read.
        codecs: Number of videos of each codec, the commonest first.
        unknown: Number of videos that were found and whose header couldn't be read.
    """

    digest: str
    layout: str
    listed: int
    found: int
    part_of: str | None
    bytes: int
    short_side: ShortSide | None
    codecs: dict[str, int]
    unknown: int = 0

    @property
    def text(self) -> str:
        """What people should know of it."""
        return ", ".join(said.format(fact) for said, fact in self._facts.items() if fact)

    def against(self, other: "DatasetCopy") -> str:
        """Return in what this copy differs from another one: `short side 256 against 340`."""
        own, theirs = self._facts, other._facts
        differing = [
            said.format(f"{fact or 'none'} against {theirs.get(said) or 'none'}")
            for said, fact in own.items()
            if fact != theirs.get(said)
        ]
        return ", ".join(differing) or "other files, alike in number, total size and pictures"

    @property
    def _facts(self) -> dict[str, str]:
        """How each fact is said, and the fact; some are empty."""
        known = sum(self.codecs.values())
        shares = (
            name if count == known else f"{name} ({percent(count / known)} %)"
            for name, count in self.codecs.items()
        )
        return {
            f"{{}} of {quantity(self.listed, 'listed video')} found": str(self.found),
            "part of split {}": self.part_of or "",
            "layout {}": self.layout,
            "short side {}": "" if self.short_side is None else self.short_side.text,
            "{}": " and ".join(shares),
            "without a readable header: {}": str(self.unknown or ""),
            "{} in all": file_size(self.bytes),
        }


def copies_differ(copies: Sequence[DatasetCopy | None]) -> bool:
    """Return whether results are of different copies, or of one and of unknown ones.

    Args:
        copies: The copy of each result; None in records of earlier versions.
    """
    return len({None if copy is None else copy.digest for copy in copies}) > 1


def joined_copies(copies: Sequence[DatasetCopy | None]) -> DatasetCopy | None:
    """Return the copies of several splits as one; None if one of them isn't known.

    What is counted is added up, as a mean over splits adds up their videos; the digest is that of
    the splits' digests, in order.
    """
    known = [copy for copy in copies if copy is not None]
    if not known or len(known) < len(copies):
        return None
    sides = [copy.short_side for copy in known if copy.short_side is not None]
    codecs = Counter[str]()
    for copy in known:
        codecs.update(copy.codecs)
    digests = "\n".join(copy.digest for copy in known)
    return DatasetCopy(
        digest=hashlib.sha256(digests.encode()).hexdigest()[:16],
        layout=", ".join(dict.fromkeys(copy.layout for copy in known if copy.layout)),
        listed=sum(copy.listed for copy in known),
        found=sum(copy.found for copy in known),
        part_of=None,
        bytes=sum(copy.bytes for copy in known),
        short_side=_joined_sides(sides),
        codecs=dict(codecs.most_common()),
        unknown=sum(copy.unknown for copy in known),
    )


def _joined_sides(sides: Sequence[ShortSide]) -> ShortSide | None:
    if not sides:
        return None
    least, most = min(each.least for each in sides), max(each.most for each in sides)
    return ShortSide(least=least, median=float(least) if least == most else None, most=most)
