"""Scanned pages: compares the text layer that a scanner added with the text recognised in the picture.

A text layer is invisible, so it may only say what the picture shows. Both recognitions make mistakes: a line of the
layer agrees if about a third of its words are recognised again.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from workers.knowledge.parsers.pdf.characters import objects
from workers.knowledge.parsers.words import TextPiece

# Recognition is best near 300 dpi; 200 is hardly worse and takes half the time (measured 2026-11).
RECOGNITION_DPI: Final = 200
_MAX_PIXELS: Final = 24e6
_MAX_IMAGES: Final = 2_000
# Share of a page that pictures must cover for it to be a scan, perhaps with a line or two of other text.
SCAN_SHARE: Final = 0.5
_LINE_AGREES: Final = 0.34
_PAGE_AGREES: Final = 0.4
# Lines with fewer words to compare are accepted if the page agrees.
_MIN_WORDS: Final = 2
_TOKEN: Final = re.compile(r"[^\W_]{2,}")
# Scripts that the installed language data can read; others cannot be compared.
_READABLE: Final = re.compile(r"[0-9A-Za-zÀ-ɏ]+")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether a text layer says what the picture shows; `strange` are the numbers of the lines that don't."""

    comparable: bool
    agrees: bool
    strange: tuple[int, ...] = ()


def picture_share(page: pdfium.PdfPage) -> float:
    """The share of the page that pictures cover, 0 to 1 (more if they overlap)."""
    width, height = page.get_size()
    images = objects(page.raw, pdfium_c.FPDF_PAGEOBJ_IMAGE, _MAX_IMAGES, depth=2)
    return sum(_area(handle) for handle, _ in images) / max(1.0, width * height)


def _area(handle: Any) -> float:
    left, bottom, right, top = (pdfium_c.c_float() for _ in range(4))
    pdfium_c.FPDFPageObj_GetBounds(handle, left, bottom, right, top)
    return max(0.0, right.value - left.value) * max(0.0, top.value - bottom.value)


def recognition_dpi(width: float, height: float) -> float:
    """Dots per inch for recognising a page of this size in points."""
    return min(RECOGNITION_DPI, 72 * (_MAX_PIXELS / max(1.0, width * height)) ** 0.5)


def compare(lines: Sequence[TextPiece], read: Iterable[str]) -> Comparison:
    """Compares the `lines` of a text layer with the words that were `read` from the picture."""
    shown = {token.lower() for word in read for token in _TOKEN.findall(word)}
    tokens = [[token.lower() for token in _TOKEN.findall(line.text)] for line in lines]
    total = sum(map(len, tokens))
    readable = [[token for token in each if _READABLE.fullmatch(token)] for each in tokens]
    n_readable = sum(map(len, readable))
    if not total or n_readable < 0.3 * total:
        return Comparison(False, True)
    hits = [sum(_is_shown(token, shown) for token in each) for each in readable]
    agrees = sum(hits) >= _PAGE_AGREES * n_readable
    strange = tuple(
        i
        for i, (each, n) in enumerate(zip(readable, hits, strict=True))
        if len(each) > _MIN_WORDS and n < _LINE_AGREES * len(each)
    )
    return Comparison(True, agrees, strange if agrees else tuple(range(len(lines))))


def _is_shown(token: str, shown: set[str]) -> bool:
    return token in shown or (len(token) > 3 and bool(get_close_matches(token, shown, 1, 0.75)))
