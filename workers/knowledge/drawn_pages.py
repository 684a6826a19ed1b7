"""Pictures of the pages of stored files, drawn on first use and kept for a while.

A page is `<folder>/<page>.webp` with `<page>.json` beside it, which holds its size and its words. Both are written
aside and renamed; the JSON comes last, so whoever finds it finds the picture too.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workers.knowledge import sniffing
from workers.knowledge.apart import ParserLimits
from workers.knowledge.errors import KnowledgeError
from workers.knowledge.page_pictures import page_picture
from workers.knowledge.publishing import publish_file

# Somebody waits: drawing a page took 1.4 s on two very busy cores, most of it the start of the child (2026-11-24).
LIMITS: Final = ParserLimits(wall_s=15, cpu_s=15, page_s=0)
# Drawing a page again costs little, and most are looked at once.
KEEP_S: Final = 7 * 24 * 3600
_HEAD_BYTES: Final = 4_096

# A word and its box on the picture, in pixels: x0, y0, x1, y1.
DrawnWord = tuple[str, float, float, float, float]


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
        width, height = drawn.width, drawn.height
        words = [(word.text, *_pixels(word, width, height)) for word in drawn.words]
        folder.mkdir(parents=True, exist_ok=True)
        publish_file(picture, drawn.webp)
        publish_file(facts, json.dumps({"width": width, "height": height, "words": words}).encode())
    return _read(page, json.loads(facts.read_bytes()))


def forget_pages(root: Path) -> int:
    """Delete the pictures below `root` that were drawn more than KEEP_S ago; how many files went."""
    before = time.time() - KEEP_S
    old = [path for path in root.glob("*/*") if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _pixels(word: Any, width: int, height: int) -> tuple[float, ...]:
    places = (word.x0 * width, word.y0 * height, word.x1 * width, word.y1 * height)
    return tuple(round(place, 1) for place in places)


def _read(page: int, told: dict[str, Any]) -> DrawnPage:
    words = tuple((text, x0, y0, x1, y1) for text, x0, y0, x1, y1 in told["words"])
    return DrawnPage(page, told["width"], told["height"], words)
