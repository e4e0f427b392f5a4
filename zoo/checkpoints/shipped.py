"""The weights that come with kinobench, made by `fit`: `weights/DATASET/MODEL.safetensors`."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "weights"


def shipped_files() -> dict[tuple[str, str], Path]:
    """Return the file of all shipped weights by the architecture and the dataset."""
    found = sorted(FOLDER.glob("*/*.safetensors"))
    return {(path.stem, path.parent.name): path for path in found}


def shipped_weights(model: str) -> list[str]:
    """Return the names of an architecture's shipped weights: what they were trained on."""
    return [weights for name, weights in shipped_files() if name == model]


def shipped_file(model: str, weights: str | None) -> Path | None:
    """Return the file of the shipped weights that are named so, in any case; None: there are none.

    Args:
        model: The registry's name.
        weights: What the command line or a suite calls them.
    """
    return shipped_files().get((model, (weights or "").lower()))
