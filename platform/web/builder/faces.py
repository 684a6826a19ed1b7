"""The face of a GPT, shown wherever its name is: its picture, or else a drawn mark on a soft tint."""

import tomllib
import zlib
from pathlib import Path
from typing import Final

from web.builder.categories import OTHER
from web.builder.models import Gpt

_FACES: Final = tomllib.loads(Path(__file__).with_name("marks.toml").read_text("utf-8"))
# Name: the path of its SVG.
MARKS: Final[dict[str, str]] = _FACES["marks"]
N_TINTS: Final = 8
CATEGORY_MARKS: Final[dict[str, list[str]]] = _FACES["categories"]


def mark_key(gpt: Gpt) -> str:
    """The key in MARKS of the mark for `gpt`: the chosen one, else one of its category that its name picks."""
    if gpt.face in MARKS:
        return gpt.face
    marks = CATEGORY_MARKS.get(gpt.category, CATEGORY_MARKS[OTHER])
    return marks[zlib.crc32(gpt.name.encode()) % len(marks)]


def tint(gpt: Gpt) -> int:
    """The number of the tint behind the mark of `gpt`, from 0 up to N_TINTS, by its category and name."""
    return zlib.crc32(f"{gpt.category} {gpt.name}".encode()) % N_TINTS
