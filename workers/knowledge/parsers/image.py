"""Pictures (PNG, JPEG, WebP, TIFF, BMP, GIF): the text that recognition reads in them, page by page for TIFF.

What a camera or program wrote into the file about the picture (EXIF, XMP, comments) is no content.
"""

import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from gpts.knowledge.documents import Document
from workers.knowledge import ocr
from workers.knowledge.errors import BrokenFile, NoText, TooLarge
from workers.knowledge.isolated_child import report_pages
from workers.knowledge.parsers.outline import Outline
from workers.knowledge.parsers.pdf.layout import layout
from workers.knowledge.parsers.pdf.lines import Line, heading_styles, paragraphs, write_paragraph
from workers.knowledge.parsers.pdf.pages import LOW_CONFIDENCE
from workers.knowledge.parsers.pdf.tables import Table

# An A3 page at 400 dpi has 31 million pixels, a phone's picture 12 to 50; a bomb has billions.
MAX_PIXELS: Final = 80_000_000
MAX_FRAMES: Final = 500
# Letters of smaller pictures are too coarse to be read; nothing is gained by enlarging them beyond twice.
_MIN_SIDE: Final = 20
_READABLE_SIDE: Final = 1_000
# Recognition gains nothing from more.
_MAX_SIDE: Final = 5_000
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")


def parse(data: bytes) -> Document:
    """The text in a picture. Raises NoText where nothing is to be read."""
    outline = Outline()
    n_frames, read_any = frame_count(data), False
    for number, frame in enumerate(frames(data), 1):
        read_any = _add(outline, frame, number) or read_any
        report_pages(number, n_frames)
    if n_frames > MAX_FRAMES:
        outline.notice(
            f"Only the first {MAX_FRAMES} of {n_frames:,} pages were read. Split the file to use the rest."
        )
    if not read_any:
        raise NoText("No readable text found in this picture. A sharper or larger picture may help.")
    return outline.document()


def frame_count(data: bytes) -> int:
    """How many pages a picture has: those of a TIFF; an animation is one picture."""
    with _opened(data) as picture:
        return getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1


def frames(data: bytes) -> Iterator[Image.Image]:
    """The pages of a picture as a person sees them: turned as the camera says, on white where it is transparent."""
    with _opened(data) as picture:
        pages = ImageSequence.Iterator(picture) if picture.format == "TIFF" else iter([picture])
        for number, page in enumerate(pages):
            if number == MAX_FRAMES:
                return
            if page.width * page.height > MAX_PIXELS:
                raise TooLarge("The picture is too large. Save it with fewer pixels and upload it again.")
            try:
                yield _as_seen(page)
            except (OSError, SyntaxError, ValueError, EOFError) as error:
                raise BrokenFile from error


def _opened(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # The limit on pixels is our own, checked before a pixel is unpacked.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise TooLarge("The picture is too large. Save it with fewer pixels and upload it again.") from error
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
    """`frame` in a size that recognition reads well."""
    longest = max(frame.size)
    if longest > _MAX_SIDE:
        return frame.resize((round(frame.width * _MAX_SIDE / longest), round(frame.height * _MAX_SIDE / longest)))
    if longest < _READABLE_SIDE:
        return frame.resize((frame.width * 2, frame.height * 2), Image.Resampling.LANCZOS)
    return frame


def _add(outline: Outline, frame: Image.Image, number: int) -> bool:
    """Add what is read in `frame`; whether that was anything."""
    if min(frame.size) < _MIN_SIDE:
        return False
    read = ocr.recognise(for_recognition(frame), ocr.PICTURE_DPI)
    if read is None or not any(any(map(str.isalnum, word.text)) for word in read.words):
        return False
    items = [each.item for each in layout(read.words, {id(word): i for i, word in enumerate(read.words)}, [])]
    styles = heading_styles([[item for item in items if isinstance(item, Line)]])
    run: list[Line] = []
    for item in [*items, None]:
        if isinstance(item, Line):
            run.append(item)
            continue
        for paragraph in paragraphs(run):
            write_paragraph(outline, paragraph, styles, number)
        run = []
        if isinstance(item, Table):
            outline.table(item.rows, number)
    if read.confidence < LOW_CONFIDENCE:
        outline.notice(
            f"This picture was read by text recognition with low confidence ({read.confidence:.0f} %).", number
        )
    return True
