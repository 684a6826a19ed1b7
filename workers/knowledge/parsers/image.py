"""Pictures (PNG, JPEG, WebP, TIFF, BMP, GIF): the text recognised in them, page by page for TIFF.

Metadata about the picture (EXIF, XMP, comments) is not read.
"""

import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from gpts.knowledge.documents import Document
from workers.isolation.child import report_pages
from workers.isolation.errors import BrokenFile, NoText, TooLarge
from workers.knowledge import ocr
from workers.knowledge.parsers.outline import Outline
from workers.knowledge.parsers.pdf.document import write_page
from workers.knowledge.parsers.pdf.layout import layout
from workers.knowledge.parsers.pdf.lines import TextLine, heading_styles
from workers.knowledge.parsers.pdf.pages import LOW_CONFIDENCE

# An A3 page at 400 dpi has 31 million pixels, a phone's photo 12 to 50 million.
MAX_PIXELS: Final = 80_000_000
MAX_FRAMES: Final = 500
_MIN_SIDE: Final = 20
# Smaller pictures are enlarged to twice their size, larger ones reduced; recognition gains nothing from more.
_READABLE_SIDE: Final = 1_000
_MAX_SIDE: Final = 5_000
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
_NO_TEXT: Final = "No readable text found in this picture. A sharper or larger picture may help."
_TOO_LARGE: Final = "The picture is too large. Save it with fewer pixels and upload it again."


def parse(data: bytes) -> Document:
    """The text in a picture. Raises NoText if there is none."""
    outline = Outline()
    with _opened(data) as picture:
        # Those of a TIFF; an animation counts as one.
        n_frames = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
    read_any = False
    for number, frame in enumerate(frames(data), 1):
        read_any = _add(outline, frame, number) or read_any
        report_pages(number, n_frames)
    if n_frames > MAX_FRAMES:
        outline.notice(
            f"Only the first {MAX_FRAMES} of {n_frames:,} pages were read. Split the file to use the rest."
        )
    if not read_any:
        raise NoText(ocr.UNREADABLE if outline.notices else _NO_TEXT)
    return outline.document()


def frames(data: bytes) -> Iterator[Image.Image]:
    """The pages of a picture as viewers show them: turned as the camera recorded, on white where transparent."""
    with _opened(data) as picture:
        pages = ImageSequence.Iterator(picture) if picture.format == "TIFF" else iter([picture])
        for number, page in enumerate(pages):
            if number == MAX_FRAMES:
                return
            if page.width * page.height > MAX_PIXELS:
                raise TooLarge(_TOO_LARGE)
            try:
                yield _as_seen(page)
            except (OSError, SyntaxError, ValueError, EOFError) as error:
                raise BrokenFile from error


def _opened(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # `frames` has a limit on pixels, checked before a pixel is unpacked.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise TooLarge(_TOO_LARGE) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise BrokenFile from error


def _as_seen(page: Image.Image) -> Image.Image:
    page.load()
    turned = ImageOps.exif_transpose(page)
    if turned.mode in ("1", "L", "RGB"):
        return turned.copy()
    if turned.mode in ("I", "F") or turned.mode.startswith("I;"):
        return ImageOps.autocontrast(turned.convert("F").point(lambda value: value / 257 + 0).convert("L"))
    seen = turned.convert("RGBA")
    paper = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(paper, seen).convert("RGB")


def for_recognition(frame: Image.Image) -> Image.Image:
    """`frame` in a size suited to recognition."""
    longest = max(frame.size)
    if longest > _MAX_SIDE:
        return frame.resize((round(frame.width * _MAX_SIDE / longest), round(frame.height * _MAX_SIDE / longest)))
    if longest < _READABLE_SIDE:
        return frame.resize((frame.width * 2, frame.height * 2), Image.Resampling.LANCZOS)
    return frame


def _add(outline: Outline, frame: Image.Image, number: int) -> bool:
    """Add the text of `frame`; returns whether it has any."""
    if min(frame.size) < _MIN_SIDE:
        return False
    read = ocr.recognise(for_recognition(frame), ocr.PICTURE_DPI)
    if read is None or not any(any(map(str.isalnum, word.text)) for word in read.words):
        return False
    if not read.is_readable:
        outline.notice(ocr.UNREADABLE, number)
        return False
    items = layout(read.words, {id(word): i for i, word in enumerate(read.words)}, [])
    styles = heading_styles([[each.item for each in items if isinstance(each.item, TextLine)]])
    write_page(outline, items, styles, number)
    if read.confidence < LOW_CONFIDENCE:
        outline.notice(
            f"This picture was read by text recognition with low confidence ({read.confidence:.0f} %).", number
        )
    return True
