"""Reads the characters of a PDF page from pdfium: boxes on the page as shown, fonts and text objects.

pdfium returns one character at a time, and ctypes' usual conversions cost more than the calls. So its functions are
called through prototypes that take addresses and write into numpy arrays.
"""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import atan2, hypot, pi
from typing import Any, Final

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

# A dense newspaper page has 30,000.
MAX_PAGE_CHARACTERS: Final = 200_000
# "bx" is the bold extended of TeX's fonts.
_BOLD_FONT: Final = re.compile(r"bold|black|heavy|semibd|demi|^(?:\w+\+)?(?:cm|sf)bx", re.I)
_DINGBATS: Final = re.compile(r"wingdings|webdings|dingbats", re.I)
_BULLET: Final = ord("•")
_MIN_SIZE: Final = 0.01
# Broken fonts give numbers that aren't code points.
_NO_CHARACTER: Final = 0xFFFF

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TextObject:
    """What the characters of a text object share; `angle` is the clockwise quarter turns of the text as shown."""

    handle: Any
    size: float
    bold: bool
    angle: int
    # Text render mode (ISO 32000-1, 9.3.6): 3 paints nothing, 4 and above clip.
    mode: int
    # Its font draws symbols in place of letters.
    is_dingbats: bool = False


@dataclass(frozen=True, slots=True)
class Characters:
    """The characters of a page in the order of the file.

    `codes` are code points, including line breaks and spaces added by pdfium; `boxes` `(n, 4)` float64 x0, y0, x1, y1
    in points from the top left of the page as shown; `origins` `(n, 2)`; `spans` are the boxes, including the font's
    space around letters where text objects meet; `owner` indexes `objects`, -1 for characters that pdfium adds.
    `width` and `height` are those of the shown page, in points.
    """

    codes: list[int]
    boxes: Numbers
    spans: Numbers
    origins: Numbers
    owner: NDArray[np.int32]
    objects: list[TextObject]
    width: float
    height: float


@cache
def _functions() -> tuple[Any, Any, Any, Any, Any]:
    def typed(function: Any, result: Any, *arguments: Any) -> Any:
        return ctypes.CFUNCTYPE(result, *arguments)(ctypes.cast(function, ctypes.c_void_p).value or 0)

    page, address = ctypes.c_void_p, ctypes.c_size_t
    return (
        typed(pdfium_c.FPDFText_GetUnicode, ctypes.c_uint, page, ctypes.c_int),
        typed(pdfium_c.FPDFText_GetTextObject, ctypes.c_size_t, page, ctypes.c_int),
        typed(pdfium_c.FPDFText_GetCharBox, ctypes.c_int, page, ctypes.c_int, *[address] * 4),
        typed(pdfium_c.FPDFText_GetCharOrigin, ctypes.c_int, page, ctypes.c_int, *[address] * 2),
        typed(pdfium_c.FPDFText_GetLooseCharBox, ctypes.c_int, page, ctypes.c_int, address),
    )


def characters(page: pdfium.PdfPage) -> Characters:
    """All characters on `page`, visible or not."""
    textpage = page.get_textpage()
    n = min(textpage.count_chars(), MAX_PAGE_CHARACTERS)
    code_of, object_of, box_of, origin_of, _ = _functions()
    raw = ctypes.cast(textpage.raw, ctypes.c_void_p).value
    places = np.zeros((n, 6))
    base = places.ctypes.data
    codes, owner = [0] * n, np.full(n, -1, np.int32)
    objects: list[TextObject] = []
    known: dict[int, int] = {}
    to_shown = shown_matrix(page)
    for i in range(n):
        codes[i] = min(code_of(raw, i), _NO_CHARACTER)
        address = object_of(raw, i)
        if not address:
            continue
        if address not in known:
            known[address] = len(objects)
            objects.append(_text_object(textpage, i, to_shown))
        owner[i] = known[address]
        if objects[known[address]].is_dingbats and (0x20 < codes[i] < 0x100 or 0xF020 < codes[i] < 0xF100):
            codes[i] = _BULLET
        at = base + 48 * i
        box_of(raw, i, at, at + 16, at + 8, at + 24)
        origin_of(raw, i, at + 32, at + 40)
    width, height = page.get_size()
    boxes = transformed(places[:, :4], to_shown)
    origins = places[:, 4:] @ to_shown[:, :2].T + to_shown[:, 2]
    spans = _spans(raw, owner, boxes, to_shown)
    return Characters(codes, boxes, spans, origins, owner, objects, width, height)


def objects(parent: Any, wanted: int, limit: int, depth: int, matrix: Any = None) -> Iterator[tuple[Any, Any]]:
    """The objects of the `wanted` kind in a page or form and in forms `depth` levels down, at most `limit` of each.

    Each comes with the `(3, 3)` matrix of its form, None on the page itself.
    """
    is_page = matrix is None
    count = pdfium_c.FPDFPage_CountObjects if is_page else pdfium_c.FPDFFormObj_CountObjects
    get = pdfium_c.FPDFPage_GetObject if is_page else pdfium_c.FPDFFormObj_GetObject
    for i in range(min(count(parent), limit)):
        handle = get(parent, i)
        kind = pdfium_c.FPDFPageObj_GetType(handle)
        if kind == wanted:
            yield handle, matrix
        elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth:
            inner = matrix_of(handle)
            yield from objects(handle, wanted, limit, depth - 1, inner if is_page else matrix @ inner)


def matrix_of(handle: Any) -> Numbers:
    """The `(3, 3)` matrix of a page object."""
    raw = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFPageObj_GetMatrix(handle, ctypes.byref(raw))
    return np.array([[raw.a, raw.c, raw.e], [raw.b, raw.d, raw.f], [0, 0, 1]])


def transformed(boxes: Numbers, matrix: Numbers) -> Numbers:
    """`boxes` `(n, 4)` transformed by a `(2, 3)` matrix of quarter turns, scale and offset."""
    corners = boxes.reshape(-1, 2, 2) @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def _spans(raw: int | None, owner: NDArray[np.int32], boxes: Numbers, to_shown: Numbers) -> Numbers:
    """`boxes`, with the font's full width for characters on both sides of a change of text objects."""
    meet = np.flatnonzero((owner[1:] != owner[:-1]) & (owner[1:] >= 0) & (owner[:-1] >= 0))
    numbers = np.union1d(meet, meet + 1)
    loose = np.zeros((len(numbers), 4), np.float32)
    loose_of = _functions()[-1]
    known = [bool(loose_of(raw, i, loose.ctypes.data + 16 * k)) for k, i in enumerate(numbers.tolist())]
    spans = boxes.copy()
    spans[numbers[known]] = transformed(loose[known].astype(np.float64), to_shown)
    return spans


def shown_matrix(page: pdfium.PdfPage) -> Numbers:
    """The `(2, 3)` matrix from the page's coordinates to points from the top left of its shown part."""
    width, height = page.get_size()
    scale = 100  # pdfium returns whole pixels
    shown = pdfium.PdfPosConv(page, (0, 0, round(width * scale), round(height * scale), 0))
    corners = [shown.to_bitmap(*corner) for corner in ((0, 0), (1000, 0), (0, 1000))]
    (x, y), (x_x, x_y), (y_x, y_y) = ((across / scale, down / scale) for across, down in corners)
    return np.array([[(x_x - x) / 1000, (y_x - x) / 1000, x], [(x_y - y) / 1000, (y_y - y) / 1000, y]])


def _text_object(textpage: pdfium.PdfTextPage, index: int, to_shown: Numbers) -> TextObject:
    """The text object of the character `index`, with its size as shown (some writers set size 1 and scale)."""
    handle = pdfium_c.FPDFText_GetTextObject(textpage.raw, index)
    size = pdfium_c.FPDFText_GetFontSize(textpage.raw, index)
    matrix = pdfium_c.FS_MATRIX()
    if not pdfium_c.FPDFText_GetMatrix(textpage.raw, index, ctypes.byref(matrix)):
        matrix = pdfium_c.FS_MATRIX(1, 0, 0, 1, 0, 0)
    along = to_shown[:, :2] @ (matrix.a, matrix.b)
    quarter_turns = round(atan2(along[1], along[0]) / (pi / 2)) % 4
    name = ctypes.create_string_buffer(128)
    pdfium_c.FPDFText_GetFontInfo(textpage.raw, index, name, 128, ctypes.byref(ctypes.c_int()))
    font = name.value.decode("latin-1")
    return TextObject(
        handle=handle,
        size=max(_MIN_SIZE, round(abs(size) * (hypot(matrix.c, matrix.d) or 1.0), 1)),
        bold=bool(_BOLD_FONT.search(font)),
        angle=quarter_turns,
        mode=pdfium_c.FPDFTextObj_GetTextRenderMode(handle),
        is_dingbats=bool(_DINGBATS.search(font)),
    )
