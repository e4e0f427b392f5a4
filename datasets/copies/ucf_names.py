"""Names of UCF101 and of pointlight: `v_CLASS_gGG_cCC`."""

import re

from ..lists.class_names import fold
from .naming import Key, Naming, without_extensions

_STEM = re.compile(r"v_(?P<name>.+)_(?P<group>g\d+)_(?P<part>c\d+)", re.IGNORECASE)


class UcfNames(Naming):
    """`v_CLASS_gGG_cCC`: the class, the source of the footage, and the clip of it.

    Names are compared without case: the lists say `v_HandstandPushups_g01_c01.avi` and the archive
    has `v_HandStandPushups_g01_c01.avi`.
    """

    def listed(self, stem: str, class_name: str, times: tuple[int, int] | None) -> str | None:
        """Return `CLASS/v_CLASS_gGG_cCC`, spelled alike on every machine."""
        own = without_extensions(stem)
        spelled = _STEM.fullmatch(own)
        if spelled is not None and fold(spelled["name"]) == fold(class_name):
            own = f"v_{class_name}_{spelled['group'].lower()}_{spelled['part'].lower()}"
        return f"{class_name}/{own}"

    def key_of(self, video_id: str) -> Key:
        """Return the stem, without case."""
        return Key(video_id.rpartition("/")[2].casefold())

    def group(self, video_id: str) -> str | None:
        """Return `g01`: the clips of a group are of one video."""
        spelled = _STEM.fullmatch(video_id.rpartition("/")[2])
        return None if spelled is None else spelled["group"].lower()

    def class_of(self, stem: str) -> str | None:
        """Return the class in a name."""
        spelled = _STEM.fullmatch(without_extensions(stem))
        return None if spelled is None else spelled["name"]
