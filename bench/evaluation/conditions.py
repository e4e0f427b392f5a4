"""The conditions that a case's logits are measured under."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...datasets.names import readable
from ...datasets.sources.paths import path_of
from ...datasets.split import Split
from ...zoo import registry
from ..machine.environment import library_versions
from ..network.code_digest import imported_digest, source_digest
from ..network.runtimes.known import versions_of
from ..records.case import Case, LogitsType
from ..records.computed import Computed
from .shards import videos_in_a_shard


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that must agree before one folder may contain the shards of two runs.

    Attributes:
        case: Digest of the case.
        manifest: Digest of the split.
        weights: Digest of the checkpoint file; None for an untrained network.
        network: Digest of the network itself; see `network_digest`.
        computes: What the network computes, which must agree within `records.computed.TOLERANCE`;
            None where that isn't known, and in folders of earlier versions, whose source differs.
        source: Digest of kinobench's own code and of the file that builds the network.
        imported: Digest of the user's own modules that these import; see `imported_digest`.
        versions: Versions of the libraries.
        machine: Fingerprint of the processor, the GPU, its driver and torch.
        data_root: Folder of the dataset: another copy may have another size.
        logits: Precision in which logits are stored.
        videos_in_a_shard: Number of videos after which a shard ends.
    """

    case: str
    manifest: str
    weights: str | None
    network: str
    source: str
    imported: str
    versions: dict[str, str]
    machine: str
    data_root: str | None
    logits: LogitsType
    videos_in_a_shard: int
    computes: Computed | None = None

    def difference(self, other: "Conditions") -> str:
        """Return how the two differ, as in `of another source, versions`; empty if they agree."""
        fields = [
            field
            for field in self.__struct_fields__
            if field != "computes" and getattr(self, field) != getattr(other, field)
        ]
        parts = [f"of another {', '.join(fields)}"] if fields else []
        if not _agree(self.computes, other.computes):
            parts.append(SOMETHING_ELSE if fields else f"{SOMETHING_ELSE}, {_BY_WHAT}")
        return "; ".join(parts)


SOMETHING_ELSE = "the network computes something else now"
_BY_WHAT = (
    "though its source, weights and libraries are the same: a file that it reads, an attribute or "
    "a variable has changed"
)


def _agree(one: Computed | None, other: Computed | None) -> bool:
    return one == other if one is None or other is None else one.agrees(other)


def data_root_of(given: str | None) -> str | None:
    """Return the folder of a dataset as conditions name it."""
    return given and readable(str(path_of(given).resolve()))


def conditions_of(
    case: Case,
    split: Split,
    *,
    weights: str | None,
    network: str,
    computes: Computed | None,
    plugins: Sequence[str],
    machine: str,
    data_root: str | None,
    logits: LogitsType,
) -> Conditions:
    """Return the conditions of here and now; this imports the network's own module.

    Args:
        case: Case that is measured.
        split: Videos of the case.
        weights: Digest of the checkpoint file.
        network: Digest of the network as it was built and loaded.
        computes: What it computes.
        plugins: Files that register networks.
        machine: Fingerprint of the environment.
        data_root: Folder of the dataset.
        logits: Precision in which logits are stored.
    """
    build, files = registry.get(case.model).build, [Path(plugin) for plugin in plugins]
    return Conditions(
        case=case.digest,
        manifest=split.manifest,
        weights=weights,
        network=network,
        computes=computes,
        source=source_digest(build, *files),
        imported=imported_digest(build, *files),
        versions=library_versions(case.decoder) | versions_of(case.runtime),
        machine=machine,
        data_root=data_root_of(data_root),
        logits=logits,
        videos_in_a_shard=videos_in_a_shard(len(split.videos), case.protocol.views),
    )
