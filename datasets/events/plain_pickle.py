"""Pickles of annotations and results, of which plain values and arrays alone are read.

A pickle is a program: it may call anything that Python can import. Here it may make what Python
has in itself (dictionaries, lists, tuples, sets, texts, bytes, numbers) and arrays and numbers of
NumPy. Whatever else it asks for is refused by its name before it is looked up.
"""

import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from .content import content_of


def read_plain_pickle(file: Path) -> Any:
    """Return what a pickle of plain values and arrays says; gzip may have packed it.

    Raises:
        DatasetError: It can't be read, is damaged, or asks for something else than plain values;
            the message names that.
    """
    content = content_of(file)
    try:
        # Strings of Python 2 are bytes; arrays in them need latin1 (numpy/numpy, doc of `load`).
        return _PlainUnpickler(BytesIO(content), encoding="latin1").load()
    except _RefusedError as error:
        raise DatasetError(
            f"{file}: the pickle asks for {error}, which is no plain value, and could run code; "
            "nothing was run. Load it where it was written, and save it as dictionaries, lists, "
            "numbers, texts and arrays, or as JSON"
        ) from error
    except Exception as error:  # a damaged pickle makes its reader stumble over anything
        raise DatasetError(
            f"{file}: a damaged pickle ({type(error).__name__}: {error}); get the file again"
        ) from error


class _RefusedError(Exception):
    """A name that a pickle asks for, and doesn't get."""


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return what makes a plain value.

        Raises:
            _RefusedError: The name is of something else.
        """
        found = _ALLOWED.get((_MODULES.get(module, module), name))
        if found is None:
            raise _RefusedError(f"{module}.{name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise _RefusedError(f"an object outside of it ({pid!r})")


class _Maker:
    """A function that a pickle may call, and nothing of which it may set."""

    __slots__ = ("_make",)
    _make: Callable[..., Any]

    def __init__(self, make: Callable[..., Any]) -> None:
        object.__setattr__(self, "_make", make)

    def __call__(self, *given: Any) -> Any:
        return self._make(*given)

    def __setattr__(self, name: str, value: object) -> None:
        raise _RefusedError(f"a change of {name!r} of a function")


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    """Return bytes, as protocol 2 writes those of an array: as a text in latin1."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8"):
        raise _RefusedError(f"_codecs.encode to {encoding!r}")
    return text.encode(encoding)


def _bytes(*given: Any) -> bytes:
    """Return bytes of a text or of bytes: those of a number could fill the memory."""
    if any(isinstance(each, int) for each in given):
        raise _RefusedError("as many bytes as a number says")
    return bytes(*given)


def _empty_array(kind: object, shape: object, code: object) -> Any:
    """Return an array without elements, which its state fills (numpy's `_reconstruct`)."""
    if kind is not np.ndarray:
        raise _RefusedError(f"an array of the class {kind!r}")
    return np.ndarray((0,), "b")


def _number(dtype: Any, content: Any = None) -> Any:
    """Return a number or a text of NumPy as the plain one of Python."""
    if isinstance(content, str):  # of Python 2
        content = content.encode("latin1")
    if not isinstance(dtype, np.dtype) or not isinstance(content, bytes):
        raise _RefusedError("a NumPy scalar of an object")
    return np.frombuffer(content, dtype, 1)[0].item()


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: str) -> Any:
    """Return an array of the elements in a buffer (numpy's `_frombuffer`, of protocol 5)."""
    return np.frombuffer(buffer, dtype).reshape(shape, order="F" if order == "F" else "C").copy()


_MODULES = {
    "__builtin__": "builtins",
    "numpy.core.multiarray": "numpy._core.multiarray",  # before NumPy 2
    "numpy.core.numeric": "numpy._core.numeric",
}
_CONTAINERS = (dict, list, tuple, set, frozenset, int, float, bool, str, complex)
_ALLOWED: dict[tuple[str, str], Any] = {
    **{("builtins", kind.__name__): kind for kind in _CONTAINERS},
    ("builtins", "bytes"): _Maker(_bytes),
    ("numpy._core.multiarray", "_reconstruct"): _Maker(_empty_array),
    ("numpy._core.multiarray", "scalar"): _Maker(_number),
    ("numpy._core.numeric", "_frombuffer"): _Maker(_from_buffer),
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _Maker(_encoded),
    ("collections", "OrderedDict"): dict,
}
"""What a pickle may ask for, and what it gets."""
