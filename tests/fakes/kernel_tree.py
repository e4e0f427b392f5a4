"""Trees like /proc and /sys."""

from pathlib import Path


def tree(root: Path, files: dict[str, str]) -> Path:
    """Write the files, by their paths below `root`, and return `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root
