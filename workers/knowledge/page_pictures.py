"""Pictures of the pages of stored files with the boxes of their words, on which a citation is highlighted.

They are drawn on first use and kept for a while. A page is `<folder>/<page>.webp` with `<page>.json` beside it, which
holds its size and its words and is written last, so that if it exists, the picture does too.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from workers.isolation.errors import FileError, NoText, ScannedPages
from workers.isolation.parent import ParserLimits, run_isolated
from workers.knowledge import ocr, sniffing
from workers.knowledge.parsers.image import for_recognition, frames
from workers.knowledge.parsers.pdf.document import opened
from workers.knowledge.parsers.pdf.page_words import turned_back
from workers.knowledge.parsers.pdf.pages import visible_words
from workers.knowledge.parsers.words import Word
from workers.knowledge.publishing import publish_file, remove_old

# A reader waits for it: a page took 1.4 s on two very busy cores, most of it the start of the child (2026-11-24).
LIMITS: Final = ParserLimits(wall_s=15, cpu_s=15, page_s=0)
# Drawing a page again is cheap, and most are viewed once.
KEEP_S: Final = 7 * 24 * 3600
_SNIFFED_BYTES: Final = 4_096
# A4 is then 1,000 pixels wide: sharp on a phone.
_DPI: Final = 120
_MAX_SIDE: Final = 1_600
_MAX_BYTES: Final = 150_000
# Text is readable even at the last, which a page of photographs needs.
_QUALITIES: Final = (75, 55, 35, 20)
_DRAW: Final = "workers.knowledge.page_pictures:draw_in_child"
# The longest side of a picture for a model, in pixels: what vision models take without reducing it themselves.
_MODEL_SIDE: Final = 1_568
_FOR_MODEL: Final = "workers.knowledge.page_pictures:jpeg_in_child"
_HEADER: Final = struct.Struct(">I")

# A word and its box on the picture, in pixels: x0, y0, x1, y1.
DrawnWord = tuple[str, float, float, float, float]


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture of `width` × `height` pixels, and the page's words in reading order."""

    width: int
    height: int
    words: tuple[DrawnWord, ...]


def has_pictures(source: Path) -> bool:
    """Whether the pages of the file `source` can be drawn, by its first bytes."""
    with source.open("rb") as file:
        head = file.read(_SNIFFED_BYTES)
    try:
        kind = sniffing.sniff(head)
    except FileError:
        return False
    return kind == sniffing.PDF or kind.startswith("image/")


def page_picture(source: Path, folder: Path, page: int) -> PagePicture:
    """`page` (from 1) of the file `source`, with its picture in `folder`. Raises a FileError."""
    facts, picture = folder / f"{page}.json", folder / f"{page}.webp"
    if not (facts.is_file() and picture.is_file()):
        answer = run_isolated(_DRAW, source, [page], LIMITS)
        end = _HEADER.size + _HEADER.unpack_from(answer)[0]
        folder.mkdir(parents=True, exist_ok=True)
        publish_file(picture, answer[end:])
        publish_file(facts, answer[_HEADER.size : end])
    content = json.loads(facts.read_bytes())
    words = tuple((text, x0, y0, x1, y1) for text, x0, y0, x1, y1 in content["words"])
    return PagePicture(content["width"], content["height"], words)


def model_picture(source: Path, folder: Path) -> bytes:
    """The picture file `source` as a JPEG for a model, without metadata; kept in `folder`. Raises a FileError.

    JPEG, as not every model server reads WebP.
    """
    kept = folder / "model.jpg"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        publish_file(kept, run_isolated(_FOR_MODEL, source, (), LIMITS))
    return kept.read_bytes()


def jpeg_in_child(data: bytes) -> bytes:
    """The first page of a picture as a JPEG for a model. Raises a FileError."""
    for frame in frames(data):
        frame.thumbnail((_MODEL_SIDE, _MODEL_SIDE))
        buffer = BytesIO()
        frame.convert("RGB").save(buffer, "JPEG", quality=90)
        return buffer.getvalue()
    raise NoText("Page not found.")


def remove_old_pictures(root: Path) -> int:
    """Delete the pictures below `root` that were drawn more than KEEP_S ago; the number of files."""
    return remove_old(root.glob("*/*"), KEEP_S)


def draw_in_child(data: bytes, page: int) -> bytes:
    """What `draw` returns as bytes: the length of the JSON facts, the facts, the picture."""
    picture, webp = draw(data, page)
    facts = json.dumps({"width": picture.width, "height": picture.height, "words": picture.words}).encode()
    return _HEADER.pack(len(facts)) + facts + webp


def draw(data: bytes, page: int) -> tuple[PagePicture, bytes]:
    """`page` (from 1) of a PDF or picture file, and its WebP. Raises a FileError if it cannot be drawn."""
    if b"%PDF-" in data[:1024]:
        return _drawn_pdf(data, page)
    for number, frame in enumerate(frames(data), 1):
        if number == page:
            return _drawn_frame(frame)
    raise NoText("Page not found.")


def _drawn_pdf(data: bytes, number: int) -> tuple[PagePicture, bytes]:
    source, _ = opened(data)
    if not 1 <= number <= len(source):
        raise NoText("Page not found.")
    page = source[number - 1]
    width, height = page.get_size()
    words = visible_words(page)
    if not words:
        words = _recognised(page.render(scale=2.5 * min(1.0, 2000 / max(width, height))).to_pil(), width, height)
    scale = min(_DPI / 72, _MAX_SIDE / max(width, height))
    picture = page.render(scale=scale, draw_annots=True, may_draw_forms=True).to_pil().convert("RGB")
    return _encoded(picture, words, width, height)


def _drawn_frame(frame: Image.Image) -> tuple[PagePicture, bytes]:
    words = _recognised(for_recognition(frame), 1.0, 1.0)
    scale = min(1.0, _MAX_SIDE / max(frame.size))
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    return _encoded(frame.convert("RGB").resize(size), words, 1.0, 1.0)


def _recognised(picture: Image.Image, width: float, height: float) -> list[Word]:
    """The words that OCR reads in `picture`, placed on a page of `width` × `height`."""
    try:
        read = ocr.recognise(picture, ocr.PICTURE_DPI)
    except ScannedPages:
        return []
    if read is None:
        return []
    is_sideways = read.quarter_turns % 2
    across, down = (read.height, read.width) if is_sideways else (read.width, read.height)
    placed = [turned_back(word, -read.quarter_turns % 4, across, down) for word in read.words]
    x, y = width / across, height / down
    return [replace(word, x0=word.x0 * x, y0=word.y0 * y, x1=word.x1 * x, y1=word.y1 * y) for word in placed]


def _encoded(picture: Image.Image, words: Sequence[Word], width: float, height: float) -> tuple[PagePicture, bytes]:
    """`picture` of a page of `width` × `height` in the best quality that stays small."""

    def pixels(place: float, whole: float, side: int) -> float:
        return round(min(1.0, max(0.0, place / whole)) * side, 1)

    for quality in _QUALITIES:
        buffer = BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=2)
        if buffer.tell() <= _MAX_BYTES:
            break
    across = partial(pixels, whole=width, side=picture.width)
    down = partial(pixels, whole=height, side=picture.height)
    drawn = tuple((word.text, across(word.x0), down(word.y0), across(word.x1), down(word.y1)) for word in words)
    return PagePicture(picture.width, picture.height, drawn), buffer.getvalue()
