"""One PDF page as its reader has it: visible text, recognised text of pictures, and what is hidden."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray

from workers.knowledge import ocr
from workers.knowledge.errors import ScannedPages
from workers.knowledge.parsers.pdf import forms, scans, visibility
from workers.knowledge.parsers.pdf.characters import MAX_PAGE_CHARACTERS, Characters, characters, shown_matrix
from workers.knowledge.parsers.pdf.layout import Placed, layout
from workers.knowledge.parsers.pdf.rules import grids
from workers.knowledge.parsers.pdf.words import GONE, PageWords, Passage, turned_back, turning, words_of
from workers.knowledge.parsers.words import Piece, Word, pieces_of, same_line

# Fewer visible letters than this beside a large picture are a stamp or page number on a scan.
_STAMP_LETTERS: Final = 200
# Fewer hidden letters over ink than this are no text layer.
_LAYER_LETTERS: Final = 12
# Part of the hidden letters of a passage that must lie over ink for it to be a scan's text layer.
_OVER_INK: Final = 0.6
# Source code has a fifth of these signs; leaders, numbers and formulas have other ones.
_ODD_SIGNS: Final = frozenset("!\"#$%&'*+<=>@[\\]^`{|}~")
_GARBLED_CHARACTERS: Final = 100
_GARBLED_SHARE: Final = 0.35
LOW_CONFIDENCE: Final = 70
# Fewer letters than this stand on a page that counts as one without text.
_EMPTY_LETTERS: Final = 3
_DIFFERS: Final = "the text layer of the scan differs from its picture"


@dataclass(frozen=True, slots=True)
class Hidden:
    """A hidden passage: why, and whether it is a text layer that says something else than the picture."""

    text: str
    reason: str
    after: int
    differs: bool = False


@dataclass(slots=True)
class Content:
    """What a page holds, in reading order."""

    items: list[Placed] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    # The page has something to recognise, and nothing here can.
    unread: bool = False
    # Words of a text layer that the picture does not show, by text and place.
    strange: set[tuple[str, float, float]] = field(default_factory=set)


def content(page: pdfium.PdfPage) -> Content:
    """What `page` holds."""
    found = characters(page)
    seen = visibility.sight(page, found)
    page_content = Content(comments=list(forms.comments(page)))
    if len(found.codes) == MAX_PAGE_CHARACTERS:
        page_content.notices.append(f"Only the first {MAX_PAGE_CHARACTERS:,} characters of this page were read.")
    letters, hidden = _letters(found), seen.hidden
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
    page_content.hidden += [_hidden(passage) for passage in words.hidden]
    return page_content


def _add_values(words: PageWords, values: Sequence[Word]) -> None:
    """Put what is written in form fields after the words of their labels."""
    upright = words.words.setdefault(0, [])
    for value in values:
        before = [word for word in upright if same_line(word, value) and word.x0 < value.x0]
        label = max(before, key=lambda word: word.x0, default=None) or max(
            (word for word in upright if word.baseline < value.baseline), key=lambda word: word.baseline, default=None
        )
        place = upright.index(label) + 1 if label else 0
        upright.insert(place, value)
        # Between the label and the word after it.
        words.order[id(value)] = words.order[id(label)] + 0.5 if label else -1


def _letters(found: Characters) -> NDArray[np.bool_]:
    """Which characters are letters and digits of the file."""
    return np.array([chr(code).isalnum() for code in found.codes], bool) & (found.owner >= 0)


def _layer(found: Characters, seen: visibility.Sight, letters: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which characters are a scan's text layer: hidden, and over ink for the most part of their passage."""
    layer = np.zeros(len(found.codes), bool)
    # Few pages hide so much over ink that it is worth while to look closer.
    over_ink = int(((seen.hidden != 0) & seen.ink).sum())
    for passage in words_of(found, seen.hidden).hidden if over_ink >= _OVER_INK * _LAYER_LETTERS else ():
        numbers = list(passage.numbers)
        if passage.reason != visibility.OFF_PAGE and seen.ink[numbers].mean() >= _OVER_INK:
            layer[numbers] = True
    return layer if (letters & layer).sum() >= _LAYER_LETTERS else np.zeros(len(found.codes), bool)


def _is_garbled(found: Characters, visible: NDArray[np.bool_]) -> bool:
    """Whether the fonts do not tell which characters their shapes are: signs that no text has so many of."""
    shown = np.flatnonzero(visible & (found.owner >= 0))
    odd = sum(_is_odd(found.codes[i]) for i in shown.tolist())
    return len(shown) >= _GARBLED_CHARACTERS and odd > _GARBLED_SHARE * len(shown)


def _is_odd(code: int) -> bool:
    return code < 32 or chr(code) in _ODD_SIGNS or 0xE000 <= code <= 0xF8FF or 0xFFFD <= code <= 0xFFFF


def _instead_of_garbled(
    page: pdfium.PdfPage, found: Characters, hidden: NDArray[np.int8], page_content: Content
) -> tuple[NDArray[np.int8], ocr.Recognised | None]:
    """What the page shows in place of visible characters that make no sense, if it can be recognised."""
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
    page: pdfium.PdfPage, found: Characters, page_content: Content, with_text: bool = False
) -> ocr.Recognised | None:
    """The text of the page's pictures alone or with its visible text, None if there is none."""
    width, height = page.get_size()
    dots_per_inch = scans.recognition_dpi(width, height)
    with nullcontext() if with_text else visibility.without_text(found):
        bitmap = page.render(scale=dots_per_inch / 72, grayscale=True, draw_annots=False, may_draw_forms=False)
    try:
        return ocr.recognise(bitmap.to_pil(), dots_per_inch)
    except ScannedPages:
        page_content.unread = True
        return None


def _layer_lines(found: Characters, layer: NDArray[np.bool_]) -> list[Piece]:
    words = words_of(found, np.where(layer, 0, GONE).astype(np.int8)).words
    return [piece for each in words.values() for piece in pieces_of(each)]


def _apply_layer(
    found: Characters,
    hidden: NDArray[np.int8],
    layer: NDArray[np.bool_],
    read: ocr.Recognised | None,
    is_scan: bool,
    page_content: Content,
) -> tuple[NDArray[np.int8], ocr.Recognised | None]:
    """The hidden characters and the recognised text that are left once the text `layer` is judged."""
    as_seen = np.where(layer, 0, hidden).astype(np.int8)
    lines = _layer_lines(found, layer)
    compared = scans.compare(lines, [word.text for word in read.words] if read else [])
    if page_content.unread or (is_scan and not compared.comparable):
        page_content.unread = False
        page_content.notices.append("The text layer of this scan couldn't be compared with its picture.")
        return (as_seen if is_scan else hidden), None
    if compared.agrees and compared.comparable:
        _tell_strange([lines[i] for i in compared.strange], page_content)
        return as_seen, None
    if not is_scan:
        return hidden, None
    _tell_strange(lines, page_content)
    return np.where(layer, GONE, hidden).astype(np.int8), read


def _tell_strange(lines: Sequence[Piece], page_content: Content) -> None:
    """Hide the `lines` of a text layer that the picture does not show."""
    if lines:
        text = " ".join(piece.text for piece in lines)
        page_content.hidden.append(Hidden(text, _DIFFERS, 0, differs=True))
        page_content.strange = {(word.text, word.x0, word.y0) for piece in lines for word in piece.words}


def _lay_out(page: pdfium.PdfPage, words: PageWords, read: ocr.Recognised | None, page_content: Content) -> None:
    """Put lines and tables into `page_content`: upright text and recognised text together, turned text after it."""
    to_shown = shown_matrix(page)
    width, height = page.get_size()
    by_angle = dict(sorted(words.words.items(), key=lambda each: -sum(len(word.text) for word in each[1])))
    order = words.order
    if read:
        order |= {id(word): len(order) + i for i, word in enumerate(read.words)}
        upright = by_angle.pop(0, []) if read.quarter_turns == 0 else []
        _tell_confidence(read, page_content)
        page_content.items += layout([*upright, *read.words], order, [])
    for angle, each in by_angle.items():
        kept = [word for word in each if (word.text, word.x0, word.y0) not in page_content.strange]
        turn = turning(angle, width, height)
        matrix = np.column_stack([turn[:, :2] @ to_shown[:, :2], turn[:, :2] @ to_shown[:, 2] + turn[:, 2]])
        page_content.items += layout(kept, order, grids(page, matrix))


def _tell_confidence(read: ocr.Recognised, page_content: Content) -> None:
    if read.words and read.confidence < LOW_CONFIDENCE:
        page_content.notices.append(
            f"This page was read by text recognition with low confidence ({read.confidence:.0f} %)."
        )


def _hidden(passage: Passage) -> Hidden:
    return Hidden(passage.text, visibility.reason(passage.reason), passage.after)


def visible_words(page: pdfium.PdfPage) -> Sequence[Word]:
    """The visible words of `page` in the file's order, with their places on the page as shown."""
    found = characters(page)
    words = words_of(found, visibility.sight(page, found).hidden)
    placed = [
        (words.order[id(word)], turned_back(word, angle, found.width, found.height))
        for angle, each in words.words.items()
        for word in each
    ]
    return [word for _, word in sorted(placed, key=lambda each: each[0])]
