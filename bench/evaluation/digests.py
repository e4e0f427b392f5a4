"""The digest of every shard of a folder, in a small file: so damage and foreign shards are seen.

A digest is stored before its shard. So a run that is killed in between leaves a digest without its
shard, or with the older one that was to be replaced, and that shard is measured again. A shard
without a digest was not written here.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import NotRegularError, check_regular, open_regular, read_regular
from ..records.files import FREE_SPACE, UNDECODABLE, sync_folder, writing
from .damage import AGAIN, DamagedError

FILE = "digests.json"

Digests = Mapping[str, str]
"""Name of a shard's file -> SHA-256 of its bytes, in hexadecimal digits."""

_SHOWN = 16
"""Digits that a message shows."""


def digest_of(content: bytes) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def kept_digests(folder: Path) -> Digests | None:
    """Return the digests of a folder's shards; None for those of earlier versions, which kept none.

    Raises:
        DamagedError: The file is not as it was written.
        KinobenchError: It can't be read.
    """
    path = folder / FILE
    try:
        return msgspec.json.decode(read_regular(path), type=dict[str, str])
    except FileNotFoundError:
        return None
    except UNDECODABLE as error:
        what = f"can't be read: {error} (without it, shards are read and not checked)"
        raise DamagedError(path, what) from error
    except OSError as error:
        raise KinobenchError(
            f"{path} can't be read: {reason_of(error)}; make it readable, or remove it"
        ) from error


def keep_digest(folder: Path, name: str, digest: str, durable: bool = True) -> None:
    """Add the digest of a shard that is about to be written.

    Only one process may do so at a time. Digests that can't be read are dropped: the shards that
    they were of are measured again. Without `durable`, call `sync_digests` later: a disk that loses
    its power before may lose digests, whose shards are then measured again.

    Raises:
        KinobenchError: The file can't be written.
    """
    try:
        kept = kept_digests(folder) or {}
    except DamagedError:
        kept = {}
    content = msgspec.json.encode({**kept, name: digest}, order="sorted")
    path = folder / FILE
    with writing(path, cure=FREE_SPACE, make_folder=False, own=True, durable=durable) as unfinished:
        unfinished.write_bytes(msgspec.json.format(content) + b"\n")


def sync_digests(folder: Path) -> None:
    """Wait until the disk has the digests of a folder, if it has any.

    Raises:
        KinobenchError: The disk can't take them.
    """
    try:
        with open_regular(folder / FILE) as file:
            os.fsync(file.fileno())
        sync_folder(folder)
    except FileNotFoundError:  # a split without videos
        return
    except OSError as error:
        raise KinobenchError(
            f"{folder / FILE} can't be written: {reason_of(error)}; {FREE_SPACE}"
        ) from error


def refuse_damaged(path: Path, digests: Digests | None) -> None:
    """Check that a shard's file is as its digest says.

    Args:
        path: The file.
        digests: Digests of the shards in its folder; None if there are none: then any file passes.

    Raises:
        DamagedError: It is another file, or can't be read.
        KinobenchError: It is no file, but a folder or a pipe.
    """
    try:
        if digests is None:
            check_regular(path)
            return
        with open_regular(path) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except NotRegularError as error:
        raise KinobenchError(f"{path}: {reason_of(error)}; remove it, and {AGAIN}") from error
    except OSError as error:
        raise DamagedError(path, f"can't be read: {reason_of(error)}") from error
    kept = digests.get(path.name)
    if kept is None:
        raise DamagedError(path, f"is not one of the shards that {FILE} lists: it is another run's")
    if kept != found:
        raise DamagedError(
            path,
            f"is not as it was written: its SHA-256 begins with {found[:_SHOWN]}, not with "
            f"{kept[:_SHOWN]} as {FILE} has it",
        )
