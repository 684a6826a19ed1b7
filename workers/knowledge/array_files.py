"""Several arrays in one file, which is mapped without reading it; a table of contents gives their offsets.

A mapped file must never be changed in place or shortened: its readers would die of SIGBUS. Writers make a new one and
rename it; a removed one stays readable where it is open.
"""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# By name: the array's dtype string, its length, and its offset in bytes.
Contents = dict[str, tuple[str, int, int]]

_ALIGNMENT: Final = 64


def create(path: Path, sizes: Mapping[str, tuple[npt.DTypeLike, int]]) -> tuple[dict[str, Array], Contents]:
    """A new file for arrays of these types and lengths, mapped as writable arrays of zeros, and its contents."""
    contents: Contents = {}
    end = 0
    for name, (dtype, length) in sizes.items():
        kind = np.dtype(dtype)
        contents[name] = (kind.str, length, end)
        end += -(-kind.itemsize * length // _ALIGNMENT) * _ALIGNMENT
    with path.open("wb+") as file:
        file.truncate(max(end, 1))
        view = mmap.mmap(file.fileno(), 0)
    return read(view, contents), contents


def write(path: Path, arrays: Mapping[str, Array]) -> Contents:
    """Write one-dimensional `arrays` to a new file; its contents."""
    room, contents = create(path, {name: (array.dtype, len(array)) for name, array in arrays.items()})
    for name, array in arrays.items():
        room[name][:] = array
    return contents


def read(data: bytes | mmap.mmap, contents: Contents) -> dict[str, Array]:
    """The arrays in a file's bytes or mapping. Raises ValueError if `contents` does not match."""
    return {
        name: np.frombuffer(data, dtype, length, offset) if length else np.zeros(0, dtype)
        for name, (dtype, length, offset) in contents.items()
    }


def map_file(path: Path, contents: Contents) -> dict[str, Array]:
    """The arrays of a file, read-only, mapped. Raises ValueError if `contents` does not match."""
    with path.open("rb") as file:
        view = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    return read(view, contents)
