"""Make the small files of results that docs/scoring.md scores: always the same ones.

They are made up: people do things at random, and a bad detector looks for them.
"""

import json
import random
from pathlib import Path
from typing import NamedTuple

CLASSES = ("HighJump", "JavelinThrow", "LongJump", "PoleVault")


class Made(NamedTuple):
    """A file of results and its annotations."""

    results: Path
    annotations: Path


def events(folder: Path) -> Made:
    """Make 40 videos of events, with ambiguous spans, and what a bad localizer finds in them."""
    draw = random.Random(0)
    database, results = {}, {}
    for number in range(40):
        video, at, annotations, found = f"video_{number:02}", 0.0, [], []
        for _ in range(draw.randint(2, 6)):
            start = at + draw.uniform(1, 20)
            at = start + draw.uniform(1, 25)
            label = draw.choice(CLASSES)
            annotations.append({"label": label, "segment": [round(start, 2), round(at, 2)]})
            found += _near(draw, label, start, at)
        start = at + 5
        annotations.append(
            {"label": "Ambiguous", "segment": [round(start, 2), round(start + 6, 2)]}
        )
        found.append(_entry(draw, draw.choice(CLASSES), start + 1, start + 5, 0.8))
        for _ in range(6):
            begin = draw.uniform(0, at)
            found.append(_entry(draw, draw.choice(CLASSES), begin, begin + draw.uniform(1, 9), 0.5))
        database[video] = {
            "subset": "validation",
            "duration": round(at + 20, 2),
            "annotations": annotations,
        }
        results[video] = found
    return Made(
        _written(folder / "results.json", {"results": results}),
        _written(folder / "annotations.json", {"database": database}),
    )


def _near(draw: random.Random, label: str, start: float, end: float) -> list[dict[str, object]]:
    """Return detections of one event: a good one, often a second one, sometimes a wrong label."""
    off = 0.25 * (end - start)
    found = [_entry(draw, label, start + draw.gauss(0, off), end + draw.gauss(0, off), 1)]
    if draw.random() < 0.5:
        found.append(_entry(draw, label, start + draw.gauss(0, off), end + draw.gauss(0, off), 0.9))
    if draw.random() < 0.3:
        found.append(_entry(draw, draw.choice(CLASSES), start, end, 0.8))
    return found


def _entry(
    draw: random.Random, label: str, start: float, end: float, best: float
) -> dict[str, object]:
    begin = max(0.0, start)
    return {
        "label": label,
        "score": round(draw.uniform(0, best), 4),
        "segment": [round(begin, 2), round(max(end, begin + 0.2), 2)],
    }


def boxes(folder: Path) -> Made:
    """Make 60 key frames of several people, and what a detector with very many boxes finds."""
    draw = random.Random(1)
    truth, found = [], []
    for number in range(60):
        key = f"film_{number // 6},{902 + number % 6:04}"
        for person in range(draw.randint(1, 4)):
            left, top = draw.uniform(0, 0.6), draw.uniform(0, 0.5)
            box = (left, top, left + draw.uniform(0.1, 0.35), top + draw.uniform(0.2, 0.45))
            for action in draw.sample((1, 3, 4, 8, 12, 14, 17, 80), draw.randint(1, 3)):
                truth.append(f"{key},{_row(box)},{action},{person}")
                moved = [edge + draw.gauss(0, 0.02) for edge in box]
                found.append(f"{key},{_row(moved)},{action},{draw.uniform(0, 1):.5f}")
        for _ in range(60):
            left, top = draw.uniform(0, 0.7), draw.uniform(0, 0.7)
            box = (left, top, left + 0.2, top + 0.25)
            action = draw.choice((1, 3, 4, 8, 12, 14, 17, 80))
            found.append(f"{key},{_row(box)},{action},{draw.uniform(0, 0.7):.5f}")
    return Made(
        _written(folder / "results.csv", "\n".join(found) + "\n"),
        _written(folder / "annotations.csv", "\n".join(truth) + "\n"),
    )


def _row(box: "list[float] | tuple[float, ...]") -> str:
    return ",".join(f"{min(1.0, max(0.0, edge)):.5f}" for edge in box)


def tubes(folder: Path) -> Made:
    """Make 30 videos of tubes, and what a bad detector finds, as MultiSports has them, in JSON."""
    draw = random.Random(2)
    labels = ("serve", "set", "spike")
    truth: dict[str, dict[str, list[list[list[float]]]]] = {}
    found: dict[str, list[list[object]]] = {str(label): [] for label in range(len(labels))}
    for number in range(30):
        video = f"volleyball/v_{number:02}"
        truth[video] = {}
        for _ in range(draw.randint(1, 3)):
            label = str(draw.randrange(len(labels)))
            first, length = draw.randint(1, 40), draw.randint(4, 30)
            left, top, step = draw.uniform(10, 400), draw.uniform(10, 200), draw.uniform(-3, 3)
            tube = _tube(first, length, left, top, step)
            truth[video].setdefault(label, []).append(tube)
            for best in (1.0, 0.6):
                late, more = draw.randint(-2, 3), draw.randint(-2, 3)
                found[label].append(
                    [
                        video,
                        round(draw.uniform(0, best), 4),
                        _tube(
                            max(1, first + late),
                            max(2, length + more),
                            left + draw.gauss(0, 8),
                            top + draw.gauss(0, 8),
                            step,
                        ),
                    ]
                )
    names = list(truth)
    said = {
        "labels": labels,
        "train_videos": [[]],
        "test_videos": [names],
        "nframes": dict.fromkeys(names, 90),
        "gttubes": truth,
        "resolution": {name: [360, 640] for name in names},
    }
    return Made(
        _written(folder / "tubes.json", found), _written(folder / "tube_annotations.json", said)
    )


def _tube(first: int, length: int, left: float, top: float, step: float) -> list[list[float]]:
    return [
        [
            number,
            round(left + step * number, 1),
            round(top, 1),
            round(left + step * number + 60, 1),
            round(top + 120, 1),
        ]
        for number in range(first, first + length)
    ]


def _written(file: Path, content: object) -> Path:
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


if __name__ == "__main__":
    for make in (events, boxes, tubes):
        print(*make(Path()), sep="\n")
