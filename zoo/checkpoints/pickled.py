"""Files of `torch.save` and other pickles: read without running code, and named where they need it.

torch reads the tensors and plain values of a file (`weights_only`). What else programs for training
keep next to the parameters, and what is no more than data, is passed over: an `Unread` takes its
place, which nothing is called for. Whatever else there is, is refused, and named by its entry.
"""

import mmap
import pickle
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from ...datasets.errors import KinobenchError
from ...datasets.files import open_regular
from .kinds import BEGINNING_BYTES, TORCH_MAGIC


class Unread:
    """What stands for an object that isn't read: its class is never looked up, nothing is run.

    Attributes:
        name: The dotted name of the class or function that the file asks for.
        inside: What the object would be made of.
    """

    name = ""
    inside: tuple[object, ...]

    def __new__(cls, *given: object, **_: object) -> "Unread":
        """Take whatever the object would be made of."""
        made = super().__new__(cls)
        made.inside = given
        return made

    def __init__(self, *_: object, **__: object) -> None:
        """Take the same."""

    def __setstate__(self, state: object) -> None:
        """Pass over the object's content."""


class UnreadDict(OrderedDict[Any, Any]):
    """A dictionary of a class that isn't looked up: only its entries are read."""

    def __new__(cls, *_: object, **__: object) -> Any:
        """Return a plain one, whatever the class would be made of."""
        return OrderedDict()


VALUES = {
    # numpy/numpy: numbers and arrays, such as the best accuracy; `core` before 2.0, then `_core`
    "numpy.core.multiarray.scalar": "NumPy number",
    "numpy._core.multiarray.scalar": "NumPy number",
    "numpy.core.multiarray._reconstruct": "NumPy array",
    "numpy._core.multiarray._reconstruct": "NumPy array",
    "numpy.ndarray": "NumPy array",
    "numpy.dtype": "NumPy dtype",
    "argparse.Namespace": "",  # the options of pytorch/vision, references
    "pathlib.Path": "",
    "pathlib.PosixPath": "",
    "pathlib.WindowsPath": "",
    "pathlib.PurePosixPath": "",
    "pathlib.PureWindowsPath": "",
    "pathlib._local.PosixPath": "",  # Python 3.13
    "pathlib._local.WindowsPath": "",
    "datetime.datetime": "",
    "datetime.timedelta": "",
    # open-mmlab/mmengine, runner/runner.py, save_checkpoint: `message_hub`
    "mmengine.logging.history_buffer.HistoryBuffer": "",
    # Lightning-AI/pytorch-lightning with hydra: `hyper_parameters`
    "omegaconf.dictconfig.DictConfig": "",
    "omegaconf.listconfig.ListConfig": "",
    "omegaconf.base.ContainerMetadata": "",
    "omegaconf.base.Metadata": "",
    "omegaconf.nodes.AnyNode": "",
    "typing.Any": "",
    "builtins.dict": "",
    "builtins.list": "",
    "builtins.int": "",
    "builtins.float": "",
    "builtins.str": "",
    "builtins.bool": "",
}
"""Classes of plain data that programs keep next to the parameters, and their names in messages."""

DICTIONARIES = (
    # Lightning-AI/pytorch-lightning, core/saving.py: `hyper_parameters` of save_hyperparameters()
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "mmengine.config.config.ConfigDict",
    "collections.defaultdict",
    "addict.addict.Dict",
    "yacs.config.CfgNode",
    "fvcore.common.config.CfgNode",
)
"""Dictionaries of other classes, the same."""


def _stand_in(name: str) -> type[Unread]:
    return type("Unread", (Unread,), {"name": VALUES.get(name) or name})


_STAND_INS: list[Any] = [(_stand_in(name), name) for name in VALUES]
_STAND_INS += [(UnreadDict, name) for name in DICTIONARIES]


def read_torch(file: Path) -> object:
    """Return the content of a file of `torch.save`; tensors are on the CPU.

    Raises:
        KinobenchError: It needs code, which isn't run, or is another pickle; the message names the
            entry. Or it is cut short.
    """
    import torch

    with open_regular(file) as opened:
        first = opened.read(BEGINNING_BYTES)
    if first.startswith(b"\x80") and TORCH_MAGIC not in first:
        _refuse_plain(file)
    try:
        with torch.serialization.safe_globals(_STAND_INS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on sparse entries and old protocols, refused later
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise KinobenchError(_why_refused(file, str(error))) from error
    except EOFError as error:
        raise KinobenchError(f"weights {str(file)!r}: the file is cut short") from error


def _refuse_plain(file: Path) -> None:
    """Refuse a pickle that `torch.save` did not write, as what it is.

    Raises:
        KinobenchError: Always.
    """
    try:
        content = _outline(file)
    except EOFError as error:
        raise KinobenchError(f"weights {str(file)!r}: the file is cut short") from error
    except Exception as error:  # whatever a damaged pickle makes the reader stumble over
        raise KinobenchError(
            f"weights {str(file)!r} can't be read: a damaged pickle ({type(error).__name__}); get "
            "the file again, or give others"
        ) from error
    blobs = isinstance(content, Mapping) and "blobs" in content
    found = _first_unread(content, lambda name: True)
    shown = f": entry {found[0]!r} is a {found[1]}" if found else ""
    # facebookresearch/SlowFast, utils/c2_model_loading.py; facebookresearch/VMZ, pt/vmz
    kind = "a pickle of Caffe2 (blobs)" if blobs else "a pickle that torch.save did not write"
    cure = "PySlowFast loads and saves it again" if blobs else "load it where it was written"
    raise KinobenchError(
        f"weights {str(file)!r} is {kind}{shown}, and a pickle could run code when read; {cure}: "
        "save the parameters by their names here as tensors, best as .safetensors"
    )


def _why_refused(file: Path, said: str) -> str:
    """Return why torch refuses a file; the message names the entry that needs code."""
    wanted = re.search(r"GLOBAL (\S+)", said)
    name = wanted[1] if wanted else ""
    entry = None
    try:
        content = _outline(file)
        distributed = "torch.distributed."  # torch doesn't name it, as it isn't imported here
        entry = _first_unread(
            content,
            lambda met: met in (name, f"builtins.{name}") if name else met.startswith(distributed),
        )
    except Exception:  # what torch refuses may be damaged as well; then it isn't named
        entry = None
    if entry is not None:
        what = f"entry {entry[0]!r} is made by {entry[1]}, which could run code when it is read"
    elif name:
        what = f"they are made by {name}, which could run code when it is read"
    else:
        what = "they contain more than tensors, which could run code when read, or are damaged"
    return (
        f"weights {str(file)!r} are refused: {what}; nothing was run. If you trust them, save "
        "their state dict alone, best as .safetensors"
    )


class _OutlineReader(pickle._Unpickler):
    """Reads the plain values of a pickle; it looks no class up, so it can't run anything."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a class or a function."""
        full = f"{module}.{name}".replace("__builtin__.", "builtins.")
        if full == "collections.OrderedDict" or full in DICTIONARIES:
            return type("UnreadDict", (UnreadDict,), {})
        return type("Unread", (Unread,), {"name": full})

    def persistent_load(self, pid: Any) -> Any:
        """Return what stands for a storage of numbers."""
        return Unread()


def _outline(file: Path) -> object:
    """Return a pickle's content; an `Unread` stands for each object in it, tensors included.

    Raises:
        Exception: Whatever a damaged file leads to.
    """
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            name = next(each for each in archive.namelist() if each.endswith("data.pkl"))
            return _load(BytesIO(archive.read(name)))
    with (
        open_regular(file) as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as all,
    ):
        content = _load(all)
        if content == int.from_bytes(TORCH_MAGIC, "little"):
            _load(all), _load(all)  # the version of the format, and the machine
            content = _load(all)
        return content


def _load(source: Any) -> object:
    # Strings of Python 2 are bytes that may be anything; Caffe2's are such.
    return _OutlineReader(source, encoding="latin1", fix_imports=False).load()


def _first_unread(content: object, met: Callable[[str], bool]) -> tuple[str, str] | None:
    """Return the first entry in which an object of some name stands, and that name."""
    queue: list[tuple[str, object]] = [("", content)]
    seen: set[int] = set()
    for path, each in queue:
        if isinstance(each, Unread) or (isinstance(each, type) and issubclass(each, Unread)):
            if each.name and met(each.name):
                return path, VALUES.get(each.name) or each.name
            each = each.inside if isinstance(each, Unread) else ()
            queue += [(path, value) for value in each]
            continue
        if not isinstance(each, Mapping | list | tuple) or id(each) in seen:
            continue
        seen.add(id(each))
        inner = each.items() if isinstance(each, Mapping) else enumerate(each)
        queue += [(f"{path}.{key}" if path else str(key), value) for key, value in inner]
    return None
