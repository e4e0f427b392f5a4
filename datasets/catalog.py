"""Datasets by name, built in or added by others. `__all__` has the names that plug-ins may use."""

from importlib.metadata import EntryPoint, entry_points

import msgspec

from .built_in import ALIASES, BUILT_IN
from .dataset import Changes, Dataset, Progress
from .errors import KinobenchError, UnknownNameError, check_name, program
from .loading import fits, load_split, split_names
from .offered import checked_fields
from .own import NOTHING_SAID
from .surroundings import kept
from .their_errors import error_text

__all__ = [
    "ENTRY_POINT_GROUP",
    "NOTHING_SAID",
    "Changes",
    "Dataset",
    "Progress",
    "canonical",
    "fits",
    "get",
    "load_split",
    "names",
    "register",
    "split_names",
]

ENTRY_POINT_GROUP = "kinobench.datasets"
_OURS_ALONE = ("aliases", "layouts", "load_as", "make_split", "other_splits", "read")
"""Fields that no plug-in has."""
_registered: dict[str, Dataset] = {}


def register(dataset: Dataset) -> None:
    """Add a dataset, as a file given by `--plugin` does; another distribution uses an entry point.

    Raises:
        KinobenchError: Another dataset has the name already, or it has other characters than
            letters, digits, and `_`, `-`, `.` and `+`; or another attribute is not what `Dataset`
            says.
    """
    if not isinstance(dataset, Dataset):
        raise KinobenchError(
            f"register was given {dataset!r}; give a Dataset, of kinobench.datasets.catalog"
        )
    checked = checked_fields(msgspec.structs.asdict(dataset))
    if dataset.name in names():
        raise KinobenchError(f"dataset {dataset.name!r} is taken; choose another name")
    changed = {name: now for name, now in checked.items() if now != getattr(dataset, name)}
    _registered[dataset.name] = msgspec.structs.replace(dataset, **changed) if changed else dataset


def names() -> list[str]:
    """Return the name of every dataset, in alphabetical order, without importing a plugin."""
    return sorted({*BUILT_IN, *_registered, *_plugins()})


def get(name: str) -> Dataset:
    """Return the dataset of that name, which may be one of its other names.

    Raises:
        UnknownNameError: No dataset has that name; the message has the nearest one.
        KinobenchError: An installed plugin of that name is not a dataset, or takes a name twice.
    """
    name = canonical(name)
    if name in BUILT_IN or name in _registered:
        return BUILT_IN.get(name) or _registered[name]
    plugins = _plugins()
    if name not in plugins:
        hint = (
            f"`{program()} list datasets` shows all; if it is your own, name its file with "
            "--plugin FILE"
        )
        raise UnknownNameError("dataset", name, names(), hint)
    return _from_plugin(plugins[name])


def canonical(name: str) -> str:
    """Return the name of the dataset that is meant by another, such as `k400` or `UCF101`.

    Names of ours may be written in any case; a plug-in's are taken as they are.
    """
    meant = ALIASES.get(name.casefold(), name)
    return name if meant == name or name in _registered or name in _plugins() else meant


def _plugins() -> dict[str, EntryPoint]:
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name in BUILT_IN or points.get(point.name, point).value != point.value:
            raise KinobenchError(
                f"entry point {point.name!r} = {point.value!r} of {ENTRY_POINT_GROUP}: a dataset "
                "is named so already; uninstall one of the two"
            )
        points[point.name] = point
    return points


def _from_plugin(point: EntryPoint) -> Dataset:
    check_name("dataset", point.name)
    where = f"entry point {point.name!r} = {point.value!r} of {ENTRY_POINT_GROUP}"
    try:
        with kept():
            offered = point.load()
    except (Exception, SystemExit) as error:
        raise KinobenchError(
            f"{where} fails: {error_text(error)}; repair or uninstall it"
        ) from error
    values = {
        field: getattr(offered, field)
        for field in Dataset.__struct_fields__
        if field not in _OURS_ALONE and hasattr(offered, field)
    }
    absent = [
        field.name
        for field in msgspec.structs.fields(Dataset)
        if field.required and field.name not in values
    ]
    if absent:
        raise KinobenchError(f"{where} gives an object without {', '.join(absent)}; see `Dataset`")
    if values["name"] != point.name:
        raise KinobenchError(f"{where} gives a dataset named {values['name']!r}; name both alike")
    return Dataset(**checked_fields(values))
