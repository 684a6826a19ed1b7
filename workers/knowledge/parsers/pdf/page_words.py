"""Groups the characters of a PDF page into visible words and hidden passages."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.knowledge.parsers.pdf.characters import Characters, Numbers, transformed
from workers.knowledge.parsers.runs import runs
from workers.knowledge.parsers.words import Word

# Stands among the reasons for hidden characters: read from elsewhere.
GONE: Final = -1
# A gap of this share of the letter size is a space even if the file has none.
_SPACE: Final = 0.22
# A gap is no space if the font's own space leaves less than this: "1" and "目" are narrower than their advance.
_KERNING: Final = 0.1
# Fewer letters are specks: a stray glyph, the white half of a shadow.
_MIN_HIDDEN_LETTERS: Final = 3
# pdfium marks a hyphen at a line's end in its own way.
_RIGHT_TO_LEFT: Final = re.compile("[\u0590-\u065f\u066e-\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_PRESENTATION: Final = re.compile("[\ufb00-\ufdff\ufe70-\ufefc]")
_ALEFS, _LAM = "اأإآ", "ل"
_HYPHENS: Final = {0x2: "-", 0xFFFE: "-", 0xAD: "-"}
_NOT_TEXT: Final = {0, 0xFEFF, 0xFFFF}


@dataclass(frozen=True, slots=True)
class HiddenText:
    """Hidden text: why (see `visibility`), the visible words before it, and the numbers of its characters.

    `is_cut`: it is the rest of visible text, which the edge of the page cuts off.
    """

    text: str
    reason: int
    after: int
    numbers: tuple[int, ...] = ()
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class PageWords:
    """The visible words of a page by their direction (quarter turns clockwise), and its hidden passages."""

    words: dict[int, list[Word]]
    order: dict[int, float]
    hidden: tuple[HiddenText, ...]


def words_of(found: Characters, hidden: NDArray[np.int8]) -> PageWords:
    """The words and hidden passages among the characters `found`, without those marked GONE in `hidden`."""
    frames = {angle: _turned(found, angle) for angle in {each.angle for each in found.objects}}
    words: dict[int, list[Word]] = {}
    order: dict[int, float] = {}
    passages: list[HiddenText] = []
    pending: list[int] = []
    places: dict[str, list[tuple[float, float]]] = {}
    for group, begins_line in _groups(found, frames, hidden):
        if hidden[group[0]]:
            if pending and hidden[pending[0]] != hidden[group[0]]:
                passages += _passage(found, hidden, pending, len(order))
                pending = []
            pending += group
            continue
        angle = found.objects[found.owner[group[0]]].angle
        word = _word(found, frames[angle], group, begins_line)
        # Words drawn twice look bold or have a shadow.
        near, known = 0.2 * word.size, places.setdefault(word.text, [])
        if any(abs(word.x0 - x) < near and abs(word.y0 - y) < near for x, y in known):
            continue
        known.append((word.x0, word.y0))
        if pending:
            passages += _passage(found, hidden, pending, len(order))
            pending = []
        words.setdefault(angle, []).append(word)
        order[id(word)] = len(order)
    passages += _passage(found, hidden, pending, len(order)) if pending else []
    return PageWords(words, order, tuple(passages))


@dataclass(frozen=True, slots=True)
class _Frame:
    """The places of a page's characters when it is turned so that text of one angle runs to the right."""

    boxes: Numbers
    spans: Numbers
    origins: Numbers


def _turned(found: Characters, angle: int) -> _Frame:
    if angle == 0:
        return _Frame(found.boxes, found.spans, found.origins)
    turn = turning(angle, found.width, found.height)
    origins = found.origins @ turn[:, :2].T + turn[:, 2]
    return _Frame(transformed(found.boxes, turn), transformed(found.spans, turn), origins)


def turning(angle: int, width: float, height: float) -> Numbers:
    """The `(2, 3)` matrix that turns a page of this size so that text of `angle` runs to the right."""
    return np.array(
        {
            0: ((1, 0, 0), (0, 1, 0)),
            1: ((0, 1, 0), (-1, 0, width)),
            2: ((-1, 0, width), (0, -1, height)),
            3: ((0, -1, height), (1, 0, 0)),
        }[angle],
        float,
    )


def _groups(
    found: Characters, frames: dict[int, _Frame], hidden: NDArray[np.int8]
) -> Iterator[tuple[list[int], bool]]:
    """The numbers of each word's characters, and whether the file begins a line with it."""
    group: list[int] = []
    begins, next_begins = True, True
    owner, unseen, breaks = found.owner.tolist(), hidden.tolist(), _breaks(found, frames)
    for i, code in enumerate(found.codes):
        if owner[i] < 0 or unseen[i] == GONE or code in _NOT_TEXT or chr(code).isspace():
            if group:
                yield group, begins
                group, begins = [], False
            next_begins = next_begins or code in (10, 13)
            continue
        if group and (breaks[i] or unseen[i] != unseen[group[-1]]):
            yield group, begins
            group = []
        if not group:
            begins, next_begins = next_begins, False
        group.append(i)
    if group:
        yield group, begins


def _breaks(found: Characters, frames: dict[int, _Frame]) -> list[bool]:
    """For each character, whether a gap or another line separates it from the one before."""
    breaks = np.ones(len(found.codes), bool)
    if not found.objects:
        return breaks.tolist()
    sizes, angles = np.array([(each.size, each.angle) for each in found.objects]).T
    first, second = found.owner[:-1], found.owner[1:]
    size = np.maximum(sizes[first], sizes[second])
    for angle, frame in frames.items():
        lifted = np.abs(np.diff(frame.origins[:, 1])) > 0.6 * size
        wide = _gaps(frame.boxes) > np.where(first == second, 2 * _SPACE, _SPACE) * size
        tight = (first != second) & (_gaps(frame.spans) <= _KERNING * size)
        alike = (angles[first] == angle) & (angles[second] == angle)
        breaks[1:][alike] = (lifted | (wide & ~tight))[alike]
    return breaks.tolist()


def _gaps(boxes: Numbers) -> Numbers:
    gaps: Numbers = np.maximum(boxes[1:, 0] - boxes[:-1, 2], boxes[:-1, 0] - boxes[1:, 2])
    return gaps


def _word(found: Characters, frame: _Frame, group: list[int], begins_line: bool) -> Word:
    whole = slice(group[0], group[-1] + 1)
    x0, y0, x1, y1 = zip(*frame.boxes[whole].tolist(), strict=True)
    # A raised digit has the baseline of its word.
    largest = max(set(found.owner[whole].tolist()), key=lambda number: found.objects[number].size)
    first = next(i for i in group if found.owner[i] == largest)
    main = found.objects[largest]
    return Word(
        text=_text(found, _read_order(found, frame, group)),
        x0=min(x0),
        y0=min(y0),
        x1=max(x1),
        y1=max(y1),
        baseline=float(frame.origins[first, 1]),
        size=main.size if main.size >= 1 else max(y1) - min(y0),
        bold=main.bold,
        begins_line=begins_line,
    )


def _read_order(found: Characters, frame: _Frame, group: list[int]) -> list[int]:
    """`group` in reading order: pdfium gives some Arabic and Hebrew words from left to right, and turns lam-alef."""
    if not any(_RIGHT_TO_LEFT.match(chr(found.codes[i])) for i in group):
        return group
    left = frame.boxes[:, 0]
    order: list[int] = []
    for is_turned, run in groupby(group, lambda i: bool(_RIGHT_TO_LEFT.match(chr(found.codes[i])))):
        numbers = list(run)
        steps = [left[b] - left[a] for a, b in pairwise(numbers)]
        if is_turned and sum(step > 0 for step in steps) > len(steps) / 2:
            numbers.reverse()
        order += numbers
    for at, (a, b) in enumerate(pairwise(order)):
        if chr(found.codes[a]) in _ALEFS and chr(found.codes[b]) == _LAM and left[b] > left[a]:
            order[at : at + 2] = b, a
    return order


def _text(found: Characters, group: Sequence[int]) -> str:
    """The characters as text, ligatures and presentation forms decomposed."""
    text = "".join(_HYPHENS.get(found.codes[i]) or chr(found.codes[i]) for i in group)
    if text.isascii():
        return text
    return _PRESENTATION.sub(lambda form: unicodedata.normalize("NFKC", form[0]), text)


def _passage(found: Characters, hidden: NDArray[np.int8], numbers: list[int], after: int) -> Iterator[HiddenText]:
    """The hidden text of `numbers`, unless it is a speck."""
    parts = runs(numbers, lambda part, i: i > part[-1] + 1)
    text = " ".join("".join(_HYPHENS.get(found.codes[i]) or chr(found.codes[i]) for i in part) for part in parts)
    if sum(map(str.isalpha, text)) >= _MIN_HIDDEN_LETTERS:
        shown = np.isin(found.owner, found.owner[numbers]) & (hidden == 0)
        is_cut = any(chr(found.codes[i]).isalnum() for i in np.flatnonzero(shown).tolist())
        yield HiddenText(text, int(hidden[numbers[0]]), after, tuple(numbers), is_cut)


def turned_back(word: Word, angle: int, width: float, height: float) -> Word:
    """`word`, placed on the page turned by `angle`, with its place on the page as shown."""
    if angle == 0:
        return word
    turn = turning(-angle % 4, *((height, width) if angle % 2 else (width, height)))
    x0, y0, x1, y1 = transformed(np.array([word.x0, word.y0, word.x1, word.y1]), turn)[0].tolist()
    return replace(word, x0=x0, y0=y0, x1=x1, y1=y1)
