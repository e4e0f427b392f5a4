"""The course of a training: a CSV file, and a picture of it."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...datasets.split import Scoring
from ..records.files import write_text, writing
from ..records.fitted_weights import Epoch


def write_curve(path: Path, curve: Sequence[Epoch]) -> None:
    """Write a CSV file with a line for each epoch.

    Raises:
        KinobenchError: It can't be written.
    """
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(Epoch.__struct_fields__)
    lines.writerows([getattr(epoch, name) for name in Epoch.__struct_fields__] for epoch in curve)
    write_text(path, out.getvalue(), own=True)


IN_TRAINING: dict[Scoring, str] = {
    "top-k": "top-1",
    "hit-k": "first class is the drawn label",
    "map": "first class is a true one",
}
"""What `Epoch.top1` is the share of, by the scoring of the split."""


def draw_curves(
    path: Path,
    curves: Mapping[str, Sequence[Epoch]],
    chance: float,
    *,
    own: bool = False,
    scoring: Scoring = "top-k",
) -> None:
    """Draw loss and top-1 by epoch as a PNG file, a line for each training.

    Args:
        path: The file.
        curves: The epochs of each training, by its name.
        chance: The share that guessing gets right; a dotted line.
        own: As in `writing`.
        scoring: How the split is scored that they are trained on.

    Raises:
        KinobenchError: It can't be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    many = len(curves) > 1
    height = max(4.5, 0.18 * len(curves)) if many else 4  # as the legend needs
    figure = Figure(figsize=(12 if many else 10, height), layout="constrained")
    FigureCanvasAgg(figure)
    loss, top1 = figure.subplots(1, 2)
    for place, (name, curve) in enumerate(curves.items()):
        epochs = [epoch.epoch for epoch in curve]
        dashes = ("-", "--", ":")[place // 10 % 3]  # ten colours each
        line = {"label": name, "linewidth": 1.2, "linestyle": dashes, "marker": ".", "ms": 4}
        loss.plot(epochs, [epoch.loss for epoch in curve], color=f"C{place % 10}", **line)
        top1.plot(epochs, [100 * epoch.top1 for epoch in curve], color=f"C{place % 10}", **line)
    top1.axhline(100 * chance, color="grey", linestyle=":", linewidth=1)
    top1.annotate(
        "chance", (0, 100 * chance), xytext=(2, 3), textcoords="offset points", color="grey"
    )
    top1.set(xlabel="epoch", ylabel=f"{IN_TRAINING[scoring]} in training (%)", ylim=(0, 101))
    entropy = "cross-entropy, smoothed labels"
    if scoring == "map":
        entropy = "binary cross-entropy"
    loss.set(xlabel="epoch", ylabel=f"training loss ({entropy})")
    for axes in (loss, top1):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    if many:
        lines, names = top1.get_legend_handles_labels()
        figure.legend(lines, names, loc="outside right center", fontsize=7, frameon=False)
    with writing(path, own=own) as unfinished:
        figure.savefig(unfinished, dpi=150, format="png")
