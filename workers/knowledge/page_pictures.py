"""Pictures of pages with the places of their words, on which a citation is highlighted."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from workers.knowledge import ocr
from workers.knowledge.apart import LIMITS, ParserLimits, run_apart
from workers.knowledge.errors import NoText, ScannedPages
from workers.knowledge.parsers.image import for_recognition, frames
from workers.knowledge.parsers.pdf.opening import opened
from workers.knowledge.parsers.pdf.page_words import turned_back
from workers.knowledge.parsers.pdf.pages import visible_words
from workers.knowledge.parsers.words import Word

# A page of A4 is then 1,000 pixels wide: sharp on a phone.
_DPI: Final = 120
_MAX_SIDE: Final = 1_600
_MAX_BYTES: Final = 150_000
# Text stays readable down to the last; a page of photographs needs it.
_QUALITIES: Final = (75, 55, 35, 20)
_PICTURE: Final = "workers.knowledge.page_pictures:picture_here"
_HEADER: Final = struct.Struct(">I")

# A word and its box on the picture, in pixels: x0, y0, x1, y1.
DrawnWord = tuple[str, float, float, float, float]


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as a WebP picture of `width` × `height` pixels, and its words in reading order."""

    webp: bytes
    width: int
    height: int
    words: tuple[DrawnWord, ...]


def page_picture(source: Path, page: int, limits: ParserLimits = LIMITS) -> PagePicture:
    """The picture of `page` (from 1) of the PDF or picture file `source`, made in a child process within `limits`.

    Raises a KnowledgeError when there is none.
    """
    answer = run_apart(_PICTURE, source, [page], limits)
    (length,) = _HEADER.unpack_from(answer)
    told = json.loads(answer[_HEADER.size : _HEADER.size + length])
    words = tuple((text, x0, y0, x1, y1) for text, x0, y0, x1, y1 in told["words"])
    return PagePicture(answer[_HEADER.size + length :], told["width"], told["height"], words)


def picture_here(data: bytes, page: int) -> bytes:
    """`made` in one piece: the length of a JSON head, the head, the picture. Runs in the child."""
    picture = made(data, page)
    encoded = json.dumps({"width": picture.width, "height": picture.height, "words": picture.words}).encode()
    return _HEADER.pack(len(encoded)) + encoded + picture.webp


def made(data: bytes, page: int) -> PagePicture:
    """The picture of `page` (from 1) of a PDF or picture file. Raises a KnowledgeError when there is none."""
    if b"%PDF-" in data[:1024]:
        return _of_pdf(data, page)
    for number, frame in enumerate(frames(data), 1):
        if number == page:
            return _of_frame(frame)
    raise NoText("Page not found.")


def _of_pdf(data: bytes, number: int) -> PagePicture:
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
    return _packed(picture, words, width, height)


def _of_frame(frame: Image.Image) -> PagePicture:
    words = _recognised(for_recognition(frame), 1.0, 1.0)
    scale = min(1.0, _MAX_SIDE / max(frame.size))
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    return _packed(frame.convert("RGB").resize(size), words, 1.0, 1.0)


def _recognised(picture: Image.Image, width: float, height: float) -> list[Word]:
    """The words that recognition reads in `picture`, with their places on a page of `width` × `height`."""
    try:
        read = ocr.recognise(picture, ocr.PICTURE_DPI)
    except ScannedPages:
        return []
    if read is None:
        return []
    on_its_side = read.quarter_turns % 2
    across, down = (read.height, read.width) if on_its_side else (read.width, read.height)
    placed = [turned_back(word, -read.quarter_turns % 4, across, down) for word in read.words]
    x, y = width / across, height / down
    return [replace(word, x0=word.x0 * x, y0=word.y0 * y, x1=word.x1 * x, y1=word.y1 * y) for word in placed]


def _packed(picture: Image.Image, words: Sequence[Word], width: float, height: float) -> PagePicture:
    """`picture` of a page of this size in the best quality that stays small."""

    def pixels(place: float, whole: float, side: int) -> float:
        return round(min(1.0, max(0.0, place / whole)) * side, 1)

    for quality in _QUALITIES:
        buffer = BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=2)
        if buffer.tell() <= _MAX_BYTES:
            break
    across, down = (
        partial(pixels, whole=width, side=picture.width),
        partial(pixels, whole=height, side=picture.height),
    )
    drawn = tuple((word.text, across(word.x0), down(word.y0), across(word.x1), down(word.y1)) for word in words)
    return PagePicture(buffer.getvalue(), picture.width, picture.height, drawn)
