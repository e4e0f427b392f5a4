"""The conditions that a case's logits are measured under, here and now."""

from collections.abc import Sequence
from pathlib import Path

from ...datasets.split import Split
from ...zoo import registry
from ..machine.environment import library_versions
from ..records.record import Case, LogitsType
from .resume import Conditions, imported_digest, source_digest
from .shards import videos_in_a_shard


def conditions_of(
    case: Case,
    split: Split,
    *,
    weights: str | None,
    network: str,
    plugins: Sequence[str],
    machine: str,
    data_root: str | None,
    logits: LogitsType,
) -> Conditions:
    """Return them; the network's own module is imported for it.

    Args:
        case: What is measured.
        split: On which videos.
        weights: Digest of the checkpoint file.
        network: Digest of the network as it was built and loaded.
        plugins: Files that register networks.
        machine: The environment's fingerprint.
        data_root: Where the dataset lies.
        logits: How precisely they are kept.
    """
    build, files = registry.get(case.model).build, [Path(plugin) for plugin in plugins]
    return Conditions(
        case=case.digest,
        manifest=split.manifest,
        weights=weights,
        network=network,
        source=source_digest(build, *files),
        imported=imported_digest(build, *files),
        versions=library_versions(case.decoder),
        machine=machine,
        data_root=data_root and str(Path(data_root).resolve()),
        logits=logits,
        videos_in_a_shard=videos_in_a_shard(len(split.videos), case.protocol.views),
    )
