"""The folder that links may lead to."""

import os
from pathlib import Path

from .paths import is_elsewhere

ASK = "--follow-links allows it, if you know where it leads"
"""The end of a message that refuses a link."""


def enclosing(root: Path) -> str:
    """Return the real path of the folder that a data root's links may lead to: mostly itself.

    In the cache of Hugging Face's hub a dataset's files are in `blobs`, and its revisions in
    `snapshots` are folders of links to them: those stay in the dataset's own folder
    (huggingface/huggingface_hub, docs/source/en/guides/manage-cache.md).
    """
    if is_elsewhere(root):
        return str(root)
    real = Path(os.path.realpath(root))
    for folder in real.parents:
        if folder.name == "snapshots" and (folder.parent / "blobs").is_dir():
            return str(folder.parent)
    return str(real)


def newest_snapshot(folder: Path) -> Path | None:
    """Return the folder of a dataset's newest revision in the hub's cache; None if it is another.

    Args:
        folder: A dataset's own folder in the cache, `datasets--NAMESPACE--NAME`.
    """
    if is_elsewhere(folder) or not (folder / "blobs").is_dir():
        return None
    found = [each for each in folder.glob("snapshots/*") if each.is_dir()]
    return max(found, key=lambda each: (each.stat().st_mtime_ns, each.name), default=None)
