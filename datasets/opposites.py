"""Pairs of classes that look like each other when their videos run backwards."""

from collections.abc import Sequence

from .errors import KinobenchError

Opposites = tuple[tuple[str, str], ...]
"""Pairs of class names; a class that looks the same backwards is a pair with itself."""

POINTLIGHT: Opposites = (
    ("Left", "Right"),
    ("Up", "Down"),
    ("Swirl", "CounterSwirl"),
    ("Still", "Still"),
    ("Flicker", "Flicker"),
)
"""They are opposites by construction, as `dots` explains. UCF101 and Kinetics-400 have no such
pair: none of their classes is what a camera would see of another if time ran backwards."""

POINTLIGHT_LONG: Opposites = (
    ("TurnLeft", "TurnRight"),
    ("Ahead", "Ahead"),
    ("TurnBack", "TurnBack"),
)
"""Two movements and the turn between them: backwards the turn is the other way."""


def backwards(opposites: Opposites, classes: Sequence[str]) -> dict[int, int]:
    """Return, for each label, the label of the class that its videos show when they run backwards.

    A class in no pair is left out.

    Args:
        opposites: Pairs of names.
        classes: All names, in the order of the labels.

    Raises:
        KinobenchError: A name is not among the classes, or is in two pairs.
    """
    label = {name: number for number, name in enumerate(classes)}
    found: dict[int, int] = {}
    for pair in opposites:
        for name in pair:
            if name not in label:
                raise KinobenchError(
                    f"opposites {pair!r}: no class is named {name!r}; the classes are "
                    f"{', '.join(classes[:12])}{', ...' if len(classes) > 12 else ''}"
                )
        for one, other in (pair, (pair[1], pair[0])):
            if found.setdefault(label[one], label[other]) != label[other]:
                raise KinobenchError(
                    f"opposites {pair!r}: {one!r} has another opposite already, "
                    f"{classes[found[label[one]]]!r}; give each class one"
                )
    return found
