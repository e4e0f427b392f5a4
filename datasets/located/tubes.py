"""UCF101-24 and MultiSports: a box in each frame of each action."""

from collections.abc import Mapping

from ..copies.formats import ListFile
from ..errors import DatasetError
from ..events.act_tubes import read_act
from ..events.annotated import TubeFile
from ..events.ucf101_24 import read_ucf101_24
from ..lists.class_names import class_names
from ..lists.text import lines_of
from ..truth import TubesOfVideo, TubeTruth
from .annotation import Annotation, Relabelled, renamed
from .described import Found
from .forms import MULTISPORTS_NAMES, TUBES_FPS, UCF101_24_NAMES
from .naming import Ids


def read_ucf101_24_split(found: Found, naming: Ids) -> Annotation:
    """Read a split of UCF101-24, of the corrected annotations in either form.

    Raises:
        DatasetError: There is no annotation, or it isn't what it should be.
    """
    file = _only(found, UCF101_24_NAMES)
    notes: tuple[str, ...] = ()
    if file.path.stem.casefold().startswith("pyannot"):
        content = read_ucf101_24(file.path)
        videos: Mapping[str, TubesOfVideo] = _videos_of_list(found, content)
    else:
        content = read_act(file.path)
        videos = _subset(content, file, found)
        if "v2" not in file.path.stem.casefold():
            notes = (
                f"{file.path.name} may have the annotations before they were corrected: the "
                "corrected ones are in UCF101v2-GT.pkl",
            )
    return _annotation(content, videos, file, "ucf101-24", naming, notes)


def read_multisports_split(found: Found, naming: Ids) -> Annotation:
    """Read a split of MultiSports; what its file calls the test is the validation.

    Raises:
        DatasetError: There is no annotation, or it isn't what it should be.
    """
    file = _only(found, MULTISPORTS_NAMES)
    content = read_act(file.path)
    videos = _subset(content, file, found)
    return _annotation(content, videos, file, "multisports", naming)


def _only(found: Found, names: str) -> ListFile:
    files = found.named(names)
    files.sort(key=lambda file: "v2" not in file.path.name.casefold())
    if not files:
        raise found.lacks(
            f"no annotation under {str(found.entries.root)!r}; there: {found.there()}"
        )
    return files[0]


def _subset(content: TubeFile, file: ListFile, found: Found) -> Mapping[str, TubesOfVideo]:
    name = "train" if found.part.kinds[0] == "train" else "test"
    videos = content.subsets.get(name)
    if not videos:
        raise DatasetError(
            f"{file.path}: it has no {name}_videos; get the official file. {found.there()}"
        )
    return videos


def _videos_of_list(found: Found, content: TubeFile) -> dict[str, TubesOfVideo]:
    """Return the videos of a split that a file without splits has, by the official lists."""
    kind = "train" if found.part.kinds[0] == "train" else "test"
    named = content.subsets.get(kind)
    if named:
        return dict(named)
    lists = found.named(rf"{kind}list0?1\.txt")
    others = found.named(r"testlist0?1\.txt") if kind == "train" else []
    if not lists and others:  # the corrected annotations come with the list of the test alone
        test = _named_in(others[0], content)
        return {name: of for name, of in content.subsets[""].items() if name not in test}
    if not lists:
        raise found.lacks(
            f"no {kind}list01.txt under {str(found.entries.root)!r}, and the annotation names no "
            "splits"
        )
    return _named_in(lists[0], content)


def _named_in(file: ListFile, content: TubeFile) -> dict[str, TubesOfVideo]:
    """Return the annotated videos that an official list names, in its order."""
    every = {name.casefold(): (name, of) for name, of in content.subsets[""].items()}
    videos: dict[str, TubesOfVideo] = {}
    for _, line in lines_of(file.path):
        name = line.split()[0].removesuffix(".avi") if line.split() else ""
        if name.casefold() in every:
            own, of = every[name.casefold()]
            videos[own] = of
    if not videos:
        raise DatasetError(
            f"{file.path}: it names no annotated video, such as "
            f"{next(iter(every), 'Basketball/v_Basketball_g01_c01')}; get the list of UCF101-24"
        )
    return videos


def _annotation(
    content: TubeFile,
    videos: Mapping[str, TubesOfVideo],
    file: ListFile,
    dataset: str,
    naming: Ids,
    notes: tuple[str, ...] = (),
) -> Annotation:
    classes = class_names(dataset)
    relabelled = Relabelled(content.classes, classes, file.path)
    by_id, findings = renamed(videos, naming.id_of, file.path)
    truth = TubeTruth(
        rule=dataset,
        videos={
            video: TubesOfVideo(
                tubes=tuple(relabelled.known(of.tubes, video)),
                frames=of.frames,
                width=of.width,
                height=of.height,
                fps=of.fps or TUBES_FPS,
            )
            for video, of in by_id.items()
        },
        scored=None if content.scored is None else relabelled.labels(content.scored),
    )
    return Annotation(
        classes=classes,
        truth=truth,
        notes=(*content.notes, *notes),
        findings=(*relabelled.findings, *findings),
    )
