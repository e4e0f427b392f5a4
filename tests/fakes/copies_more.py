"""Mock copies of HMDB51, Something-Something v2, Jester, Diving48, Moments, Charades, Sports-1M.

A copy is media, which lists share, and lists in one form. The videos are tiny files: nothing reads
them.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kinobench.datasets.lists.class_names import class_names


class Mock(NamedTuple):
    """A video of a mock copy.

    Attributes:
        id: The id that a split gives it.
        labels: Its labels, ascending.
    """

    id: str
    labels: tuple[int, ...]

    @property
    def stem(self) -> str:
        """The name of its file, without folder and extension."""
        return self.id.rpartition("/")[2]


class Parted(NamedTuple):
    """The videos of a mock copy, in the order of their numbers."""

    test: list[Mock]
    train: list[Mock]

    @property
    def all(self) -> list[Mock]:
        """Both."""
        return [*self.test, *self.train]


def parted(dataset: str, count: int, train: int = 8) -> Parted:
    """Return mock videos of a dataset: `count` of the test, and some of the training."""
    names = class_names(dataset)
    make = _MAKERS[dataset]
    mocks = [make(number, names) for number in range(count + train)]
    return Parted(mocks[:count], mocks[count:])


def _youtube(number: int) -> str:
    """Return 11 characters as YouTube gives them; some begin with `-`, and most contain a `_`."""
    return f"{'-_aZ'[number % 4]}{number:06d}_x{number % 10}-"[:11]


def _hmdb51(number: int, names: Sequence[str]) -> Mock:
    label = number * 7 % len(names)
    name = names[label]
    return Mock(f"{name}/Film_{number // 9}_{name}_u_cm_np1_fr_med_{number}", (label,))


def _numbered(number: int, names: Sequence[str]) -> Mock:
    return Mock(str(number * 3 + 1), (number * 7 % len(names),))


def _diving48(number: int, names: Sequence[str]) -> Mock:
    return Mock(f"{_youtube(number // 5)}_{number:05d}", (number * 7 % len(names),))


def _mit(number: int, names: Sequence[str]) -> Mock:
    label = number * 7 % len(names)
    return Mock(f"{names[label]}/yt-{_youtube(number // 2)}_{number}", (label,))


def _charades(number: int, names: Sequence[str]) -> Mock:
    labels = {(number * step) % len(names) for step in range(1, number % 5 + 1)}
    return Mock(f"{number:05X}", tuple(sorted(labels)))


def _sports1m(number: int, names: Sequence[str]) -> Mock:
    labels = {(number * step + 3) % len(names) for step in range(1, number % 3 + 2)}
    return Mock(_youtube(number), tuple(sorted(labels)))


_MAKERS: dict[str, Callable[[int, Sequence[str]], Mock]] = {
    "hmdb51": _hmdb51,
    "ssv2": _numbered,
    "jester": _numbered,
    "diving48": _diving48,
    "mit": _mit,
    "charades": _charades,
    "sports1m": _sports1m,
}


def put(file: Path, text: str | bytes = b".") -> Path:
    """Write a file and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, str):
        text = text.encode()
    file.write_bytes(text)
    return file


def put_lines(file: Path, lines: Iterable[str]) -> Path:
    """Write the lines of a list."""
    return put(file, "".join(f"{line}\n" for line in lines))


def put_media(root: Path, mocks: Iterable[Mock], patterns: Iterable[str]) -> Path:
    """Write the files of each video, such as `videos/{stem}.mp4` or `frames/{id}/img_00001.jpg`."""
    folders: set[str] = set()
    places = list(patterns)
    for mock in mocks:
        for place in places:
            path = str(root / place.format(id=mock.id, stem=mock.stem))
            folder = path.rpartition("/")[0]
            if folder not in folders:
                Path(folder).mkdir(parents=True, exist_ok=True)
                folders.add(folder)
            Path(path).write_bytes(b".")
    return root


def hmdb51_official(
    root: Path,
    mocks: Parted,
    folder: str = "testTrainMulti_7030_splits",
    third: Parted | None = None,
) -> None:
    """Write the 153 files `CLASS_test_splitN.txt`; split 2 is split 1 with both parts exchanged.

    Split 3 has no video, or, if it is given, those of `third`.
    """
    uses = {mock.id: ("2", "1") for mock in mocks.test}
    uses |= {mock.id: ("1", "2") for mock in mocks.train}
    thirds: dict[str, str] = {}
    if third is not None:
        thirds = {mock.id: "2" for mock in third.test} | {mock.id: "1" for mock in third.train}
    rows: dict[str, list[Mock]] = {name: [] for name in class_names("hmdb51")}
    for mock in mocks.all:
        rows[mock.id.partition("/")[0]].append(mock)
    for name, videos in rows.items():
        for split in (1, 2, 3):
            lines = [
                f"{video.stem}.avi {(*uses[video.id], thirds.get(video.id, 0))[split - 1]} "
                for video in videos
            ]
            put_lines(root / folder / f"{name}_test_split{split}.txt", lines)


def ucf_style(root: Path, mocks: Parted, dataset: str = "hmdb51") -> None:
    """Write `classInd.txt` and `testlist01.txt`, as mmaction2 makes them for HMDB51."""
    names = class_names(dataset)
    lines = [f"{number} {name}" for number, name in enumerate(names, 1)]
    put_lines(root / "annotations/classInd.txt", lines)
    for kind, videos in (("test", mocks.test), ("train", mocks.train)):
        lines = [f"{video.id}.avi {video.labels[0] + 1}" for video in videos]
        put_lines(root / f"annotations/{kind}list01.txt", lines)


def path_labels(
    root: Path,
    mocks: Parted,
    names: str,
    extension: str,
    *,
    before: str = "",
    separator: str = " ",
    named: Sequence[str] = (),
) -> None:
    """Write lists of `path label` for the test and the training.

    Args:
        root: The data root.
        mocks: The videos.
        names: The names of both lists, with `{}` for `val` and `train`.
        extension: Extension of a video.
        before: What each path begins with.
        separator: What is between path and label.
        named: Names to write instead of the numbers of labels.
    """
    for name, videos in zip(("val", "train"), mocks, strict=True):
        labels = [named[video.labels[0]] if named else video.labels[0] for video in videos]
        lines = [
            f"{before}{video.id}{extension}{separator}{label}"
            for video, label in zip(videos, labels, strict=True)
        ]
        put_lines(root / names.format(name), lines)


def frame_counts(root: Path, mocks: Parted, names: str) -> None:
    """Write lists of `folder frames label`, as mmaction2 and TSM read them."""
    for name, videos in zip(("val", "train"), mocks, strict=True):
        put_lines(
            root / names.format(name), [f"{video.id} 1 {video.labels[0]}" for video in videos]
        )


def ssv2_official(
    root: Path, mocks: Parted, name: str = "something-something-v2-{}.json", *, indent: bool = False
) -> None:
    """Write the json files of the publisher, with brackets in the templates."""
    classes = class_names("ssv2")
    put(root / name.format("labels"), json.dumps({each: str(n) for n, each in enumerate(classes)}))
    for split, videos in (("validation", mocks.test), ("train", mocks.train)):
        entries = [
            {
                "id": video.id,
                "label": "holding a cup",
                "template": classes[video.labels[0]].replace("something", "[something]"),
                "placeholders": ['a "id": cup'],
            }
            for video in videos
        ]
        text = ",\n".join(map(json.dumps, entries))
        put(root / name.format(split), json.dumps(entries, indent=1) if indent else f"[\n{text}\n]")
    put(root / name.format("test"), json.dumps([{"id": "9"}]))


def id_labels(root: Path, mocks: Parted, dataset: str, names: tuple[str, str, str]) -> None:
    """Write lists of `id;label` and the list of classes."""
    classes = class_names(dataset)
    for name, videos in zip(names, mocks, strict=False):
        put_lines(root / name, [f"{video.id};{classes[video.labels[0]]}" for video in videos])
    put_lines(root / names[2], classes)


def answers(root: Path, mocks: Parted, name: str, dataset: str) -> None:
    """Write the list of `id;label` of the test, which the later releases have."""
    classes = class_names(dataset)
    put_lines(root / name, [f"{video.id};{classes[video.labels[0]]}" for video in mocks.test])


def diving48_official(
    root: Path, mocks: Parted, names: tuple[str, str] = ("V2_test", "V2_train")
) -> None:
    """Write the json files of the publishers, each in one line."""
    for name, videos in zip(names, mocks, strict=True):
        entries = [
            {"vid_name": video.id, "label": video.labels[0], "start_frame": 0, "end_frame": 99}
            for video in videos
        ]
        put(root / f"Diving48_{name}.json", json.dumps(entries))
    vocabulary = [name.split("+") for name in class_names("diving48")]
    put(root / "Diving48_vocab.json", json.dumps(vocabulary))


def mit_official(root: Path, mocks: Parted) -> None:
    """Write the csv files and the categories of the publishers."""
    classes = class_names("mit")
    for name, videos in (("validationSet", mocks.test), ("trainingSet", mocks.train)):
        lines = [f"{video.id}.mp4,{classes[video.labels[0]]},3,0" for video in videos]
        put_lines(root / f"{name}.csv", lines)
    put_lines(root / "moments_categories.txt", [f"{each},{n}" for n, each in enumerate(classes)])


_CHARADES = "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length"


def charades_official(root: Path, mocks: Parted) -> None:
    """Write the csv files and the classes of the publishers; scripts have commas and line ends."""
    for name, videos in (("test", mocks.test), ("train", mocks.train)):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(_CHARADES.split(","))
        for video in videos:
            actions = ";".join(f"c{label:03d} 0.00 12.60" for label in reversed(video.labels))
            before = [
                video.id,
                "HR43",
                "Kitchen",
                "6",
                "7",
                "Yes",
                "A person,\nat home.",
                "cup",
                "x",
            ]
            writer.writerow([*before, actions, "24.83"])
        put(root / f"Charades_v1_{name}.csv", text.getvalue())
    lines = [f"c{number:03d} {each}" for number, each in enumerate(class_names("charades"))]
    put_lines(root / "Charades_v1_classes.txt", lines)


def charades_frame_lists(root: Path, mocks: Parted, names: str = "{}.csv") -> None:
    """Write PySlowFast's lists of frames: each label at one frame, and a frame with none."""
    for name, videos in zip(("val", "train"), mocks, strict=True):
        lines = ["original_vido_id video_id frame_id path labels"]
        for number, video in enumerate(videos):
            marks = ['""', *(f'"{label}"' for label in video.labels)]
            if len(video.labels) > 1:
                marks.append(f'"{video.labels[1]},{video.labels[0]}"')
            lines += [
                f"{video.id} {number} {frame} {video.id}/{video.id}-{frame + 1:06d}.jpg {mark}"
                for frame, mark in enumerate(marks)
            ]
        put_lines(root / names.format(name), lines)


def sports1m_official(
    root: Path, mocks: Parted, address: str = "https://www.youtube.com/watch?v={}"
) -> None:
    """Write the partitions and the labels of the publishers."""
    for name, videos in (("test", mocks.test), ("train", mocks.train)):
        lines = [
            f"{address.format(video.id)} {','.join(map(str, video.labels))}" for video in videos
        ]
        put_lines(root / f"original/{name}_partition.txt", lines)
    put_lines(root / "labels.txt", class_names("sports1m"))


def sports1m_json(root: Path, mocks: Parted) -> None:
    """Write the json files of the paper's page."""
    for name, videos in (("test", mocks.test), ("train", mocks.train)):
        entries = [
            {
                "id": video.id,
                "duration": 64,
                "title": 'a "quoted" title',
                "label487": list(video.labels),
                "source487": name,
            }
            for video in videos
        ]
        put(root / f"sports1m_{name}.json", json.dumps(entries))


def sports1m_paths(root: Path, mocks: Parted) -> None:
    """Write lists of paths with several labels, as mmaction2 reads them."""
    for name, videos in zip(("sports1m_test.txt", "sports1m_train.txt"), mocks, strict=True):
        lines = [f"videos/{video.id}.mp4 {' '.join(map(str, video.labels))}" for video in videos]
        put_lines(root / name, lines)
