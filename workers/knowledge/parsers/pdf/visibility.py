"""Which characters of a PDF page a reader sees: those without which the page looks different.

The page is rendered with and without its text (the second time costs 1 to 2.5 ms, measured 2026-11). A character is
visible if the two pictures differ in its box. That finds white on white, transparent, clipped and covered text, text
behind a photo and in layers that are switched off. The contrast inside the box of one picture may be the photo's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from workers.knowledge.parsers.pdf.characters import Characters

# 144 dpi; a lower resolution misses small print.
_SCALE: Final = 2.0
# A0 at 144 dpi has 32 million pixels; larger pages are rendered more coarsely.
_MAX_PIXELS: Final = 32e6
# Grey levels by which a letter must differ from its background; 18 found 12 of 12 hiding techniques and no benign
# text (measured 2026-11). Pale watermarks in large letters count as visible.
_MIN_CONTRAST: Final = 18
_MIN_CONTRAST_LARGE: Final = 6
_LARGE_PT: Final = 30
# Letters lower than this, in points, cannot be read; the smallest print of real leaflets is 4 pt.
_MIN_HEIGHT: Final = 0.8
# The least width of a letter as a share of its height; "l" and "i" are 0.15 wide.
_MIN_WIDTH: Final = 0.05
# Body text is about 12 pixels high and 8 wide; the strokes of larger letters are wider than a step between samples.
_SAMPLES_DOWN, _SAMPLES_ACROSS = 12, 8
# Text render modes (ISO 32000-1, 9.3.6): 3 paints nothing, 4 and above add the letters to the clipping path.
_PAINTS_NOTHING, _CLIPS = 3, 4

VISIBLE, OFF_PAGE, TINY, UNPAINTED, NO_CONTRAST, DIFFERS = range(6)
REASONS: Final = (
    "",
    "it is outside the page",
    "it is too small to read",
    "it is drawn in invisible mode",
    "it is transparent, covered, clipped or in the colour of its background",
    "the text layer of the scan differs from its picture",
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader sees of a page's characters.

    `hidden` `(n,)` int8 is 0 for characters that are visible, blank or no text, else an index of REASONS;
    `ink` `(n,)` bool tells whether the page without its text shows something in the character's box, as scans do.
    """

    hidden: NDArray[np.int8]
    ink: NDArray[np.bool_]


def sight(page: pdfium.PdfPage, found: Characters) -> Sight:
    """What a reader of `page` sees of `found`."""
    hidden = np.zeros(len(found.codes), np.int8)
    letters = np.flatnonzero((found.owner >= 0) & np.array([not chr(code).isspace() for code in found.codes], bool))
    if not len(letters):
        return Sight(hidden, np.zeros(len(found.codes), bool))
    boxes = _drawn_boxes(found, letters)
    contrast, ground = _contrasts(page, found, letters, boxes)
    owner = found.owner[letters]
    sizes = np.array([each.size for each in found.objects])[owner]
    modes = np.array([each.mode for each in found.objects])[owner]
    large = sizes >= _LARGE_PT
    unseen = contrast < np.where(large, _MIN_CONTRAST_LARGE, _MIN_CONTRAST)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    outside = (middle < 0).any(axis=1) | (middle[:, 0] > found.width) | (middle[:, 1] > found.height)
    hidden[letters] = np.select(
        [outside, _tiny(found)[owner], unseen & (modes == _PAINTS_NOTHING), unseen],
        [OFF_PAGE, TINY, UNPAINTED, NO_CONTRAST],
        VISIBLE,
    )
    ink = np.zeros(len(found.codes), bool)
    ink[letters] = (ground >= _MIN_CONTRAST) & ~outside
    return Sight(hidden, ink)


def _drawn_boxes(found: Characters, letters: NDArray[np.intp]) -> NDArray[np.float64]:
    """The boxes of `letters`; if a font gives none, a letter's usual place above its origin."""
    boxes = found.boxes[letters].copy()
    empty = np.flatnonzero((boxes[:, 2] - boxes[:, 0] < 1e-3) & (boxes[:, 3] - boxes[:, 1] < 1e-3))
    for i in empty:
        (x, y), size = found.origins[letters[i]], found.objects[found.owner[letters[i]]].size
        boxes[i] = (x, y - 0.7 * size, x + 0.5 * size, y)
    return boxes


def _tiny(found: Characters) -> NDArray[np.bool_]:
    """For each text object, whether its highest letter is too low or its letters are too narrow to read."""
    width, height = (found.boxes[:, 2:] - found.boxes[:, :2]).T
    high = np.zeros(len(found.objects))
    wide = np.zeros(len(found.objects))
    owned = found.owner >= 0
    np.maximum.at(high, found.owner[owned], np.maximum(height, width)[owned])
    np.maximum.at(wide, found.owner[owned], np.minimum(height, width)[owned])
    n = np.bincount(found.owner[owned], minlength=len(found.objects))
    return (high > 0) & ((high < _MIN_HEIGHT) | ((wide < _MIN_WIDTH * high) & (n >= 8)))


def _contrasts(
    page: pdfium.PdfPage, found: Characters, letters: NDArray[np.intp], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """For each letter, how much it changes the picture and, if hardly, the contrast in its box without it."""
    scale = min(_SCALE, (_MAX_PIXELS / (found.width * found.height)) ** 0.5)
    with_text = _picture(page, scale)
    with without_text(found):
        without = _picture(page, scale)
    boxes = boxes * scale
    difference = np.maximum(with_text, without) - np.minimum(with_text, without)
    change = difference[_windows(difference.shape, boxes)].reshape(len(letters), -1).max(axis=1).astype(np.int16)
    # Text that clips affects what is drawn after it even while it is switched off, so its own contrast decides.
    clips = np.flatnonzero(np.array([each.mode >= _CLIPS for each in found.objects])[found.owner[letters]])
    if len(clips):
        change[clips] = _range(with_text, boxes[clips])
    ground = np.zeros(len(letters), np.int16)
    unseen = np.flatnonzero(change < _MIN_CONTRAST)
    if len(unseen):
        ground[unseen] = _range(without, boxes[unseen])
        if not all(each.mode == _PAINTS_NOTHING for each in found.objects):
            # Red on green of the same brightness is grey on grey, so letters that seem hidden are compared in colour.
            in_colour = _colour_change(page, found, scale, _windows(with_text.shape, boxes[unseen]))
            change[unseen] = np.maximum(change[unseen], in_colour)
    return change, ground


def _range(picture: NDArray[np.uint8], boxes: NDArray[np.float64]) -> NDArray[np.int16]:
    """The contrast of `picture` inside each of `boxes`."""
    return np.ptp(picture[_windows(picture.shape, boxes)].reshape(len(boxes), -1), axis=1).astype(np.int16)


def _colour_change(page: pdfium.PdfPage, found: Characters, scale: float, window: Any) -> NDArray[np.int16]:
    with without_text(found):
        without = _picture(page, scale, grey=False)
    with_text = _picture(page, scale, grey=False)
    change = np.abs(with_text[window].astype(np.int16) - without[window])
    return change.reshape(len(change), -1).max(axis=1)


def _windows(shape: tuple[int, ...], boxes: NDArray[np.float64]) -> Any:
    """An index that takes `(n, down, across)` samples of a picture, including one pixel around each box."""
    low, high = boxes[:, :2] - 1, boxes[:, 2:] + 1
    steps_down, steps_across = np.linspace(0, 1, _SAMPLES_DOWN), np.linspace(0, 1, _SAMPLES_ACROSS)
    down = low[:, 1:] + (high - low)[:, 1:] * steps_down
    across = low[:, :1] + (high - low)[:, :1] * steps_across
    rows = np.clip(down, 0, shape[0] - 1).astype(np.intp)
    columns = np.clip(across, 0, shape[1] - 1).astype(np.intp)
    return rows[:, :, None], columns[:, None, :]


def _picture(page: pdfium.PdfPage, scale: float, grey: bool = True) -> NDArray[np.uint8]:
    bitmap = page.render(scale=scale, grayscale=grey, draw_annots=False, may_draw_forms=False)
    return bitmap.to_numpy().copy()


@contextmanager
def without_text(found: Characters) -> Iterator[None]:
    """Render the page without its text inside the `with` block."""
    for each in found.objects:
        pdfium_c.FPDFPageObj_SetIsActive(each.handle, False)
    try:
        yield
    finally:
        for each in found.objects:
            pdfium_c.FPDFPageObj_SetIsActive(each.handle, True)
