"""Faces: every GPT has one, the same everywhere. Without a picture it is a drawn mark on a soft tint."""

import zlib

from web.builder.marks import MARKS
from web.builder.models import Category, Gpt

N_TINTS = 8
# What a GPT gets that chose none, by the shelf it stands on.
SHELF_MARKS: dict[str, tuple[str, ...]] = {
    Category.WRITING: ("quill", "pen", "book", "speech"),
    Category.RESEARCH: ("lens", "flask", "globe", "column"),
    Category.PROGRAMMING: ("code", "terminal", "branch", "key"),
    Category.EDUCATION: ("cap", "bulb", "book", "star"),
    Category.WORK: ("case", "chart", "receipt", "badge"),
    Category.HOME: ("house", "cup", "wrench", "sun", "leaf"),
    Category.OTHER: ("compass", "star", "speech", "globe", "map", "sun"),
}


def mark_key(gpt: Gpt) -> str:
    """The key in MARKS of the mark that stands for `gpt`: the chosen one, else one of its shelf by its name."""
    if gpt.face in MARKS:
        return gpt.face
    marks = SHELF_MARKS.get(gpt.category, SHELF_MARKS[Category.OTHER])
    return marks[zlib.crc32(gpt.name.encode()) % len(marks)]


def tint(gpt: Gpt) -> int:
    """The number of the tint that `gpt` stands on, from 0 up to N_TINTS, by its category and name."""
    return zlib.crc32(f"{gpt.category} {gpt.name}".encode()) % N_TINTS
