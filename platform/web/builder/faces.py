"""Faces: every GPT has one, the same everywhere. Without a picture it is a drawn mark on a soft tint."""

import zlib

from web.builder.models import Category, Gpt

N_TINTS = 8

# Marks on a 24 × 24 grid, as the `d` of their paths; drawn with round strokes.
MARKS: dict[str, list[str]] = {
    "book": ["M12 6.500C10 5 7.5 4.5 4 4.500v13c3.5 0 6 .5 8 2 2-1.5 4.5-2 8-2v-13c-3.5 0-6 .5-8 2zM12 6.500v13"],
    "drop": ["M12 3c4 5 6 8 6 11a6 6 0 0 1-12 0c0-3 2-6 6-11z"],
    "hall": ["M4 21h16M5 10h14L12 4zM7 10v8M12 10v8M17 10v8"],
    "home": ["M4 11 12 4l8 7v9H4zM10 20v-6h4v6"],
    "lens": ["M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20"],
    "quill": ["M5 20c1-7 5-14 15-16-1 8-5 12-12 12M8 16l6-6"],
    "receipt": ["M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6"],
    "terminal": ["M4 5h16v14H4zM8 9l3 3-3 3M13 15h3"],
}
# What a GPT may get by itself, by the shelf that it stands on.
SHELF: dict[str, tuple[str, ...]] = {
    Category.WRITING: ("quill", "book"),
    Category.RESEARCH: ("lens", "book"),
    Category.PROGRAMMING: ("terminal",),
    Category.EDUCATION: ("book", "quill"),
    Category.WORK: ("receipt", "hall"),
    Category.HOME: ("home", "drop"),
    Category.OTHER: ("hall", "drop", "lens"),
}


def mark_key(gpt: Gpt) -> str:
    """The key in MARKS of the mark that stands for `gpt`: the chosen one, else one of its shelf by its name."""
    if gpt.face in MARKS:
        return gpt.face
    marks = SHELF.get(gpt.category, SHELF[Category.OTHER])
    return marks[zlib.crc32(gpt.name.encode()) % len(marks)]


def tint(gpt: Gpt) -> int:
    """The number of the tint that `gpt` stands on, from 0 up to N_TINTS, by its name and category."""
    return zlib.crc32(f"{gpt.category} {gpt.name}".encode()) % N_TINTS
