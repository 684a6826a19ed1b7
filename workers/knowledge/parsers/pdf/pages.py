"""The content of one PDF page: visible text, text recognised in pictures, and hidden text."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray

from workers.isolation.errors import ScannedPages
from workers.knowledge import ocr
from workers.knowledge.parsers.pdf import forms, scans, visibility
from workers.knowledge.parsers.pdf.characters import MAX_PAGE_CHARACTERS, Characters, characters, shown_matrix
from workers.knowledge.parsers.pdf.layout import Placed, layout
from workers.knowledge.parsers.pdf.page_words import GONE, HiddenText, PageWords, turned_back, turning, words_of
from workers.knowledge.parsers.pdf.rules import grids
from workers.knowledge.parsers.words import TextPiece, Word, pieces_of, same_line

# Fewer visible letters next to a large picture are a stamp or page number on a scan.
_STAMP_LETTERS: Final = 200
# Fewer hidden letters over ink are no text layer.
_LAYER_LETTERS: Final = 12
# Share of a passage's hidden letters that must lie over ink for it to be a scan's text layer.
_OVER_INK: Final = 0.6
# A fifth of source code is these signs; leaders, numbers and formulas use others.
_ODD_SIGNS: Final = frozenset("!\"#$%&'*+<=>@[\\]^`{|}~")
_GARBLED_CHARACTERS: Final = 100
_GARBLED_SHARE: Final = 0.35
LOW_CONFIDENCE: Final = 70
# A page with fewer letters counts as one without text.
_EMPTY_LETTERS: Final = 3


@dataclass(slots=True)
class PageContent:
    """The content of a page, in reading order."""

    items: list[Placed] = field(default_factory=list)
    hidden: list[HiddenText] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    # The page needs text recognition, which isn't available.
    unread: bool = False
    # Words of a text layer that the picture doesn't show, by text and place.
    strange: set[tuple[str, float, float]] = field(default_factory=set)


def content(page: pdfium.PdfPage) -> PageContent:
    """The content of `page`."""
    found = characters(page)
    seen = visibility.sight(page, found)
    page_content = PageContent(comments=list(forms.comments(page)))
    if len(found.codes) == MAX_PAGE_CHARACTERS:
        page_content.notices.append(f"Only the first {MAX_PAGE_CHARACTERS:,} characters of this page were read.")
    letters = np.array([chr(code).isalnum() for code in found.codes], bool) & (found.owner >= 0)
    hidden = seen.hidden
    layer = _layer(found, seen, letters)
    n_visible = int((letters & (hidden == 0)).sum())
    is_scan = n_visible < _STAMP_LETTERS and scans.picture_share(page) >= scans.SCAN_SHARE
    read: ocr.Recognised | None = None
    if layer.any() or is_scan or n_visible < _EMPTY_LETTERS:
        read = _recognised(page, found, page_content)
    if layer.any():
        hidden, read = _apply_layer(found, hidden, layer, read, is_scan, page_content)
    elif _is_garbled(found, hidden == 0):
        hidden, read = _instead_of_garbled(page, found, hidden, page_content)
    words = words_of(found, hidden)
    _add_values(words, forms.field_values(page, shown_matrix(page)))
    _lay_out(page, words, read, page_content)
    page_content.hidden += words.hidden
    return page_content


def _add_values(words: PageWords, values: Sequence[Word]) -> None:
    """Insert the values of form fields after the words of their labels."""
    upright = words.words.setdefault(0, [])
    for value in values:
        before = [word for word in upright if same_line(word, value) and word.x0 < value.x0]
        label = max(before, key=lambda word: word.x0, default=None) or max(
            (word for word in upright if word.baseline < value.baseline), key=lambda word: word.baseline, default=None
        )
        place = upright.index(label) + 1 if label else 0
        upright.insert(place, value)
        words.order[id(value)] = words.order[id(label)] + 0.5 if label else -1


def _layer(found: Characters, seen: visibility.Sight, letters: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which characters are a scan's text layer: hidden, with most of their passage over ink."""
    layer = np.zeros(len(found.codes), bool)
    # On most pages too little is hidden over ink to look closer.
    over_ink = int(((seen.hidden != 0) & seen.ink).sum())
    for passage in words_of(found, seen.hidden).hidden if over_ink >= _OVER_INK * _LAYER_LETTERS else ():
        numbers = list(passage.numbers)
        if passage.reason != visibility.OFF_PAGE and seen.ink[numbers].mean() >= _OVER_INK:
            layer[numbers] = True
    return layer if (letters & layer).sum() >= _LAYER_LETTERS else np.zeros(len(found.codes), bool)


def _is_garbled(found: Characters, visible: NDArray[np.bool_]) -> bool:
    """Whether the fonts don't map shapes to characters, so that the text consists of odd signs."""
    codes = [found.codes[i] for i in np.flatnonzero(visible & (found.owner >= 0)).tolist()]
    n_private = sum(code < 32 or 0xE000 <= code <= 0xF8FF or 0xFFFD <= code <= 0xFFFF for code in codes)
    n_odd = n_private + sum(chr(code) in _ODD_SIGNS for code in codes)
    return len(codes) >= _GARBLED_CHARACTERS and n_odd > _GARBLED_SHARE * len(codes)


def _instead_of_garbled(
    page: pdfium.PdfPage, found: Characters, hidden: NDArray[np.int8], page_content: PageContent
) -> tuple[NDArray[np.int8], ocr.Recognised | None]:
    """The hidden characters and the recognised text of a page whose visible characters are garbled."""
    read = _recognised(page, found, page_content, with_text=True)
    if read is None or read.confidence < LOW_CONFIDENCE:
        page_content.unread = False
        page_content.notices.append(
            "The fonts of this page don't identify their characters. Much of it may be unreadable."
        )
        return hidden, None
    page_content.notices.append(
        "The fonts of this page don't identify their characters, so text recognition was used."
    )
    return np.where(hidden == 0, GONE, hidden).astype(np.int8), read


def _recognised(
    page: pdfium.PdfPage, found: Characters, page_content: PageContent, with_text: bool = False
) -> ocr.Recognised | None:
    """The text recognised in the page's pictures, or also in its visible text; None if there is none."""
    width, height = page.get_size()
    dots_per_inch = scans.recognition_dpi(width, height)
    with nullcontext() if with_text else visibility.without_text(found):
        bitmap = page.render(scale=dots_per_inch / 72, grayscale=True, draw_annots=False, may_draw_forms=False)
    try:
        return ocr.recognise(bitmap.to_pil(), dots_per_inch)
    except ScannedPages:
        page_content.unread = True
        return None


def _apply_layer(
    found: Characters,
    hidden: NDArray[np.int8],
    layer: NDArray[np.bool_],
    read: ocr.Recognised | None,
    is_scan: bool,
    page_content: PageContent,
) -> tuple[NDArray[np.int8], ocr.Recognised | None]:
    """The hidden characters and the recognised text that remain once the text `layer` is judged."""
    as_seen = np.where(layer, 0, hidden).astype(np.int8)
    words = words_of(found, np.where(layer, 0, GONE).astype(np.int8)).words
    lines = [piece for each in words.values() for piece in pieces_of(each)]
    compared = scans.compare(lines, [word.text for word in read.words] if read else [])
    if page_content.unread or (is_scan and not compared.comparable):
        page_content.unread = False
        page_content.notices.append("The text layer of this scan couldn't be compared with its picture.")
        return (as_seen if is_scan else hidden), None
    is_readable = read is not None and read.confidence >= LOW_CONFIDENCE
    if compared.agrees and compared.comparable and not (is_scan and compared.strange and is_readable):
        _hide_strange([lines[i] for i in compared.strange], page_content)
        return as_seen, None
    if not is_scan:
        return hidden, None
    page_content.notices.append("The text layer of this page differs from its picture, so text recognition was used.")
    _hide_strange(lines if not compared.agrees else [lines[i] for i in compared.strange], page_content)
    return np.where(layer, GONE, hidden).astype(np.int8), read


def _hide_strange(lines: Sequence[TextPiece], page_content: PageContent) -> None:
    """Hide the `lines` of a text layer that the picture doesn't show."""
    if lines:
        text = " ".join(piece.text for piece in lines)
        page_content.hidden.append(HiddenText(text, visibility.DIFFERS, 0))
        page_content.strange = {(word.text, word.x0, word.y0) for piece in lines for word in piece.words}


def _lay_out(page: pdfium.PdfPage, words: PageWords, read: ocr.Recognised | None, page_content: PageContent) -> None:
    """Add lines and tables to `page_content`: upright and recognised text together, then turned text."""
    to_shown = shown_matrix(page)
    width, height = page.get_size()
    by_angle = dict(sorted(words.words.items(), key=lambda each: -sum(len(word.text) for word in each[1])))
    order = words.order
    if read and read.words and not read.is_readable:
        page_content.notices.append(ocr.UNREADABLE)
        read = None
    if read:
        order |= {id(word): len(order) + i for i, word in enumerate(read.words)}
        upright = by_angle.pop(0, []) if read.quarter_turns == 0 else []
        if read.words and read.confidence < LOW_CONFIDENCE:
            page_content.notices.append(
                f"This page was read by text recognition with low confidence ({read.confidence:.0f} %)."
            )
        page_content.items += layout([*upright, *read.words], order, [])
    for angle, each in by_angle.items():
        kept = [word for word in each if (word.text, word.x0, word.y0) not in page_content.strange]
        turn = turning(angle, width, height)
        matrix = np.column_stack([turn[:, :2] @ to_shown[:, :2], turn[:, :2] @ to_shown[:, 2] + turn[:, 2]])
        page_content.items += layout(kept, order, grids(page, matrix))


def visible_words(page: pdfium.PdfPage) -> Sequence[Word]:
    """The visible words of `page` in the file's order, placed on the page as shown."""
    found = characters(page)
    words = words_of(found, visibility.sight(page, found).hidden)
    placed = [
        (words.order[id(word)], turned_back(word, angle, found.width, found.height))
        for angle, each in words.words.items()
        for word in each
    ]
    return [word for _, word in sorted(placed, key=lambda each: each[0])]
