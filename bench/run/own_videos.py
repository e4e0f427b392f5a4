"""What people type about their own videos, read."""

import re
from collections.abc import Sequence

from ...datasets.errors import KinobenchError
from ...datasets.own import Holdout, OwnVideos, expanded


def own_videos(
    *,
    lists: Sequence[str] = (),
    path_prefix: str | None = None,
    holdout: str | None = None,
    seed: int | None = None,
    group: str | None = None,
    follow_links: bool = False,
    layout: str | None = None,
) -> OwnVideos:
    """Read the options about own videos, and about the layout of others.

    Args:
        lists: Values of `--list`: files, or `SPLIT=FILE`.
        path_prefix: Value of `--path-prefix`.
        holdout: Value of `--holdout`, as `20%` or `0.2`.
        seed: Value of `--holdout-seed`.
        group: Value of `--group`, a regular expression.
        follow_links: Whether `--follow-links` is given.
        layout: Value of `--layout`.

    Raises:
        KinobenchError: A value can't be read; the message names the option.
    """
    if seed is not None and holdout is None:
        raise KinobenchError(f"--holdout-seed {seed}: nothing is held out; give --holdout too")
    if group is not None:
        try:
            re.compile(group)
        except re.error as error:
            raise KinobenchError(
                f"--group {group!r} is no regular expression: {error}; correct it"
            ) from error
    return OwnVideos(
        lists=tuple(map(_list, lists)),
        path_prefix=None if path_prefix is None else str(expanded(path_prefix)),
        holdout=None if holdout is None else Holdout(share=_part(holdout), seed=seed or 0),
        group=group,
        follow_links=follow_links,
        layout=layout or "",
    )


def _list(given: str) -> tuple[str, str]:
    """Return the split and the file; a name before `=` has no `/`, unlike many paths."""
    name, equals, file = given.partition("=")
    if not equals or not re.fullmatch(r"[\w.-]+", name):
        name, file = "", given
    path = expanded(file)
    if not path.is_file():
        raise KinobenchError(f"--list {given}: there is no such file; give another")
    return name, str(path.absolute())


def _part(given: str) -> float:
    part = share("--holdout", given)
    if part == 1:
        raise KinobenchError("--holdout 100%: nothing is left to train on; give less")
    return part


def share(option: str, given: str) -> float:
    """Return a share that is written as `20%` or `0.2`, above 0 and at most 1.

    Raises:
        KinobenchError: It is written otherwise.
    """
    text = given.strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise KinobenchError(f"{option} {given}: write a share above 0, up to 100%, as in 20%")
    return value
