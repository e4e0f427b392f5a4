"""What stored logits were measured of: so nobody takes another network's for them."""

from typing import NamedTuple

from ..records.record import Record


class Origin(NamedTuple):
    """The case, the split and the weights of stored logits; None where they are not known.

    Files of earlier versions don't say it.

    Attributes:
        case: Digest of the case.
        manifest: Digest of the split; see `Split.manifest`.
        weights: Digest of the checkpoint file, which a case only names; None for an untrained
            network, too.
    """

    case: str | None = None
    manifest: str | None = None
    weights: str | None = None

    def agrees(self, other: "Origin") -> bool:
        """Return whether two may be the same: what both of them know is equal."""
        pairs = zip(self, other, strict=True)
        return all(None in pair or pair[0] == pair[1] for pair in pairs)

    def __str__(self) -> str:
        """Return the digests, for messages."""
        weights = f" and weights {self.weights}" if self.weights is not None else ""
        return f"case {self.case or 'unknown'} and manifest {self.manifest or 'unknown'}{weights}"


UNKNOWN = Origin()


def origin_of(record: Record) -> Origin:
    """Return what a record's predictions are of."""
    manifest = None if record.evaluated is None else record.evaluated.manifest
    return Origin(record.case.digest, manifest, record.weights_digest)
