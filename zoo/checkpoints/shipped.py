"""The weights that come with kinobench, made by `fit`: `weights/DATASET/MODEL.safetensors`."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "weights"


def shipped_files() -> dict[tuple[str, str], Path]:
    """Return the files of all shipped weights by architecture and dataset."""
    found = sorted(FOLDER.glob("*/*.safetensors"))
    return {(path.stem, path.parent.name): path for path in found}


def shipped_weights(model: str) -> list[str]:
    """Return the names of an architecture's shipped weights: the datasets of their training."""
    return [weights for name, weights in shipped_files() if name == model]


def shipped_file(model: str, weights: str | None) -> Path | None:
    """Return the file of shipped weights by their name, in any case; None if there are none.

    Args:
        model: The registry's name.
        weights: Their name on the command line or in a suite.
    """
    return shipped_files().get((model, (weights or "").lower()))
