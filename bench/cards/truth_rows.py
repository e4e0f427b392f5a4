"""The rows of a dataset's card that say what is annotated in a copy."""

from collections.abc import Iterator

from ...datasets.names import Task
from ...datasets.plurals import quantity
from ...datasets.truth_facts import Quartiles, TruthFacts

TASK_WORDS: dict[Task, str] = {
    "classification": "",
    "localization": "localization: when an action begins and ends",
    "detection": "detection: who does what, where and when",
}
_MOST, _LEAST = 5, 3
"""Classes that are named of the most and of the least frequent."""


def truth_rows(facts: TruthFacts | None) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each row."""
    if facts is None:
        return
    of = f"in {quantity(facts.videos, 'video', spec=',')}"
    if facts.key_frames is not None:
        share = 100 * facts.empty_key_frames / facts.key_frames if facts.key_frames else 0.0
        yield "boxes", f"{facts.instances:,} {of}"
        yield "key frames", f"{facts.key_frames:,}, of which {share:.1f} % have no box"
    else:
        yield "events", f"{facts.instances:,} {of}"
    if facts.lengths_s is not None:
        yield "lengths", _numbers(facts.lengths_s, " s")
    if facts.boxes is not None:
        yield "boxes a frame", f"{_numbers(facts.boxes)}; of frames that have one"
    yield "of each class", _classes(facts)
    if facts.background is not None:
        unit = "frames" if facts.boxes is not None else "time"
        known = quantity(facts.timed_videos, "video", spec=",")
        yield "background", f"{100 * facts.background:.1f} % of the {unit} of {known}"
    elif facts.key_frames is None:
        yield "background", "not known, as the annotation has no lengths of videos"


def _numbers(five: Quartiles, unit: str = "") -> str:
    low, lower, middle, upper, high = (f"{each:.3g}" for each in five)
    if low == high:
        return f"{low}{unit}"
    return f"{low} to {high}{unit}, the middle half {lower} to {upper}{unit}, median {middle}{unit}"


def _classes(facts: TruthFacts) -> str:
    counts = list(facts.per_class.items())
    there = [(name, count) for name, count in counts if count]
    shown = there if len(there) <= _MOST + _LEAST + 1 else [*there[:_MOST], *there[-_LEAST:]]
    texts = [f"{name} {count:,}" for name, count in shown]
    if len(shown) < len(there):
        texts.insert(_MOST, f"... {len(there) - len(shown)} more ...")
    without = len(counts) - len(there)
    more = f"; {quantity(without, 'class has', 'classes have')} none" if without else ""
    scored = "" if facts.scored == len(counts) else f"; {facts.scored} are scored"
    return f"{', '.join(texts) or 'none'}{more}{scored}"
