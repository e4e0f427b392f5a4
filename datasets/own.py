"""What says which videos of one's own there are, next to their folder: lists, and a part held out.

It goes to other processes as it is, so paths are texts.
"""

import os
import re
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

import msgspec

from .errors import KinobenchError
from .sources.paths import is_url, path_of

FOLDER, LIST, SHARDS = "folder", "list", "shards"
OWN = (FOLDER, LIST, SHARDS)
"""The datasets that are people's own videos."""
OF_OTHERS = ("--layout", "--follow-links")
"""Options that are also for datasets which are read in several layouts."""
USUAL_HOLDOUT = 0.2
"""The share that a training holds out of videos that nobody parted."""


class Holdout(msgspec.Struct, frozen=True, kw_only=True):
    """How videos that nobody parted become a training and a test split.

    Attributes:
        share: Share of each class's videos that is held out, between 0 and 1.
        seed: Seed of the choice.
    """

    share: float = USUAL_HOLDOUT
    seed: int = 0

    @property
    def text(self) -> str:
        """The options that give it again."""
        return f"--holdout {100 * self.share:g}%{f' --holdout-seed {self.seed}' * bool(self.seed)}"


class OwnVideos(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is said about own videos, besides the folder that they are in.

    Attributes:
        lists: Lists of videos, each with the name of its split; an empty name is that of the file.
        path_prefix: Folder that the listed paths begin at, if that isn't the data root.
        holdout: How the videos are parted; None leaves them as they are.
        group: Pattern in the name of a video; videos in which it finds the same share footage.
        follow_links: Links may lead out of the data root.
        layout: Name of the layout that a copy of a dataset is read as; empty: that which fits best.
            It is said about datasets that have several, and not about own videos.
    """

    lists: tuple[tuple[str, str], ...] = ()
    path_prefix: str | None = None
    holdout: Holdout | None = None
    group: str | None = None
    follow_links: bool = False
    layout: str = ""

    @property
    def given(self) -> list[str]:
        """The options that say something, as the command line names them."""
        said = {
            "--list": self.lists,
            "--path-prefix": self.path_prefix,
            "--holdout": self.holdout,
            "--group": self.group,
            "--follow-links": self.follow_links,
            "--layout": self.layout,
        }
        return [option for option, value in said.items() if value]

    def base(self, root: Path | None) -> Path | None:
        """Return the folder that listed paths begin at; None if nothing says it.

        Args:
            root: The data root; if it isn't given, the folder of the first list stands for it.
        """
        if root is None and self.lists:
            root = path_of(self.lists[0][1]).parent
        if self.path_prefix is None:
            return root
        if root is None or is_url(self.path_prefix):
            return path_of(self.path_prefix)
        return path_of(root / self.path_prefix)

    def place(self, root: str | None) -> str | None:
        """Return the folder of the videos as a text, by the data root as a text."""
        base = self.base(None if root is None else path_of(root))
        return None if base is None else str(base)

    def group_of(self, name: str) -> str | None:
        """Return the group of a video by the name of its file; None without a pattern.

        It is what the pattern's first group finds, or all that it finds. A name in which it finds
        nothing is a group of its own.
        """
        if self._pattern is None:
            return None
        found = self._pattern.search(name)
        if found is None:
            return name
        return found[1] if found.re.groups and found[1] is not None else found[0]

    def finds_group(self, name: str) -> bool:
        """Report whether the pattern finds something in a name."""
        return self._pattern is not None and self._pattern.search(name) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return None if self.group is None else re.compile(self.group)


def expanded(path: str | Path) -> Path:
    """Return a path that a user gives, with `~` and `$VARIABLE` filled in.

    Raises:
        KinobenchError: A variable isn't set, or there is no such user.
    """
    filled = os.path.expandvars(path)
    absent = re.search(r"\$(\w+|\{\w+\})", filled)
    if absent is not None and absent[0] in str(path) and not os.path.lexists(filled):
        raise KinobenchError(f"{path}: {absent[0]} isn't set; set it, or write the whole path")
    if is_url(filled):  # of http it is quoted, as browsers show it; a path is not
        return path_of(unquote(filled) if filled.startswith("http") else filled)
    try:
        return path_of(Path(filled).expanduser())
    except RuntimeError as error:
        raise KinobenchError(f"{path}: there is no such user; write the whole path") from error
