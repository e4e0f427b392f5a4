"""The files of a copy's videos: which one each has, in which form, and how it counts time."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..clock import WHOLE, Clock
from ..copies.entries import Entries, Media
from ..copies.naming import Key
from ..findings import Finding, found
from ..lists.scan import VIDEO_EXTENSIONS
from ..names import readable
from ..plurals import quantity
from .annotation import Annotation
from .described import Form, Located

_EXTENSIONS = {extension: place for place, extension in enumerate((*VIDEO_EXTENSIONS, ""))}


class File(NamedTuple):
    """The file of a video, or its folder of pictures.

    Attributes:
        media: The file.
        form: Its form.
        key: What its name says.
        others: How many more files could be the video's.
    """

    media: Media
    form: Form
    key: Key
    others: int


class CopyMedia:
    """The files of a copy by the ids in their names."""

    def __init__(self, located: Located, entries: Entries) -> None:
        """Index all media; folders of optical flow and the like are left out."""
        self._located, self._root = located, str(entries.root)
        self._dangling = entries.dangling
        self._of_key: defaultdict[str, list[tuple[Media, Form, Key]]] = defaultdict(list)
        self._folders: Counter[str] = Counter()
        self._all_folders: Counter[str] = Counter()
        # What no form with a folder of its own has is of the forms that have none.
        forms = sorted(located.forms, key=lambda form: form.folder is None)
        for media in entries.media:
            if _is_left_out(located, media):
                continue
            key = located.naming.key(media.stem, media.folder.name)
            form = next((form for form in forms if form.has(media)), None)
            if key is not None and form is not None:
                self._of_key[key.id].append((media, form, key))
                self._all_folders[media.folder.path] += 1

    @property
    def is_empty(self) -> bool:
        """True if no file has a name of the dataset."""
        return not self._of_key

    def files(
        self, ids: Sequence[str], layout: str, moments_s: Mapping[str, float]
    ) -> dict[str, File]:
        """Return the file of each video that has one.

        Of several, one of the form that is asked for is taken, else of the form in which most
        videos are found; then one that shows the wanted moment, by the times in its name; then one
        that isn't empty; then by extension and path.

        Args:
            ids: The videos.
            layout: Name of the form that is asked for; empty: none.
            moments_s: A second that a video's file has to show.

        Raises:
            UnknownNameError: The dataset has no such form.
        """
        asked = self._located.asked_forms(layout)
        there = {video: self._candidates(video) for video in ids}
        counts = Counter(
            form.name for each in there.values() for form in {form for _, form, _ in each}
        )
        order = sorted(
            asked, key=lambda form: (-counts[form.name], self._located.forms.index(form))
        )
        rank = {form.name: place for place, form in enumerate(order)}
        chosen = {}
        for video, candidates in there.items():
            if layout:
                candidates = [each for each in candidates if each[1].name in rank]
            if not candidates:
                continue
            moment = moments_s.get(video)
            best = min(candidates, key=lambda each: _rank(each, rank, moment))
            chosen[video] = File(*best, others=len(candidates) - 1)
            self._folders[best[0].folder.path] += 1
        return chosen

    def _candidates(self, video: str) -> list[tuple[Media, Form, Key]]:
        return self._of_key.get(self._located.naming.key_of(video).id, [])

    def place_of_missing(self, video: str) -> str:
        """Return the path that a missing video's file should have, next to most of the others."""
        common = (self._folders or self._all_folders).most_common(1)
        folder = common[0][0] if common else self._root
        above = video.rpartition("/")[0]
        if above and folder != self._root:
            folder = os.path.dirname(folder)  # noqa: PTH120 - a text
        name = self._located.naming.file_name(video)
        return "/".join(filter(None, (folder.rstrip("/"), above, f"{name}.mp4")))

    def findings(self, ids: Sequence[str], files: Mapping[str, File]) -> tuple[Finding, ...]:
        """Return what is wrong with the files of listed videos."""
        listed = f"of {quantity(len(ids), 'listed video')}"
        missing = [video for video in ids if video not in files]
        several = [video for video in ids if video in files and files[video].others]
        usual = Counter(file.form.name for file in files.values()).most_common(1)
        main = usual[0][0] if usual else ""
        others = [video for video in ids if video in files and files[video].form.name != main]
        root = len(self._root.rstrip(os.sep)) + 1
        dangling = [readable(path[root:]) for path in self._dangling]
        return (
            *found("missing", missing, f"{listed} not on disk"),
            *found("duplicate", several, f"{listed} on disk more than once, {_FIRST} is taken"),
            *found("other", others, f"{listed} in another form than {main!r}, as most are"),
            *found("dangling", dangling, "links to videos that lead nowhere"),
        )


_FIRST = "the one in the form of most others, or else by extension,"


def _rank(
    each: tuple[Media, Form, Key], rank: Mapping[str, int], moment_s: float | None
) -> tuple[bool, int, bool, int, str]:
    media, form, key = each
    outside = False
    if moment_s is not None and key.start_s is not None and key.end_s is not None:
        outside = not key.start_s <= moment_s <= key.end_s
    return (
        outside,
        rank.get(form.name, len(rank)),
        _is_empty(media),
        _EXTENSIONS[media.extension],
        media.path,
    )


def _is_left_out(located: Located, media: Media) -> bool:
    if located.left_out is None:
        return False
    pattern = re.compile(located.left_out, re.IGNORECASE)
    return any(pattern.fullmatch(part) for part in media.folder.parts)


def _is_empty(media: Media) -> bool:
    try:
        return bool(media.extension) and os.stat(media.path).st_size == 0  # noqa: PTH116
    except OSError:
        return True


def clock_of(video: str, file: File, annotation: Annotation) -> Clock:
    """Return how a video's file counts time.

    A file with the seconds in its name, at which it was cut out, begins there.
    """
    begins_s = file.form.begins_s if file.key.start_s is None else float(file.key.start_s)
    fps = None
    if file.form.frames:
        fps = file.form.fps or annotation.rates.get(video)
    return WHOLE if (begins_s, fps) == (0.0, None) else Clock(begins_s, fps)
