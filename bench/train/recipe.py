"""The recipe that trains a network: the numbers of a TOML file."""

import hashlib
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError, UnknownNameError, reason_of
from ...datasets.files import read_regular
from ...datasets.names import Task
from ..text.ranges import EPOCHS, LEARNING_RATE, VIEWS, Range
from ..text.toml import read_toml, refuse_out_of_range, refuse_unknown_keys

RANGES: dict[str, Range] = {
    "epochs": EPOCHS,
    "clips_per_epoch": Range(0, 10**9),
    "batch": Range(2, VIEWS.most),  # a normalisation needs several clips
    "learning_rate": LEARNING_RATE,
    "final_learning_rate": Range(0.0, LEARNING_RATE.most),
    "warmup_epochs": Range(0.0, EPOCHS.most),
    "betas": Range(0.0, 1.0),
    "weight_decay": Range(0.0, 1000.0),
    "label_smoothing": Range(0.0, 1.0),
    "dropout_scale": Range(0.0, 1.0),
    "clip_norm": Range(0.0, 1e9, above=True),
    "ema_decay": Range(0.0, 1.0),
    "scale": Range(1.0, 100.0),
}
"""The numbers that each key may have; `Recipe` knows what they may be next to each other."""

USUAL: dict[Task, str] = {
    "classification": "common",
    "localization": "events",
    "detection": "boxes",
}
"""The recipe of a task where nobody names one."""

BUILT_IN = Path(__file__).parent / "recipes"


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AdamW with a linear warm-up and a cosine; see recipes/common.toml.

    Attributes:
        epochs: Points of the learning curve; a training can continue after each of them.
        clips_per_epoch: Clips, each of another video until all were seen; 0: one of each video.
        batch: Clips of a step, over all processes together.
        learning_rate: The rate after the warm-up, its highest.
        final_learning_rate: The rate at the end.
        warmup_epochs: Epochs in which the rate rises from 0; it may be a fraction of an epoch.
        betas: Betas of AdamW.
        weight_decay: The decay of parameters with two dimensions or more.
        label_smoothing: The share that the true class gives up to all classes.
        dropout_scale: Multiplies every dropout of the network; 0 turns them off.
        clip_norm: The most that the norm of all gradients may be.
        ema_decay: The share that a step leaves of the average of the weights; the average is kept.
        scale: The side of the crop in testing, over that in training, is drawn from this range.
        flip: True if half of the clips are mirrored, unless left and right distinguish classes.
    """

    epochs: int
    clips_per_epoch: int
    batch: int
    learning_rate: float
    final_learning_rate: float
    warmup_epochs: float
    betas: tuple[float, float]
    weight_decay: float
    label_smoothing: float
    dropout_scale: float
    clip_norm: float
    ema_decay: float
    scale: tuple[float, float]
    flip: bool

    def __post_init__(self) -> None:
        """Refuse numbers that nothing can be trained with."""
        for field, allowed in RANGES.items():
            value = getattr(self, field)
            numbers = value if isinstance(value, tuple) else (value,)
            self._need(field, all(map(allowed.has, numbers)), str(allowed))
        within = 0 <= self.final_learning_rate <= self.learning_rate
        self._need("final_learning_rate", within, f"from 0 to {self.learning_rate}")
        self._need("warmup_epochs", 0 <= self.warmup_epochs < self.epochs, f"below {self.epochs}")
        self._need("betas", max(self.betas) < 1, "from 0 to below 1")
        self._need("label_smoothing", self.label_smoothing < 1, "from 0 to below 1")
        self._need("ema_decay", self.ema_decay < 1, "from 0 to below 1")
        least, most = self.scale
        self._need("scale", least <= most, "[least, most]")

    def but(self, epochs: int | None = None, learning_rate: float | None = None) -> "Recipe":
        """Return the recipe with another length or highest rate; None leaves one as it is."""
        other = self
        if epochs is not None and epochs != self.epochs:
            warm = min(self.warmup_epochs, epochs / 4)
            other = msgspec.structs.replace(other, epochs=epochs, warmup_epochs=warm)
        if learning_rate is not None:
            final = min(self.final_learning_rate, learning_rate)
            other = msgspec.structs.replace(
                other, learning_rate=learning_rate, final_learning_rate=final
            )
        return other

    def _need(self, field: str, holds: bool, need: str) -> None:
        if not holds:
            raise ValueError(f"{field} is {getattr(self, field)}; it must be {need}")

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of all its numbers."""
        plain = msgspec.json.encode(self, order="sorted")
        return hashlib.sha256(plain).hexdigest()[:16]


def names() -> list[str]:
    """Return the names of the recipes that come with kinobench."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def load(name_or_path: str) -> Recipe:
    """Load a recipe by its name, or from a TOML file.

    Raises:
        UnknownNameError: There is no recipe of that name.
        KinobenchError: The file can't be read, or has a key or a number that no recipe has.
    """
    path = BUILT_IN / f"{name_or_path}.toml"
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
    elif name_or_path not in names():
        raise UnknownNameError("recipe", name_or_path, names(), "the name of a file ends in .toml")
    where = f"recipe {name_or_path}"
    try:
        content = read_regular(path).decode()
    except OSError as error:
        raise KinobenchError(f"{where} can't be read: {reason_of(error)}") from error
    except UnicodeDecodeError as error:
        raise KinobenchError(f"{where} can't be read: it isn't text in UTF-8") from error
    plain = read_toml(content, where)
    refuse_unknown_keys(plain, Recipe, where)
    refuse_out_of_range(plain, RANGES, where)
    try:
        return msgspec.convert(plain, Recipe)
    except msgspec.ValidationError as error:
        raise KinobenchError(f"{where}: {error}") from error
