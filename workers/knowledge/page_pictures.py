"""Pictures of pages with the places of their words, on which a citation is highlighted."""

import json
import struct
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from workers.knowledge import ocr
from workers.knowledge.apart import LIMITS, Limits, run_apart
from workers.knowledge.errors import NoText, ScannedPages
from workers.knowledge.parsers.image import for_recognition, frames
from workers.knowledge.parsers.pdf.opening import opened
from workers.knowledge.parsers.pdf.pages import visible_words
from workers.knowledge.parsers.pdf.words import turned_back
from workers.knowledge.parsers.words import Word as PageWord

# A page of A4 is then 1,000 pixels wide: sharp on a phone.
_DPI: Final = 120
_MAX_SIDE: Final = 1_600
_MAX_BYTES: Final = 150_000
# Text stays readable down to the last; a page of photographs needs it.
_QUALITIES: Final = (75, 55, 35, 20)
_PICTURE: Final = "workers.knowledge.page_pictures:picture_here"
_HEADER: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the page and its box, in fractions of the picture's width and height from the top left."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as a WebP picture of `width` × `height` pixels, and its words in reading order."""

    webp: bytes
    width: int
    height: int
    words: tuple[Word, ...]


def page_picture(source: Path, page: int, limits: Limits = LIMITS) -> PagePicture:
    """The picture of `page` (from 1) of the PDF or picture file `source`, made in a child process within `limits`.

    Raises a KnowledgeError when there is none.
    """
    answer = run_apart(_PICTURE, source, [page], limits)
    (length,) = _HEADER.unpack_from(answer)
    told = json.loads(answer[_HEADER.size : _HEADER.size + length])
    words = tuple(Word(**word) for word in told["words"])
    return PagePicture(answer[_HEADER.size + length :], told["width"], told["height"], words)


def picture_here(data: bytes, page: int) -> bytes:
    """`made` in one piece: the length of a JSON head, the head, the picture. Runs in the child."""
    picture = made(data, page)
    head = {"width": picture.width, "height": picture.height, "words": [asdict(word) for word in picture.words]}
    encoded = json.dumps(head).encode()
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
    return _packed(picture, [_fraction(word, width, height) for word in words])


def _of_frame(frame: Image.Image) -> PagePicture:
    words = _recognised(for_recognition(frame), 1.0, 1.0)
    scale = min(1.0, _MAX_SIDE / max(frame.size))
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    return _packed(frame.convert("RGB").resize(size), [_fraction(word, 1.0, 1.0) for word in words])


def _recognised(picture: Image.Image, width: float, height: float) -> list[PageWord]:
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


def _fraction(word: PageWord, width: float, height: float) -> Word:
    def part(value: float, whole: float) -> float:
        return round(min(1.0, max(0.0, value / whole)), 4)

    return Word(word.text, part(word.x0, width), part(word.y0, height), part(word.x1, width), part(word.y1, height))


def _packed(picture: Image.Image, words: list[Word]) -> PagePicture:
    """`picture` in the best quality that stays small."""
    for quality in _QUALITIES:
        buffer = BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=2)
        if buffer.tell() <= _MAX_BYTES:
            break
    return PagePicture(buffer.getvalue(), picture.width, picture.height, tuple(words))
