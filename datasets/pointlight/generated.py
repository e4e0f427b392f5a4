"""A dataset that is generated as a whole: its stamp, and the folder that it appears in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec

from ..errors import DatasetError, reason_of
from ..files import read_regular
from ..unfinished import unfinished_folder

StampT = TypeVar("StampT", bound="GeneratedStamp")


class GeneratedStamp(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that a folder was generated with; the file leaves out the usual ones.

    Attributes:
        digest: Digest of everything that decides what the videos show.
        seed: Seed of everything that was drawn.
        generator: The version of the generator that made it.
        changed: Options that differ from the usual ones, as `--set` writes them.
    """

    version: ClassVar[int]

    digest: str
    seed: int
    generator: int
    changed: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The dataset and the digest: the folder's name by default."""
        raise NotImplementedError

    @property
    def unusual_size(self) -> str:
        """How many videos there are, if that is unusual; else an empty text."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """The name, with what is unusual, if anything is."""
        return f"{self.name} ({self.unusual})" if self.unusual else self.name

    @property
    def unusual(self) -> str:
        """Differences from the usual dataset, or an empty text."""
        parts = [f"{name}={value}" for name, value in self.changed.items()]
        if self.seed != 0:
            parts.append(f"seed {self.seed}")
        if self.unusual_size:
            parts.append(self.unusual_size)
        if self.generator != self.version:
            parts.append(f"generator {self.generator}")
        return ", ".join(parts)


def read_stamp_file(file: Path, kind: type[StampT]) -> StampT:
    """Return what the dataset next to a stamp was generated as.

    Raises:
        DatasetError: The generator didn't write it.
    """
    try:
        return msgspec.json.decode(read_regular(file), type=kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetError(
            f"{file}: not what the generator wrote; remove {str(file.parent)!r} and generate it "
            "again"
        ) from error


def is_generated(root: Path, stamp: str, kind: type[GeneratedStamp], name: str) -> bool:
    """Report whether a folder has a dataset; an empty or absent folder doesn't.

    Args:
        root: The folder.
        stamp: Name of the file of the stamp.
        kind: Its type.
        name: The dataset and the digest that are wanted, with a `-` between them.

    Raises:
        DatasetError: It holds anything else.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    dataset, _, digest = name.rpartition("-")
    if not (root / stamp).is_file():
        raise DatasetError(
            f"{str(root)!r} holds something else than {dataset}; choose a new or empty folder"
        )
    made = read_stamp_file(root / stamp, kind)
    if made.digest == digest:
        return True
    raise DatasetError(
        f"{str(root)!r} holds {made.title}, of other options, another seed, size or version, where "
        f"{name} is asked for; choose another folder, or remove this one"
    )


def generate(
    root: Path,
    dataset: str,
    processes: int,
    write: Callable[[Path, Any], None],
    is_there: Callable[[], bool],
) -> None:
    """Generate a dataset next to its place, and rename it when it is whole.

    If two processes generate it at once, the later one keeps the earlier one's. What a killed
    process left there is removed by a later generation; see `unfinished_folder`.

    Args:
        root: Its place.
        dataset: Its name, for messages.
        processes: Number of processes that write; 1: this one.
        write: Writes it into a new folder, with a pool of processes or None.
        is_there: Reports whether it is in its place.

    Raises:
        DatasetError: It can't be written; or a process ended before its work did.
    """
    from .files import writers  # imports pools: slow

    try:
        # Processes that can't start leave no folder, and none writes when it is removed.
        with writers(processes) as pool:
            root.parent.mkdir(parents=True, exist_ok=True)
            with unfinished_folder(root) as unfinished:
                whole = unfinished / dataset
                write(whole, pool)
                try:
                    whole.rename(root)
                except OSError:
                    if not is_there():
                        raise
    except OSError as error:
        raise DatasetError(
            f"{dataset} can't be generated in {str(root)!r} ({reason_of(error)}); choose another "
            "folder by --data-root"
        ) from error
