"""UCF101 in folders of a split, without its lists: which split it is, its groups say."""

from collections.abc import Sequence

from .entries import Entries, Media
from .formats import ListFile, Source
from .parts import Part, named_as, split_number
from .trees import ClassFolders
from .ucf_names import UcfNames

_TEST_GROUPS = {1: range(1, 8), 2: range(8, 15), 3: range(15, 22)}
"""The groups of each official test list, in all classes; the others are in the training list."""


class UcfFolders(ClassFolders):
    """`split1/test/Class/video.avi`, or `test/Class/video.avi` with the groups of one split."""

    example = "test/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi"

    def takes(self, media: Media, part: Part) -> bool:
        """Report whether a video is in folders of the split's kind, and not of another number."""
        above = media.folder.parts[:-1]
        kinds = [named_as(name).kind for name in above]
        numbers = {named_as(name).number for name in above} | set(map(split_number, above))
        numbers.discard(None)
        return any(kind in part.kinds for kind in kinds) and numbers <= {part.number}

    def sources(self, lists: Sequence[ListFile], entries: Entries, part: Part) -> list[Source]:
        """Return the folders of a split, if the groups of their videos are those of the split."""
        ours = [media for media in entries.media if self.takes(media, part)]
        groups = {UcfNames().group(media.stem) for media in ours} - {None}
        numbers = {int(group[1:]) for group in groups if group is not None}
        if not numbers or not _is_split(numbers, part):
            return []
        return [Source((), lists, entries, part)]


def _is_split(groups: set[int], part: Part) -> bool:
    """Report whether groups can be those of a split, and of no other one of its kind."""
    if part.kinds[0] == "test":
        return part.number is not None and groups <= set(_TEST_GROUPS[part.number])
    return all(
        groups.isdisjoint(test) is (number == part.number) for number, test in _TEST_GROUPS.items()
    )
