"""Pictures of the pages of stored files, drawn on first use and kept for a while.

A page is `<folder>/<page>.webp` with `<page>.json` beside it, which holds its size and its words. Both are written
aside and renamed; the JSON comes last, so whoever finds it finds the picture too.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workers.knowledge import sniffing
from workers.knowledge.apart import ParserLimits
from workers.knowledge.errors import KnowledgeError
from workers.knowledge.page_pictures import DrawnWord, page_picture
from workers.knowledge.publishing import publish_file, remove_old

# Somebody waits: drawing a page took 1.4 s on two very busy cores, most of it the start of the child (2026-11-24).
LIMITS: Final = ParserLimits(wall_s=15, cpu_s=15, page_s=0)
# Drawing a page again costs little, and most are looked at once.
KEEP_S: Final = 7 * 24 * 3600
_HEAD_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """A page that has a picture of `width` times `height` pixels, with its words in reading order."""

    page: int
    width: int
    height: int
    words: tuple[DrawnWord, ...]


def has_pictures(source: Path) -> bool:
    """Whether the file `source` is of a kind whose pages can be drawn, by its first bytes."""
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    try:
        kind = sniffing.sniff(head)
    except KnowledgeError:
        return False
    return kind == sniffing.PDF or kind.startswith("image/")


def drawn_page(source: Path, folder: Path, page: int) -> DrawnPage:
    """The page of the file `source`, with its picture in `folder`. Raises a KnowledgeError if it cannot be drawn."""
    facts, picture = folder / f"{page}.json", folder / f"{page}.webp"
    if not (facts.is_file() and picture.is_file()):
        drawn = page_picture(source, page, LIMITS)
        folder.mkdir(parents=True, exist_ok=True)
        publish_file(picture, drawn.webp)
        publish_file(facts, json.dumps({"width": drawn.width, "height": drawn.height, "words": drawn.words}).encode())
    return _read(page, json.loads(facts.read_bytes()))


def forget_pages(root: Path) -> int:
    """Delete the pictures below `root` that were drawn more than KEEP_S ago; how many files went."""
    return remove_old(root.glob("*/*"), KEEP_S)


def _read(page: int, told: dict[str, Any]) -> DrawnPage:
    words = tuple((text, x0, y0, x1, y1) for text, x0, y0, x1, y1 in told["words"])
    return DrawnPage(page, told["width"], told["height"], words)
