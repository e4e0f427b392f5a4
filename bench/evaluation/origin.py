"""What stored logits were measured of: so nobody takes another network's for them."""

from typing import NamedTuple

from ..records.record import Record


class Origin(NamedTuple):
    """The case and the split of stored logits; None where they are not known.

    Files of earlier versions don't say it.

    Attributes:
        case: Digest of the case.
        manifest: Digest of the split; see `Split.manifest`.
    """

    case: str | None = None
    manifest: str | None = None

    def agrees(self, other: "Origin") -> bool:
        """Return whether two may be the same: what both of them know is equal."""
        pairs = zip(self, other, strict=True)
        return all(None in pair or pair[0] == pair[1] for pair in pairs)

    def __str__(self) -> str:
        """Return both digests, for messages."""
        return f"case {self.case or 'unknown'} and manifest {self.manifest or 'unknown'}"


UNKNOWN = Origin()


def origin_of(record: Record) -> Origin:
    """Return what a record's predictions are of."""
    accuracy = record.accuracy
    return Origin(record.case.digest, None if accuracy is None else accuracy.manifest)
