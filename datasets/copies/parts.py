"""The splits of a dataset, and which one a list or a folder is for by its name."""

import re
from functools import lru_cache

import msgspec

from ..lists.split_names import kind_of

_WORD = re.compile(r"[a-z]+|\d+")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A split of a dataset.

    Attributes:
        asked: How it is asked for: `val`, `1`.
        name: The split's own name, on records: `validation`, `test01`.
        kinds: What people call a list of it: `val`; the first is its own kind.
        number: Its number where a dataset has several of a kind; None: it has one.
        others: Other ways to ask for it.
    """

    asked: str
    name: str
    kinds: tuple[str, ...]
    number: int | None = None
    others: tuple[str, ...] = ()

    @property
    def spellings(self) -> tuple[str, ...]:
        """All that it may be asked by."""
        return (self.asked, self.name, *self.others)

    def fits(self, named: "Named") -> bool | None:
        """Return whether what a name says is this split; None if it says nothing of splits."""
        if named.kind is None:
            return None
        if named.kind not in self.kinds:
            return False
        return self.number is None or named.number == self.number

    def is_others(self, folders: tuple[str, ...]) -> bool:
        """Report whether one of some folders is named as another kind of split is."""
        kinds = [named.kind for named in map(named_as, folders) if named.kind is not None]
        return bool(kinds) and not any(kind in self.kinds for kind in kinds)


def numbered_parts(*others: str) -> tuple[Part, ...]:
    """Return three test splits, `1` to `3`, and the training split of each, `train1` to `train3`.

    Args:
        others: Further ways to ask for each, of its `{kind}` and `{number}`.
    """
    return tuple(
        _numbered(kind, number, others) for kind in ("test", "train") for number in (1, 2, 3)
    )


def _numbered(kind: str, number: int, others: tuple[str, ...]) -> Part:
    is_test = kind == "test"
    return Part(
        asked=str(number) if is_test else f"{kind}{number}",
        name=f"{kind}0{number}",
        kinds=("test", "val") if is_test else (kind,),
        number=number,
        others=(
            f"{kind}{number}",
            *(other.format(kind=kind, number=number) for other in others),
            *((f"0{number}",) if is_test else ()),
        ),
    )


class Named(msgspec.Struct, frozen=True):
    """What a name says of splits.

    Attributes:
        kind: `train`, `val` or `test`; None if it says none of them, or several.
        number: The number after that word; None: there is none.
    """

    kind: str | None
    number: int | None


@lru_cache(maxsize=4096)
def named_as(name: str) -> Named:
    """Return what a name says: `ucf101_val_split_1_videos` and `testlist01`, say."""
    words = _WORD.findall(name.casefold())
    said = [(place, kind_of_word(word)) for place, word in enumerate(words)]
    kinds = {kind for _, kind in said if kind is not None}
    if len(kinds) != 1:
        return Named(None, None)
    first = next(place for place, kind in said if kind is not None)
    number = next((int(word) for word in words[first + 1 :] if word.isdecimal()), None)
    return Named(kinds.pop(), number)


def split_number(name: str) -> int | None:
    """Return the number of `split1`, `split_01` or `fold 1` in a name; None if there is none."""
    found = re.search(r"(?:split|fold)[_ -]?0*(\d+)", name.casefold())
    return None if found is None else int(found[1])


def kind_of_word(word: str) -> str | None:
    """Return the kind of split that a word names: `val` for `validate`, `test` for `testlist`."""
    word = word.casefold().strip()
    return kind_of(word) or kind_of(word.removesuffix("list").removesuffix("set"))
